package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
)

// Options are how a store is opened; the zero value is the default.
type Options struct {
	// Sync makes every commit and every blob reach the disk before it is
	// acknowledged. Without it they survive the death of the process, but the
	// last moments may be lost when the machine loses power.
	Sync bool
	// Log receives what the engine says; nil discards it.
	Log *slog.Logger
}

// Open opens the store that url names: "badger:DIR", a directory that is made
// if need be, or "memory:", which is empty and forgotten when it is closed.
// Where the directory is the problem the error is an OpenError.
func Open(url string, o Options) (DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	engine, dir, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if engine == "memory" {
		return newStore(newMemory()), nil
	}
	lock, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	b, err := openBadger(dir, o)
	if err != nil {
		lock.Close()
		kind := ErrDamaged
		if errors.Is(err, ErrUnwritable) {
			kind = ErrUnwritable
		}
		return nil, &OpenError{dir, kind, err}
	}
	b.lock = lock
	s := newStore(b)
	if err := s.replay(); err != nil {
		b.close()
		return nil, &OpenError{dir, ErrDamaged, err}
	}
	return s, nil
}

func parseURL(url string) (engine, dir string, err error) {
	engine, dir, ok := strings.Cut(url, ":")
	switch {
	case ok && engine == "memory" && dir == "":
		return engine, "", nil
	case ok && engine == "badger" && dir != "":
		return engine, filepath.Clean(dir), nil
	}
	return "", "", fmt.Errorf("%q is no store: use badger:DIR or memory:", url)
}

// Maintain gives space back to the disk that overwritten and deleted values
// hold, until the context ends. The server runs it once, beside everything
// else, and waits for it before it closes the store.
func Maintain(ctx context.Context, db DB) error {
	if m, ok := db.(*store).engine.(interface{ maintain(context.Context) error }); ok {
		return m.maintain(ctx)
	}
	<-ctx.Done()
	return nil
}

// Reset empties the store: every record and every blob. It waits for running
// transactions; blobs that are being written or read are lost to those who do.
func Reset(db DB, blobs *Blobs) error {
	if err := db.(*store).empty(); err != nil {
		return err
	}
	return blobs.reset()
}
