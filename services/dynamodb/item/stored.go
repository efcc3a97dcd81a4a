package item

import (
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/jsontext"
)

// Stored is an item as Encode wrote it, to be answered with: no values are made
// of it when all that is wanted is its JSON. It implements attribute.Item, and
// fails with what Decode fails with.
type Stored string

// Map implements attribute.Item.
func (s Stored) Map() (attribute.M, error) {
	d, err := s.attributes()
	if err != nil {
		return nil, err
	}
	m := d.mapOf(1)
	return m, d.end()
}

// AppendJSON implements attribute.Item. The attributes have the order of their
// names, as Encode wrote them.
func (s Stored) AppendJSON(b []byte) ([]byte, error) {
	d, err := s.attributes()
	if err != nil {
		return nil, err
	}
	b = attribute.CloseItem(d.appendEntries(attribute.OpenItem(b), 1))
	return b, d.end()
}

// appendEntries appends the JSON of a map's entries.
func (d *decoder) appendEntries(b []byte, depth int) []byte {
	n := d.count()
	if depth > MaxDepth {
		d.fail()
		return b
	}
	for ; n > 0 && !d.bad; n-- {
		b = attribute.AppendName(b, d.string())
		b = d.appendJSON(b, depth)
	}
	return b
}

// appendJSON appends the JSON of a value that lies in a map or list of the
// given depth.
func (d *decoder) appendJSON(b []byte, depth int) []byte {
	switch d.tag() {
	case tagS:
		return attribute.AppendString(b, d.string())
	case tagN:
		return attribute.AppendNumber(b, d.string())
	case tagB:
		return attribute.AppendBinary(b, d.string())
	case tagFalse:
		return attribute.AppendBool(b, false)
	case tagTrue:
		return attribute.AppendBool(b, true)
	case tagNull:
		return attribute.AppendNull(b)
	case tagL:
		return d.appendList(b, depth+1)
	case tagM:
		return attribute.CloseMap(d.appendEntries(attribute.OpenMap(b), depth+1))
	case tagSS:
		return d.appendSet(b, "SS", jsontext.AppendString)
	case tagNS:
		return d.appendSet(b, "NS", jsontext.AppendString)
	case tagBS:
		return d.appendSet(b, "BS", jsontext.AppendBinary)
	}
	d.fail()
	return b
}

func (d *decoder) appendList(b []byte, depth int) []byte {
	n := d.count()
	if depth > MaxDepth {
		d.fail()
		return b
	}
	b = attribute.OpenList(b, "L")
	for ; n > 0 && !d.bad; n-- {
		b = d.appendJSON(attribute.Next(b), depth)
	}
	return attribute.CloseList(b)
}

func (d *decoder) appendSet(b []byte, kind string, element func([]byte, string) []byte) []byte {
	b = attribute.OpenList(b, kind)
	for n := d.count(); n > 0 && !d.bad; n-- {
		b = element(attribute.Next(b), d.string())
	}
	return attribute.CloseList(b)
}
