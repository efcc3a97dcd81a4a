// Package jsontext writes the texts of JSON: strings, and binaries as strings
// of base64. Everything that becomes JSON passes through here, whether it is
// the server's protocols that write it or a type of the vocabulary that knows
// its own form, so that a character is escaped in one way only.
//
// It appends to what it is given and keeps nothing, and finds for those who read
// what does not stand for itself (Plain). It knows no objects, no
// arrays and no numbers.
package jsontext

import (
	"encoding/base64"
	"math/bits"
	"unicode/utf8"
)

// AppendString appends s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD.
func AppendString[T ~string | ~[]byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := Plain(s, 0); i < len(s); i = Plain(s, i) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// Plain is the index, from i on, of the first byte that does not stand for
// itself in a JSON string, or that is part of a longer character; len(s) when
// there is none. It looks at eight bytes at a time, since texts are mostly plain.
func Plain[T ~string | ~[]byte](s T, i int) int {
	const (
		ones   = 0x0101010101010101
		tops   = 0x80 * ones
		space  = ' ' * ones
		quote  = '"' * ones
		escape = '\\' * ones
	)
	for ; i+8 <= len(s); i += 8 {
		t := s[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		// The top bit is set of a byte that is no ASCII, and a subtraction sets it
		// of one that is less. The bytes behind such a one may have lent to it
		// without being less themselves, so only the first that is found counts.
		if found := (w | (w - space) | ((w ^ quote) - ones) | ((w ^ escape) - ones)) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// AppendBinary appends data as a JSON string of its base64.
func AppendBinary[T ~string | ~[]byte](b []byte, data T) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(data))
	return append(b, '"')
}
