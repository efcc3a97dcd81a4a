// Package ids makes the identifiers that services hand out. A source is given
// to every service, so that tests can make ids predictable.
package ids

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"sync"
)

// Source makes identifiers. It is safe for concurrent use.
type Source struct {
	mu  sync.Mutex
	r   io.Reader
	buf [512]byte
	n   int // bytes of buf not yet used, at its end
}

// Random is a source from the system's random numbers.
func Random() *Source { return From(rand.Reader) }

// From is a source from r, which must not fail.
func From(r io.Reader) *Source { return &Source{r: r} }

// Read fills p with random bytes; it never fails.
func (s *Source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) > len(s.buf) {
		if _, err := io.ReadFull(s.r, p); err != nil {
			panic("ids: " + err.Error())
		}
		return len(p), nil
	}
	return copy(p, s.take(len(p))), nil
}

// take is the next n bytes of the buffer, for who holds the lock.
func (s *Source) take(n int) []byte {
	if s.n < n {
		if _, err := io.ReadFull(s.r, s.buf[:]); err != nil {
			panic("ids: " + err.Error())
		}
		s.n = len(s.buf)
	}
	s.n -= n
	at := len(s.buf) - s.n - n
	return s.buf[at : at+n]
}

// Bits are 128 random bits.
func (s *Source) Bits() (b [16]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	copy(b[:], s.take(len(b)))
	return b
}

// UUID is a version 4 UUID in lower case.
func (s *Source) UUID() string {
	b := s.Bits()
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte // every request has one: this is quicker than formatting
	hex.Encode(text[0:], b[0:4])
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// The alphabets that AWS's ids are made of.
const (
	LowerAlphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"
	UpperAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	Base32            = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	Hex               = "0123456789abcdef"
)

// String is n characters of the alphabet, which has at most 256.
func (s *Source) String(alphabet string, n int) string {
	limit := 256 - 256%len(alphabet) // bytes above would favour some letters
	out := make([]byte, 0, n)
	var b [32]byte
	for len(out) < n {
		s.Read(b[:])
		for _, c := range b {
			if int(c) < limit && len(out) < n {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out)
}
