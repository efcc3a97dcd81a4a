package storage

import "bytes"

// Commits find conflicts as Silo does (Tu et al., Speedy Transactions in Multicore
// In-Memory Databases, 2013): hold locks the keys that a transaction writes, and
// those that it only read against others' writing, or fails when another holds
// them or they have changed since the moment that it read; after that the commit
// is made; and release lets the keys go, and puts the new values of those that are
// hot in the place of the old. Nobody waits while he holds a key for a key that
// another holds.

// A read is a key that a transaction read, by its hash.
type read struct {
	hash uint64
	held bool // hold has locked it
}

// A write is what a transaction does to a key.
type write struct {
	key, value []byte
	hash       uint64
	removed    bool
	held       bool      // hold has locked it
	entry      *hotEntry // of the key, from hold to release
}

// hold locks what a transaction is about to commit that read at a moment. When
// it returns false there has been a conflict, and nothing is locked; else the
// caller calls release.
func (h *hot) hold(at uint64, reads []read, writes *writes) bool {
	for i := range writes.list {
		if w := &writes.list[i]; !h.shard(w.hash).lockWrite(w) {
			h.unlock(reads, writes)
			return false
		}
	}
	for i := range reads {
		r := &reads[i]
		if !h.shard(r.hash).lockRead(r, at, writes.has(r.hash)) {
			h.unlock(reads, writes)
			return false
		}
	}
	return true
}

// lockWrite locks a key for who alone writes it.
func (s *hotShard) lockWrite(w *write) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holds[w.hash] != 0 {
		return false
	}
	if s.holds == nil {
		s.holds = map[uint64]int{}
	}
	s.holds[w.hash] = -1
	w.held = true
	if e := s.entries[w.hash]; e != nil && bytes.Equal(e.key, w.key) {
		e.held, w.entry = true, e
	}
	return true
}

// lockRead keeps a key from being written, if it is as it was at a moment. own
// says that the transaction writes it itself, and has it already.
func (s *hotShard) lockRead(r *read, at uint64, own bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.unchanged(r.hash, at) {
		return false
	}
	if own {
		return true
	}
	if s.holds[r.hash] < 0 {
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
func (h *hot) unlock(reads []read, writes *writes) {
	for i := range writes.list {
		if w := &writes.list[i]; w.held {
			h.shard(w.hash).unlockWrite(w)
		}
	}
	h.unlockReads(reads)
}

// release ends what hold began, when the commit has been made under a number.
func (h *hot) release(number uint64, reads []read, writes *writes) {
	for i := range writes.list {
		w := &writes.list[i]
		h.shard(w.hash).endWrite(w, number)
	}
	h.unlockReads(reads)
}

func (h *hot) unlockReads(reads []read) {
	for i := range reads {
		if r := &reads[i]; r.held {
			h.shard(r.hash).unlockRead(r)
		}
	}
}

func (s *hotShard) unlockRead(r *read) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.held = false
	if s.holds[r.hash]--; s.holds[r.hash] == 0 {
		delete(s.holds, r.hash)
	}
}

func (s *hotShard) unlockWrite(w *write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.held = false
	delete(s.holds, w.hash)
	if w.entry != nil {
		w.entry.held = false
	}
}

func (s *hotShard) endWrite(w *write, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.held = false
	delete(s.holds, w.hash)
	s.changed(w.hash, number)
	if w.entry == nil {
		return
	}
	s.replace(w.hash, w.entry, w.value, number)
}

// lately remembers by which commits keys were last written. Where it has
// forgotten that it says that a key may have changed; it remembers more than
// are written while a transaction runs.
type lately [latelySlots]struct {
	// hash is of the key of the slot that was written last, by the commit number.
	hash, number uint64
	// before is the last commit that wrote another key of the slot, as far as
	// those are remembered here.
	before uint64
}

const latelySlots = 1024 // of each shard

// changed says that the key of a hash was written by a commit.
func (l *lately) changed(hash, number uint64) {
	slot := &l[hash/hotShards%latelySlots]
	if slot.hash != hash {
		slot.before = max(slot.before, slot.number)
		slot.hash = hash
	}
	slot.number = number
}

// unchanged says that the key of a hash is certainly as it was at a moment.
func (l *lately) unchanged(hash, at uint64) bool {
	slot := &l[hash/hotShards%latelySlots]
	if slot.hash == hash {
		return slot.number <= at
	}
	return slot.before <= at
}

// writes are the keys that a transaction writes, each once.
type writes struct {
	list []write
	// index finds them by their hashes where there are many.
	index map[uint64]int
	// cost is what they take of what one commit may write: see MaxUpdate.
	cost int
}

// indexed is from how many keys on they are found by an index.
const indexed = 32

// at is the place of a hash in the list, or -1.
func (w *writes) at(hash uint64) int {
	if w.index != nil {
		if i, ok := w.index[hash]; ok {
			return i
		}
		return -1
	}
	for i := range w.list {
		if w.list[i].hash == hash {
			return i
		}
	}
	return -1
}

// has says whether the key of a hash is written.
func (w *writes) has(hash uint64) bool { return w.at(hash) >= 0 }

// find is what is done to a key; nil for nothing.
func (w *writes) find(key []byte, hash uint64) *write {
	if i := w.at(hash); i >= 0 && bytes.Equal(w.list[i].key, key) {
		return &w.list[i]
	}
	return nil
}

func (w *writes) set(of write) {
	w.cost += costOf(of.key, of.value)
	if old := w.find(of.key, of.hash); old != nil {
		*old = of
		return
	}
	w.list = append(w.list, of)
	switch n := len(w.list); {
	case w.index != nil:
		w.index[of.hash] = n - 1
	case n == indexed:
		w.index = make(map[uint64]int, 4*n)
		for i := range w.list {
			w.index[w.list[i].hash] = i
		}
	}
}
