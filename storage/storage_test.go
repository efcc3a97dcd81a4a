package storage_test

import (
	"context"
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

func open(t testing.TB) storage.DB {
	db, _ := storagetest.Open(t)
	return db
}
