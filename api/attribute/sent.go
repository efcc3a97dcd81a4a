package attribute

import "encoding/binary"

// Sent is an item as a request has it. Making Values of everything that is
// sent, to write them elsewhere right after, is most of the work of storing an
// item; a Sent is one string, which is gone through by its Parts:
//
//	item  = (name part)...
//	part  = tag [ string | size count part... | size count (name part)... | size count string... ]
//	name  = string
//	string = length bytes
//
// Lengths are varints; sizes, in bytes of what follows the count, and counts
// have four bytes, as they are known last. Attributes have the order in which they
// were sent, and may occur twice: the last one counts. A Sent is only what a decoder
// wrote by the functions below, so reading one does not fail. It implements Item.
type Sent struct {
	text  string
	count int
}

// Tag says what a part is.
type Tag byte

// The types, and what is none: first those that are a text, then those that
// are nothing but themselves, then those that have elements.
const (
	TagS Tag = iota + 1
	TagN
	TagB
	TagFalse
	TagTrue
	TagNull
	TagL
	TagM
	TagSS
	TagNS
	TagBS
	// TagUnfit is an Unfit, whose elements are parts.
	TagUnfit
)

// headSize is how many bytes the size and the count of a part have.
const headSize = 8

// SentOf is the item of a text with as many attributes as are counted, names
// by AppendSentText and parts by AppendPart and OpenPart.
func SentOf(text string, count int) Sent { return Sent{text, count} }

// AppendPart appends a part that is a TagS, TagN or TagB, with its text or bytes.
func AppendPart(b []byte, t Tag, text []byte) []byte { return AppendSentText(append(b, byte(t)), text) }

// AppendBare appends a part that is a TagFalse, TagTrue or TagNull.
func AppendBare(b []byte, t Tag) []byte { return append(b, byte(t)) }

// AppendSentText appends the name of an attribute, or an element of a set.
func AppendSentText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// OpenPart begins a part that has elements. They follow, and then ClosePart.
func OpenPart(b []byte, t Tag) []byte { return append(b, byte(t), 0, 0, 0, 0, 0, 0, 0, 0) }

// ClosePart ends the part that was begun where b had length at.
func ClosePart(b []byte, at, count int) {
	head := b[at+1:]
	binary.LittleEndian.PutUint32(head, uint32(len(head)-headSize))
	binary.LittleEndian.PutUint32(head[4:], uint32(count))
}

// Enclose makes what b has from at on the one element, so far, of an Unfit
// that has as many elements as are counted.
func Enclose(b []byte, at, count int) []byte {
	b = append(b, make([]byte, 1+headSize)...)
	copy(b[at+1+headSize:], b[at:])
	b[at] = byte(TagUnfit)
	ClosePart(b, at, count)
	return b
}

// Len is how many bytes s has.
func (s Sent) Len() int { return len(s.text) }

// Parts are the attributes.
func (s Sent) Parts() Parts { return Parts{s.text, s.count} }

// Map implements Item. The strings of the values are parts of what was sent.
func (s Sent) Map() (M, error) { return s.Parts().values(), nil }

// AppendJSON implements Item.
func (s Sent) AppendJSON(b []byte) ([]byte, error) { return s.Parts().values().AppendJSON(b) }

// Parts are what is still to be read of an item, or of a part.
type Parts struct {
	text string
	// Count is how many there are.
	Count int
}

// Part is a value that was sent.
type Part struct {
	Tag Tag
	// Text is that of a TagS, a TagN or a TagB.
	Text  string
	count int
}

// Parts are those of a part that has elements: named ones of a TagM, texts of
// sets.
func (p *Part) Parts() Parts { return Parts{p.Text, p.count} }

// NextText reads a text: the name that stands before the part of an attribute, or
// an element of a set.
func (p *Parts) NextText() string {
	n, width := int(p.text[0]), 1
	if n >= 0x80 {
		n, width = p.longLength()
	}
	s := p.text[width : width+n]
	p.text = p.text[width+n:]
	return s
}

func (p *Parts) longLength() (n, width int) {
	for shift := 0; ; shift += 7 {
		c := p.text[width]
		width++
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return n, width
		}
	}
}

// NextPart reads a part, all of it.
func (p *Parts) NextPart() Part {
	tag := Tag(p.text[0])
	p.text = p.text[1:]
	switch {
	case tag <= TagB:
		return Part{Tag: tag, Text: p.NextText()}
	case tag <= TagNull:
		return Part{Tag: tag}
	}
	size, count, body := number4(p.text), number4(p.text[4:]), p.text[headSize:]
	p.text = body[size:]
	return Part{tag, body[:size], count}
}

func number4(s string) int {
	return int(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

// values are the values of named parts.
func (p Parts) values() M {
	m := make(M, p.Count)
	for range p.Count {
		name := p.NextText()
		v := p.NextPart()
		m[name] = v.Value()
	}
	return m
}

// Texts are the elements of a set, appended to a list.
func (p Parts) Texts(list []string) []string {
	for range p.Count {
		list = append(list, p.NextText())
	}
	return list
}

// list are the values of parts without names.
func (p Parts) list() []Value {
	list := make([]Value, p.Count)
	for i := range list {
		v := p.NextPart()
		list[i] = v.Value()
	}
	return list
}

// Value is the value that the part is.
func (p *Part) Value() Value {
	switch p.Tag {
	case TagS:
		return S(p.Text)
	case TagN:
		return N(p.Text)
	case TagB:
		return B(p.Text)
	case TagFalse:
		return BOOL(false)
	case TagTrue:
		return BOOL(true)
	case TagNull:
		return NULL{}
	case TagL:
		return L(p.Parts().list())
	case TagM:
		return p.Parts().values()
	case TagSS:
		return SS(p.Parts().Texts(make([]string, 0, p.count)))
	case TagNS:
		return NS(p.Parts().Texts(make([]string, 0, p.count)))
	case TagBS:
		set, parts := make(BS, p.count), p.Parts()
		for i := range set {
			set[i] = B(parts.NextText())
		}
		return set
	}
	return Unfit(p.Parts().list())
}
