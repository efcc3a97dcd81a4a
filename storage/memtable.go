package storage

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// memtable holds the commits that Badger does not have yet: in the order in which
// they were made in logs, and in memory by their keys. One goroutine at a time
// commits; any number read meanwhile, each as of a moment that began before.
//
// A key is found by its hash. Those that are new since the last scan are in no order;
// the next scan sorts them in. So who only writes pays for no order until all is
// written out, and a key that is written again is never sorted in again.
type memtable struct {
	hash func(key []byte) uint64
	// slots find the keys by their hashes, the next free one after it where one
	// is taken. A larger list takes the place of one that becomes full.
	slots atomic.Pointer[[]atomic.Pointer[memKey]]
	count atomic.Int64
	// chunk is memory for the next records; what is kept of them lies in it.
	chunk []byte
	// logs are where its commits are on disk, the last one the one that is written.
	logs []*wal
	// last is the number of its last commit, 0 before the first.
	last uint64

	mu    sync.Mutex
	fresh []*memKey // not sorted in yet
	order *memOrder // never changed: somebody may be scanning it
}

type memOrder = btree.BTreeG[*memKey]

// memKey is a key and the values that it has had, the latest first.
type memKey struct {
	key    []byte
	hash   uint64
	latest atomic.Pointer[memVersion]
	first  memVersion // the oldest, here to spare an allocation
	// versions and pruneAt are how many there are, and how many make it worth while
	// to look for those that nobody can read any more.
	versions, pruneAt int
}

// memVersion is the value of a key from a commit on.
type memVersion struct {
	number uint64
	value  []byte // nil where the key was removed
	older  atomic.Pointer[memVersion]
}

// forgotten ends a list of versions whose older ones nobody may read any more.
var forgotten = new(memVersion)

const (
	// memtableBytes is how much is written to a memtable, in bytes, before it is written out.
	memtableBytes = 16 << 20
	// chunkBytes is how much memory is taken at once.
	chunkBytes = 256 << 10
	leastSlots = 1 << 8 // there are always a power of two
	leastPrune = 16
)

func newMemtable(hash func([]byte) uint64, logs ...*wal) *memtable {
	m := &memtable{hash: hash, logs: logs, order: newMemOrder()}
	slots := make([]atomic.Pointer[memKey], leastSlots)
	m.slots.Store(&slots)
	return m
}

func newMemOrder() *memOrder {
	less := func(a, b *memKey) bool { return bytes.Compare(a.key, b.key) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

// log is the log that is written.
func (m *memtable) log() *wal { return m.logs[len(m.logs)-1] }

func (m *memtable) empty() bool { return m.count.Load() == 0 }

// commit writes transactions under a number, to the log first. What is before
// floor nobody reads. After an error nothing has been written.
func (m *memtable) commit(number, floor uint64, first *queued, others []*queued) error {
	size := recordHeader + first.writes.recordSize()
	for _, t := range others {
		size += t.writes.recordSize()
	}
	record := m.room(size)
	record = first.writes.appendRecord(record[:recordHeader])
	for _, t := range others {
		record = t.writes.appendRecord(record)
	}
	sealRecord(record, number)
	if err := m.log().append(record); err != nil {
		return err
	}
	m.chunk = m.chunk[len(record):]
	m.apply(number, floor, record[recordHeader:])
	return nil
}

// room is memory for a record of so many bytes at most.
func (m *memtable) room(size int) []byte {
	if len(m.chunk) < size {
		m.chunk = make([]byte, max(size, chunkBytes))
	}
	return m.chunk[:size:size]
}

// apply makes what a record says visible to who reads at its number or later.
func (m *memtable) apply(number, floor uint64, body []byte) {
	m.last = number
	for key, value := range recordWrites(body) {
		m.put(key, value, number, floor)
	}
}

func (m *memtable) put(key, value []byte, number, floor uint64) {
	hash := m.hash(key)
	k, slot := m.look(key, hash)
	if k == nil {
		k = &memKey{key: key, hash: hash, versions: 1, pruneAt: leastPrune}
		k.first.number, k.first.value = number, value
		k.latest.Store(&k.first)
		m.add(k, slot)
		return
	}
	if k.versions >= k.pruneAt {
		k.prune(floor)
	}
	v := &memVersion{number: number, value: value}
	v.older.Store(k.latest.Load())
	k.latest.Store(v)
	k.versions++
}

// look finds a key, or else the slot where it belongs.
func (m *memtable) look(key []byte, hash uint64) (*memKey, *atomic.Pointer[memKey]) {
	slots := *m.slots.Load()
	for i := hash; ; i++ {
		slot := &slots[i&uint64(len(slots)-1)]
		k := slot.Load()
		if k == nil || k.hash == hash && bytes.Equal(k.key, key) {
			return k, slot
		}
	}
}

func (m *memtable) add(k *memKey, slot *atomic.Pointer[memKey]) {
	slot.Store(k)
	m.mu.Lock()
	m.fresh = append(m.fresh, k)
	m.mu.Unlock()
	if old := *m.slots.Load(); 2*int(m.count.Add(1)) > len(old) {
		larger := make([]atomic.Pointer[memKey], 2*len(old))
		for i := range old {
			if k := old[i].Load(); k != nil {
				j := k.hash
				for larger[j&uint64(len(larger)-1)].Load() != nil {
					j++
				}
				larger[j&uint64(len(larger)-1)].Store(k)
			}
		}
		m.slots.Store(&larger)
	}
}

// get is the value that a key has at a moment; found is false where the memtable
// says nothing about it. A value of nil says that the key was removed.
func (m *memtable) get(key []byte, hash, at uint64) (value []byte, found bool, err error) {
	k, _ := m.look(key, hash)
	if k == nil {
		return nil, false, nil
	}
	return k.get(at)
}

func (k *memKey) get(at uint64) (value []byte, found bool, err error) {
	for v := k.latest.Load(); v != nil; v = v.older.Load() {
		if v == forgotten {
			return nil, false, errConflict
		}
		if v.number <= at {
			return v.value, true, nil
		}
	}
	return nil, false, nil
}

// prune forgets the versions that were replaced before every moment that is read.
func (k *memKey) prune(floor uint64) {
	k.versions = 1
	v := k.latest.Load()
	for v.number > floor {
		older := v.older.Load()
		if older == nil || older == forgotten {
			break
		}
		v = older
		k.versions++
	}
	if v.older.Load() != nil {
		v.older.Store(forgotten)
	}
	k.pruneAt = max(leastPrune, 2*k.versions)
}

// ordered are the keys in order, all that a reader who has begun can see.
func (m *memtable) ordered() *memOrder {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.fresh) > 0 {
		slices.SortFunc(m.fresh, func(a, b *memKey) int { return bytes.Compare(a.key, b.key) })
		m.order = m.order.IsoCopy()
		for _, k := range m.fresh {
			m.order.Set(k)
		}
		m.fresh = nil
	}
	return m.order
}
