package storage

import (
	"encoding/binary"
	"errors"
	"testing"
)

// What was removed is gone from the tables when they have been compacted, and
// what was not is there.
func TestSort(t *testing.T) {
	t.Parallel()
	const n, batch = 20_000, 2000
	dir := t.TempDir()
	key := func(i int) []byte { return binary.BigEndian.AppendUint32([]byte("key"), uint32(i)) }
	// reopened runs f on the store; what it writes is in tables when it is closed.
	reopened := func(f func(db DB, b *badger)) {
		t.Helper()
		db, err := Open("badger:"+dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f(db, db.(*store).engine.(*badger))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	each := func(db DB, f func(tx Tx, i int) error) {
		t.Helper()
		for i := 0; i < n; i += batch {
			err := db.Update(func(tx Tx) error {
				for j := i; j < i+batch; j++ {
					if err := f(tx, j); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	inTables := func(b *badger) (keys int) {
		for _, table := range b.db.Tables() {
			keys += int(table.KeyCount)
		}
		return keys
	}
	// Badger has nothing to do where all tables are new; after some it moves them.
	for last := range 6 {
		reopened(func(db DB, b *badger) {
			each(db, func(tx Tx, i int) error {
				if last < 5 && i%batch > 0 {
					return nil
				}
				return tx.Set(key(i), []byte("value"))
			})
			if n := b.removals.count.Load(); n != 0 {
				t.Errorf("%d were removed, want none", n)
			}
		})
	}
	reopened(func(_ DB, b *badger) { b.sort() })
	reopened(func(db DB, b *badger) {
		each(db, func(tx Tx, i int) error {
			if i%100 == 0 {
				return nil
			}
			return tx.Delete(key(i))
		})
		if err := b.flushAll(); err != nil {
			t.Fatal(err)
		}
		if removed := b.removals.count.Load(); removed != n-n/100 {
			t.Errorf("%d were removed, want %d", removed, n-n/100)
		}
		for removed, want := range map[int64]bool{manyRemoved - 1: false, manyRemoved: true} {
			if b.removals.count.Store(removed); b.worthSorting() != want {
				t.Errorf("worth sorting for %d removed: %v", removed, !want)
			}
		}
	})
	reopened(func(db DB, b *badger) {
		if before := inTables(b); before < n {
			t.Fatalf("%d entries before", before)
		}
		b.sort()
		if after := inTables(b); after > n/50 {
			t.Errorf("%d entries are left of %d keys", after, n/100)
		}
		left := 0
		err := db.View(func(tx Tx) error {
			for e, err := range tx.Scan(Prefix(Key("key"))) {
				if err != nil || string(e.Value) != "value" || string(e.Key) != string(key(left*100)) {
					t.Fatalf("key %x: %q, %v", e.Key, e.Value, err)
				}
				left++
			}
			return nil
		})
		if err != nil || left != n/100 {
			t.Errorf("%d keys are left, %v", left, err)
		}
	})
}

// Who closes does not wait until tables are compacted, and loses nothing.
func TestClosedWhileSorting(t *testing.T) {
	dir := t.TempDir()
	db, err := Open("badger:"+dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := db.(*store).engine.(*badger)
	if err := db.Update(func(tx Tx) error { return tx.Set([]byte("key"), []byte("value")) }); err != nil {
		t.Fatal(err)
	}
	b.removals.sorting.Lock()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("badger:"+dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("it is not locked while it is written: %v", err)
	}
	// The process ends.
	if err := errors.Join(b.db.Close(), b.lock.Close()); err != nil {
		t.Fatal(err)
	}
	db, err = Open("badger:"+dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx Tx) error {
		v, err := tx.Get([]byte("key"))
		if string(v) != "value" {
			t.Errorf("it is %q", v)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What lies in upper levels is compacted when it is a tenth of all.
func TestWorthSortingUpperLevels(t *testing.T) {
	for _, c := range []struct {
		levels []int64
		want   bool
	}{
		{nil, false},
		{[]int64{0, 0, 500 << 20}, false},
		{[]int64{60 << 20, 0, 10 << 20}, false},
		{[]int64{40 << 20, 24 << 20, 10 << 20}, true},
		{[]int64{40 << 20, 24 << 20, 1000 << 20}, false},
		{[]int64{64 << 20, 64 << 20, 1000 << 20}, true},
		{[]int64{300 << 20, 0, 0}, false},
	} {
		if got := unsorted(c.levels); got != c.want {
			t.Errorf("%v: %v", c.levels, got)
		}
	}
}
