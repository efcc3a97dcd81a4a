package storage_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// engines are all there are, by the names of their tests.
var engines = map[string]storagetest.Opener{
	"memory": storagetest.Open,
	"badger": func(t testing.TB) (storage.DB, *storage.Blobs) {
		return storagetest.OpenURL(t, "badger:"+t.TempDir(), storage.Options{})
	},
}

// rotating is the engine on disk where every few commits are written out.
func rotating(t testing.TB) (storage.DB, *storage.Blobs) {
	db, blobs := engines["badger"](t)
	storage.Rotate(db, 300)
	return db, blobs
}

func TestConformance(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { storagetest.Run(t, open) })
	}
	t.Run("badger, rotating", func(t *testing.T) { storagetest.Run(t, rotating) })
}

func TestMaintainEndsWithItsContext(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			db, _ := open(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- storage.Maintain(ctx, db) }()
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// What comes at once may be committed together, which must not make it too much.
func TestLargeUpdatesAtOnce(t *testing.T) {
	const each = 4 << 20 / (128 + 1024)
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			db, _ := open(t)
			value := make([]byte, 1024-8)
			var group sync.WaitGroup
			for writer := range uint64(8) {
				group.Go(func() {
					err := db.Update(func(tx storage.Tx) error {
						for i := range uint64(each) {
							if err := tx.Set(storage.Key{}.Uint64(writer).Uint64(i), value); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			n := 0
			err := db.View(func(tx storage.Tx) error {
				for _, err := range tx.Scan(storage.Range{KeysOnly: true}) {
					if err != nil {
						return err
					}
					n++
				}
				return nil
			})
			if err != nil || n != 8*each {
				t.Errorf("%d of %d are there: %v", n, 8*each, err)
			}
		})
	}
}

func open(t testing.TB) storage.DB {
	db, _ := storagetest.Open(t)
	return db
}

func TestDeletingRanges(t *testing.T) {
	db, _ := storagetest.Open(t)
	const keys = 2500
	key := func(side string, n int) storage.Key { return storage.Key{}.String(side).Uint64(uint64(n)) }
	left := func(r storage.Range) (all [][]byte) {
		t.Helper()
		if err := db.View(func(tx storage.Tx) (err error) {
			all, err = storage.FirstKeys(tx, r, keys+1)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	for _, side := range []string{"a", "b"} {
		if err := db.Update(func(tx storage.Tx) error {
			for n := range keys {
				if err := tx.Set(key(side, n), []byte("v")); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	a, b := storage.Prefix(storage.Key{}.String("a")), storage.Prefix(storage.Key{}.String("b"))
	for _, c := range []struct {
		n    int
		more bool
		left int
	}{{10, true, keys - 10}, {keys - 11, true, 1}, {2, false, 0}, {2, false, 0}} {
		more := false
		if err := db.Update(func(tx storage.Tx) (err error) {
			more, err = storage.DeleteFirst(tx, a, c.n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		rest := left(a)
		if more != c.more || len(rest) != c.left || c.left > 0 && string(rest[0]) != string(key("a", keys-c.left)) {
			t.Errorf("after %d: %d keys are left, more: %v", c.n, len(rest), more)
		}
	}
	if n := len(left(b)); n != keys {
		t.Errorf("%d keys of the other range are left", n)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := storage.DeleteAll(ended, db, b); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if err := storage.DeleteAll(t.Context(), db, b); err != nil || len(left(b)) != 0 {
		t.Errorf("%d keys are left: %v", len(left(b)), err)
	}
}
