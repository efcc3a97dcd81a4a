package storagetest

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/storage"
)

var errGivenUp = errors.New("given up")

func transactions(t *testing.T, open Opener) {
	cases(t, open, map[string]func(*testing.T, storage.DB){
		"a new store is empty": func(t *testing.T, db storage.DB) {
			if got := contents(t, db); len(got) != 0 {
				t.Errorf("%q", got)
			}
		},
		"what is committed is there": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "2", "c", "")
			update(t, db, func(tx storage.Tx) error { return tx.Delete([]byte("b")) })
			put(t, db, "a", "3")
			if diff := cmp.Diff([]string{"a=3", "c="}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
			view(t, db, func(tx storage.Tx) error {
				for key, want := range map[string]error{"a": nil, "b": storage.ErrNotFound, "c": nil, "aa": storage.ErrNotFound} {
					if _, err := tx.Get([]byte(key)); !errors.Is(err, want) {
						t.Errorf("Get %s: %v, want %v", key, err, want)
					}
				}
				return nil
			})
		},
		"an error leaves nothing": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1")
			err := db.Update(func(tx storage.Tx) error {
				if err := set(tx, "a", "2", "b", "2"); err != nil {
					return err
				}
				return errGivenUp
			})
			if !errors.Is(err, errGivenUp) {
				t.Errorf("Update returned %v", err)
			}
			if diff := cmp.Diff([]string{"a=1"}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
		},
		"a panic leaves nothing, and the store works": func(t *testing.T, db storage.DB) {
			func() {
				defer func() { recover() }()
				db.Update(func(tx storage.Tx) error {
					set(tx, "a", "1")
					panic("in a transaction")
				})
			}()
			put(t, db, "b", "1")
			if diff := cmp.Diff([]string{"b=1"}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
		},
		"a transaction reads its own writes": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "1")
			update(t, db, func(tx storage.Tx) error {
				if err := set(tx, "a", "2", "c", "2"); err != nil {
					return err
				}
				if err := tx.Delete([]byte("b")); err != nil {
					return err
				}
				for key, want := range map[string]string{"a": "2", "c": "2"} {
					if v, err := tx.Get([]byte(key)); err != nil || string(v) != want {
						t.Errorf("%s is %q (%v), want %q", key, v, err, want)
					}
				}
				if _, err := tx.Get([]byte("b")); !errors.Is(err, storage.ErrNotFound) {
					t.Errorf("Get of a deleted key: %v", err)
				}
				if err := set(tx, "b", "3"); err != nil {
					return err
				}
				return tx.Delete([]byte("c"))
			})
			if diff := cmp.Diff([]string{"a=2", "b=3"}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
		},
		"a view does not write": func(t *testing.T, db storage.DB) {
			view(t, db, func(tx storage.Tx) error {
				if err := tx.Set([]byte("a"), nil); err == nil {
					t.Error("Set in a View succeeded")
				}
				if err := tx.Delete([]byte("a")); err == nil {
					t.Error("Delete in a View succeeded")
				}
				return nil
			})
		},
		"a view is a snapshot": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "1")
			begun, changed := make(chan struct{}), make(chan struct{})
			go func() {
				<-begun
				put(t, db, "a", "2", "c", "2")
				update(t, db, func(tx storage.Tx) error { return tx.Delete([]byte("b")) })
				close(changed)
			}()
			view(t, db, func(tx storage.Tx) error {
				if _, err := tx.Get([]byte("none")); err != storage.ErrNotFound {
					t.Errorf("a key that is not there: %v", err)
				}
				close(begun)
				<-changed
				if v, err := tx.Get([]byte("a")); err != nil || string(v) != "1" {
					t.Errorf("a is %q (%v) in a snapshot of before", v, err)
				}
				got, err := list(tx, storage.Range{})
				if diff := cmp.Diff([]string{"a=1", "b=1"}, got); diff != "" {
					t.Error(diff)
				}
				return err
			})
			if diff := cmp.Diff([]string{"a=2", "c=2"}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
		},
		"a view sees one state, whatever is remembered": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "1")
			for range 20 { // so that it may be remembered
				view(t, db, func(tx storage.Tx) error {
					_, err := tx.Get([]byte("a"))
					return err
				})
			}
			var change sync.Once
			var a []byte
			var got []string
			view(t, db, func(tx storage.Tx) (err error) {
				if a, err = tx.Get([]byte("a")); err != nil {
					return err
				}
				change.Do(func() {
					done := make(chan struct{})
					go func() {
						put(t, db, "a", "2", "b", "2")
						close(done)
					}()
					<-done
				})
				got, err = list(tx, storage.Range{})
				return err
			})
			if diff := cmp.Diff([]string{"a=" + string(a), "b=" + string(a)}, got); diff != "" {
				t.Error(diff)
			}
		},
		"a value that was read stays as it was until the end": func(t *testing.T, db storage.DB) {
			long := strings.Repeat("x", 5000)
			put(t, db, "a", long, "b", "short", "c", long)
			update(t, db, func(tx storage.Tx) error {
				a, _ := tx.Get([]byte("a"))
				b, _ := tx.Get([]byte("b"))
				if err := set(tx, "a", "changed", "b", "changed"); err != nil {
					return err
				}
				if _, err := list(tx, storage.Range{}); err != nil {
					return err
				}
				if string(a) != long || string(b) != "short" {
					t.Errorf("values changed: %q %q", a, b)
				}
				return nil
			})
		},
		"OnCommit runs after commits only": func(t *testing.T, db storage.DB) {
			var ran []string
			update(t, db, func(tx storage.Tx) error {
				tx.OnCommit(func() {
					if got := contents(t, db); !slices.Equal(got, []string{"a=1"}) {
						t.Errorf("OnCommit sees %q", got)
					}
					put(t, db, "b", "from OnCommit")
					ran = append(ran, "first")
				})
				tx.OnCommit(func() { ran = append(ran, "second") })
				if len(ran) != 0 {
					t.Error("OnCommit ran within the transaction")
				}
				return set(tx, "a", "1")
			})
			db.Update(func(tx storage.Tx) error {
				tx.OnCommit(func() { ran = append(ran, "of a failure") })
				return errGivenUp
			})
			update(t, db, func(tx storage.Tx) error {
				tx.OnCommit(func() { ran = append(ran, "without writes") })
				return nil
			})
			if diff := cmp.Diff([]string{"first", "second", "without writes"}, ran); diff != "" {
				t.Error(diff)
			}
		},
		"a closed store says so": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1")
			for range 2 {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
			nothing := func(storage.Tx) error { return nil }
			if err := db.View(nothing); !errors.Is(err, storage.ErrClosed) {
				t.Errorf("View: %v", err)
			}
			if err := db.Update(nothing); !errors.Is(err, storage.ErrClosed) {
				t.Errorf("Update: %v", err)
			}
		},
	})
	t.Run("a reset store is empty and works", func(t *testing.T) {
		db, blobs := open(t)
		for range 3 {
			for i := range 300 {
				put(t, db, "key"+strconv.Itoa(i), strings.Repeat("v", i*20))
			}
			read := func(tx storage.Tx) error { _, err := tx.Get([]byte("key1")); return err }
			for range 3 { // often enough to be remembered
				if err := db.View(read); err != nil {
					t.Error(err)
				}
			}
			if err := storage.Reset(db, blobs); err != nil {
				t.Fatal(err)
			}
			if got := contents(t, db); len(got) != 0 {
				t.Errorf("%d entries after a reset", len(got))
			}
			if err := db.View(read); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("what was read before a reset: %v", err)
			}
		}
		put(t, db, "a", "1")
		if diff := cmp.Diff([]string{"a=1"}, contents(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func conflicts(t *testing.T, open Opener) {
	cases(t, open, map[string]func(*testing.T, storage.DB){
		"an update runs again when what it read has changed": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1")
			runs, committed := 0, 0
			update(t, db, func(tx storage.Tx) error {
				runs++
				v, err := tx.Get([]byte("a"))
				if err != nil {
					return err
				}
				if runs == 1 {
					elsewhere(t, db, "a", "5")
				}
				n, _ := strconv.Atoi(string(v))
				tx.OnCommit(func() { committed++ })
				return set(tx, "a", strconv.Itoa(n+1))
			})
			if got := contents(t, db); runs != 2 || committed != 1 || !slices.Equal(got, []string{"a=6"}) {
				t.Errorf("%d runs, %d commits, %q", runs, committed, got)
			}
		},
		"an update runs again when what it missed has come": func(t *testing.T, db storage.DB) {
			runs := 0
			update(t, db, func(tx storage.Tx) error {
				runs++
				_, err := tx.Get([]byte("a"))
				if runs == 1 {
					elsewhere(t, db, "a", "theirs")
				}
				if errors.Is(err, storage.ErrNotFound) {
					return set(tx, "a", "mine")
				}
				return err
			})
			if got := contents(t, db); runs != 2 || !slices.Equal(got, []string{"a=theirs"}) {
				t.Errorf("%d runs, %q", runs, got)
			}
		},
		"a key is watched that was read after it was written": func(t *testing.T, db storage.DB) {
			put(t, db, "guard", "0", "a", "1")
			runs := 0
			update(t, db, func(tx storage.Tx) error {
				runs++
				if _, err := tx.Get([]byte("a")); err != nil {
					return err
				}
				if err := set(tx, "b", strconv.Itoa(runs)); err != nil {
					return err
				}
				if _, err := tx.Get([]byte("guard")); err != nil {
					return err
				}
				if runs == 1 {
					elsewhere(t, db, "guard", "1")
				}
				return nil
			})
			if runs != 2 {
				t.Errorf("%d runs", runs)
			}
		},
		"other keys do not conflict": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "1")
			runs := 0
			update(t, db, func(tx storage.Tx) error {
				runs++
				if _, err := tx.Get([]byte("a")); err != nil {
					return err
				}
				elsewhere(t, db, "b", "2")
				return set(tx, "c", "3")
			})
			if got := contents(t, db); runs != 1 || !slices.Equal(got, []string{"a=1", "b=2", "c=3"}) {
				t.Errorf("%d runs, %q", runs, got)
			}
		},
		"writes skew is refused": func(t *testing.T, db storage.DB) {
			// Each transaction reads both and clears one; at least one must stay.
			put(t, db, "a", "on", "b", "on")
			var wg sync.WaitGroup
			for _, mine := range []string{"a", "b"} {
				wg.Go(func() {
					update(t, db, func(tx storage.Tx) error {
						on := 0
						for _, key := range []string{"a", "b"} {
							v, err := tx.Get([]byte(key))
							if err != nil {
								return err
							}
							if string(v) == "on" {
								on++
							}
						}
						if on < 2 {
							return nil
						}
						return set(tx, mine, "off")
					})
				})
			}
			wg.Wait()
			if got := contents(t, db); slices.Equal(got, []string{"a=off", "b=off"}) {
				t.Error("both were cleared")
			}
		},
		"everyone who counts one key is counted": func(t *testing.T, db storage.DB) {
			const workers, each = 64, 50
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for range each {
						if err := db.Update(increment("n")); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if diff := cmp.Diff([]string{"n=" + strconv.Itoa(workers*each)}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
		},
		"a long update succeeds among short ones": func(t *testing.T, db storage.DB) {
			keys := make([]string, 50)
			for i := range keys {
				keys[i] = "key" + strconv.Itoa(i)
				put(t, db, keys[i], "0")
			}
			var wg sync.WaitGroup
			defer wg.Wait()
			done := make(chan struct{})
			defer close(done)
			for i := range 4 {
				wg.Go(func() {
					for n := i; ; n++ {
						select {
						case <-done:
							return
						default:
						}
						if err := db.Update(increment(keys[n%len(keys)])); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for range 20 {
				update(t, db, func(tx storage.Tx) error {
					for _, k := range keys {
						if err := increment(k)(tx); err != nil {
							return err
						}
					}
					return nil
				})
			}
		},
	})
}

// elsewhere changes a key in another transaction, from within one.
func elsewhere(t testing.TB, db storage.DB, key, value string) {
	t.Helper()
	done := make(chan error)
	go func() { done <- db.Update(func(tx storage.Tx) error { return set(tx, key, value) }) }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func increment(key string) func(storage.Tx) error {
	return func(tx storage.Tx) error {
		v, err := tx.Get([]byte(key))
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(string(v))
		return set(tx, key, strconv.Itoa(n+1))
	}
}
