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
	return OpenURL(t, "memory:", storage.Options{})
}

// OpenURL opens a store, which is closed when the test ends.
func OpenURL(t testing.TB, url string, o storage.Options) (storage.DB, *storage.Blobs) {
	t.Helper()
	db, err := storage.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	blobs, err := storage.OpenBlobs(url, db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, blobs
}

// Opener opens a new, empty store, which is closed when the test ends.
type Opener func(t testing.TB) (storage.DB, *storage.Blobs)

// Run checks that a store does what package storage promises.
func Run(t *testing.T, open Opener) {
	t.Run("Transactions", func(t *testing.T) { transactions(t, open) })
	t.Run("Conflicts", func(t *testing.T) { conflicts(t, open) })
	t.Run("Scans", func(t *testing.T) { scans(t, open) })
	t.Run("Limits", func(t *testing.T) { limits(t, open) })
	t.Run("Large", func(t *testing.T) { large(t, open) })
	t.Run("Blobs", func(t *testing.T) { blobs(t, open) })
}

// cases runs each function on a store of its own.
func cases(t *testing.T, open Opener, all map[string]func(*testing.T, storage.DB)) {
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			db, _ := open(t)
			f(t, db)
		})
	}
}

func update(t testing.TB, db storage.DB, f func(storage.Tx) error) {
	t.Helper()
	if err := db.Update(f); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, db storage.DB, f func(storage.Tx) error) {
	t.Helper()
	if err := db.View(f); err != nil {
		t.Fatal(err)
	}
}

// put stores keys with values, in pairs.
func put(t testing.TB, db storage.DB, pairs ...string) {
	t.Helper()
	update(t, db, func(tx storage.Tx) error { return set(tx, pairs...) })
}

func set(tx storage.Tx, pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := tx.Set([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
			return err
		}
	}
	return nil
}

// list is what a scan yields, as "key=value".
func list(tx storage.Tx, r storage.Range) ([]string, error) {
	got := []string{}
	for e, err := range tx.Scan(r) {
		if err != nil {
			return nil, err
		}
		got = append(got, string(e.Key)+"="+string(e.Value))
	}
	return got, nil
}

// contents is all that is in the store.
func contents(t testing.TB, db storage.DB) (got []string) {
	t.Helper()
	view(t, db, func(tx storage.Tx) (err error) {
		got, err = list(tx, storage.Range{})
		return err
	})
	return got
}
