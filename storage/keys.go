package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// Key builds a key of parts that sorts as the parts do: by the first, then
// the second, and so on; a key that is the beginning of another sorts first.
// Parts of different kinds in one position sort by kind. It is used as
//
//	storage.Key{}.String("ddb").String(account).String(region).Uint64(7)
//
// Every method returns a longer key and leaves the receiver's content alone.
//
// No encoded part is the beginning of another in the same position, so
// Prefix(k) is exactly the keys that continue k with whole parts. An encoded
// part is, after a byte that names its kind:
//
//	String, Bytes   the bytes, 00 as 01 01 and 01 as 01 02, ended by 00
//	Uint64          8 bytes, the highest first
//	Int64           the same, with the sign bit inverted
//	Time            seconds since 1970 as an Int64, nanoseconds in 4 bytes
//
// and Raw is the bytes alone.
type Key []byte

// The kinds, in the order they sort.
const (
	kindBytes  = 'b'
	kindInt    = 'i'
	kindString = 's'
	kindTime   = 't'
	kindUint   = 'u'
)

const signBit = 1 << 63

// extend returns a copy of k that is n bytes longer, and those bytes. It never
// uses the spare capacity of k: two keys may be continued from the same one,
// and k may be a part of memory that is not the caller's.
func (k Key) extend(n int) (longer Key, added []byte) {
	longer = make(Key, len(k)+n)
	copy(longer, k)
	return longer, longer[len(k):]
}

// String appends a string of any bytes.
func (k Key) String(s string) Key { return text(k, kindString, s, true) }

// Bytes appends a string of bytes.
func (k Key) Bytes(b []byte) Key { return text(k, kindBytes, b, true) }

// StringPrefix appends the beginning of a string: the keys that begin with
// the result are those whose String in this position begins with s.
func (k Key) StringPrefix(s string) Key { return text(k, kindString, s, false) }

// BytesPrefix is StringPrefix for Bytes.
func (k Key) BytesPrefix(b []byte) Key { return text(k, kindBytes, b, false) }

func text[T string | []byte](k Key, kind byte, s T, whole bool) Key {
	escapes, end := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] <= 1 {
			escapes++
		}
	}
	if whole {
		end = 1
	}
	k, p := k.extend(1 + len(s) + escapes + end)
	p[0] = kind
	if escapes == 0 {
		copy(p[1:], s)
	} else {
		at := 1
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c <= 1 {
				p[at] = 1
				at++
				c++
			}
			p[at] = c
			at++
		}
	}
	if whole {
		p[len(p)-1] = 0
	}
	return k
}

// Uint64 appends a number.
func (k Key) Uint64(n uint64) Key {
	k, p := k.extend(9)
	p[0] = kindUint
	binary.BigEndian.PutUint64(p[1:], n)
	return k
}

// Int64 appends a number; negative ones sort first.
func (k Key) Int64(n int64) Key {
	k, p := k.extend(9)
	p[0] = kindInt
	binary.BigEndian.PutUint64(p[1:], uint64(n)^signBit)
	return k
}

// Time appends a time, to the nanosecond. Times in different zones that are
// the same instant are the same key.
func (k Key) Time(t time.Time) Key {
	k, p := k.extend(13)
	p[0] = kindTime
	binary.BigEndian.PutUint64(p[1:], uint64(t.Unix())^signBit)
	binary.BigEndian.PutUint32(p[9:], uint32(t.Nanosecond()))
	return k
}

// Raw appends bytes as they are. They must be the last part, or of a length
// that the reader knows.
func (k Key) Raw(b []byte) Key {
	k, p := k.extend(len(b))
	copy(p, b)
	return k
}

// errKey is what a KeyReader finds when a key is not made of the parts it was
// asked for, which means that two files disagree about a layout.
var errKey = errors.New("storage: key does not have the expected parts")

// KeyReader reads the parts of a key back, in the order they were appended.
// The first part that is not of the kind asked for makes Err return an error,
// and every method return zero from then on.
type KeyReader struct {
	rest []byte
	err  error
}

// ReadKey reads a key's parts from its beginning.
func ReadKey(key []byte) *KeyReader { return &KeyReader{rest: key} }

// Skip passes over n bytes, such as a prefix that is known.
func (r *KeyReader) Skip(n int) *KeyReader {
	r.Raw(n)
	return r
}

// String reads a String.
func (r *KeyReader) String() string {
	enc, escaped := r.text(kindString)
	if escaped {
		enc = unescape(enc)
	}
	return string(enc)
}

// Bytes reads Bytes, into memory of their own.
func (r *KeyReader) Bytes() []byte {
	enc, escaped := r.text(kindBytes)
	if escaped {
		return unescape(enc)
	}
	return bytes.Clone(enc)
}

func unescape(enc []byte) []byte {
	b := make([]byte, 0, len(enc))
	for i := 0; i < len(enc); i++ {
		c := enc[i]
		if c == 1 {
			i++
			c = enc[i] - 1
		}
		b = append(b, c)
	}
	return b
}

// text takes a String or Bytes part and returns it as encoded, without its
// kind and end, and whether there is anything escaped in it.
func (r *KeyReader) text(kind byte) (enc []byte, escaped bool) {
	if r.err == nil && len(r.rest) > 0 && r.rest[0] == kind {
		if end := bytes.IndexByte(r.rest, 0); end > 0 {
			enc, r.rest = r.rest[1:end], r.rest[end+1:]
			escaped = slices.Contains(enc, 1)
			if !escaped || wellEscaped(enc) {
				return enc, escaped
			}
		}
	}
	r.fail()
	return nil, false
}

func wellEscaped(enc []byte) bool {
	for i := 0; i < len(enc); i++ {
		if enc[i] == 1 {
			if i++; i == len(enc) || enc[i] > 2 {
				return false
			}
		}
	}
	return true
}

// Uint64 reads a Uint64.
func (r *KeyReader) Uint64() uint64 {
	p := r.fixed(kindUint, 8)
	if p == nil {
		return 0
	}
	return binary.BigEndian.Uint64(p)
}

// Int64 reads an Int64.
func (r *KeyReader) Int64() int64 {
	p := r.fixed(kindInt, 8)
	if p == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(p) ^ signBit)
}

// Time reads a Time, in UTC.
func (r *KeyReader) Time() time.Time {
	p := r.fixed(kindTime, 12)
	if p == nil {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(p)^signBit), int64(binary.BigEndian.Uint32(p[8:]))).UTC()
}

// Raw reads n bytes as they are; they are part of the key.
func (r *KeyReader) Raw(n int) []byte {
	if r.err != nil || len(r.rest) < n {
		r.fail()
		return nil
	}
	p := r.rest[:n:n]
	r.rest = r.rest[n:]
	return p
}

// Rest is what has not been read; it is part of the key.
func (r *KeyReader) Rest() []byte { return r.rest }

// Err says why the key could not be read as it was asked to be.
func (r *KeyReader) Err() error { return r.err }

func (r *KeyReader) fixed(kind byte, n int) []byte {
	if r.err != nil || len(r.rest) < 1+n || r.rest[0] != kind {
		r.fail()
		return nil
	}
	p := r.rest[1 : 1+n]
	r.rest = r.rest[1+n:]
	return p
}

func (r *KeyReader) fail() { r.rest, r.err = nil, errKey }
