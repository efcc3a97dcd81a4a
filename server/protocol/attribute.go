package protocol

import "github.com/virga-cloud/virga/api/attribute"

// DynamoDB's attribute values are read here without their plan, since most of
// what passes through the server is made of them: into the form of an
// attribute.Sent, of which Values are made where the input has those. Package
// attribute writes them.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html

// attributeShapes are the shapes of what stands behind the types' names, for messages.
var (
	shapeString       = &shape{kind: kindString}
	shapeBool         = &shape{kind: kindBool}
	shapeBlob         = &shape{kind: kindBlob}
	shapeAttribute    = &shape{kind: kindAttribute}
	shapeAttributeMap = &shape{kind: kindMap, elem: shapeAttribute}
	shapeList         = &shape{kind: kindList, elem: shapeAttribute}
)

// attributeTag is the type of a name, 0 for what names none. A BOOL may be the
// other of its two.
func attributeTag(name []byte) attribute.Tag {
	switch string(name) {
	case "S":
		return attribute.TagS
	case "N":
		return attribute.TagN
	case "B":
		return attribute.TagB
	case "BOOL":
		return attribute.TagTrue
	case "NULL":
		return attribute.TagNull
	case "L":
		return attribute.TagL
	case "M":
		return attribute.TagM
	case "SS":
		return attribute.TagSS
	case "NS":
		return attribute.TagNS
	case "BS":
		return attribute.TagBS
	}
	return 0
}

// attribute reads one attribute value.
func (r *jsonReader) attribute(out *attribute.Value) error {
	defer r.sent.reset()
	if err := r.part(); err != nil {
		return err
	}
	parts := attribute.SentOf(r.keep(r.sent.buf), 1).Parts()
	v := parts.NextPart()
	*out = v.Value()
	return nil
}

// item reads an item.
func (r *jsonReader) item(out *attribute.Item) error {
	if r.space() != '{' {
		return r.wrongType(shapeAttributeMap)
	}
	defer r.sent.reset()
	n, err := r.namedParts()
	if err != nil {
		return err
	}
	it := attribute.SentOf(r.keep(r.sent.buf), n)
	if !r.d.response {
		*out = r.sent.add(it)
		return nil
	}
	*out, err = it.Map()
	return err
}

// attributes reads a map of attribute values, its brace being next.
func (r *jsonReader) attributes() (attribute.M, error) {
	defer r.sent.reset()
	n, err := r.namedParts()
	if err != nil {
		return nil, err
	}
	return attribute.SentOf(r.keep(r.sent.buf), n).Map()
}

// part appends one attribute value. What has no type, or several, is for the
// service to refuse: it looks at other things first.
func (r *jsonReader) part() error {
	if done, err := r.text(); done || err != nil {
		return err
	}
	at, n := len(r.sent.buf), 0
	switch r.space() {
	case '{':
		if err := r.open(); err != nil {
			return err
		}
	case 'n':
		r.sent.buf = attribute.Enclose(r.sent.buf, at, 0)
		return r.literal("null")
	default:
		return r.wrongType(shapeAttribute)
	}
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		name, err := r.key()
		if err != nil {
			return err
		}
		tag := attributeTag(name)
		switch {
		case tag == 0:
			err = r.skip()
		case r.space() == 'n':
			err = r.literal("null")
		default:
			err = r.partOf(tag)
			n++
		}
		if err != nil {
			return err
		}
	}
	if n != 1 {
		r.sent.buf = attribute.Enclose(r.sent.buf, at, n)
	}
	return nil
}

// text appends a value that is an S or an N and written as nearly all are, with
// no space where none is needed or one behind the colon. It says whether it was.
func (r *jsonReader) text() (done bool, err error) {
	d := r.data[r.pos:]
	if len(d) < len(`{"S": "`) || d[0] != '{' || d[1] != '"' || d[3] != '"' || d[4] != ':' || r.depth == maxDepth {
		return false, nil
	}
	tag, at := attribute.TagS, 5
	switch d[2] {
	case 'S':
	case 'N':
		tag = attribute.TagN
	default:
		return false, nil
	}
	if d[at] == ' ' {
		at++
	}
	if d[at] != '"' {
		return false, nil
	}
	start := r.pos
	r.pos += at
	raw, err := r.rawString()
	if err != nil {
		return false, err
	}
	if r.peek() != '}' {
		r.pos = start
		return false, nil
	}
	r.pos++
	r.sent.buf = attribute.AppendPart(r.sent.buf, tag, raw)
	return true, nil
}

