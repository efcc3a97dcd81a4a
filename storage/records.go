package storage

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"sync"

	// CBOR is compact, keeps bytes as bytes, and this implementation decodes
	// into typed structures only what they declare.
	"github.com/fxamacker/cbor/v2"
)

// Records are CBOR. Fields are written by name, or by what a `cbor` tag says;
// fields that a newer version added are ignored, those that are missing stay
// zero. Times keep their nanoseconds and come back in UTC; nil and empty
// slices and maps stay apart; strings may hold any bytes.
var encoding, decoding = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	enc, err := cbor.EncOptions{
		Time: cbor.TimeRFC3339NanoUTC,
	}.EncMode()
	if err != nil {
		panic(err)
	}
	dec, err := cbor.DecOptions{
		UTF8:             cbor.UTF8DecodeInvalid,
		MaxArrayElements: math.MaxInt32,
		MaxMapPairs:      math.MaxInt32,
		MaxNestedLevels:  256,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return enc, dec
}

// Item is a record with its key.
type Item[T any] struct {
	// Key is valid until the next step of the scan.
	Key []byte
	// Value is the caller's own.
	Value *T
}

// GetRecord reads the record under key, or returns ErrNotFound. The record is
// the caller's own.
func GetRecord[T any](tx Tx, key []byte) (*T, error) {
	b, err := tx.Get(key)
	if err != nil {
		return nil, err
	}
	return decode[T](key, b)
}

// PutRecord stores v under key.
func PutRecord[T any](tx Tx, key []byte, v *T) error {
	b, err := encode(key, v)
	if err != nil {
		return err
	}
	return tx.Set(key, b)
}

func encode[T any](key []byte, v *T) ([]byte, error) {
	b, err := encoding.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("storage: encoding record %q: %w", key, err)
	}
	return b, nil
}

// Records yields the records of a range in order. With KeysOnly the values are nil.
func Records[T any](tx Tx, r Range) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		for e, err := range tx.Scan(r) {
			item := Item[T]{Key: e.Key}
			if err == nil && !r.KeysOnly {
				item.Value, err = decode[T](e.Key, e.Value)
			}
			if err != nil {
				yield(Item[T]{}, err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// Decode reads the record of a scan's entry, for who does not need every one
// that Records would decode. The record is the caller's own.
func Decode[T any](e Entry) (*T, error) { return decode[T](e.Key, e.Value) }

func decode[T any](key, b []byte) (*T, error) {
	v := new(T)
	if err := decoding.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("storage: decoding record %q: %w", key, err)
	}
	return v, nil
}

// Cache keeps decoded records that are read often, such as descriptors of
// tables. It reads the bytes through the transaction every time and saves the
// decoding when they have not changed, so it is right on every engine. It is
// safe for concurrent use.
type Cache[T any] struct {
	limit int

	mu      sync.RWMutex
	records map[string]cached[T]
}

type cached[T any] struct {
	bytes []byte
	value *T
}

// NewCache is a cache of at most limit records.
func NewCache[T any](limit int) *Cache[T] {
	return &Cache[T]{limit: limit, records: map[string]cached[T]{}}
}

// Get reads the record under key, or returns ErrNotFound. The record is shared
// and must not be modified.
func (c *Cache[T]) Get(tx Tx, key []byte) (*T, error) {
	v, b, err := c.Look(tx, key)
	if v != nil || err != nil {
		return v, err
	}
	if v, err = decode[T](key, b); err != nil {
		return nil, err
	}
	c.keep(key, b, v)
	return v, nil
}

// Look is Get for who has a way of his own to read a record that is not kept: v
// is nil then, and b is what is under the key.
func (c *Cache[T]) Look(tx Tx, key []byte) (v *T, b []byte, err error) {
	b, err = tx.Get(key)
	if err != nil {
		return nil, nil, err
	}
	c.mu.RLock()
	r, ok := c.records[string(key)]
	c.mu.RUnlock()
	if ok && bytes.Equal(r.bytes, b) {
		v = r.value
	}
	return v, b, nil
}

// Put stores a record as PutRecord does, and keeps it for who reads it next. It must
// not be modified afterwards. Before the commit nobody finds it: the bytes are
// others.
func (c *Cache[T]) Put(tx Tx, key []byte, v *T) error {
	b, err := encode(key, v)
	if err != nil {
		return err
	}
	c.keep(key, b, v)
	return tx.Set(key, b)
}

// keep remembers a record with its bytes, which stay what they are.
func (c *Cache[T]) keep(key, b []byte, v *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.records[string(key)]; !ok && len(c.records) >= c.limit {
		for k := range c.records { // any one: what is hot comes back at once
			delete(c.records, k)
			break
		}
	}
	c.records[string(key)] = cached[T]{b, v}
}
