package storage

import (
	"bytes"
	"hash/maphash"
	"sync"
)

// hot remembers small values that are read often: a descriptor that every
// request reads, an item that everybody asks for. Looking a key up in Badger
// costs microseconds, since every table that may hold a newer version is asked.
//
// What must hold: an entry is the latest committed value of its key, and has been
// so since the commit of its number at least. So what is not younger than the
// moment that a transaction reads was, all of it, the state of the store then.
//
// Here is also remembered which keys commits hold, and which were written lately:
// see hold. Both and the entries are spread over shards by the hashes of the keys.
type hot struct {
	seed   maphash.Seed
	shards [hotShards]hotShard
}

const (
	hotShards = 64
	// hotBytes is how much a shard holds: 32 MiB in all, which is only taken
	// where as much is read often.
	hotBytes = 512 << 10
	// missedSlots is how many of the keys that were looked for in vain a shard
	// remembers. One is kept when it is looked for again before it is forgotten,
	// so reading everything once drives nothing out, nor costs a place.
	missedSlots = 1024
	// maxHot is the largest value that is kept, in bytes: a small object with its record.
	maxHot = 8 << 10
)

type hotShard struct {
	mu sync.Mutex
	// entries are found by the hashes of their keys, of which one has an entry.
	entries map[uint64]*hotEntry
	bytes   int
	missed
	// holds are the keys that commits under way hold, by their hashes: how many
	// have read one, or -1 for the one that writes it.
	holds map[uint64]int
	lately
}

type hotEntry struct {
	key, value []byte
	// since is the number of a commit from which on value has been the latest.
	since uint64
	// held says that a commit under way writes the key: who reads at its moment
	// must not be told the old value.
	held bool
}

func newHot() *hot { return &hot{seed: maphash.MakeSeed()} }

func (h *hot) hash(key []byte) uint64 { return maphash.Bytes(h.seed, key) }

func (h *hot) shard(hash uint64) *hotShard { return &h.shards[hash%hotShards] }

// get is the value that a key has at a moment.
func (h *hot) get(key []byte, hash, at uint64) (value []byte, ok bool) {
	s := h.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[hash]
	if e == nil || e.held || e.since > at || !bytes.Equal(e.key, key) {
		return nil, false
	}
	return e.value, true
}

// put may keep what Badger says a key has at a moment. It does not where the
// key has been written since, or is about to be.
func (h *hot) put(key []byte, hash uint64, value []byte, at uint64) {
	s := h.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.again(hash) || s.holds[hash] < 0 || !s.unchanged(hash, at) || s.entries[hash] != nil {
		return
	}
	if s.entries == nil {
		s.entries = map[uint64]*hotEntry{}
	}
	e := &hotEntry{key: bytes.Clone(key), value: value, since: at}
	s.entries[hash] = e
	s.bytes += e.size()
	s.fit()
}

// missed remembers by a part of their hashes which keys were looked for.
type missed [missedSlots]uint32

// again says whether the key of a hash was looked for before, not long ago.
func (m *missed) again(hash uint64) bool {
	slot, tag := &m[hash/hotShards%missedSlots], uint32(hash>>32)
	if *slot == tag {
		return true
	}
	*slot = tag
	return false
}

// replace makes a new value the latest of a key that has an entry, as of a
// commit; nil where the key has no value any more, or none that is kept.
func (s *hotShard) replace(hash uint64, e *hotEntry, value []byte, since uint64) {
	if value == nil || len(value) > maxHot {
		s.bytes -= e.size()
		delete(s.entries, hash)
		return
	}
	s.bytes += len(value) - len(e.value)
	// Who wrote it may have cut it out of much more, which is not to be kept for it.
	e.value, e.since, e.held = bytes.Clone(value), since, false
	s.fit()
}

// fit drives out entries until there is room for those that remain.
func (s *hotShard) fit() {
	if s.bytes <= hotBytes {
		return
	}
	for hash, e := range s.entries { // in no order: who is driven out is a matter of luck
		if e.held {
			continue // its commit will look for it
		}
		s.bytes -= e.size()
		delete(s.entries, hash)
		if s.bytes <= hotBytes {
			return
		}
	}
}

// size is what an entry takes, about: what is not its key and value is some 100 bytes.
func (e *hotEntry) size() int { return len(e.key) + len(e.value) + 100 }

// clear forgets all entries. No transaction is under way.
func (h *hot) clear() {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		s.entries, s.bytes = nil, 0
		s.mu.Unlock()
	}
}
