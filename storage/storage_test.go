package storage_test

import (
	"context"
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

func TestConformance(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { storagetest.Run(t, open) })
	}
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
