package protocol

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
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
		w.buf = appendJSONString(w.buf, *s.string())
	case kindAttribute:
		w.buf = appendAttribute(w.buf, *s.attribute())
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
		w.buf = appendJSONBlob(w.buf, *s.blob())
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
		w.buf = appendAttributes(w.buf, *s.attributes())
		return nil
	}
	w.buf = append(w.buf, '{')
	first := true
	for key, v := range s.entries(sh) {
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.buf = append(appendJSONString(w.buf, key), ':')
		if err := w.value(sh.elem, v, m); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, '}')
	return nil
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

// plain is 1 for the bytes that stand for themselves in a JSON string and are
// no part of a longer character.
var plain = func() (t [256]uint8) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = 1
	}
	t['"'], t['\\'] = 0, 0
	return t
}()

// appendJSONString writes s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] == 1 {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
