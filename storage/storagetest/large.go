package storagetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/storage"
)

// overload writes more than an engine commits at once.
func overload(tx storage.Tx, round int) error {
	long := strings.Repeat("k", 30<<10)
	for i := range 2*storage.MaxUpdate/len(long) + 1 {
		if err := tx.Set(storage.Key{}.String("over").Uint64(uint64(i)).String(long), fmt.Append(nil, round)); err != nil {
			return err
		}
	}
	return nil
}

func large(t *testing.T, open Opener) {
	cases(t, open, map[string]func(*testing.T, storage.DB){
		"a large update": func(t *testing.T, db storage.DB) {
			committed := 0
			update(t, db, func(tx storage.Tx) error {
				tx.OnCommit(func() { committed++ })
				return errors.Join(overload(tx, 1), set(tx, "a", "1"))
			})
			got := contents(t, db)
			if len(got) != 2*storage.MaxUpdate/(30<<10)+2 || got[0] != "a=1" || committed != 1 {
				t.Errorf("%d entries, the first %.20q; committed %d times", len(got), got[0], committed)
			}
		},
		"a large update that fails leaves nothing": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1")
			boom := errors.New("boom")
			value := make([]byte, storage.MaxValue)
			for name, f := range map[string]func(storage.Tx) error{
				"error": func(tx storage.Tx) error { return errors.Join(overload(tx, 1), tx.Delete([]byte("a")), boom) },
				"too large": func(tx storage.Tx) error {
					for i := range storage.MaxLarge/storage.MaxValue + 1 {
						_ = tx.Set(storage.Key{}.Uint64(uint64(i)), value) // overlooked
					}
					return nil
				},
			} {
				if err := db.Update(f); !errors.Is(err, boom) && !errors.Is(err, storage.ErrTooLarge) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if got := contents(t, db); !slices.Equal(got, []string{"a=1"}) {
				t.Errorf("%.50q", got)
			}
		},
		"a large update reads what an update would": func(t *testing.T, db storage.DB) {
			random := rand.New(rand.NewPCG(1, 2))
			key := func() string { return fmt.Sprintf("%02d", random.IntN(40)) }
			for i := range 5 {
				var seen [2][]string
				ops := make([]func(tx storage.Tx, seen *[]string) error, 20+random.IntN(40))
				for j := range ops {
					ops[j] = randomStep(random.IntN(4), key(), key(), fmt.Sprint(i, j), random.IntN(2) == 0)
				}
				all := func(seen *[]string) func(tx storage.Tx) error {
					return func(tx storage.Tx) error {
						*seen = nil
						for _, op := range ops {
							if err := op(tx, seen); err != nil {
								return err
							}
						}
						return nil
					}
				}
				rollBack := errors.New("rolled back")
				if err := db.Update(func(tx storage.Tx) error { return errors.Join(all(&seen[0])(tx), rollBack) }); !errors.Is(err, rollBack) {
					t.Fatal(err)
				}
				update(t, db, func(tx storage.Tx) error { return errors.Join(overload(tx, i), all(&seen[1])(tx)) })
				if !slices.Equal(seen[0], seen[1]) {
					t.Fatalf("an update reads %q, a large one %q", seen[0], seen[1])
				}
			}
		},
		"large updates lose nothing to others": func(t *testing.T, db storage.DB) {
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					for range 100 {
						if err := db.Update(increment("n")); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Go(func() {
				for i := range 5 {
					if err := db.Update(func(tx storage.Tx) error { return errors.Join(overload(tx, i), increment("n")(tx)) }); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Wait()
			if got := contents(t, db)[0]; got != "n=205" {
				t.Errorf("%.20q", got)
			}
		},
	})
}

// randomStep is a step of a transaction that notes what it reads: it gets,
// scans, sets or deletes.
func randomStep(kind int, key, other, value string, flag bool) func(tx storage.Tx, seen *[]string) error {
	return func(tx storage.Tx, seen *[]string) error {
		switch kind {
		case 0:
			v, err := tx.Get([]byte(key))
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			*seen = append(*seen, fmt.Sprint("get ", key, string(v), err))
		case 1:
			r := storage.Range{Start: []byte(min(key, other)), End: []byte(max(key, other)), Reverse: flag, Skip: &storage.Skip{}}
			n := 0
			for e, err := range tx.Scan(r) {
				if err != nil {
					return err
				}
				*seen = append(*seen, fmt.Sprint("scan ", string(e.Key), string(e.Value)))
				if n++; n == 2 {
					r.Skip.To([]byte("20"))
				}
			}
		case 2:
			return tx.Delete([]byte(key))
		default:
			return set(tx, key, value)
		}
		return nil
	}
}
