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
	// restInterval is how long nothing must have been written until the store rests.
	restInterval = time.Second
	// sortAfter is for how many intervals it has to rest before it is compacted.
	sortAfter = 5
	// manyRemoved is how many removed keys are worth it, if they are a tenth of
	// all: so what is rewritten for them stays within ten times what they are.
	manyRemoved = 100_000
)

// removals counts the keys that Badger was told were removed, and that may still be in the tables.
type removals struct {
	count atomic.Int64
	// sorting is held by who compacts, or empties, the tables.
	sorting sync.Mutex
}

// restAtTimes does what is best done when nothing is written any more, until the context
// ends: what is in memtables is written out, so that a server that is killed has little to read
// when it starts again, and then tables are compacted where it is worth it.
func (b *badger) restAtTimes(ctx context.Context) error {
	tick := time.NewTicker(restInterval)
	defer tick.Stop()
	rests := 0
	for last := uint64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := b.timeline.latest.Load()
		if rests++; now != last {
			rests, last = 0, now
		}
		switch {
		case rests == 1:
			if err := b.flushAll(); err != nil {
				b.db.Opts().Logger.Errorf("writing out commits at rest: %v", err)
			}
		case rests == sortAfter && b.worthSorting():
			b.sort()
		}
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
