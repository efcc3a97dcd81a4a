package storage

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// largeWrites are more than one transaction can commit, and remove a key.
func largeWrites() []journalWrite {
	long := strings.Repeat("k", 30<<10)
	writes := []journalWrite{{Key: []byte("gone")}}
	for i := range 2 * MaxUpdate / len(long) {
		writes = append(writes, journalWrite{Key: fmt.Appendf(nil, "%05d%s", i, long), Value: []byte{}})
	}
	return append(writes, journalWrite{Key: []byte("changed"), Value: []byte("new")})
}

func TestJournal(t *testing.T) {
	for name, c := range map[string]struct {
		before   func(s *store, writes []journalWrite) error // the process dies
		happened bool
	}{
		"not whole": {func(s *store, writes []journalWrite) error {
			return s.writeAlone(journalPieceKey(0), &journalPiece{writes})
		}, false},
		"with pieces of an older one": {func(s *store, writes []journalWrite) error {
			if err := s.writeAlone(journalPieceKey(1), &journalPiece{[]journalWrite{{Key: []byte("stale"), Value: []byte("1")}}}); err != nil {
				return err
			}
			return s.writeJournal(writes)
		}, true},
		"whole": {func(s *store, writes []journalWrite) error { return s.writeJournal(writes) }, true},
		"half applied": {func(s *store, writes []journalWrite) error {
			if err := s.writeJournal(writes); err != nil {
				return err
			}
			return s.apply(slices.Values(writes[:len(writes)/2]))
		}, true},
		"applied": {func(s *store, writes []journalWrite) error {
			if err := s.writeJournal(writes); err != nil {
				return err
			}
			return s.apply(slices.Values(writes))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			url, writes := "badger:"+t.TempDir(), largeWrites()
			db, err := Open(url, Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := db.(*store)
			if err := s.apply(slices.Values([]journalWrite{{Key: []byte("gone"), Value: []byte("1")}, {Key: []byte("changed"), Value: []byte("old")}})); err != nil {
				t.Fatal(err)
			}
			if err := c.before(s, writes); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = Open(url, Options{}); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			want := map[string]string{"gone": "1", "changed": "old"}
			if c.happened {
				for _, w := range writes {
					want[string(w.Key)] = string(w.Value)
				}
				delete(want, "gone")
			}
			got := 0
			err = db.View(func(tx Tx) error {
				for e, err := range tx.Scan(Range{}) {
					if err != nil {
						return err
					}
					got++
					if v, ok := want[string(e.Key)]; !ok || v != string(e.Value) {
						t.Errorf("%.20q is %q", e.Key, e.Value)
					}
				}
				return nil
			})
			if err != nil || got != len(want) {
				t.Errorf("%d keys, want %d: %v", got, len(want), err)
			}
		})
	}
}

// failing is an engine that commits so many times and no more, as on a full disk.
type failing struct {
	engine
	left int
}

func (e *failing) begin(update, again bool) engineTx {
	return &failingTx{e.engine.begin(update, again), e}
}

type failingTx struct {
	engineTx
	of *failing
}

func (t *failingTx) commit() error {
	if t.of.left--; t.of.left < 0 {
		return errors.New("disk full")
	}
	return t.engineTx.commit()
}

// Wherever a large update fails, it has happened or it has not: who opens the
// store again sees all of it or nothing, and all where no error was told.
func TestLargeUpdatesThatFail(t *testing.T) {
	for left := 0; ; left++ {
		url, writes := "badger:"+t.TempDir(), largeWrites()
		db, err := Open(url, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := db.(*store)
		if err := s.apply(slices.Values([]journalWrite{{Key: []byte("gone"), Value: []byte("1")}})); err != nil {
			t.Fatal(err)
		}
		s.engine = &failing{s.engine, left}
		told := db.Update(func(tx Tx) error {
			for _, w := range writes[1:] {
				if err := tx.Set(w.Key, w.Value); err != nil {
					return err
				}
			}
			return tx.Delete(writes[0].Key)
		})
		check := func(when string) {
			t.Helper()
			n, old := 0, false
			err := db.View(func(tx Tx) error {
				for e, err := range tx.Scan(Range{KeysOnly: true}) {
					if err != nil {
						return err
					}
					if when == "at once" && bytes.HasPrefix(e.Key, journalKey()) {
						continue // a disk that is full does not take its removal either
					}
					n++
					old = old || string(e.Key) == "gone"
				}
				return nil
			})
			if when == "at once" && told != nil && errors.Is(err, ErrClosed) {
				return // what has happened and can not be shown
			}
			if nothing, all := n == 1 && old, n == len(writes)-1 && !old; err != nil || !nothing && !all || told == nil && !all {
				t.Errorf("after %d commits, %s: %v was told, and there are %d keys; %v", left, when, told, n, err)
			}
		}
		check("at once")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if db, err = Open(url, Options{}); err != nil {
			t.Fatal(err)
		}
		check("opened again")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if told == nil {
			if left < 4 {
				t.Errorf("only %d commits", left)
			}
			return
		}
	}
}

// A large update leaves no moment behind that is still read, which would keep
// Badger from ever forgetting what was written over since.
func TestLargeUpdatesLeaveTheirMoment(t *testing.T) {
	db, err := Open("badger:"+t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx Tx) error {
		for _, w := range largeWrites() {
			if err := tx.Set(w.Key, w.Value); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if readers := db.(*store).engine.(*badger).timeline.readers; len(readers) != 0 {
		t.Errorf("%v", readers)
	}
}
