package storage

import (
	"bytes"
	"errors"
	"iter"
	"slices"
)

// A large update writes more than an engine commits at once. It is alone with
// the store while it is made, in three steps:
//
//   - its function runs on the present state; what it writes is kept aside
//   - that is written to a journal, in pieces, and after them a record that says
//     that the journal is whole: from then on the update has happened
//   - it is applied, in pieces, and the journal is removed
//
// Nobody sees what is between them: whoever opens a store with a journal that is
// whole applies it first, and removes one that is not.

// MaxLarge is what a large update may write in all, in bytes of keys and values,
// and 128 for each. It is in memory meanwhile.
const MaxLarge = 512 << 20

// pieceBytes is how much one record of the journal has, or one write if that is more.
const pieceBytes = 8 << 20

func journalKey() Key { return Key{}.String("storage").String("journal") }

func journalPieceKey(n int) Key { return journalKey().String("piece").Uint64(uint64(n)) }

func journalWholeKey() Key { return journalKey().String("whole") }

// journalPiece is a part of the journal.
type journalPiece struct {
	Writes []journalWrite `cbor:"1,keyasint"`
}

// journalWrite is one write; of a key that is removed when there is no value.
type journalWrite struct {
	_     struct{} `cbor:",toarray"`
	Key   []byte
	Value []byte // nil: the key is removed
}

// updateLarge is update for a large one.
func (s *store) updateLarge(f func(Tx) error) (committed []func(), err error) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	writes, committed, err := s.gather(f)
	if err != nil {
		return nil, err
	}
	if err := s.writeJournal(writes); err != nil {
		return nil, errors.Join(err, s.removeJournal())
	}
	if err = s.apply(slices.Values(writes)); err == nil {
		err = s.removeJournal()
	}
	if err != nil {
		// It has happened, and can not be shown: who opens the store again will see it.
		s.closed = true
		_ = s.close() // the first error is the one to tell
		return nil, err
	}
	return committed, nil
}

// gather runs the function of a large update, and returns what it writes.
func (s *store) gather(f func(Tx) error) (writes []journalWrite, committed []func(), err error) {
	aside := &largeTx{engineTx: s.begin(false, true), writes: newMemTree()}
	defer aside.discard()
	t := tx{engineTx: aside, store: s, update: true, large: true}
	if err := f(&t); err != nil {
		return nil, nil, err
	}
	return aside.all(), t.onCommit, t.failed
}

// writeJournal returns nil when the journal is whole.
func (s *store) writeJournal(writes []journalWrite) error {
	n := 0
	for len(writes) > 0 {
		size, count := 0, 0
		for count < len(writes) && (count == 0 || size < pieceBytes) {
			size += len(writes[count].Key) + len(writes[count].Value)
			count++
		}
		if err := s.writeAlone(journalPieceKey(n), &journalPiece{writes[:count]}); err != nil {
			return err
		}
		writes = writes[count:]
		n++
	}
	return s.writeAlone(journalWholeKey(), &n)
}

// writeAlone writes one record in a transaction of its own, whatever its size.
func (s *store) writeAlone(key Key, record any) error {
	b, err := encoding.Marshal(record)
	if err != nil {
		return err
	}
	return s.apply(slices.Values([]journalWrite{{Key: key, Value: b}}))
}

// apply makes writes, in as many transactions as that takes.
func (s *store) apply(writes iter.Seq[journalWrite]) error {
	var t engineTx
	cost, size := 0, 0
	end := func() error {
		if t == nil {
			return nil
		}
		defer t.discard()
		return t.commit()
	}
	for w := range writes {
		one := costOf(w.Key, w.Value)
		if cost, size = cost+one, size+len(w.Value); t == nil || cost > MaxUpdate || size > MaxUpdateBytes {
			if err := end(); err != nil {
				return err
			}
			t, cost, size = s.begin(true, true), one, len(w.Value)
		}
		var err error
		if w.Value == nil {
			err = t.Delete(w.Key)
		} else {
			err = t.Set(w.Key, w.Value)
		}
		if err != nil {
			t.discard()
			return err
		}
	}
	return end()
}

