package protocol

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

func (cborNotation) encode(e *encoding, sh *shape, s slot) error {
	return cborWriter{e}.structure(sh, s)
}

func (cborNotation) encodePayload(e *encoding, m *member, s slot) error {
	return cborWriter{e}.value(m.shape, s.field(m))
}

// cborWriter appends values to an encoding's buffer.
type cborWriter struct{ *encoding }

// structure writes a map without a length, as AWS does, of the members that are there.
func (w cborWriter) structure(sh *shape, s slot) error {
	w.buf = append(w.buf, cborMap<<5|31)
	if err := w.members(sh, s); err != nil {
		return err
	}
	w.buf = append(w.buf, cborBreak)
	return nil
}

func (w cborWriter) members(sh *shape, s slot) error {
	for _, m := range sh.all {
		at := s.field(m)
		if at.absent(m.shape) && !m.writtenEmpty() {
			continue
		}
		w.buf = appendCBORText(w.buf, m.name)
		if err := w.value(m.shape, at); err != nil {
			return err
		}
	}
	return nil
}

func (w cborWriter) value(sh *shape, s slot) error {
	switch sh.kind {
	case kindPointer:
		target, ok := s.target()
		if !ok {
			w.buf = append(w.buf, cborNullTag)
			return nil
		}
		return w.value(sh.elem, target)
	case kindStruct:
		return w.structure(sh, s)
	case kindString:
		w.buf = appendCBORText(w.buf, *s.string())
	case kindBlob:
		w.buf = append(appendCBORHead(w.buf, cborBytes, uint64(len(*s.blob()))), *s.blob()...)
	case kindBool:
		b := byte(cborSimple<<5 | cborFalse)
		if *s.bool() {
			b++
		}
		w.buf = append(w.buf, b)
	case kindInt32:
		w.buf = appendCBORInt(w.buf, int64(*s.int32()))
	case kindInt64:
		w.buf = appendCBORInt(w.buf, *s.int64())
	case kindFloat32:
		w.buf = append(w.buf, cborSimple<<5|26)
		w.buf = binary.BigEndian.AppendUint32(w.buf, math.Float32bits(*s.float32()))
	case kindFloat64:
		w.buf = appendCBORDouble(w.buf, *s.float64())
	case kindTime:
		w.buf = append(w.buf, cborTag<<5|1)
		w.buf = appendCBORDouble(w.buf, float64(s.time().UnixMilli())/1000)
	case kindList:
		w.buf = appendCBORHead(w.buf, cborArray, uint64(s.len()))
		for i := range s.len() {
			if err := w.value(sh.elem, s.elem(sh, i)); err != nil {
				return err
			}
		}
	case kindMap:
		w.buf = appendCBORHead(w.buf, cborMap, uint64(s.mapLen(sh)))
		for key, v := range s.entries(sh) {
			w.buf = appendCBORText(w.buf, key)
			if err := w.value(sh.elem, v); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("protocol: no CBOR for %s", sh.typ)
	}
	return nil
}

// appendCBORHead writes the head of a data item in its shortest form.
func appendCBORHead(b []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(b, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(b, major|24, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), arg)
}

// appendCBORText writes a text string; bytes that are no UTF-8 become U+FFFD.
func appendCBORText(b []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return append(appendCBORHead(b, cborText, uint64(len(s))), s...)
}

func appendCBORInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendCBORHead(b, cborNeg, uint64(-1-v))
	}
	return appendCBORHead(b, cborUint, uint64(v))
}

func appendCBORDouble(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, cborSimple<<5|27), math.Float64bits(f))
}
