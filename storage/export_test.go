package storage

import (
	"io"
	"log/slog"
)

// Bare is the engine on disk without what this package adds to it: the limit
// that benchmarks measure against.
type Bare struct{ badger *badger }

// OpenBare opens the bare engine in dir.
func OpenBare(dir string) (*Bare, error) {
	b, err := openBadger(dir, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	b.lock = io.NopCloser(nil)
	return &Bare{b}, nil
}

// Update reads and writes a key in one transaction; a conflict is its end.
func (b *Bare) Update(key, value []byte) error {
	txn := b.badger.db.NewTransaction(true)
	defer txn.Discard()
	txn.Get(key)
	if err := txn.Set(key, value); err != nil {
		return err
	}
	return txn.Commit()
}

// Get reads a key.
func (b *Bare) Get(key []byte) ([]byte, error) {
	txn := b.badger.db.NewTransaction(false)
	defer txn.Discard()
	item, err := txn.Get(key)
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// Close closes the engine.
func (b *Bare) Close() error { return b.badger.close() }
