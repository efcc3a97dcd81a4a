package item

import "strings"

// Shelf holds copies of encoded items, many in a piece of memory, so that they
// outlive what they are copied from. The zero Shelf is empty and ready.
type Shelf struct {
	text  strings.Builder
	items []Stored
}

// The sizes of pieces of memory, in bytes: each is twice as large as the one before.
const minPiece, maxPiece = 1 << 10, 16 << 10

// Keep copies the bytes of an encoded item.
func (s *Shelf) Keep(data []byte) *Stored {
	if s.text.Cap()-s.text.Len() < len(data) {
		size := min(max(2*s.text.Cap(), minPiece), maxPiece)
		s.text = strings.Builder{}
		s.text.Grow(max(size, len(data)))
	}
	from := s.text.Len()
	s.text.Write(data)
	if len(s.items) == cap(s.items) { // those before stay where they are
		s.items = make([]Stored, 0, min(max(2*cap(s.items), 4), 64))
	}
	s.items = append(s.items, Stored(s.text.String()[from:]))
	return &s.items[len(s.items)-1]
}
