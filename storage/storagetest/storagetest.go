// Package storagetest is the conformance suite that every engine of package
// storage passes, and the store that the tests of other packages use.
package storagetest

import (
	"testing"

	"github.com/virga-cloud/virga/storage"
)

// Open opens an empty store in memory, which is closed when the test ends.
func Open(t testing.TB) (storage.DB, *storage.Blobs) {
	t.Helper()
	db, err := storage.Open("memory:", storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := storage.OpenBlobs("memory:", db, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, blobs
}
