package storage

import "time"

// Key builds a key of parts that sorts as the parts do: by the first, then
// the second, and so on; a key that is the beginning of another sorts first.
// Parts of different kinds in one position sort by kind. It is used as
//
//	storage.Key{}.String("ddb").String(account).String(region).Uint64(7)
//
// Every method returns a longer key and leaves the receiver's content alone.
type Key []byte

// Room returns the same key with room for n more bytes, which the parts that
// follow fill without an allocation each. Such a key belongs to one chain of
// calls: two keys must not be continued from it.
func (k Key) Room(n int) Key { panic("storage: not built yet") }

// String appends a string of any bytes.
func (k Key) String(s string) Key { panic("storage: not built yet") }

// Bytes appends a string of bytes.
func (k Key) Bytes(b []byte) Key { panic("storage: not built yet") }

// StringPrefix appends the beginning of a string: the keys that begin with
// the result are those whose String in this position begins with s.
func (k Key) StringPrefix(s string) Key { panic("storage: not built yet") }

// BytesPrefix is StringPrefix for Bytes.
func (k Key) BytesPrefix(b []byte) Key { panic("storage: not built yet") }

// Uint64 appends a number.
func (k Key) Uint64(n uint64) Key { panic("storage: not built yet") }

// Int64 appends a number; negative ones sort first.
func (k Key) Int64(n int64) Key { panic("storage: not built yet") }

// Time appends a time, to the nanosecond.
func (k Key) Time(t time.Time) Key { panic("storage: not built yet") }

// Raw appends bytes as they are. They must be the last part, or of a length
// that the reader knows.
func (k Key) Raw(b []byte) Key { panic("storage: not built yet") }

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
func (r *KeyReader) Skip(n int) *KeyReader { panic("storage: not built yet") }

// String reads a String.
func (r *KeyReader) String() string { panic("storage: not built yet") }

// Bytes reads Bytes, into memory of their own.
func (r *KeyReader) Bytes() []byte { panic("storage: not built yet") }

// Uint64 reads a Uint64.
func (r *KeyReader) Uint64() uint64 { panic("storage: not built yet") }

// Int64 reads an Int64.
func (r *KeyReader) Int64() int64 { panic("storage: not built yet") }

// Time reads a Time, in UTC.
func (r *KeyReader) Time() time.Time { panic("storage: not built yet") }

// Raw reads n bytes as they are; they are part of the key.
func (r *KeyReader) Raw(n int) []byte { panic("storage: not built yet") }

// Rest is what has not been read; it is part of the key.
func (r *KeyReader) Rest() []byte { return r.rest }

// Err says why the key could not be read as it was asked to be.
func (r *KeyReader) Err() error { return r.err }
