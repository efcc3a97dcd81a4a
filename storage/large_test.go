package storage

import (
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
