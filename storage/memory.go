package storage

import (
	"bytes"
	"iter"
	"sync"
	"sync/atomic"

	// A B-tree that copies what it changes gives every transaction its snapshot
	// for nothing, and a transaction's own writes in order as well.
	"github.com/tidwall/btree"
)

// memory is an engine that forgets everything when it is closed. Its state is
// one immutable tree; a transaction works on a copy, which shares what it does
// not change, and a commit puts its copy in the place of the state.
type memory struct {
	state atomic.Pointer[memTree]
	// mu is held to replace the state, and to copy a tree, which marks the original.
	mu sync.Mutex
}

type memTree = btree.BTreeG[*memEntry]

// memEntry is immutable. That a key still has the entry that was read is how a
// commit knows that nobody changed it.
type memEntry struct{ key, value []byte }

func newMemory() *memory {
	m := new(memory)
	m.state.Store(newMemTree())
	return m
}

func newMemTree() *memTree {
	less := func(a, b *memEntry) bool { return bytes.Compare(a.key, b.key) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func (m *memory) begin(update, _ bool) engineTx {
	state := m.state.Load()
	return &memTx{memory: m, start: state, tree: state, update: update}
}

func (m *memory) copyOf(t *memTree) *memTree {
	m.mu.Lock()
	defer m.mu.Unlock()
	return t.IsoCopy()
}

func (m *memory) reset() error {
	m.state.Store(newMemTree())
	return nil
}

func (m *memory) close() error { return m.reset() }

type memTx struct {
	memory *memory
	start  *memTree // the state it began with
	tree   *memTree // the state it sees: start until the first write
	update bool
	reads  []memRead
	writes []memWrite
	pivot  memEntry // to search with
}

type memRead struct {
	key   []byte
	found *memEntry // nil: there was none
}

type memWrite struct {
	entry  *memEntry
	delete bool
}

func (t *memTx) find(tree *memTree, key []byte) *memEntry {
	t.pivot.key = key
	e, _ := tree.Get(&t.pivot)
	return e
}

func (t *memTx) Get(key []byte) ([]byte, error) {
	e := t.find(t.tree, key)
	if t.update {
		if t.tree != t.start {
			// What it wrote itself is nobody else's to change.
			t.read(key, t.find(t.start, key))
		} else {
			t.read(key, e)
		}
	}
	if e == nil {
		return nil, ErrNotFound
	}
	return e.value, nil
}

func (t *memTx) read(key []byte, found *memEntry) {
	if found != nil {
		key = found.key
	} else {
		key = bytes.Clone(key)
	}
	t.reads = append(t.reads, memRead{key, found})
}

func (t *memTx) Set(key, value []byte) error {
	// One piece of memory of their own, whatever larger one they are a part of.
	own := make([]byte, len(key)+len(value))
	copy(own, key)
	copy(own[len(key):], value)
	e := &memEntry{own[:len(key):len(key)], own[len(key):]}
	t.own().Set(e)
	t.writes = append(t.writes, memWrite{entry: e})
	return nil
}

func (t *memTx) Delete(key []byte) error {
	e := &memEntry{key: bytes.Clone(key)}
	t.own().Delete(e)
	t.writes = append(t.writes, memWrite{entry: e, delete: true})
	return nil
}

// own is the tree that the transaction changes.
func (t *memTx) own() *memTree {
	if t.tree == t.start {
		t.tree = t.memory.copyOf(t.start)
	}
	return t.tree
}

func (t *memTx) Scan(r Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		tree := t.tree
		if tree != t.start { // what is written while it is scanned is not seen
			tree = t.memory.copyOf(tree)
		}
		for e := range scanTree(tree, r) {
			out := Entry{Key: e.key}
			if !r.KeysOnly {
				out.Value = e.value
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

func scanTree(tree *memTree, r Range) iter.Seq[*memEntry] {
	return func(yield func(*memEntry) bool) {
		it := tree.Iter()
		defer it.Release()
		seek := func(key []byte) bool { return seekTree(&it, &memEntry{key: key}, key == nil, r.Reverse) }
		for ok := seek(r.first()); ok; {
			e := it.Item()
			if !r.reaches(e.key) || !yield(e) {
				return
			}
			if to := r.next(e.key); to != nil {
				ok = seek(to)
			} else {
				ok = stepTree(&it, r.Reverse)
			}
		}
	}
}

func (t *memTx) commit() error {
	if len(t.writes) == 0 {
		return nil
	}
	m := t.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	state := m.state.Load()
	if state == t.start {
		m.state.Store(t.tree)
		return nil
	}
	for _, r := range t.reads {
		if t.find(state, r.key) != r.found {
			return errConflict
		}
	}
	state = state.IsoCopy()
	for _, w := range t.writes {
		if w.delete {
			state.Delete(w.entry)
		} else {
			state.Set(w.entry)
		}
	}
	m.state.Store(state)
	return nil
}

func (t *memTx) discard() { *t = memTx{} }
