package storage_test

import (
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

func open(t testing.TB) storage.DB {
	db, _ := storagetest.Open(t)
	return db
}
