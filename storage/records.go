package storage

import "iter"

// Item is a record with its key.
type Item[T any] struct {
	// Key is valid until the next step of the scan.
	Key []byte
	// Value is the caller's own.
	Value *T
}

// GetRecord reads the record under key, or returns ErrNotFound. The record is
// the caller's own.
func GetRecord[T any](tx Tx, key []byte) (*T, error) { panic("storage: not built yet") }

// PutRecord stores v under key.
func PutRecord[T any](tx Tx, key []byte, v *T) error { panic("storage: not built yet") }

// Records yields the records of a range in order. With KeysOnly the values are nil.
func Records[T any](tx Tx, r Range) iter.Seq2[Item[T], error] { panic("storage: not built yet") }

// Cache keeps decoded records that are read often, such as descriptors of
// tables. It reads the bytes through the transaction every time and saves the
// decoding when they have not changed, so it is right on every engine.
type Cache[T any] struct{}

// NewCache is a cache of at most limit records.
func NewCache[T any](limit int) *Cache[T] { return &Cache[T]{} }

// Get reads the record under key, or returns ErrNotFound. The record is shared
// and must not be modified.
func (c *Cache[T]) Get(tx Tx, key []byte) (*T, error) { panic("storage: not built yet") }