// partOf appends the value of a type.
func (r *jsonReader) partOf(tag attribute.Tag) error {
	at := len(r.sent.buf)
	switch tag {
	case attribute.TagS, attribute.TagN:
		raw, err := r.rawText()
		r.sent.buf = attribute.AppendPart(r.sent.buf, tag, raw)
		return err
	case attribute.TagB:
		data, err := r.blob(shapeBlob)
		r.sent.buf = attribute.AppendPart(r.sent.buf, tag, data)
		return err
	case attribute.TagTrue:
		is, err := r.boolean(shapeBool)
		if !is {
			tag = attribute.TagFalse
		}
		r.sent.buf = attribute.AppendBare(r.sent.buf, tag)
		return err
	case attribute.TagNull:
		is, err := r.boolean(shapeBool)
		r.sent.buf = attribute.AppendBare(r.sent.buf, tag)
		if !is {
			r.sent.buf = attribute.Enclose(r.sent.buf, at, 1)
		}
		return err
	case attribute.TagM:
		if r.space() != '{' {
			return r.wrongType(shapeAttributeMap)
		}
		r.sent.buf = attribute.OpenPart(r.sent.buf, tag)
		n, err := r.namedParts()
		attribute.ClosePart(r.sent.buf, at, n)
		return err
	}
	if r.space() != '[' {
		return r.wrongType(shapeList)
	}
	r.sent.buf = attribute.OpenPart(r.sent.buf, tag)
	n, err := r.elements(tag)
	attribute.ClosePart(r.sent.buf, at, n)
	return err
}

// elements appends those of a list or a set, its bracket being next, and says
// how many there are.
func (r *jsonReader) elements(of attribute.Tag) (n int, err error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	for ; ; n++ {
		more, err := r.next(']', n == 0)
		if err != nil || !more {
			return n, err
		}
		var text []byte
		switch of {
		case attribute.TagL:
			if err := r.element(shapeAttribute); err != nil {
				return n, err
			}
			if err := r.part(); err != nil {
				return n, err
			}
			continue
		case attribute.TagBS:
			text, err = r.blob(shapeBlob)
		default:
			text, err = r.rawText()
		}
		if err != nil {
			return n, err
		}
		r.sent.buf = attribute.AppendSentText(r.sent.buf, text)
	}
}

// rawText reads a string. The bytes are valid until the next one is read.
func (r *jsonReader) rawText() ([]byte, error) {
	if r.space() != '"' {
		return nil, r.wrongType(shapeString)
	}
	return r.rawString()
}

// namedParts appends the entries of a map, its brace being next, and says how
// many there are.
func (r *jsonReader) namedParts() (n int, err error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	for ; ; n++ {
		more, err := r.next('}', n == 0)
		if err != nil || !more {
			return n, err
		}
		name, err := r.key()
		if err != nil {
			return n, err
		}
		r.sent.buf = attribute.AppendSentText(r.sent.buf, name)
		if r.space() != '{' { // or it need not be looked at
			if err := r.element(shapeAttribute); err != nil {
				return n, err
			}
		}
		if err := r.part(); err != nil {
			return n, err
		}
	}
}

// sentItems is what is read of an item, and the items that were read.
type sentItems struct {
	buf   []byte
	items []attribute.Sent
}

// reset makes ready for the next item.
func (s *sentItems) reset() { s.buf = s.buf[:0] }

// add keeps an item for as long as it is used.
func (s *sentItems) add(it attribute.Sent) *attribute.Sent {
	if len(s.items) == cap(s.items) { // those before stay where they are
		s.items = make([]attribute.Sent, 0, min(max(2*cap(s.items), 1), 32))
	}
	s.items = append(s.items, it)
	return &s.items[len(s.items)-1]
}
