package protocol

import (
	"net/http"

	"github.com/virga-cloud/virga/api"
)

// xmlNotation reads and writes the bodies of REST XML, the protocol of S3,
// Route 53 and CloudFront.
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
type xmlNotation struct{}

const xmlDeclaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func (xmlNotation) contentType(*api.Operation) string { return "application/xml" }

// malformedXML is the answer to a body that is no XML document, or not the one
// that the operation takes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func malformedXML() error {
	return api.Errorf("MalformedXML", http.StatusBadRequest,
		"The XML you provided was not well-formed or did not validate against our published schema")
}

func (xmlNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	want := d.op.InputName
	if d.response {
		want = ""
	}
	return d.xmlDocument(data, func(r *xmlReader, root []byte) error {
		if want != "" && string(root) != want {
			return errMalformedXML
		}
		if m := soleMember(d.op, sh); m != nil && d.response {
			return r.value(m, 0, m.shape, s.field(m))
		}
		return r.structure(sh, s)
	})
}

func (xmlNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	return d.xmlDocument(data, func(r *xmlReader, root []byte) error {
		if name := string(root); !d.response && name != rootName(m) && name != m.shape.value().name {
			return errMalformedXML
		}
		return r.value(m, 0, m.shape, s.field(m))
	})
}

// xmlDocument reads a document whose root element f reads to its end. An empty
// one is no document, and left to the validator.
func (d *decoding) xmlDocument(data []byte, f func(r *xmlReader, root []byte) error) error {
	if len(trimSpace(data)) == 0 {
		return nil
	}
	scanner, err := newXMLScanner(data)
	if err != nil {
		return malformedXML()
	}
	scanner.mixed = d.response
	r := &xmlReader{xmlScanner: scanner, d: d}
	if _, err := r.next(); err != nil {
		return malformedXML()
	}
	if err := f(r, localName(r.name)); err != nil {
		return malformedXML()
	}
	if token, err := r.next(); err != nil || token != xmlEOF {
		return malformedXML()
	}
	return nil
}

func (xmlNotation) encode(e *encoding, sh *shape, s slot) error {
	if len(sh.body) == 0 {
		return nil
	}
	w := xmlWriter{buf: append(e.buf, xmlDeclaration...), times: xmlTimeMillis}
	name, ns := e.op.OutputName, e.op.OutputNamespace
	if name == "" {
		name = sh.name
	}
	if ns == "" {
		ns = e.op.Service.XMLNamespace
	}
	if m := soleMember(e.op, sh); m != nil {
		w.open(name, ns, "")
		w.scalar(m, m.shape, s.field(m))
		w.close(name)
	} else {
		w.element(name, ns, "", sh, s)
	}
	e.buf = w.buf
	return nil
}

func (xmlNotation) encodePayload(e *encoding, m *member, s slot) error {
	f := s.field(m)
	sh := m.shape
	if sh.kind == kindPointer {
		target, ok := f.target()
		if !ok {
			return nil
		}
		sh, f = sh.elem, target
	}
	w := xmlWriter{buf: e.buf, times: xmlTimeMillis}
	ns := m.xmlns
	if !m.eventPayload && !m.event {
		w.buf = append(w.buf, xmlDeclaration...)
		if ns == "" && m.xmlPrefix == "" {
			ns = e.op.Service.XMLNamespace
		}
	}
	w.element(rootName(m), ns, m.xmlPrefix, sh, f)
	e.buf = w.buf
	return nil
}

// rootName is the root element of a member that is a whole document: in events,
// whose members the model leaves without names, that of its shape.
func rootName(m *member) string {
	if m.eventPayload && m.wire == m.name {
		return m.shape.value().name
	}
	return m.wire
}

