package protocol

import (
	"fmt"
	"math"
	"strconv"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/jsontext"
)

func (n jsonNotation) encode(e *encoding, sh *shape, s slot) error {
	return jsonWriter{e, n.rest}.structure(sh, s)
}

func (n jsonNotation) encodePayload(e *encoding, m *member, s slot) error {
	return jsonWriter{e, n.rest}.value(m.shape, s.field(m), m)
}

// jsonWriter appends values to an encoding's buffer.
type jsonWriter struct {
	*encoding
	rest bool
}

// structure writes an object of the members that are there and belong to the body.
func (w jsonWriter) structure(sh *shape, s slot) error {
	start := len(w.buf)
	w.buf = append(w.buf, '{')
	if err := w.members(sh, s); err != nil {
		return err
	}
	if len(w.buf) > start+1 {
		w.buf = w.buf[:len(w.buf)-1] // the comma behind the last member
	}
	w.buf = append(w.buf, '}')
	return nil
}

// members writes the members of a structure, a comma behind each.
func (w jsonWriter) members(sh *shape, s slot) error {
	members := sh.all
	if w.rest {
		members = sh.body
	}
	for _, m := range members {
		at := s.field(m)
		if at.absent(m.shape) && !m.writtenEmpty() {
			continue
		}
		if w.rest {
			w.buf = append(w.buf, m.quotedWire...)
		} else {
			w.buf = append(w.buf, m.quoted...)
		}
		if err := w.value(m.shape, at, m); err != nil {
			return err
		}
		w.buf = append(w.buf, ',')
	}
	return nil
}

func (w jsonWriter) value(sh *shape, s slot, m *member) error {
	switch sh.kind {
	case kindPointer:
		target, ok := s.target()
		if !ok {
			w.buf = append(w.buf, "null"...)
			return nil
		}
		return w.value(sh.elem, target, m)
	case kindStruct:
		return w.structure(sh, s)
	case kindString:
		w.buf = jsontext.AppendString(w.buf, *s.string())
	case kindAttribute:
		w.buf = attribute.AppendJSON(w.buf, *s.attribute())
	case kindItem:
		return w.item(*s.item())
	case kindBool:
		w.buf = strconv.AppendBool(w.buf, *s.bool())
	case kindInt32:
		w.buf = strconv.AppendInt(w.buf, int64(*s.int32()), 10)
	case kindInt64:
		w.buf = strconv.AppendInt(w.buf, *s.int64(), 10)
	case kindFloat32:
		w.buf = appendJSONFloat(w.buf, float64(*s.float32()), 32)
	case kindFloat64:
		w.buf = appendJSONFloat(w.buf, *s.float64(), 64)
	case kindBlob:
		w.buf = jsontext.AppendBinary(w.buf, *s.blob())
	case kindTime:
		f := m.timeFormat(timeUnix)
		if f == timeUnix {
			w.buf = appendTime(w.buf, f, *s.time())
			break
		}
		w.buf = append(w.buf, '"')
		w.buf = append(appendTime(w.buf, f, *s.time()), '"')
	case kindList:
		w.buf = append(w.buf, '[')
		for i := range s.len() {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			if err := w.value(sh.elem, s.elem(sh, i), m); err != nil {
				return err
			}
		}
		w.buf = append(w.buf, ']')
	case kindMap:
		return w.mapping(sh, s, m)
	case kindDocument:
		return w.document(*s.document())
	default:
		return fmt.Errorf("protocol: no JSON for %s", sh.typ)
	}
	return nil
}

func (w jsonWriter) mapping(sh *shape, s slot, m *member) error {
	if sh.elem.kind == kindAttribute {
		return w.item(*s.attributes())
	}
	w.buf = append(w.buf, '{')
	first := true
	for key, v := range s.entries(sh) {
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.buf = append(jsontext.AppendString(w.buf, key), ':')
		if err := w.value(sh.elem, v, m); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, '}')
	return nil
}

func (w jsonWriter) item(it attribute.Item) (err error) {
	if it == nil {
		it = attribute.M(nil)
	}
	w.buf, err = it.AppendJSON(w.buf)
	return err
}

// appendJSONFloat writes a float with a point or an exponent, by which clients
// that have no types tell it from an integer, as AWS's own answers let them.
func appendJSONFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return append(strconv.AppendFloat(b, f, 'f', -1, bits), ".0"...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, bits)
}
