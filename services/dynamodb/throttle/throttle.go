// Package throttle counts what is left of the capacity of tables and indexes.
//
// A bucket belongs to a Resource. It fills at a rate of units a second, and holds
// what comes in in Burst; one that nothing was taken of for so long is full, as
// is one that was never seen. What a request takes is known when it has been
// carried out, so a request is let in as long as anything is left, and
// may take more than that: the bucket then owes, and fills from below nothing.
//
// Buckets are kept in memory, and do not survive a restart. They know no
// partitions: AWS also limits what one partition of a table may take.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
package throttle

import (
	"sync"
	"time"
)

// Burst is how long unused capacity is kept.
const Burst = 300 * time.Second

// maxBuckets is how many buckets are kept before the full ones among them,
// which need not be kept, are let go.
const maxBuckets = 4096

// Resource is what has a bucket: the reads or the writes of a table (index 0)
// or of one of its indexes, by their numbers.
type Resource struct {
	Table, Index uint64
	Writes       bool
}

// Buckets are the buckets of all resources. They are safe for concurrent use.
type Buckets struct {
	mu   sync.Mutex
	kept int // how many were left when the full ones were last let go
	all  map[Resource]*bucket
}

// New are full buckets.
func New() *Buckets { return &Buckets{all: map[Resource]*bucket{}} }

type bucket struct {
	left float64
	rate float64 // units a second
	at   time.Time
}

// fill brings a bucket up to the time. Since the last time it has filled at the
// rate that it has now: when that was changed is not known here.
func (b *bucket) fill(rate float64, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.left += rate * passed.Seconds()
		b.at = now
	}
	b.left = min(b.left, rate*Burst.Seconds())
	b.rate = rate
}

// Left is how many units are left of a resource that gets so many a second,
// less than nothing where too many were taken.
func (b *Buckets) Left(r Resource, rate int64, now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	have := b.all[r]
	if have == nil {
		return float64(rate) * Burst.Seconds()
	}
	have.fill(float64(rate), now)
	return have.left
}

// Take takes units of a resource that gets so many a second, whether or not they are left.
func (b *Buckets) Take(r Resource, rate int64, units float64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	have := b.all[r]
	if have == nil {
		b.letGo(now)
		have = &bucket{left: float64(rate) * Burst.Seconds(), rate: float64(rate), at: now}
		b.all[r] = have
	}
	have.fill(float64(rate), now)
	have.left -= units
}

// letGo lets go of full buckets, when there are many and twice as many as
// were left the last time.
func (b *Buckets) letGo(now time.Time) {
	if len(b.all) < max(maxBuckets, 2*b.kept) {
		return
	}
	for r, have := range b.all {
		if have.fill(have.rate, now); have.left == have.rate*Burst.Seconds() {
			delete(b.all, r)
		}
	}
	b.kept = len(b.all)
}

// Forget makes all buckets full.
func (b *Buckets) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.all)
	b.kept = 0
}