// replay applies a journal that is whole, and removes any. The store is
// being opened.
func (s *store) replay() error {
	view := tx{engineTx: s.begin(false, true), store: s}
	defer view.discard()
	pieces, err := GetRecord[int](&view, journalWholeKey())
	switch {
	case err == nil:
		err = s.applyJournal(&view, *pieces)
	case errors.Is(err, ErrNotFound):
		err = nil
	}
	if err != nil {
		return err
	}
	return s.removeJournal()
}

// applyJournal applies a journal of so many pieces.
func (s *store) applyJournal(view Tx, pieces int) (err error) {
	applied := s.apply(func(yield func(journalWrite) bool) {
		for n := range pieces {
			var piece *journalPiece
			if piece, err = GetRecord[journalPiece](view, journalPieceKey(n)); err != nil {
				return
			}
			for _, w := range piece.Writes {
				if !yield(w) {
					return
				}
			}
		}
	})
	return errors.Join(err, applied)
}

// removeJournal removes what there is of a journal.
func (s *store) removeJournal() error {
	view := s.begin(false, true)
	defer view.discard()
	r := Prefix(journalKey())
	r.KeysOnly = true
	var keys []journalWrite
	for e, err := range view.Scan(r) {
		if err != nil {
			return err
		}
		keys = append(keys, journalWrite{Key: bytes.Clone(e.Key)})
	}
	// The whole fits into one transaction: pieces without their end, or an end
	// without its pieces, are never seen.
	return s.apply(slices.Values(keys))
}

// largeTx is a transaction whose writes are kept aside. An entry of them
// without a value is a key that is removed.
type largeTx struct {
	engineTx // to read from
	writes   *memTree
}

func (t *largeTx) Get(key []byte) ([]byte, error) {
	w, ok := t.writes.Get(&memEntry{key: key})
	switch {
	case !ok:
		return t.engineTx.Get(key)
	case w.value == nil:
		return nil, ErrNotFound
	}
	return w.value, nil
}

func (t *largeTx) Set(key, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	t.writes.Set(&memEntry{key, value})
	return nil
}

func (t *largeTx) Delete(key []byte) error {
	t.writes.Set(&memEntry{key: key})
	return nil
}

// all are the writes, in order.
func (t *largeTx) all() []journalWrite {
	out := make([]journalWrite, 0, t.writes.Len())
	for w := range scanTree(t.writes, Range{}) {
		out = append(out, journalWrite{Key: w.key, Value: w.value})
	}
	return out
}

func (t *largeTx) Scan(r Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		writes := t.writes.Copy() // what is written while it is scanned is not seen
		for more := true; more; {
			rest := r
			rest.Skip = nil
			more = false
			for e, err := range t.merged(writes, rest) {
				if !yield(e, err) || err != nil {
					return
				}
				if to := r.next(e.Key); to != nil { // the scan begins again there
					if more = true; r.Reverse {
						r.End = to
					} else {
						r.Start = to
					}
					break
				}
			}
		}
	}
}

// merged yields what there is and what was written, in order.
func (t *largeTx) merged(writes *memTree, r Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		next, stop := iter.Pull(scanTree(writes, r))
		defer stop()
		w, written := next()
		// tell yields the writes before a key, all of them without one.
		tell := func(before []byte) bool {
			for ; written; w, written = next() {
				if order := bytes.Compare(w.key, before); before != nil && (order == 0 || order > 0 != r.Reverse) {
					return true
				}
				e := Entry{Key: w.key, Value: w.value}
				if r.KeysOnly {
					e.Value = nil
				}
				if w.value != nil && !yield(e, nil) {
					return false
				}
			}
			return true
		}
		for e, err := range t.engineTx.Scan(r) {
			if err != nil {
				yield(e, err)
				return
			}
			if !tell(e.Key) {
				return
			}
			if written && bytes.Equal(w.key, e.Key) {
				continue // it is told in its turn
			}
			if !yield(e, nil) {
				return
			}
		}
		tell(nil)
	}
}

func (t *largeTx) commit() error { panic("storage: a large update is committed by its store") }
