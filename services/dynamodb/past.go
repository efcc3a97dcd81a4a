package dynamodb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"time"

	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/storage"
)

// The past of a table is what its items were before each change. With it the
// table can be read as it was at a moment, also in pieces while it goes on
// changing: an item was then what the first change after the moment replaced
// and, when there was none, what it is now. It is kept for recovery to a point
// in time, and while a copy of the table is being made.
//
// Which changes are after a moment is decided by transactions, not by changes:
// all changes of one have the time of its attempt, and the number it drew first.
// The moment of a copy has a number too, which is drawn in a transaction that
// rewrites the table's record. Every write reads that record. Writes
// that were under way have therefore been committed before, with a smaller
// number or without a trace in the past, or begin again and draw a larger one.

// past is the log of a table's past in the table's record.
type past struct {
	// Index is the number of the log among the table's indexes, new whenever
	// it is begun.
	Index uint64
	// Copies are the numbers of the tasks that read it.
	Copies []uint64
}

// pastRecord is one change.
type pastRecord struct {
	At time.Time `cbor:"1,keyasint"`
	// First is the number that the change's transaction drew first.
	First sequence.Number `cbor:"2,keyasint"`
	// Old is the encoded item that was there; empty when there was none.
	Old []byte `cbor:"3,keyasint,omitempty"`
}

// numberSize is the size of a number behind an item's key.
const numberSize = 8

// followPast remembers what an item was.
func (w *writes) followPast(tx storage.Tx, t *schema, e *effect, n sequence.Number) error {
	of := e.new
	if of == nil {
		of = e.old
	}
	key := storage.Key(indexKey(t.Account, t.Region, t.Number, t.Past.Index)).Raw(t.itemKey(of)[len(t.prefix):])
	return storage.PutRecord(tx, binary.BigEndian.AppendUint64(key, uint64(n)), &pastRecord{At: w.trail.at, First: w.trail.first, Old: e.oldData})
}

// moment is a table as it was, or a backup.
type moment struct {
	// Items is what the keys of its items begin with.
	Items []byte
	// Past is what those of its past begin with; empty for what has none.
	Past []byte
	// Until is the time of the moment, and Cut its number: what is after either is not in it.
	Until time.Time
	Cut   sequence.Number
}

func (m *moment) after(r *pastRecord) bool { return r.At.After(m.Until) || r.First >= m.Cut }

// items yields the items that there were behind a key, in order: their keys
// without what all begin with, and the items encoded, good until the next step.
func (m *moment) items(tx storage.Tx, after []byte) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		now := readFrom(tx, m.Items, after, 0)
		defer now.stop()
		was := &reader{}
		if len(m.Past) > 0 {
			was = readFrom(tx, m.Past, after, numberSize)
			defer was.stop()
		}
		for now.key != nil || was.key != nil {
			var item storage.Entry
			changed := false
			key := now.key
			if key == nil || was.key != nil && bytes.Compare(was.key, key) < 0 {
				key = bytes.Clone(was.key)
			}
			if bytes.Equal(now.key, key) {
				item = storage.Entry{Key: key, Value: bytes.Clone(now.value)}
			}
			for was.key != nil && bytes.Equal(was.key, key) {
				if !changed {
					r, err := storage.Decode[pastRecord](storage.Entry{Key: was.key, Value: was.value})
					if err != nil {
						yield(storage.Entry{}, err)
						return
					}
					if changed = m.after(r); changed {
						item = storage.Entry{Key: key, Value: r.Old}
					}
				}
				was.step()
			}
			// The entry is told before the reader that its key is of moves on.
			if len(item.Value) > 0 && !yield(item, nil) {
				return
			}
			if bytes.Equal(now.key, key) {
				now.step()
			}
			if err := cmp.Or(now.err, was.err); err != nil {
				yield(storage.Entry{}, err)
				return
			}
		}
		if err := cmp.Or(now.err, was.err); err != nil {
			yield(storage.Entry{}, err)
		}
	}
}

// reader is a scan that is read step by step.
type reader struct {
	prefix, behind int
	next           func() (storage.Entry, error, bool)
	stop           func()

	// key is that of the entry it stands at, without what comes before and
	// behind the key of an item; nil at the end, and when it failed.
	key, value []byte
	err        error
}

// readFrom reads the keys that continue prefix behind that of an item. Their
// last bytes, as many as behind says, are not part of an item's key.
func readFrom(tx storage.Tx, prefix, after []byte, behind int) *reader {
	scan := storage.Prefix(prefix)
	if after != nil {
		// No item's key is the beginning of another's: what continues this one
		// is behind it in no other sense.
		scan.Start = storage.PrefixEnd(slices.Concat(prefix, after))
	}
	r := &reader{prefix: len(prefix), behind: behind}
	r.next, r.stop = iter.Pull2(tx.Scan(scan))
	r.step()
	return r
}

func (r *reader) step() {
	e, err, ok := r.next()
	r.key, r.value, r.err = nil, nil, err
	if ok && err == nil {
		r.key, r.value = e.Key[r.prefix:len(e.Key)-r.behind], e.Value
	}
}
