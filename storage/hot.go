package storage

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// hot remembers small values that are read often: a descriptor that every
// request reads, an item that everybody asks for. Looking a key up in Badger
// costs microseconds, since every table that may hold a newer version is asked.
//
// What must hold: an entry is the latest committed value of its key, and was so
// from its version on. A commit therefore takes the keys it writes out before it
// is made, and keeps everybody from putting them back in until it is done; and
// who began before a commit of the same shard ended puts nothing in, for
// what he read may be what was there before.
//
// Only transactions that do not write use it. Badger watches what the others
// read, to find conflicts.
type hot struct {
	// ended counts commits that are done.
	ended  atomic.Uint64
	seed   maphash.Seed
	shards [hotShards]hotShard
}

const (
	hotShards = 64
	// hotBytes is how much a shard holds: 32 MiB in all, which is only taken
	// where as much is read often.
	hotBytes = 512 << 10
	// hotEvery is how many misses it takes on average for a value to be kept,
	// so that reading everything once does not drive out what is read always.
	hotEvery = 4
)

type hotShard struct {
	mu      sync.Mutex
	entries map[string]hotEntry
	bytes   int
	misses  int
	// pending are the commits under way that write to the shard, last the one
	// that ended last, as ended counts.
	pending int
	last    uint64
}

type hotEntry struct {
	value   []byte
	version uint64
}

func newHot() *hot { return &hot{seed: maphash.MakeSeed()} }

func (h *hot) shard(key []byte) *hotShard {
	return &h.shards[maphash.Bytes(h.seed, key)%hotShards]
}

// get is the value of key for a transaction that sees what was committed up to
// the given version.
func (h *hot) get(key []byte, sees uint64) ([]byte, bool) {
	s := h.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[string(key)]
	return e.value, ok && e.version <= sees
}

// put may keep what a transaction has read that began when as many commits had
// ended as begun says.
func (h *hot) put(key, value []byte, version, begun uint64) {
	s := h.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misses++; s.misses%hotEvery != 0 || s.pending > 0 || s.last > begun {
		return
	}
	if s.entries == nil {
		s.entries = map[string]hotEntry{}
	}
	for k, e := range s.entries { // in no order: who is driven out is a matter of luck
		if s.bytes+hotSize(key, value) <= hotBytes {
			break
		}
		s.bytes -= hotSize([]byte(k), e.value)
		delete(s.entries, k)
	}
	if old, there := s.entries[string(key)]; there {
		s.bytes -= hotSize(key, old.value)
	}
	s.entries[string(key)] = hotEntry{value, version}
	s.bytes += hotSize(key, value)
}

// hotSize is what an entry takes, about: the map's part is some 100 bytes.
func hotSize(key, value []byte) int { return len(key) + len(value) + 100 }

// hold takes keys out before they are committed. The caller calls release
// once that has been done or has failed.
func (h *hot) hold(keys [][]byte) {
	for _, k := range keys {
		s := h.shard(k)
		s.mu.Lock()
		if old, there := s.entries[string(k)]; there {
			s.bytes -= hotSize(k, old.value)
			delete(s.entries, string(k))
		}
		s.pending++
		s.mu.Unlock()
	}
}

func (h *hot) release(keys [][]byte) {
	now := h.ended.Add(1)
	for _, k := range keys {
		s := h.shard(k)
		s.mu.Lock()
		s.pending--
		s.last = max(s.last, now)
		s.mu.Unlock()
	}
}

// clear forgets everything.
func (h *hot) clear() {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		s.entries, s.bytes, s.last = nil, 0, h.ended.Load()
		s.mu.Unlock()
	}
}
