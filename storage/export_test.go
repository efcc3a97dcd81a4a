package storage

import (
	"log/slog"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// Bare is the engine on disk without what this package adds to it: the limit
// that benchmarks measure against.
type Bare struct{ db *badgerdb.DB }

// OpenBare opens the bare engine in dir.
func OpenBare(dir string) (*Bare, error) {
	db, err := badgerdb.Open(badgerOptions(dir, Options{Log: slog.New(slog.DiscardHandler)}).WithDetectConflicts(true))
	if err != nil {
		return nil, err
	}
	return &Bare{db}, nil
}

// Update reads and writes a key in one transaction; a conflict is its end.
func (b *Bare) Update(key, value []byte) error {
	txn := b.db.NewTransaction(true)
	defer txn.Discard()
	txn.Get(key)
	if err := txn.Set(key, value); err != nil {
		return err
	}
	return txn.Commit()
}

// Get reads a key.
func (b *Bare) Get(key []byte) ([]byte, error) {
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	item, err := txn.Get(key)
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// Close closes the engine.
func (b *Bare) Close() error { return b.db.Close() }

// Rotate makes a store on disk write a memtable out when it has so many bytes.
func Rotate(db DB, bytes int64) { db.(*store).engine.(*badger).recent.limit = bytes }
