package item

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/virga-cloud/virga/api/attribute"
)

// An encoded item begins with its size as AWS counts it, so that a scan knows
// it without decoding, and then has its attributes in the order of their names:
//
//	item   = size map
//	map    = count (name value)...
//	value  = tag [ string | count string... | count value... | map ]
//	string = length bytes
//
// Sizes, counts and lengths are varints. Numbers are written as their normal
// text: what is read far more often than it is calculated with is then not
// converted at all.

// The tags of values. They are stored: a new one gets a new number.
const (
	tagS = iota + 1
	tagN
	tagB
	tagFalse
	tagTrue
	tagNull
	tagL
	tagM
	tagSS
	tagNS
	tagBS
)

var errCorrupt = errors.New("item: not an encoded item")

// Encode writes a normalised item, whose Size is size.
func Encode(m Item, size int) []byte {
	// Lengths and tags take less than the overhead guessed here, as a rule.
	b := make([]byte, 0, size+4*len(m)+16)
	return AppendCanonical(binary.AppendUvarint(b, uint64(size)), m)
}

// Encoded is Encode and Size in one, for who needs both.
func Encoded(m Item) (data []byte, size int) {
	var room entriesRoom
	list := room.entries(m)
	for i := range list.all {
		size += len(list.all[i].name) + ValueSize(list.all[i].value)
	}
	b := make([]byte, 0, size+4*len(m)+16)
	return appendEntries(binary.AppendUvarint(b, uint64(size)), list), size
}

// AppendCanonical appends bytes that are the same for the same normalised
// item, sets in the order they have. They do not tell the item's size.
func AppendCanonical(b []byte, m Item) []byte {
	var room entriesRoom
	return appendEntries(b, room.entries(m))
}

// entries are the attributes of an item, and the order of their names.
type entries struct {
	all   []entry
	order []place
}

type entry struct {
	name  string
	value attribute.Value
}

// entriesRoom is memory for as many attributes as most items have.
type entriesRoom struct {
	all   [24]entry
	order [24]place
}

func (r *entriesRoom) entries(m Item) entries {
	list := entries{r.all[:0], r.order[:0]}
	for name, v := range m {
		list.order = append(list.order, placeOf(name, len(list.all)))
		list.all = append(list.all, entry{name, v})
	}
	sortPlaces(list.order, func(i int) string { return list.all[i].name })
	return list
}

func appendEntries(b []byte, list entries) []byte {
	b = binary.AppendUvarint(b, uint64(len(list.all)))
	for _, at := range list.order {
		e := &list.all[at.entry]
		b = appendValue(appendString(b, e.name), e.value)
	}
	return b
}

func appendString[T ~string | ~[]byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendStrings[T ~string | ~[]byte](b []byte, list []T) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendValue(b []byte, v attribute.Value) []byte {
	switch v := v.(type) {
	case attribute.S:
		return appendString(append(b, tagS), v)
	case attribute.N:
		return appendString(append(b, tagN), v)
	case attribute.B:
		return appendString(append(b, tagB), v)
	case attribute.BOOL:
		if v {
			return append(b, tagTrue)
		}
		return append(b, tagFalse)
	case attribute.NULL:
		return append(b, tagNull)
	case attribute.L:
		b = binary.AppendUvarint(append(b, tagL), uint64(len(v)))
		for _, e := range v {
			b = appendValue(b, e)
		}
		return b
	case attribute.M:
		return AppendCanonical(append(b, tagM), v)
	case attribute.SS:
		return appendStrings(append(b, tagSS), v)
	case attribute.NS:
		return appendStrings(append(b, tagNS), v)
	case attribute.BS:
		return appendStrings(append(b, tagBS), v)
	}
	panic("item: encoding a value that was not normalised")
}

// EncodedSize is the size of the item that data encodes, as AWS counts it.
func EncodedSize(data []byte) (int, error) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > math.MaxInt32 {
		return 0, errCorrupt
	}
	return int(size), nil
}

// Decode reads an encoded item. The item has no part of data, but its strings
// have one copy of data between them.
func Decode(data []byte) (Item, error) { return Stored(data).Map() }

// attributes begins to read an encoded item, behind its size.
func (s Stored) attributes() (decoder, error) {
	d := decoder{text: string(s)}
	d.uvarint()
	return d, d.err()
}

// decoder reads text from at on. After a fault, bad stays set and what it
// returns has no meaning. It moves by a number and not by cutting the text off,
// as a pointer that changes is something to note for the garbage collector.
type decoder struct {
	text string
	at   int
	bad  bool
}

func (d *decoder) fail() { d.bad, d.at = true, len(d.text) }

func (d *decoder) err() error {
	if d.bad {
		return errCorrupt
	}
	return nil
}

// end is the fault there was, or that something is left to be read.
func (d *decoder) end() error {
	if d.at != len(d.text) {
		return errCorrupt
	}
	return d.err()
}

func (d *decoder) uvarint() uint64 {
	if d.at < len(d.text) && d.text[d.at] < 0x80 { // as nearly all are
		d.at++
		return uint64(d.text[d.at-1])
	}
	return d.longUvarint()
}

func (d *decoder) longUvarint() uint64 {
	var x uint64
	for i, c := range []byte(d.text[d.at:min(d.at+binary.MaxVarintLen64, len(d.text))]) {
		x |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.at += i + 1
			return x
		}
	}
	d.fail()
	return 0
}

// count reads a count of things that take a byte each, or more.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.text)-d.at) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := d.text[d.at : d.at+n]
	d.at += n
	return s
}

func (d *decoder) strings() []string {
	list := make([]string, d.count())
	for i := range list {
		list[i] = d.string()
	}
	return list
}

// tag reads a value's tag, and 0, which is none, at the end.
func (d *decoder) tag() byte {
	if d.at == len(d.text) {
		return 0
	}
	d.at++
	return d.text[d.at-1]
}

func (d *decoder) mapOf(depth int) map[string]attribute.Value {
	n := d.count()
	if depth > MaxDepth {
		d.fail()
		return nil
	}
	m := make(map[string]attribute.Value, n)
	for range n {
		name := d.string()
		m[name] = d.value(depth)
		if d.bad {
			return nil
		}
	}
	if len(m) != n {
		d.fail()
	}
	return m
}

func (d *decoder) list(depth int) attribute.L {
	n := d.count()
	if depth > MaxDepth {
		d.fail()
		return nil
	}
	list := make(attribute.L, n)
	for i := range list {
		if list[i] = d.value(depth); d.bad {
			return nil
		}
	}
	return list
}

// value reads a value that lies in a map or list of the given depth.
func (d *decoder) value(depth int) attribute.Value {
	switch d.tag() {
	case tagS:
		return attribute.S(d.string())
	case tagN:
		return attribute.N(d.string())
	case tagB:
		return attribute.B(d.string())
	case tagFalse:
		return attribute.BOOL(false)
	case tagTrue:
		return attribute.BOOL(true)
	case tagNull:
		return attribute.NULL{}
	case tagL:
		return d.list(depth + 1)
	case tagM:
		return attribute.M(d.mapOf(depth + 1))
	case tagSS:
		return attribute.SS(d.strings())
	case tagNS:
		return attribute.NS(d.strings())
	case tagBS:
		set := make(attribute.BS, d.count())
		for i := range set {
			set[i] = []byte(d.string())
		}
		return set
	}
	d.fail()
	return nil
}
