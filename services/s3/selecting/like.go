package selecting

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// likePattern is a pattern of LIKE: segments with any number of characters ("%")
// between them. The first is where the text begins, the last where it ends, and
// each of the others wherever it is found first behind the one before: what
// matches at all matches so, and nothing is looked at again.
type likePattern struct {
	segments []*segment // one when there is no "%"
}

// segment is a part of a pattern without "%".
type segment struct {
	runes []rune // of which anyRune stands for any one
	text  string // when it has no anyRune
	gaps  bool   // it has
	// fallback is, for each byte of a long text, how much of the text is matched
	// still when the next byte does not match; nil until it is needed.
	fallback []int32
	// places are, for a rune, the places in the segment where it may stand, as bits, and
	// anywhere are those where any may; nil until they are needed.
	places   map[rune][]uint64
	anywhere []uint64
}

const anyRune = -1

// shortText is the length in bytes of what is looked for without preparation.
const shortText = 64

// parseLike reads a pattern. An escape may stand before "%", "_" and itself only.
func parseLike(pattern, escape string) (likePattern, bool) {
	var p likePattern
	s := &segment{}
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case escape != "" && string(r) == escape:
			if i++; i == len(runes) || runes[i] != '%' && runes[i] != '_' && string(runes[i]) != escape {
				return p, false
			}
			s.runes = append(s.runes, runes[i])
		case r == '%':
			p.segments = append(p.segments, s)
			s = &segment{}
		case r == '_':
			s.runes, s.gaps = append(s.runes, anyRune), true
		default:
			s.runes = append(s.runes, r)
		}
	}
	p.segments = append(p.segments, s)
	for _, s := range p.segments {
		if !s.gaps {
			s.text = string(s.runes)
		}
	}
	return p, true
}

// matches takes time in proportion to the text, and to a 64th of the length of the
// segments with "_" in them.
func (p likePattern) matches(text string) bool {
	if !utf8.ValidString(text) {
		text = string([]rune(text)) // as the pattern has become
	}
	last := len(p.segments) - 1
	n, ok := p.segments[0].begins(text)
	if last == 0 {
		return ok && n == len(text)
	}
	if !ok {
		return false
	}
	text = text[n:]
	if text, ok = p.segments[last].ends(text); !ok {
		return false
	}
	for _, s := range p.segments[1:last] {
		if n = s.find(text); n < 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// begins says whether text begins with the segment, and how many bytes of it that are.
func (s *segment) begins(text string) (int, bool) {
	if !s.gaps {
		return len(s.text), strings.HasPrefix(text, s.text)
	}
	at := 0
	for _, want := range s.runes {
		r, n := utf8.DecodeRuneInString(text[at:])
		if n == 0 || want != anyRune && want != r {
			return 0, false
		}
		at += n
	}
	return at, true
}

// ends says whether text ends with the segment, and what is before it.
func (s *segment) ends(text string) (string, bool) {
	if !s.gaps {
		return strings.CutSuffix(text, s.text)
	}
	for _, want := range slices.Backward(s.runes) {
		r, n := utf8.DecodeLastRuneInString(text)
		if n == 0 || want != anyRune && want != r {
			return "", false
		}
		text = text[:len(text)-n]
	}
	return text, true
}

// find returns where the first such segment of text ends, or -1.
func (s *segment) find(text string) int {
	switch {
	case s.gaps:
		return s.findGaps(text)
	case len(s.text) > shortText:
		return s.findLong(text)
	}
	if at := strings.Index(text, s.text); at >= 0 {
		return at + len(s.text)
	}
	return -1
}

// findLong is the search of Knuth, Morris and Pratt.
func (s *segment) findLong(text string) int {
	if s.fallback == nil {
		s.fallback = make([]int32, len(s.text))
		for i, n := 1, int32(0); i < len(s.text); i++ {
			for n > 0 && s.text[i] != s.text[n] {
				n = s.fallback[n-1]
			}
			if s.text[i] == s.text[n] {
				n++
			}
			s.fallback[i] = n
		}
	}
	n := 0
	for i := range len(text) {
		for n > 0 && text[i] != s.text[n] {
			n = int(s.fallback[n-1])
		}
		if text[i] == s.text[n] {
			n++
		}
		if n == len(s.text) {
			return i + 1
		}
	}
	return -1
}

// findGaps goes along with all beginnings of the segment at once: a bit of state is
// set when the text up to here ends with so much of the segment.
func (s *segment) findGaps(text string) int {
	words := (len(s.runes) + 63) / 64
	if s.places == nil {
		s.anywhere, s.places = make([]uint64, words), map[rune][]uint64{}
		for i, r := range s.runes {
			bits := s.anywhere
			if r != anyRune {
				if bits = s.places[r]; bits == nil {
					bits = make([]uint64, words)
					s.places[r] = bits
				}
			}
			bits[i/64] |= 1 << (i % 64)
		}
	}
	state := make([]uint64, words)
	end := uint64(1) << ((len(s.runes) - 1) % 64)
	for i, r := range text {
		places, carry := s.places[r], uint64(1)
		for w := range state {
			next := state[w]<<1 | carry
			carry = state[w] >> 63
			may := s.anywhere[w]
			if places != nil {
				may |= places[w]
			}
			state[w] = next & may
		}
		if state[words-1]&end != 0 {
			_, n := utf8.DecodeRuneInString(text[i:])
			return i + n
		}
	}
	return -1
}
