package dynamodb

import (
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// put is an item that takes the place of what was there, with its size and its
// stored form. It implements item.Attributes.
type put struct {
	size int
	data []byte
	// Either of these is what the item is made of. A request's is what was sent,
	// and most of it is never looked at: there are only Values of the attributes
	// that were asked for, which are kept while there is room.
	item  item.Item
	sent  *attribute.Sent
	found [2]foundAttribute
}

type foundAttribute struct {
	name  string
	value attribute.Value
}

// newPut checks the size of a normalised item that is to be put.
func newPut(it item.Item) (*put, error) {
	p := putOf(it)
	return p, p.check()
}

// putOf is the putting of an item that is not too large.
func putOf(it item.Item) *put {
	p := &put{item: it}
	p.data, p.size = item.Encoded(it)
	return p
}

// check checks the size of the item.
func (p *put) check() error {
	if p.size > item.MaxSize {
		return errItemTooLarge()
	}
	return nil
}

// roomFor is how many bytes read takes of its room for an item.
func roomFor(in attribute.Item) int {
	if sent, ok := in.(*attribute.Sent); ok {
		return item.Room(sent)
	}
	return 0
}

// read takes the item of a request and checks it, all but its size. Its stored
// form is behind what is in the room.
func (p *put) read(in attribute.Item, room []byte) (_ []byte, err error) {
	if sent, ok := in.(*attribute.Sent); ok {
		from := len(room)
		if room, p.size, err = item.AppendSent(room, sent); err != nil {
			return nil, errInvalid(err)
		}
		p.sent, p.data = sent, room[from:len(room):len(room)]
		return room, nil
	}
	given, err := in.Map()
	if err != nil {
		return nil, err
	}
	it, err := item.Normalise(given)
	if err != nil {
		return nil, errInvalid(err)
	}
	*p = *putOf(it)
	return room, nil
}

// Attribute implements item.Attributes.
func (p *put) Attribute(name string) attribute.Value {
	if p.item != nil || p.sent == nil {
		return p.item[name]
	}
	for i := range p.found {
		f := &p.found[i]
		if f.value != nil && f.name == name {
			return f.value
		}
		if f.value == nil {
			*f = foundAttribute{name, item.SentValue(p.sent, name)}
			return f.value
		}
	}
	return item.SentValue(p.sent, name)
}

// whole is the item with all its values.
func (p *put) whole() (item.Item, error) {
	if p.item != nil || p.sent == nil {
		return p.item, nil
	}
	it, err := item.Decode(p.data)
	p.item = it
	return it, err
}
