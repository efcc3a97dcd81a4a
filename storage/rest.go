package storage

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// What is best done when nothing is written any more.
//
// Commits that are still in memtables are given to Badger, so that a server that is
// killed then has little to read when it starts again.
//
// Badger keeps what says that a key was removed, and the value from before, until
// it compacts the tables that they are in, which is when as much again has been written: in a
// store that rests, never. Scans pass over both, 150 ns of processor time each: the
// first page of a listing before a million removed keys takes 0.34 s. And as long as keys are
// spread over several levels of tables, who reads asks each of them. So
// when many keys were removed or written and nothing is written any more, all tables are
// compacted into one level. That takes 1.3 s for a million removed keys, and leaves 0.04 s, for the keys
// that have not left memory; and half a minute for ten million items.
const (
	// restInterval is how long nothing must have been written until the store rests.
	restInterval = time.Second
	// sortAfter is for how many intervals it has to rest before it is compacted.
	sortAfter = 5
	// manyRemoved is how many removed keys, and manyUnsorted how many bytes of tables that
	// are not in the last level, are worth it, if they are a tenth of
	// all: so what is rewritten for them stays within ten times what they are.
	manyRemoved  = 100_000
	manyUnsorted = 64 << 20
)

// removals counts the keys that Badger was told were removed, and that may still be in the tables.
type removals struct {
	count atomic.Int64
	// sorting is held by who compacts, or empties, the tables.
	sorting sync.Mutex
}

// restAtTimes does this until the context ends. Tables may be compacted even longer.
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
		case rests == 1 && !b.recent.state.Load().empty():
			if err := b.flushAll(); err != nil {
				b.db.Opts().Logger.Errorf("writing out commits at rest: %v", err)
			}
			debug.FreeOSMemory() // the memory that they were in
		case rests == sortAfter && b.worthSorting():
			go b.sort()
		}
	}
}

// worthSorting says whether so many keys were removed, or so much is in upper levels.
func (b *badger) worthSorting() bool {
	if removed := b.removals.count.Load(); removed >= manyRemoved {
		keys := int64(0)
		for _, t := range b.db.Tables() {
			keys += int64(t.KeyCount)
		}
		if removed >= keys/10 {
			return true
		}
	}
	var sizes []int64
	for _, level := range b.db.Levels() {
		sizes = append(sizes, level.Size)
	}
	return unsorted(sizes)
}

// unsorted says whether of levels of these sizes it is much that is not in the last.
func unsorted(sizes []int64) bool {
	total, last := int64(0), int64(0)
	for _, size := range sizes {
		if size > 0 {
			total, last = total+size, size
		}
	}
	return total-last >= max(manyUnsorted, total/10)
}

// sort compacts the tables. Moments before the present one can no longer be entered.
func (b *badger) sort() {
	b.removals.sorting.Lock()
	defer b.removals.sorting.Unlock()
	b.removals.count.Store(0)
	b.timeline.forget(b.timeline.latest.Load())
	if err := b.db.Flatten(compactors); err != nil {
		b.db.Opts().Logger.Warningf("compacting at rest failed: %v", err)
	}
}
