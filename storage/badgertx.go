package storage

import (
	"bytes"
	"errors"
	"iter"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// badgerTx is a transaction that reads the store as it was at a moment: what is
// hot or recent from memory and the rest from Badger, for which it takes a snapshot when it
// first has to. What it writes it keeps until it is committed.
type badgerTx struct {
	badger *badger
	update bool
	// warm says that it may read what is hot.
	warm bool
	// at is the moment that it reads, and recent the memtables that belong to it.
	at     uint64
	recent *memtables
	// snapshot is Badger's transaction to read from, nil before it is needed;
	// entered says that the moment must be left in the end.
	snapshot *badgerdb.Txn
	entered  bool
	reads    []read // of an update
	writes   writes
	queued   queued
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
	// When it has lost before, what was hot may have changed too often, and the moment
	// may have been forgotten; what has been entered does not change.
	t.entered, t.warm = again, !again
	t.at, t.recent = b.moment(again)
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
	if value, found, err := t.recent.get(key, hash, t.at); found || err != nil {
		if err == nil && value == nil {
			err = ErrNotFound
		}
		return value, err
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
	t.writes.set(write{key: key, hash: t.badger.hot.hash(key), value: value})
	return nil
}

func (t *badgerTx) Delete(key []byte) error {
	t.writes.set(write{key: key, hash: t.badger.hot.hash(key), removed: true})
	return nil
}

func (t *badgerTx) Scan(r Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		txn, err := t.begin()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		it := txn.NewIterator(badgerdb.IteratorOptions{Reverse: r.Reverse, Prefix: r.prefix()})
		defer it.Close()
		cursors := make([]cursor, 0, 4) // the latest first
		if len(t.writes.list) > 0 {
			cursors = append(cursors, t.writes.cursor(r))
		}
		for m := range t.recent.all() {
			if !m.empty() {
				cursors = append(cursors, m.cursor(t.at, r.Reverse))
			}
		}
		cursors = append(cursors, &badgerCursor{Iterator: it, reverse: r.Reverse, keysOnly: r.KeysOnly})
		merge(r, cursors)(yield)
	}
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
	if err != nil {
		hot.unlock(t.reads, &t.writes)
		return err
	}
	hot.release(number, t.reads, &t.writes)
	return nil
}

func (t *badgerTx) discard() {
	if t.snapshot != nil {
		t.snapshot.Discard()
	}
	if t.entered {
		t.badger.timeline.leave(t.at)
	}
}

// badgerCursor goes over what Badger has.
type badgerCursor struct {
	*badgerdb.Iterator
	reverse, keysOnly bool
	large             []byte // a value out of the log, whose memory is used again
}

func (c *badgerCursor) seek(key []byte) error {
	if c.reverse && key != nil && len(key) == 0 {
		key = []byte{0} // nothing is before the empty key either, which to Badger is the end
	}
	c.Seek(key)
	if c.reverse && key != nil && c.Valid() && bytes.Equal(c.Item().Key(), key) {
		c.Next()
	}
	return nil
}

func (c *badgerCursor) step() error {
	c.Next()
	return nil
}

func (c *badgerCursor) key() []byte {
	if !c.Valid() {
		return nil
	}
	return c.Item().Key()
}

func (c *badgerCursor) value() (value []byte, err error) {
	if c.keysOnly {
		return []byte{}, nil
	}
	err = c.Item().Value(func(v []byte) error {
		if value = v; len(v) >= valueThreshold {
			c.large = append(c.large[:0], v...)
			value = c.large
		}
		return nil
	})
	if value == nil {
		value = []byte{}
	}
	return value, err
}
