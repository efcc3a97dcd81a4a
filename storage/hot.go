package storage

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// hot remembers small values that are read often: a descriptor that every
// request reads, an item that everybody asks for. Looking a key up in Badger
// costs microseconds, since every table that may hold a newer version is asked,
// and so does taking a snapshot of it, which waits for the commits under way.
//
// Commits are numbered in the order in which they end. What must hold: an entry
// is the latest committed value of its key, and has been so since the commit of
// its number at least. So what a transaction finds here that is not younger than
// its beginning was, all of it, the state of the store at that moment: a
// snapshot that cost nothing.
//
// Badger finds conflicts over the keys that it was asked for. For those that were
// answered from here, commits find them, as Silo does (Tu et al., Speedy
// Transactions in Multicore In-Memory Databases, 2013): hold locks the keys that a
// transaction writes, and those that it read here against others' writing, or
// fails when another holds them or they have changed; after that the commit is made;
// and release puts the new values of keys that were hot in the place of the old.
// Nobody waits while he holds a key.
type hot struct {
	// ended is the number of the last commit that ended.
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
	// so that reading everything once drives out less of what is read always.
	hotEvery = 2
	// maxHot is the largest value that is kept, in bytes: a small object with its record.
	maxHot = 8 << 10
)

type hotShard struct {
	mu      sync.Mutex
	entries map[string]hotEntry
	bytes   int
	misses  int
	// holds are the keys that commits under way hold, by their hashes: how many
	// have read one, or -1 for the one that writes it.
	holds map[uint64]int
	// pending are the commits under way that write to the shard, last the one
	// that ended last.
	pending int
	last    uint64
}

type hotEntry struct {
	value []byte
	// since is the number of a commit from which on value has been the latest.
	since uint64
}

// A hotRead is a key that a transaction read here.
type hotRead struct {
	key   []byte
	hash  uint64
	since uint64
	held  bool // hold has locked it
}

// A hotWrite is a key that a transaction writes, and what to: nil when it is
// removed, or too large to be kept here.
type hotWrite struct {
	key, value []byte
	hash       uint64
	held       bool // hold has locked it
	// warm says that there was an entry, this one.
	warm bool
	old  hotEntry
}

func newHot() *hot { return &hot{seed: maphash.MakeSeed()} }

func (h *hot) hash(key []byte) uint64 { return maphash.Bytes(h.seed, key) }

func (h *hot) shard(hash uint64) *hotShard { return &h.shards[hash%hotShards] }

// get is the value of key for a transaction that began when the commit of that
// number was the last to have ended.
func (h *hot) get(key []byte, hash, begun uint64) (value []byte, read hotRead, ok bool) {
	s := h.shard(hash)
	s.mu.Lock()
	e, ok := s.entries[string(key)]
	s.mu.Unlock()
	return e.value, hotRead{key: key, hash: hash, since: e.since}, ok && e.since <= begun
}

// same says that what a transaction read here is the latest still.
func (h *hot) same(reads []hotRead) bool {
	for i := range reads {
		r := &reads[i]
		s := h.shard(r.hash)
		s.mu.Lock()
		e, ok := s.entries[string(r.key)]
		s.mu.Unlock()
		if !ok || e.since != r.since {
			return false
		}
	}
	return true
}

// put may keep what Badger told a transaction that began when the commit of
// that number was the last to have ended. It does not where a commit may have
// come between.
func (h *hot) put(key []byte, hash uint64, value []byte, begun uint64) {
	s := h.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misses++; s.misses%hotEvery != 0 || s.pending > 0 || s.last > begun {
		return
	}
	s.keep(key, hotEntry{value, begun})
}

// keep sets an entry, and drives out others where there is no room.
func (s *hotShard) keep(key []byte, e hotEntry) {
	if s.entries == nil {
		s.entries = map[string]hotEntry{}
	}
	s.take(key)
	for k, old := range s.entries { // in no order: who is driven out is a matter of luck
		if s.bytes+hotSize(key, e.value) <= hotBytes {
			break
		}
		s.bytes -= hotSize([]byte(k), old.value)
		delete(s.entries, k)
	}
	s.entries[string(key)] = e
	s.bytes += hotSize(key, e.value)
}

// take removes an entry, if there is one.
func (s *hotShard) take(key []byte) (hotEntry, bool) {
	old, there := s.entries[string(key)]
	if there {
		s.bytes -= hotSize(key, old.value)
		delete(s.entries, string(key))
	}
	return old, there
}

