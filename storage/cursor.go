package storage

import (
	"bytes"
	"iter"
	"slices"

	"github.com/tidwall/btree"
)

// cursor goes over keys in one direction, that of a scan.
type cursor interface {
	// seek goes to where a scan begins: forward at the first key that is not before
	// the given one, in reverse at the last one before it. For nil that is the first or
	// last of all.
	seek(key []byte) error
	step() error
	// key is where it is; nil behind the last.
	key() []byte
	// value is that of the key, nil where it was removed, until the next step.
	value() ([]byte, error)
}

// merge yields what cursors find in a range. Where several know a key the first of
// them tells what it has.
func merge(r Range, cursors []cursor) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := seekAll(cursors, r.first()); err != nil {
			yield(Entry{}, err)
			return
		}
		// What has nothing in the range at first will have nothing.
		cursors = slices.DeleteFunc(cursors, func(c cursor) bool { return !r.reaches(c.key()) })
		for {
			next := foremost(cursors, r.Reverse)
			if next == nil || !r.reaches(next.key()) {
				return
			}
			e := Entry{Key: next.key()}
			value, err := next.value()
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if !r.KeysOnly {
				e.Value = value
			}
			if value != nil && !yield(e, nil) {
				return
			}
			if to := r.next(e.Key); to != nil {
				err = seekAll(cursors, to)
			} else {
				err = stepAll(cursors, next)
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
		}
	}
}

// first is where a scan of r begins.
func (r Range) first() []byte {
	if r.Reverse {
		return r.End
	}
	return r.Start
}

// reaches says that a key that a scan of r has come to is still in r.
func (r Range) reaches(key []byte) bool {
	switch {
	case key == nil:
		return false
	case r.Reverse:
		return bytes.Compare(key, r.Start) >= 0
	}
	return r.End == nil || bytes.Compare(key, r.End) < 0
}

// foremost is the cursor that is at the next key of all; nil where there is none.
func foremost(cursors []cursor, reverse bool) (next cursor) {
	var at []byte
	for _, c := range cursors {
		key := c.key()
		if key == nil {
			continue
		}
		if next != nil {
			if order := bytes.Compare(key, at); order == 0 || order > 0 != reverse {
				continue
			}
		}
		next, at = c, key
	}
	return next
}

func seekAll(cursors []cursor, key []byte) error {
	for _, c := range cursors {
		if err := c.seek(key); err != nil {
			return err
		}
	}
	return nil
}

// stepAll steps all cursors that are where one of them is.
func stepAll(cursors []cursor, one cursor) error {
	for _, c := range cursors {
		if c != one && bytes.Equal(c.key(), one.key()) {
			if err := c.step(); err != nil {
				return err
			}
		}
	}
	return one.step()
}

// memCursor goes over what a memtable has at a moment.
type memCursor struct {
	it      btree.IterG[*memKey]
	reverse bool
	at      uint64
	found   *memKey
	now     []byte // its value
}

func (m *memtable) cursor(at uint64, reverse bool) *memCursor {
	return &memCursor{it: m.ordered().Iter(), at: at, reverse: reverse}
}

func (c *memCursor) seek(key []byte) error {
	return c.settle(seekTree(&c.it, &memKey{key: key}, key == nil, c.reverse))
}

func (c *memCursor) step() error { return c.settle(stepTree(&c.it, c.reverse)) }

// settle goes on to a key that is there at the moment.
func (c *memCursor) settle(ok bool) (err error) {
	for c.found = nil; ok; ok = stepTree(&c.it, c.reverse) {
		k := c.it.Item()
		found := false
		if c.now, found, err = k.get(c.at); err != nil {
			return err
		}
		if found {
			c.found = k
			return nil
		}
	}
	return nil
}

func (c *memCursor) key() []byte {
	if c.found == nil {
		return nil
	}
	return c.found.key
}

func (c *memCursor) value() ([]byte, error) { return c.now, nil }

// seekTree is cursor.seek in a tree.
func seekTree[T any](it *btree.IterG[T], pivot T, all, reverse bool) bool {
	switch {
	case !reverse:
		return it.Seek(pivot)
	case all || !it.Seek(pivot):
		return it.Last()
	}
	return it.Prev()
}

func stepTree[T any](it *btree.IterG[T], reverse bool) bool {
	if reverse {
		return it.Prev()
	}
	return it.Next()
}

// ownCursor goes over what a transaction has written until now.
type ownCursor struct {
	writes  []write // in the order of the scan
	reverse bool
	rest    []write
}

// cursor goes over the writes in a range.
func (w *writes) cursor(r Range) *ownCursor {
	c := &ownCursor{reverse: r.Reverse}
	for _, one := range w.list {
		if bytes.Compare(one.key, r.Start) >= 0 && (r.End == nil || bytes.Compare(one.key, r.End) < 0) {
			c.writes = append(c.writes, one)
		}
	}
	slices.SortFunc(c.writes, func(a, b write) int { return c.order(a.key, b.key) })
	return c
}

func (c *ownCursor) order(a, b []byte) int {
	if c.reverse {
		a, b = b, a
	}
	return bytes.Compare(a, b)
}

func (c *ownCursor) seek(key []byte) error {
	c.rest = c.writes
	if key != nil {
		n, found := slices.BinarySearchFunc(c.writes, key, func(w write, key []byte) int { return c.order(w.key, key) })
		if found && c.reverse {
			n++
		}
		c.rest = c.writes[n:]
	}
	return nil
}

func (c *ownCursor) step() error {
	c.rest = c.rest[1:]
	return nil
}

func (c *ownCursor) key() []byte {
	if len(c.rest) == 0 {
		return nil
	}
	return c.rest[0].key
}

func (c *ownCursor) value() ([]byte, error) {
	w := &c.rest[0]
	if w.value == nil && !w.removed {
		return []byte{}, nil
	}
	return w.value, nil
}
