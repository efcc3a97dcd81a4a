package protocol

import (
	"math"
	"sync"

	"github.com/virga-cloud/virga/api"
)

// jsonNotation is JSON as awsJson 1.0 and 1.1 have it (members by the model's
// names) or, with rest, as restJson1 has it (by their wire names).
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
type jsonNotation struct{ rest bool }

func (n jsonNotation) contentType(op *api.Operation) string {
	switch {
	case n.rest:
		return "application/json"
	case op.Service != nil && op.Service.JSONVersion == "1.1":
		return "application/x-amz-json-1.1"
	}
	return "application/x-amz-json-1.0"
}

func (n jsonNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	r := n.reader(d, data)
	defer r.free()
	if r.space() == 0 && r.pos == len(data) {
		return nil
	}
	return r.finish(r.structure(sh, s))
}

func (n jsonNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	r := n.reader(d, data)
	defer r.free()
	if r.space() == 0 && r.pos == len(data) {
		return nil
	}
	return r.finish(r.value(m.shape, s.field(m), m))
}

// jsonReader decodes one body.
type jsonReader struct {
	jsonLexer
	d    *decoding
	rest bool
	sent sentItems
	// slabs are for the structures that were read last.
	slabs [4]slab
}

var jsonReaders = sync.Pool{New: func() any { return new(jsonReader) }}

func (n jsonNotation) reader(d *decoding, data []byte) *jsonReader {
	r := jsonReaders.Get().(*jsonReader)
	r.data, r.d, r.rest = data, d, n.rest
	return r
}

// free gives the reader back without what it read.
func (r *jsonReader) free() {
	if cap(r.scratch) > maxPooled || cap(r.sent.buf) > maxPooled {
		return
	}
	*r = jsonReader{
		jsonLexer: jsonLexer{scratch: r.scratch[:0]},
		sent:      sentItems{buf: r.sent.buf[:0]},
	}
	jsonReaders.Put(r)
}

// finish demands, after a value was read with err, that nothing but space
// follows, and gives malformed JSON the service's own error.
func (r *jsonReader) finish(err error) error {
	if r.space(); err == nil && r.pos != len(r.data) {
		err = errJSONSyntax
	}
	if err == errJSONSyntax {
		return errMalformedJSON(r.d.op.Service)
	}
	return err
}

// structure reads an object into the structure at s.
func (r *jsonReader) structure(sh *shape, s slot) error {
	if c := r.space(); c != '{' {
		return r.wrongType(sh)
	}
	if err := r.open(); err != nil {
		return err
	}
	names := sh.byName
	if r.rest {
		names = sh.byWire
	}
	set := 0
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		key, err := r.key()
		if err != nil {
			return err
		}
		m := names[string(key)]
		if m == nil {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		if r.space() == 'n' {
			if err := r.literal("null"); err != nil {
				return err
			}
			continue
		}
		if set++; sh.union && set > 1 {
			return errSerialization("Cannot deserialize union " + sh.name + ": more than one member is set")
		}
		at := s.field(m)
		if err := r.value(m.shape, at, m); err != nil {
			return err
		}
		if m.shape.kind == kindString && *at.string() == "" || m.shape.kind == kindTime {
			r.d.note(m.shape, at)
		}
	}
}

// value reads a value that is not null.
func (r *jsonReader) value(sh *shape, s slot, m *member) error {
	switch sh.kind {
	case kindPointer:
		return r.value(sh.elem, r.makeTarget(sh, s), m)
	case kindStruct:
		return r.structure(sh, s)
	case kindString:
		return r.stringValue(sh, s.string())
	case kindAttribute:
		return r.attribute(s.attribute())
	case kindItem:
		return r.item(s.item())
	case kindList:
		return r.list(sh, s, m)
	case kindMap:
		return r.mapping(sh, s, m)
	case kindBlob:
		b, err := r.blob(sh)
		*s.blob() = b
		return err
	case kindBool:
		b, err := r.boolean(sh)
		*s.bool() = b
		return err
	case kindInt32:
		v, err := r.integer(sh, math.MinInt32, math.MaxInt32)
		*s.int32() = int32(v)
		return err
	case kindInt64:
		v, err := r.integer(sh, math.MinInt64, math.MaxInt64)
		*s.int64() = v
		return err
	case kindFloat32:
		v, err := r.float(sh, 32)
		*s.float32() = float32(v)
		return err
	case kindFloat64:
		v, err := r.float(sh, 64)
		*s.float64() = v
		return err
	case kindTime:
		return r.timestamp(sh, s, m.timeFormat(timeUnix))
	case kindDocument:
		v, err := r.document()
		*s.document() = v
		return err
	}
	return r.wrongType(sh)
}

// makeTarget gives the pointer at s a new zero value and returns its slot.
func (r *jsonReader) makeTarget(sh *shape, s slot) slot {
	if sh.elem.kind != kindStruct {
		return s.makeTarget(sh)
	}
	for i := range r.slabs {
		b := &r.slabs[i]
		if b.of == nil {
			b.of = sh.elem
		}
		if b.of == sh.elem {
			return b.makeTarget(s)
		}
	}
	return s.makeTarget(sh)
}

// list reads an array. Nulls are left out, but for sparse lists, where they
// are nil pointers to what is no structure.
func (r *jsonReader) list(sh *shape, s slot, m *member) error {
	if r.space() != '[' {
		return r.wrongType(sh)
	}
	if err := r.open(); err != nil {
		return err
	}
	s.makeList(sh)
	sparse := sh.sparse()
	for first := true; ; first = false {
		more, err := r.next(']', first)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		if r.space() == 'n' && sh.elem.kind != kindAttribute {
			if err := r.literal("null"); err != nil {
				return err
			}
			if sparse {
				s.appendZero(sh)
			}
			continue
		}
		if err := r.element(sh.elem); err != nil {
			return err
		}
		if err := r.value(sh.elem, s.appendZero(sh), m); err != nil {
			return err
		}
	}
}

// mapping reads an object as a map; nulls as in lists.
func (r *jsonReader) mapping(sh *shape, s slot, m *member) error {
	if r.space() != '{' {
		return r.wrongType(sh)
	}
	if sh.elem.kind == kindAttribute {
		values, err := r.attributes()
		*s.attributes() = values
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	if sh.typ == typeStringMap {
		values, err := r.strings(sh.elem)
		*s.strings() = values
		return err
	}
	s.makeMap(sh)
	sparse := sh.sparse()
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		key, err := r.keyString()
		if err != nil {
			return err
		}
		null := r.space() == 'n'
		v := newValue(sh.elem)
		if null {
			err = r.literal("null")
		} else if err = r.element(sh.elem); err == nil {
			err = r.value(sh.elem, v, m)
		}
		if err != nil {
			return err
		}
		if !null || sparse {
			s.put(sh, key, v)
		}
	}
}

// strings reads the rest of a map of strings, its brace being read.
func (r *jsonReader) strings(elem *shape) (map[string]string, error) {
	values := map[string]string{}
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil || !more {
			return values, err
		}
		key, err := r.keyString()
		if err != nil {
			return nil, err
		}
		if r.space() == 'n' {
			if err := r.literal("null"); err != nil {
				return nil, err
			}
			continue
		}
		var v string
		if err := r.stringValue(elem, &v); err != nil {
			return nil, err
		}
		values[key] = v
	}
}