// hotSize is what an entry takes, about: the map's part is some 100 bytes.
func hotSize(key, value []byte) int { return len(key) + len(value) + 100 }

// hold locks what a transaction is about to commit; no key is twice among the
// writes. When it returns false there has been a conflict, and nothing is
// locked; else the caller calls release.
func (h *hot) hold(reads []hotRead, writes *hotWrites) bool {
	for i := range writes.list {
		if w := &writes.list[i]; !h.shard(w.hash).lockWrite(w) {
			h.unlock(reads, writes)
			return false
		}
	}
	for i := range reads {
		r := &reads[i]
		if w := writes.find(r.key, r.hash); w != nil {
			if !w.warm || w.old.since != r.since {
				h.unlock(reads, writes)
				return false
			}
			continue // it is ours alone already
		}
		if !h.shard(r.hash).lockRead(r) {
			h.unlock(reads, writes)
			return false
		}
	}
	return true
}

// lockWrite takes a key out until release, for who alone holds it.
func (s *hotShard) lockWrite(w *hotWrite) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holds[w.hash] != 0 {
		return false
	}
	if s.holds == nil {
		s.holds = map[uint64]int{}
	}
	s.holds[w.hash] = -1
	s.pending++
	w.old, w.warm = s.take(w.key)
	w.held = true
	return true
}

// lockRead keeps a key from being written until release, if it is as it was read.
func (s *hotShard) lockRead(r *hotRead) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, there := s.entries[string(r.key)]
	if !there || e.since != r.since || s.holds[r.hash] < 0 {
		return false
	}
	if s.holds == nil {
		s.holds = map[uint64]int{}
	}
	s.holds[r.hash]++
	r.held = true
	return true
}

// unlock gives up what hold has locked: nothing was changed.
func (h *hot) unlock(reads []hotRead, writes *hotWrites) {
	for i := range writes.list {
		if w := &writes.list[i]; w.held {
			h.shard(w.hash).unlockWrite(w, 0, w.old)
		}
	}
	h.unlockReads(reads)
}

// release ends what hold began, when the commit has been made.
func (h *hot) release(reads []hotRead, writes *hotWrites) {
	number := h.ended.Add(1)
	for i := range writes.list {
		w := &writes.list[i]
		h.shard(w.hash).unlockWrite(w, number, hotEntry{w.value, number})
	}
	h.unlockReads(reads)
}

func (h *hot) unlockReads(reads []hotRead) {
	for i := range reads {
		if r := &reads[i]; r.held {
			h.shard(r.hash).unlockRead(r)
		}
	}
}

func (s *hotShard) unlockRead(r *hotRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.held = false
	if s.holds[r.hash]--; s.holds[r.hash] == 0 {
		delete(s.holds, r.hash)
	}
}

// unlockWrite ends the commit of that number, or none, and puts an entry in the
// place of the one that was taken out.
func (s *hotShard) unlockWrite(w *hotWrite, number uint64, e hotEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.held = false
	delete(s.holds, w.hash)
	s.pending--
	s.last = max(s.last, number)
	if w.warm && e.value != nil {
		s.keep(w.key, e)
	}
}

// clear forgets everything. No commit is under way.
func (h *hot) clear() {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		s.entries, s.bytes, s.last = nil, 0, h.ended.Load()
		s.mu.Unlock()
	}
}

// hotWrites are the keys that a transaction writes, each once.
type hotWrites struct {
	list []hotWrite
	// index finds them by their hashes where there are many.
	index map[uint64]int
}

// indexed is from how many keys on they are found by an index.
const indexed = 32

func (w *hotWrites) find(key []byte, hash uint64) *hotWrite {
	if w.index != nil {
		if i, ok := w.index[hash]; ok && bytes.Equal(w.list[i].key, key) {
			return &w.list[i]
		}
		return nil
	}
	for i := range w.list {
		if w.list[i].hash == hash && bytes.Equal(w.list[i].key, key) {
			return &w.list[i]
		}
	}
	return nil
}

func (w *hotWrites) set(key []byte, hash uint64, value []byte) {
	if len(value) > maxHot {
		value = nil
	}
	if old := w.find(key, hash); old != nil {
		old.value = value
		return
	}
	w.list = append(w.list, hotWrite{key: key, value: value, hash: hash})
	switch n := len(w.list); {
	case w.index != nil:
		w.index[hash] = n - 1
	case n == indexed:
		w.index = make(map[uint64]int, 4*n)
		for i := range w.list {
			w.index[w.list[i].hash] = i
		}
	}
}
