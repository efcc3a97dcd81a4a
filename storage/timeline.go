package storage

import (
	"sync"
	"sync/atomic"
)

// timeline numbers the commits of a store in the order in which they are made,
// and knows which moments of the past are still read. A moment is the number of
// the last commit that it sees.
//
// Badger keeps every value under the number of a commit. What it and the memtables may forget
// are values that were replaced before every moment that is read.
type timeline struct {
	// discard tells Badger the first moment that it has to remember.
	discard func(uint64)
	// latest is the number of the last commit that ended: it and all before it
	// can be seen as a whole.
	latest atomic.Uint64

	mu sync.Mutex
	// readers are how many read each moment.
	readers map[uint64]int
	// floor is the first moment that can be read. It grows while mu is held.
	floor atomic.Uint64
}

// pastKept is how many commits a moment stays readable without a reader, so
// that a transaction can begin without telling, and seldom comes too late when
// it has to.
const pastKept = 256

// newTimeline is that of a store whose last commit has the number latest.
func newTimeline(latest uint64, discard func(uint64)) *timeline {
	l := &timeline{discard: discard, readers: map[uint64]int{}}
	l.latest.Store(latest)
	l.floor.Store(latest)
	discard(latest)
	return l
}

// enter keeps a moment readable until leave, unless it is too late for that.
func (l *timeline) enter(at uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at < l.floor.Load() {
		return false
	}
	l.readers[at]++
	return true
}

// enterLatest is enter for the present moment, which it returns.
func (l *timeline) enterLatest() uint64 {
	for {
		if at := l.latest.Load(); l.enter(at) {
			return at
		}
	}
}

func (l *timeline) leave(at uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readers[at]--; l.readers[at] == 0 {
		delete(l.readers, at)
	}
}

// advance says that the commit of a number, which follows the latest, has ended.
func (l *timeline) advance(number uint64) {
	l.latest.Store(number)
	if number%(pastKept/4) == 0 {
		l.forget(number - min(number, pastKept))
	}
}

// forget lets Badger forget what is before a moment, as far as nobody reads it.
func (l *timeline) forget(before uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := range l.readers {
		before = min(before, at)
	}
	if before > l.floor.Load() {
		l.floor.Store(before)
		l.discard(before)
	}
}
