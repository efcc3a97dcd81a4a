package protocol

import "github.com/virga-cloud/virga/api/attribute"

// DynamoDB's attribute values are read here without their plan, since most of
// what passes through the server is made of them. Package attribute writes them.
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

// attribute reads one attribute value. What has no type, or several, is for the
// service to refuse: it looks at other things first.
func (r *jsonReader) attribute(out *attribute.Value) error {
	c := r.space()
	if c == 'n' {
		*out = attribute.Unfit{}
		return r.literal("null")
	}
	if c != '{' {
		return r.wrongType(shapeAttribute)
	}
	if err := r.open(); err != nil {
		return err
	}
	var v attribute.Value
	var several attribute.Unfit
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
		kind := attributeKind(name)
		if kind == 0 {
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
		of, err := r.attributeOf(kind)
		if err != nil {
			return err
		}
		if v != nil {
			several = append(several, v)
		}
		v = of
	}
	*out = v
	switch {
	case several != nil:
		*out = append(several, v)
	case v == nil:
		*out = attribute.Unfit{}
	}
	return nil
}

// The kinds of attribute values: a type's name, or two letters as a number.
const (
	attrS    = 'S'
	attrN    = 'N'
	attrB    = 'B'
	attrL    = 'L'
	attrM    = 'M'
	attrSS   = 'S'<<8 | 'S'
	attrNS   = 'N'<<8 | 'S'
	attrBS   = 'B'<<8 | 'S'
	attrBOOL = 'B'<<8 | 'O'
	attrNULL = 'N'<<8 | 'U'
)

// attributeKind is the kind of a type's name, 0 for what is none.
func attributeKind(name []byte) int {
	switch string(name) {
	case "S", "N", "B", "L", "M":
		return int(name[0])
	case "SS", "NS", "BS", "BOOL", "NULL":
		return int(name[0])<<8 | int(name[1])
	}
	return 0
}

func (r *jsonReader) attributeOf(kind int) (attribute.Value, error) {
	switch kind {
	case attrS:
		var s string
		err := r.stringValue(shapeString, &s)
		return attribute.S(s), err
	case attrN:
		var s string
		err := r.stringValue(shapeString, &s)
		return attribute.N(s), err
	case attrB:
		b, err := r.blob(shapeBlob)
		return attribute.B(b), err
	case attrBOOL:
		b, err := r.boolean(shapeBool)
		return attribute.BOOL(b), err
	case attrNULL:
		b, err := r.boolean(shapeBool)
		if !b {
			return attribute.Unfit{attribute.NULL{}}, err
		}
		return attribute.NULL{}, err
	case attrM:
		if r.space() != '{' {
			return nil, r.wrongType(shapeAttributeMap)
		}
		if err := r.open(); err != nil {
			return nil, err
		}
		return r.attributes()
	}
	if r.space() != '[' {
		return nil, r.wrongType(shapeList)
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	switch kind {
	case attrL:
		return r.attributeList()
	case attrSS:
		list, err := r.texts()
		return attribute.SS(list), err
	case attrNS:
		list, err := r.texts()
		return attribute.NS(list), err
	}
	return r.blobs()
}

// attributeList reads the rest of a list, its bracket being read.
func (r *jsonReader) attributeList() (attribute.Value, error) {
	base := len(r.values)
	defer func() { r.values = r.values[:base] }()
	for first := true; ; first = false {
		more, err := r.next(']', first)
		if err != nil {
			return nil, err
		}
		if !more {
			return append(attribute.L{}, r.values[base:]...), nil
		}
		var v attribute.Value
		if err := r.element(shapeAttribute); err != nil {
			return nil, err
		}
		if err := r.attribute(&v); err != nil {
			return nil, err
		}
		r.values = append(r.values, v)
	}
}

// texts reads the rest of a list of strings, its bracket being read.
func (r *jsonReader) texts() ([]string, error) {
	base := len(r.names)
	defer func() { r.names = r.names[:base] }()
	for first := true; ; first = false {
		more, err := r.next(']', first)
		if err != nil {
			return nil, err
		}
		if !more {
			return append([]string{}, r.names[base:]...), nil
		}
		var text string
		if err := r.stringValue(shapeString, &text); err != nil {
			return nil, err
		}
		r.names = append(r.names, text)
	}
}

// blobs reads the rest of a list of binaries, its bracket being read.
func (r *jsonReader) blobs() (attribute.Value, error) {
	list := attribute.BS{}
	for first := true; ; first = false {
		more, err := r.next(']', first)
		if err != nil {
			return nil, err
		}
		if !more {
			return list, nil
		}
		b, err := r.blob(shapeBlob)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
}

// item reads an item of an answer.
func (r *jsonReader) item(sh *shape, out *attribute.Item) error {
	if r.space() != '{' {
		return r.wrongType(sh)
	}
	if err := r.open(); err != nil {
		return err
	}
	values, err := r.attributes()
	*out = values
	return err
}

// attributes reads the rest of a map of attribute values, its brace being
// read. The entries are gathered first, so that the map is made in its size.
func (r *jsonReader) attributes() (attribute.M, error) {
	names, values := len(r.names), len(r.values)
	defer func() { r.names, r.values = r.names[:names], r.values[:values] }()
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		name, err := r.keyString()
		if err != nil {
			return nil, err
		}
		var v attribute.Value
		if err := r.element(shapeAttribute); err != nil {
			return nil, err
		}
		if err := r.attribute(&v); err != nil {
			return nil, err
		}
		r.names, r.values = append(r.names, name), append(r.values, v)
	}
	m := make(attribute.M, len(r.names)-names)
	for i, name := range r.names[names:] {
		m[name] = r.values[values+i]
	}
	return m, nil
}
