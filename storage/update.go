package storage

import (
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"
)

// The limits of a transaction are the same on every engine, so that what is
// tested on one fits into all.
const (
	// MaxKey is the longest key, in bytes.
	MaxKey = 32 << 10
	// MaxValue is the largest value, in bytes.
	MaxValue = 16 << 20
	// MaxUpdate is what an engine commits at once: every write counts its key,
	// the first KiB of its value, and 128 bytes. More takes a journal.
	MaxUpdate = 9 << 20
	// MaxUpdateBytes is how much an engine commits at once in all, in bytes.
	MaxUpdateBytes = 128 << 20
)

const (
	// maxAttempts bounds how often Update tries. It is generous: within one
	// process the aloneFrom-th attempt can not conflict.
	maxAttempts = 64
	// warmUntil is the last attempt that may read what an engine remembers.
	warmUntil = 2
	// aloneFrom is the attempt from which a transaction keeps the other
	// updates of this process waiting.
	aloneFrom = 8
)

var (
	errReadOnly = errors.New("storage: write in a read-only transaction")
	errConflict = errors.New("storage: conflict") // commit lost; try again
)

// engine is what differs between stores: snapshots, and committing on them.
type engine interface {
	// begin starts a transaction on the present state. again says that it has
	// lost a conflict before.
	begin(update, again bool) engineTx
	// reset removes everything; no transaction is open.
	reset() error
	// close releases the store; no transaction is open.
	close() error
}

// engineTx is a transaction of an engine. It ends with discard, also after commit.
type engineTx interface {
	Get(key []byte) ([]byte, error)
	Set(key, value []byte) error
	Delete(key []byte) error
	Scan(Range) iter.Seq2[Entry, error]
	// commit returns errConflict when a key that was read has changed. Where
	// the transaction began before it had to take a snapshot, so may Get and
	// Scan; not when it was begun again.
	commit() error
	discard()
}

// store makes a DB of an engine: it retries, keeps the limits, and runs what
// waits for a commit.
type store struct {
	engine

	// life is held by every transaction, and taken by what must be alone with
	// the engine: closing and resetting.
	life   sync.RWMutex
	closed bool

	// updates is held by every attempt of an update, and taken by one that has
	// lost too often.
	updates sync.RWMutex
	// lanes make those who lost a conflict over the same key go one after the
	// other. This only saves work; the engine's commit is what decides.
	lanes [lanes]sync.Mutex
	seed  maphash.Seed
}

func newStore(e engine) *store { return &store{engine: e, seed: maphash.MakeSeed()} }

// View implements DB.
func (s *store) View(f func(Tx) error) error {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return ErrClosed
	}
	err := s.view(f, false)
	if errors.Is(err, errConflict) {
		err = s.view(f, true)
	}
	return err
}

func (s *store) view(f func(Tx) error, again bool) error {
	t := tx{engineTx: s.begin(false, again), store: s}
	defer t.discard()
	return f(&t)
}

// Update implements DB.
func (s *store) Update(f func(Tx) error) error {
	committed, err := s.update(f)
	if errors.Is(err, ErrTooLarge) {
		committed, err = s.updateLarge(f)
	}
	for _, f := range committed {
		f()
	}
	return err
}

// update returns what waits for the commit, to be run when no lock is held.
func (s *store) update(f func(Tx) error) (committed []func(), err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	var wrote laneSet
	for n := 1; n <= maxAttempts; n++ {
		if n > aloneFrom { // only another process can be in the way
			time.Sleep(rand.N(time.Duration(n) * 100 * time.Microsecond))
		}
		committed, err = s.attempt(f, n, &wrote)
		if !errors.Is(err, errConflict) {
			return committed, err
		}
	}
	return nil, ErrConflict
}

// attempt runs f once and commits. wrote is what the attempt before wrote, and
// becomes what this one did.
func (s *store) attempt(f func(Tx) error, n int, wrote *laneSet) ([]func(), error) {
	if n >= aloneFrom {
		s.updates.Lock()
		defer s.updates.Unlock()
	} else {
		held := *wrote
		held.lock(s)
		defer held.unlock(s)
		s.updates.RLock()
		defer s.updates.RUnlock()
	}
	t := tx{engineTx: s.begin(true, n > warmUntil), store: s, update: true}
	defer t.discard()
	if err := f(&t); err != nil {
		return nil, err
	}
	if t.failed != nil {
		return nil, t.failed
	}
	*wrote = t.wrote
	if err := t.commit(); err != nil {
		return nil, err
	}
	return t.onCommit, nil
}

// Close implements DB.
func (s *store) Close() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.close()
}

func (s *store) empty() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.reset()
}

// tx is the Tx that the functions given to View and Update see. Get and Scan
// are the engine's.
type tx struct {
	engineTx
	store    *store
	update   bool
	large    bool // it is a large update
	cost     int
	bytes    int
	failed   error // a write that was refused: the transaction does not commit
	wrote    laneSet
	onCommit []func()
}

// Set implements Tx.
func (t *tx) Set(key, value []byte) error {
	if err := t.admit(key, value); err != nil {
		return err
	}
	return t.engineTx.Set(key, value)
}

// Delete implements Tx.
func (t *tx) Delete(key []byte) error {
	if err := t.admit(key, nil); err != nil {
		return err
	}
	return t.engineTx.Delete(key)
}

// OnCommit implements Tx.
func (t *tx) OnCommit(f func()) {
	if !t.update {
		panic("storage: OnCommit in a View")
	}
	t.onCommit = append(t.onCommit, f)
}

func (t *tx) admit(key, value []byte) error {
	if !t.update {
		return errReadOnly
	}
	t.cost += costOf(key, value)
	t.bytes += len(value)
	switch {
	case len(key) == 0 || len(key) > MaxKey:
		t.failed = fmt.Errorf("storage: a key of %d bytes; keys have 1 to %d", len(key), MaxKey)
	case len(value) > MaxValue, !t.large && (t.cost > MaxUpdate || t.bytes > MaxUpdateBytes), t.cost+t.bytes > MaxLarge:
		t.failed = ErrTooLarge
	default:
		t.wrote.add(maphash.Bytes(t.store.seed, key))
		return nil
	}
	return t.failed
}

// costOf is what a write takes of MaxUpdate.
func costOf(key, value []byte) int { return len(key) + min(len(value), valueThreshold) + 128 }

const lanes = 256

// laneSet is a set of lanes.
type laneSet [lanes / 64]uint64

func (l *laneSet) add(hash uint64) {
	hash %= lanes
	l[hash/64] |= 1 << (hash % 64)
}

// lock takes the lanes in order, so that two sets never wait for each other.
func (l *laneSet) lock(s *store) { l.each(func(i int) { s.lanes[i].Lock() }) }

func (l *laneSet) unlock(s *store) { l.each(func(i int) { s.lanes[i].Unlock() }) }

func (l *laneSet) each(f func(int)) {
	for i, w := range l {
		for ; w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}
