package protocol

import (
	"math"

	"github.com/virga-cloud/virga/api"
)

// cborNotation is CBOR as Smithy's RPC v2 has it: structures are maps with the
// model's member names, timestamps are tag 1.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
//
// It is written by hand, like the JSON, because it walks plans: the libraries
// for CBOR decode into Go values by their own tags and offer no tokens.
type cborNotation struct{}

func (cborNotation) contentType(*api.Operation) string { return "application/cbor" }

func (cborNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	if len(data) == 0 {
		return nil
	}
	r := cborReader{cborLexer{data: data}, d}
	return r.finish(r.value(sh, s))
}

func (cborNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	if len(data) == 0 {
		return nil
	}
	r := cborReader{cborLexer{data: data}, d}
	return r.finish(r.value(m.shape, s.field(m)))
}

// cborReader decodes one body.
type cborReader struct {
	cborLexer
	d *decoding
}

// finish demands, after a value was read with err, that nothing follows.
func (r *cborReader) finish(err error) error {
	if err == nil && r.pos != len(r.data) {
		err = errCBORSyntax
	}
	if err == errCBORSyntax {
		return &api.Error{Code: "SerializationException", Status: 400}
	}
	return err
}

// value reads a value that is not null.
func (r *cborReader) value(sh *shape, s slot) error {
	if sh.kind == kindPointer {
		return r.value(sh.elem, s.makeTarget(sh))
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	if sh.kind == kindTime {
		return r.timestamp(h, s)
	}
	if h, err = r.untag(h); err != nil {
		return err
	}
	switch sh.kind {
	case kindStruct:
		if h.major == cborMap {
			return r.structure(h, sh, s)
		}
	case kindString:
		if h.major == cborText {
			*s.string(), err = r.text(h)
			return err
		}
	case kindBlob:
		if h.major == cborBytes {
			*s.blob(), err = r.bytes(h)
			return err
		}
	case kindBool:
		if h.isBool() {
			*s.bool() = h.arg == cborTrue
			return nil
		}
	case kindInt32:
		if v, ok := h.integer(); ok && v >= math.MinInt32 && v <= math.MaxInt32 {
			*s.int32() = int32(v)
			return nil
		}
	case kindInt64:
		if v, ok := h.integer(); ok {
			*s.int64() = v
			return nil
		}
	case kindFloat32:
		if f, ok := h.float(); ok {
			*s.float32() = float32(f)
			return nil
		}
	case kindFloat64:
		if f, ok := h.float(); ok {
			*s.float64() = f
			return nil
		}
	case kindList:
		if h.major == cborArray {
			return r.list(h, sh, s)
		}
	case kindMap:
		if h.major == cborMap {
			return r.mapping(h, sh, s)
		}
	}
	return errSerialization("Unexpected CBOR type for " + javaSimpleType(sh))
}

func (r *cborReader) timestamp(h cborHead, s slot) error {
	if h.major != cborTag || h.arg != 1 {
		return errSerialization("Timestamps must have CBOR tag 1")
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	if sec, ok := h.integer(); ok {
		*s.time(), err = unixTime(sec, 0)
	} else if f, ok := h.float(); ok {
		*s.time(), err = unixFloat(f)
	} else {
		err = errTimestamp
	}
	if err != nil {
		return errSerialization("Timestamp is not a number of seconds")
	}
	return nil
}

func (r *cborReader) structure(h cborHead, sh *shape, s slot) error {
	set := 0
	return r.each(h, func() error {
		m, err := r.member(sh)
		if err != nil {
			return err
		}
		if m == nil {
			return r.skip()
		}
		if r.null() {
			return nil
		}
		if set++; sh.union && set > 1 {
			return errSerialization("Cannot deserialize union " + sh.name + ": more than one member is set")
		}
		at := s.field(m)
		if err := r.value(m.shape, at); err != nil {
			return err
		}
		if m.shape.kind == kindString && *at.string() == "" || m.shape.kind == kindTime {
			r.d.note(m.shape, at)
		}
		return nil
	})
}

// member reads a key and finds its member; nil when there is none.
func (r *cborReader) member(sh *shape) (*member, error) {
	h, err := r.head()
	if err != nil {
		return nil, err
	}
	if h.major != cborText {
		return nil, errCBORSyntax
	}
	if h.indefinite {
		name, err := r.text(h)
		return sh.byName[name], err
	}
	raw, err := r.take(h.arg)
	return sh.byName[string(raw)], err
}

// list reads an array; nulls as in jsonReader.list.
func (r *cborReader) list(h cborHead, sh *shape, s slot) error {
	s.makeList(sh)
	return r.each(h, func() error {
		if r.null() {
			if sh.sparse() {
				s.appendZero(sh)
			}
			return nil
		}
		return r.value(sh.elem, s.appendZero(sh))
	})
}

func (r *cborReader) mapping(h cborHead, sh *shape, s slot) error {
	s.makeMap(sh)
	return r.each(h, func() error {
		kh, err := r.head()
		if err != nil {
			return err
		}
		if kh.major != cborText {
			return errCBORSyntax
		}
		key, err := r.text(kh)
		if err != nil {
			return err
		}
		v := newValue(sh.elem)
		if r.null() {
			if sh.sparse() {
				s.put(sh, key, v)
			}
			return nil
		}
		if err := r.value(sh.elem, v); err != nil {
			return err
		}
		s.put(sh, key, v)
		return nil
	})
}