// soleMember is the member that is itself the root element: S3 answers
// GetBucketLocation with <LocationConstraint>eu-west-1</LocationConstraint>,
// where the model has an element of that name within the root.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
func soleMember(op *api.Operation, sh *shape) *member {
	if len(sh.body) == 1 && sh.body[0].wire == op.OutputName && sh.body[0].shape.value().kind == kindString {
		return sh.body[0]
	}
	return nil
}

// xmlReader reads elements into values along their plan. Elements and
// attributes that the plan does not know are passed: models grow.
type xmlReader struct {
	*xmlScanner
	d *decoding
}

// structure reads the element that has just begun into the structure at s.
func (r *xmlReader) structure(sh *shape, s slot) error {
	if len(r.attrs) > 0 {
		if err := r.attributes(sh, s); err != nil {
			return err
		}
	}
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		m := sh.byWire[string(localName(r.name))]
		if m == nil || m.attr {
			err = r.skip()
		} else {
			err = r.member(m, s.field(m))
		}
		if err != nil {
			return err
		}
	}
}

// member reads an element of the structure whose field is at f.
func (r *xmlReader) member(m *member, f slot) error {
	switch {
	case m.flattened && m.shape.kind == kindList:
		return r.value(m, 1, m.shape.elem, f.appendZero(m.shape))
	case m.flattened && m.shape.kind == kindMap:
		if f.absent(m.shape) {
			f.makeMap(m.shape)
		}
		return r.entry(m, 0, m.shape, f)
	}
	if err := r.value(m, 0, m.shape, f); err != nil {
		return err
	}
	r.d.note(m.shape, f)
	return nil
}

// attributes reads the attributes of the last start tag. Their prefixes are
// of no concern: xsi:type is the only attribute in the models.
func (r *xmlReader) attributes(sh *shape, s slot) error {
	for _, m := range sh.body {
		if !m.attr {
			continue
		}
		for _, a := range r.attrs {
			if !hasPrefix(a.name, "xmlns") && string(localName(a.name)) == string(localName([]byte(m.wire))) {
				if err := parseText(m.shape, s.field(m), string(a.value), m.timeFormat(timeISO8601)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// value reads the element that has just begun into the value at s, which lies
// depth collections below the member m.
func (r *xmlReader) value(m *member, depth int, sh *shape, s slot) error {
	switch sh.kind {
	case kindStruct:
		return r.structure(sh, s)
	case kindPointer:
		target, ok := s.target()
		if !ok {
			target = s.makeTarget(sh)
		}
		return r.value(m, depth, sh.elem, target)
	case kindList:
		return r.list(m, depth, sh, s)
	case kindMap:
		return r.mapping(m, depth, sh, s)
	}
	text, err := r.content()
	if err != nil {
		return err
	}
	return parseText(sh, s, string(text), m.timeFormat(timeISO8601))
}

func (r *xmlReader) list(m *member, depth int, sh *shape, s slot) error {
	if s.absent(sh) {
		s.makeList(sh)
	}
	item := m.item(depth)
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if string(localName(r.name)) == item {
			err = r.value(m, depth+1, sh.elem, s.appendZero(sh))
		} else {
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

func (r *xmlReader) mapping(m *member, depth int, sh *shape, s slot) error {
	if s.absent(sh) {
		s.makeMap(sh)
	}
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if string(localName(r.name)) == "entry" {
			err = r.entry(m, depth, sh, s)
		} else {
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

// entry reads one entry of the map at s: an element with a key and a value.
func (r *xmlReader) entry(m *member, depth int, sh *shape, s slot) error {
	keyName, valueName := m.entry(depth)
	var key []byte
	v := newValue(sh.elem)
	for {
		more, err := r.child()
		if err != nil {
			return err
		}
		if !more {
			if key == nil {
				return errMalformedXML
			}
			s.put(sh, string(key), v)
			return nil
		}
		switch string(localName(r.name)) {
		case keyName:
			if key, err = r.content(); err == nil {
				key = append([]byte{}, key...)
			}
		case valueName:
			err = r.value(m, depth+1, sh.elem, v)
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}
