// Package storage keeps everything Virga remembers: an ordered, transactional
// key-value store, an encoding of keys that sorts as its parts do, typed
// records, and blobs for what is too large for a value.
//
// An engine is chosen by URL (see Open). Every engine passes the conformance
// suite in storagetest, and nothing outside this package may assume which one
// it runs on, that there is one process, or that it alone writes.
package storage

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
)

// ErrNotFound is returned by Get when there is no such key.
var ErrNotFound = errors.New("storage: not found")

// ErrTooLarge is returned when a value exceeds MaxValue, or a transaction's
// writes MaxLarge.
var ErrTooLarge = errors.New("storage: transaction too large")

// ErrConflict is returned by Update when other transactions kept changing what
// it read, for longer than it is worth trying.
var ErrConflict = errors.New("storage: too many conflicting transactions")

// ErrClosed is returned by a store that has been closed.
var ErrClosed = errors.New("storage: closed")

// Why a store could not be opened; Open's error wraps one of them, and its
// text is a sentence for the user.
var (
	// ErrUnwritable: the directory can not be made or written.
	ErrUnwritable = errors.New("storage: directory not writable")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("storage: in use by another process")
	// ErrDamaged: files are missing or are not what they should be.
	ErrDamaged = errors.New("storage: damaged")
	// ErrNewer: a newer version of Virga wrote the store.
	ErrNewer = errors.New("storage: written by a newer version")
)

// DB is an ordered transactional store. It is safe for concurrent use. A
// transaction does not begin another one: that could wait for itself.
type DB interface {
	// View runs f on a consistent snapshot, which is taken when f first reads
	// at the latest. f must not write. A Get or the beginning of the first
	// Scan may fail where something has changed; f then runs again, so until
	// it scans it must be pure but for the variables that it sets.
	View(f func(Tx) error) error
	// Update runs f and commits what it wrote, or nothing at all when f
	// returns an error. When another transaction changed a key that f read,
	// f runs again: it must be pure but for the transaction, and may run
	// many times. Transactions are serialisable over the keys read with Get;
	// keys that a Scan passed are not watched, so who adds a child reads its
	// parent's record in the same transaction.
	//
	// What writes more than MaxUpdate waits for all who read and write, and they
	// for it; so what need not be one transaction is done in pieces.
	//
	// When Update returns nil the writes survive the death of the process.
	Update(f func(Tx) error) error
	// Close waits for running transactions and releases the store.
	Close() error
}

// Tx is a transaction. It is used by one goroutine and ends with the function
// it was given to.
type Tx interface {
	// Get returns the value of key, or ErrNotFound. The value must not be
	// modified; it stays what it is when the transaction has ended.
	Get(key []byte) ([]byte, error)
	// Set stores value under key. Neither slice may be modified afterwards.
	Set(key, value []byte) error
	// Delete removes key; a key that is not there is no error.
	Delete(key []byte) error
	// Scan yields the entries of a range in order, with the transaction's own
	// writes. An error is yielded once, and ends the scan. An entry's slices
	// are valid until the next step.
	Scan(Range) iter.Seq2[Entry, error]
	// OnCommit runs f after the transaction has been committed, never when it
	// was not. Functions of attempts that were retried are forgotten.
	OnCommit(f func())
}

// Entry is a key and its value.
type Entry struct{ Key, Value []byte }

// Range is the keys from Start (inclusive) to End (exclusive).
type Range struct {
	// Start is the first key; nil is the first of all.
	Start []byte
	// End is the key after the last; nil is past the last of all.
	End []byte
	// Reverse yields the last first.
	Reverse bool
	// KeysOnly leaves the values nil, which is cheaper.
	KeysOnly bool
	// Skip lets who scans pass over keys on the way; nil is for who wants all.
	Skip *Skip
}

// Skip is told by the body of a scan's loop that the keys up to a certain one
// are of no interest. The scan then seeks instead of stepping, which costs as
// much as some ten steps, however many keys lie between, and much less than
// another scan. It serves one scan at a time.
type Skip struct{ to []byte }

// To makes the scan go on at the first key that is not before key or, in
// reverse, at the last key before it. The range is not left that way, and what the scan
// has passed does not come back. The slice may not be modified before the next step.
func (s *Skip) To(key []byte) { s.to = key }

// next is where the scan that has just yielded key goes on, or nil when that
// is the next entry.
func (r Range) next(key []byte) []byte {
	if r.Skip == nil || r.Skip.to == nil {
		return nil
	}
	to := r.Skip.to
	r.Skip.to = nil
	if order := bytes.Compare(to, key); r.Reverse && order >= 0 || !r.Reverse && order <= 0 {
		return nil // it has been passed
	}
	return to
}

// Prefix is the range of all keys that begin with p.
func Prefix(p []byte) Range { return Range{Start: p, End: PrefixEnd(p)} }

// PrefixEnd is the first key after all that begin with p; nil when none follows.
func PrefixEnd(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			end := append([]byte(nil), p[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// After is the part of r that a scan of it has not reached yet when the last
// key it yielded is key: the next page.
func (r Range) After(key []byte) Range {
	if r.Reverse {
		r.End = key
	} else {
		r.Start = append(key[:len(key):len(key)], 0)
	}
	return r
}

// FirstKeys are the first keys of a range, at most n.
func FirstKeys(tx Tx, r Range, n int) (keys [][]byte, err error) {
	r.KeysOnly = true
	for e, err := range tx.Scan(r) {
		if err != nil {
			return nil, err
		}
		if keys = append(keys, bytes.Clone(e.Key)); len(keys) == n {
			break
		}
	}
	return keys, nil
}

// DeleteFirst removes the first keys of a range, at most n, and says whether
// there may be more.
func DeleteFirst(tx Tx, r Range, n int) (more bool, err error) {
	keys, err := FirstKeys(tx, r, n)
	if err != nil {
		return false, err
	}
	for _, k := range keys {
		if err := tx.Delete(k); err != nil {
			return false, err
		}
	}
	return len(keys) == n, nil
}

// DeleteRange removes all keys of a range that is known to be small.
func DeleteRange(tx Tx, r Range) error {
	_, err := DeleteFirst(tx, r, math.MaxInt)
	return err
}

// deletedAtOnce is how many keys one transaction of DeleteAll removes.
const deletedAtOnce = 1000

// DeleteAll removes all keys of a range that has no bound, in as many
// transactions as that takes.
func DeleteAll(ctx context.Context, db DB, r Range) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := db.Update(func(tx Tx) (err error) {
			more, err = DeleteFirst(tx, r, deletedAtOnce)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
