package storage

import (
	"bytes"
	"errors"
	"iter"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// badgerTx is a transaction that reads the store as it was at a moment: what is
// hot from memory and the rest from Badger, for which it takes a snapshot when it
// first has to. What it writes it keeps until it is committed.
type badgerTx struct {
	badger *badger
	update bool
	// warm says that it may read what is hot.
	warm bool
	// at is the moment that it reads.
	at uint64
	// snapshot is Badger's transaction to read from, nil before it is needed;
	// entered says that the moment must be left in the end.
	snapshot *badgerdb.Txn
	entered  bool
	// overlay is a snapshot with the transaction's own writes in it, nil where
	// nothing was scanned since the first of them.
	overlay *badgerdb.Txn
	reads   []read // of an update
	writes  writes
	queued  queued
}

// updateTx is a badgerTx that writes, with room for what small ones read and write.
type updateTx struct {
	badgerTx
	reads  [4]read
	writes [2]write
}

func (b *badger) begin(update, again bool) engineTx {
	var t *badgerTx
	if update {
		u := &updateTx{}
		t = &u.badgerTx
		t.update, t.reads, t.writes.list = true, u.reads[:0], u.writes[:0]
	} else {
		t = &badgerTx{}
	}
	t.badger = b
	if again {
		// What was hot may have changed too often, and the moment may have been
		// forgotten; what has been entered does not change.
		t.at, t.entered = b.timeline.enterLatest(), true
	} else {
		t.at, t.warm = b.timeline.latest.Load(), true
	}
	return t
}

// begin takes the snapshot.
func (t *badgerTx) begin() (*badgerdb.Txn, error) {
	if t.snapshot == nil {
		if !t.entered && !t.badger.timeline.enter(t.at) {
			return nil, errConflict
		}
		t.entered = true
		t.snapshot = t.badger.db.NewTransactionAt(t.at, false)
	}
	return t.snapshot, nil
}

func (t *badgerTx) Get(key []byte) ([]byte, error) {
	hot := t.badger.hot
	hash := hot.hash(key)
	if t.update {
		if w := t.writes.find(key, hash); w != nil {
			if w.removed {
				return nil, ErrNotFound
			}
			return w.value, nil
		}
		t.reads = append(t.reads, read{hash: hash})
	}
	if t.warm {
		if value, ok := hot.get(key, hash, t.at); ok {
			return value, nil
		}
	}
	txn, err := t.begin()
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
	if err == nil && len(value) <= maxHot {
		hot.put(key, hash, value, t.at)
	}
	return value, err
}

func (t *badgerTx) Set(key, value []byte) error {
	return t.write(write{key: key, value: value})
}

func (t *badgerTx) Delete(key []byte) error {
	return t.write(write{key: key, removed: true})
}

func (t *badgerTx) write(w write) error {
	w.hash = t.badger.hot.hash(w.key)
	t.writes.set(w)
	if t.overlay == nil {
		return nil
	}
	return tooBig(w.apply(t.overlay, &badgerdb.Entry{}))
}

// scanned is what a scan reads: the snapshot, or that with the own writes.
func (t *badgerTx) scanned() (*badgerdb.Txn, error) {
	txn, err := t.begin()
	if err != nil || len(t.writes.list) == 0 {
		return txn, err
	}
	if t.overlay == nil {
		t.overlay = t.badger.db.NewTransactionAt(t.at, true)
		if err := t.writes.apply(t.overlay); err != nil {
			return nil, tooBig(err)
		}
	}
	return t.overlay, nil
}

func tooBig(err error) error {
	if errors.Is(err, badgerdb.ErrTxnTooBig) {
		return ErrTooLarge
	}
	return err
}

func (t *badgerTx) Scan(r Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		txn, err := t.scanned()
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
	if !hot.hold(t.at, t.reads, &t.writes) {
		return errConflict
	}
	t.queued.writes = &t.writes
	number, err := t.badger.write(&t.queued)
	hot.release(number, t.reads, &t.writes, err != nil)
	return tooBig(err)
}

func (t *badgerTx) discard() {
	if t.overlay != nil {
		t.overlay.Discard()
	}
	if t.snapshot != nil {
		t.snapshot.Discard()
	}
	if t.entered {
		t.badger.timeline.leave(t.at)
	}
}
