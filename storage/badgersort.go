package storage

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Badger keeps what says that a key was removed, and the value from before, until
// it compacts the tables that they are in, which is when as much again has been written: in a
// store that rests, never. Scans pass over both, 150 ns of processor time each: the
// first page of a listing before a million removed keys takes 0.34 s. So
// when many keys were removed and nothing is written any more, the tables are
// compacted, which takes 1.3 s for that million, and leaves 0.04 s, for the keys
// that have not left memory.
const (
	// sortInterval is how long nothing must have been written.
	sortInterval = 5 * time.Second
	// manyRemoved is how many removed keys are worth it, if they are a tenth of
	// all: so what is rewritten for them stays within ten times what they are.
	manyRemoved = 100_000
)

// removals counts the keys that were removed and may still be in the tables.
type removals struct {
	count atomic.Int64
	// sorting is held by who compacts, or empties, the tables.
	sorting sync.Mutex
}

// add counts the removals among writes.
func (r *removals) add(w *writes) {
	n := int64(0)
	for i := range w.list {
		if w.list[i].removed {
			n++
		}
	}
	if n > 0 {
		r.count.Add(n)
	}
}

// sortAtRest compacts the tables when it is worth it, until the context ends.
func (b *badger) sortAtRest(ctx context.Context) error {
	tick := time.NewTicker(sortInterval)
	defer tick.Stop()
	for last := uint64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := b.timeline.latest.Load()
		if rests := now == last; rests && b.worthSorting() {
			b.sort()
		}
		last = now
	}
}

func (b *badger) worthSorting() bool {
	removed := b.removals.count.Load()
	if removed < manyRemoved {
		return false
	}
	keys := int64(0)
	for _, t := range b.db.Tables() {
		keys += int64(t.KeyCount)
	}
	return removed >= keys/10
}

// sort compacts the tables. Moments before the present one can no longer be entered.
func (b *badger) sort() {
	b.removals.sorting.Lock()
	defer b.removals.sorting.Unlock()
	b.removals.count.Store(0)
	b.timeline.forget(b.timeline.latest.Load())
	if err := b.db.Flatten(compactors); err != nil {
		b.db.Opts().Logger.Warningf("compacting after removals failed: %v", err)
	}
}
