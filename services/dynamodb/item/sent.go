package item

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/number"
)

// An item that is put needs no Values: it is checked, made normal and encoded
// in one pass over what was sent.

// Room is how many bytes AppendSent appends, as a rule at most.
func Room(s *attribute.Sent) int { return s.Len() + binary.MaxVarintLen32 + binary.MaxVarintLen16 }

// AppendSent appends what Encode writes of what Normalise makes of an item,
// and returns the item's Size too. It fails as Normalise does.
func AppendSent(b []byte, s *attribute.Sent) (data []byte, size int, err error) {
	n := normalisers.Get().(*normaliser)
	defer n.free()
	// The size stands before what it is the size of, and is known behind it. As a
	// rule it has as many digits as the size of what was sent.
	n.out = binary.AppendUvarint(b, uint64(s.Len()))
	from, to := len(b), len(n.out)
	if _, size, err = n.attributes(s.Parts(), 1); err != nil {
		return nil, 0, err
	}
	var prefix [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(prefix[:], uint64(size))
	return slices.Replace(n.out, from, to, prefix[:width]...), size, nil
}

// normaliser writes normal items.
type normaliser struct {
	out []byte
	// entries are a stack of those of maps, order one of the same entries, and
	// texts the elements of a set.
	entries []sentEntry
	order   []place
	texts   []string
}

type sentEntry struct {
	name string
	part attribute.Part
}

var normalisers = sync.Pool{New: func() any { return new(normaliser) }}

// maxKept is how many entries and texts a normaliser has that is kept.
const maxKept = 1 << 10

func (n *normaliser) free() {
	if cap(n.entries) > maxKept || cap(n.texts) > maxKept {
		return
	}
	clear(n.entries[:cap(n.entries)])
	clear(n.texts[:cap(n.texts)])
	*n = normaliser{entries: n.entries[:0], order: n.order[:0], texts: n.texts[:0]}
	normalisers.Put(n)
}

// attributes appends the attributes of an item, or of a map in one, in the order
// of their names, and says how many they are and what they count.
func (n *normaliser) attributes(p attribute.Parts, depth int) (count, size int, err error) {
	if depth > MaxDepth {
		return 0, 0, errDepth
	}
	base, first := len(n.entries), len(n.order)
	for range p.Count {
		name := p.NextText()
		if err := checkName(name); err != nil {
			return 0, 0, err
		}
		n.order = append(n.order, placeOf(name, len(n.entries)))
		n.entries = append(n.entries, sentEntry{name, p.NextPart()})
	}
	list := n.order[first:]
	sortPlaces(list, func(i int) string { return n.entries[i].name })
	for i := range list { // of those of one name, the last was sent last
		if i+1 == len(list) || n.entries[list[i].entry].name != n.entries[list[i+1].entry].name {
			list[count] = list[i]
			count++
		}
	}
	n.out = binary.AppendUvarint(n.out, uint64(count))
	for _, at := range list[:count] {
		e := n.entries[at.entry] // what is in it moves them
		n.out = appendString(n.out, e.name)
		bytes, err := n.value(&e.part, depth)
		if err != nil {
			return 0, 0, err
		}
		size += len(e.name) + bytes
	}
	n.entries, n.order = n.entries[:base], n.order[:first]
	return count, size, nil
}

// value appends a value that lies in a map or list of the given depth, and
// says what it counts.
func (n *normaliser) value(p *attribute.Part, depth int) (size int, err error) {
	switch p.Tag {
	case attribute.TagS:
		n.out = appendString(append(n.out, tagS), p.Text)
		return len(p.Text), nil
	case attribute.TagN:
		text, err := number.Normalise(p.Text)
		n.out = appendString(append(n.out, tagN), text)
		return numberSize(text), err
	case attribute.TagB:
		n.out = appendString(append(n.out, tagB), p.Text)
		return len(p.Text), nil
	case attribute.TagFalse:
		n.out = append(n.out, tagFalse)
		return 1, nil
	case attribute.TagTrue:
		n.out = append(n.out, tagTrue)
		return 1, nil
	case attribute.TagNull:
		n.out = append(n.out, tagNull)
		return 1, nil
	case attribute.TagL:
		return n.list(p.Parts(), depth+1)
	case attribute.TagM:
		n.out = append(n.out, tagM)
		count, size, err := n.attributes(p.Parts(), depth+1)
		return documentOverhead + elementOverhead*count + size, err
	case attribute.TagUnfit:
		parts := p.Parts()
		return 0, unfit(parts.Count, func(int) error {
			part := parts.NextPart()
			_, err := n.value(&part, depth)
			return err
		})
	}
	return n.set(p)
}

func (n *normaliser) list(p attribute.Parts, depth int) (size int, err error) {
	if depth > MaxDepth {
		return 0, errDepth
	}
	size = documentOverhead + elementOverhead*p.Count
	n.out = binary.AppendUvarint(append(n.out, tagL), uint64(p.Count))
	for range p.Count {
		part := p.NextPart()
		bytes, err := n.value(&part, depth)
		if err != nil {
			return 0, err
		}
		size += bytes
	}
	return size, nil
}

// set appends a TagSS, a TagNS or a TagBS.
func (n *normaliser) set(p *attribute.Part) (size int, err error) {
	n.texts = p.Parts().Texts(n.texts[:0])
	tag := byte(tagSS)
	switch p.Tag {
	case attribute.TagSS:
		err = checkStrings(n.texts)
	case attribute.TagNS:
		tag = tagNS
		n.texts, _, err = normaliseNumbers(n.texts)
	default:
		tag = tagBS
		err = checkBinaries(n.texts)
	}
	if err != nil {
		return 0, err
	}
	for _, text := range n.texts {
		if tag == tagNS {
			size += numberSize(text)
		} else {
			size += len(text)
		}
	}
	n.out = appendStrings(append(n.out, tag), n.texts)
	return size, nil
}

// SentValue is the normal value of an attribute of an item that AppendSent has
// taken, nil where it has none.
func SentValue(s *attribute.Sent, name string) attribute.Value {
	var found attribute.Part
	p := s.Parts()
	for range p.Count {
		this := p.NextText() == name
		if part := p.NextPart(); this {
			found = part
		}
	}
	if found.Tag == 0 {
		return nil
	}
	v, err := NormaliseValue(found.Value())
	if err != nil {
		panic("item: a value that was not checked: " + err.Error())
	}
	return v
}
