package storage

import (
	"bytes"
	"errors"
	"iter"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// badgerTx is a transaction of Badger that begins when it has to: as long as
// all that it reads is hot it needs none.
type badgerTx struct {
	badger *badger
	update bool
	// warm says that it may read what is hot.
	warm bool
	// begun is the number of the last commit that had ended when it began.
	begun uint64
	txn   *badgerdb.Txn // nil before it is needed
	// unsure says that the hot keys read may have changed before txn began.
	unsure bool
	reads  []hotRead
	writes hotWrites
}

func (b *badger) begin(update, again bool) engineTx {
	// What was hot may have changed too often; Badger's snapshot does not.
	return &badgerTx{badger: b, update: update, warm: !again, begun: b.hot.ended.Load()}
}

// begin is Badger's transaction.
func (t *badgerTx) begin() *badgerdb.Txn {
	if t.txn == nil {
		t.begun = t.badger.hot.ended.Load() // before the snapshot is taken
		t.txn = t.badger.db.NewTransaction(t.update)
		t.unsure = len(t.reads) > 0
	}
	return t.txn
}

// snapshot is Badger's transaction, to be read from. What has been read before
// it must not have changed since, or it would not be one snapshot.
func (t *badgerTx) snapshot() (*badgerdb.Txn, error) {
	txn := t.begin()
	if t.unsure {
		if !t.badger.hot.same(t.reads) {
			return nil, errConflict
		}
		t.unsure = false
	}
	return txn, nil
}

func (t *badgerTx) Get(key []byte) ([]byte, error) {
	hash := t.badger.hot.hash(key)
	if t.warm && !t.unsure && t.writes.find(key, hash) == nil {
		if value, read, ok := t.badger.hot.get(key, hash, t.begun); ok {
			if t.txn == nil || t.update {
				t.reads = append(t.reads, read)
			}
			return value, nil
		}
	}
	txn, err := t.snapshot()
	if err != nil {
		return nil, err
	}
	item, err := txn.Get(key)
	if errors.Is(err, badgerdb.ErrKeyNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var value []byte
	err = item.Value(func(v []byte) error {
		value = v
		if len(v) >= valueThreshold { // it is in the mapped log; smaller ones are our own copy
			value = bytes.Clone(v)
		}
		return nil
	})
	if err == nil && len(value) <= maxHot && len(t.writes.list) == 0 {
		t.badger.hot.put(key, hash, value, t.begun)
	}
	return value, err
}

func (t *badgerTx) Set(key, value []byte) error {
	t.writes.set(key, t.badger.hot.hash(key), value)
	return tooBig(t.begin().Set(key, value))
}

func (t *badgerTx) Delete(key []byte) error {
	t.writes.set(key, t.badger.hot.hash(key), nil)
	return tooBig(t.begin().Delete(key))
}

func tooBig(err error) error {
	if errors.Is(err, badgerdb.ErrTxnTooBig) {
		return ErrTooLarge
	}
	return err
}

func (t *badgerTx) Scan(r Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		txn, err := t.snapshot()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		it := txn.NewIterator(badgerdb.IteratorOptions{Reverse: r.Reverse, Prefix: r.prefix()})
		defer it.Close()
		var large []byte // a value out of the log, whose memory is used again
		end := r.End     // of what is left of a reverse scan
		for it.Seek(r.first()); it.Valid(); {
			item := it.Item()
			e := Entry{Key: item.Key()}
			switch {
			case !r.Reverse && r.End != nil && bytes.Compare(e.Key, r.End) >= 0,
				r.Reverse && bytes.Compare(e.Key, r.Start) < 0:
				return
			case r.Reverse && bytes.Equal(e.Key, end):
				it.Next() // the end is not part of the range
				continue
			}
			if !r.KeysOnly {
				err := item.Value(func(v []byte) error {
					e.Value = v
					if len(v) >= valueThreshold {
						large = append(large[:0], v...)
						e.Value = large
					}
					return nil
				})
				if err != nil {
					yield(Entry{}, err)
					return
				}
			}
			if !yield(e, nil) {
				return
			}
			switch to := r.next(e.Key); {
			case to == nil:
				it.Next()
			case len(to) == 0:
				return // nothing is before it, and to Badger it would be the last
			default:
				end = to
				it.Seek(to)
			}
		}
	}
}

// first is where a scan of r begins.
func (r Range) first() []byte {
	if r.Reverse {
		return r.End
	}
	return r.Start
}

// prefix is what all keys of a forward range have in common, which spares
// Badger the tables that have none of them, and deleted keys behind the range.
func (r Range) prefix() []byte {
	if r.Reverse {
		return nil
	}
	n := 0
	for n < len(r.Start) && n < len(r.End) && r.Start[n] == r.End[n] {
		n++
	}
	if n < len(r.Start) && n+1 == len(r.End) && r.End[n] == r.Start[n]+1 {
		n++ // up to the end of a prefix
	}
	return r.Start[:n]
}

func (t *badgerTx) commit() error {
	if len(t.writes.list) == 0 {
		return nil
	}
	hot := t.badger.hot
	if !hot.hold(t.reads, &t.writes) {
		return errConflict
	}
	err := t.txn.Commit()
	if errors.Is(err, badgerdb.ErrConflict) {
		hot.unlock(t.reads, &t.writes)
		return errConflict
	}
	if err != nil { // who knows what was written
		for i := range t.writes.list {
			t.writes.list[i].value = nil
		}
	}
	hot.release(t.reads, &t.writes)
	return tooBig(err)
}

func (t *badgerTx) discard() {
	if t.txn != nil {
		t.txn.Discard()
	}
}
