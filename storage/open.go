package storage

import (
	"context"
	"log/slog"
)

// Options are how a store is opened; the zero value is the default.
type Options struct {
	// Sync makes every commit and every blob reach the disk before it is
	// acknowledged. Without it they survive the death of the process, but the last moments
	// may be lost when the machine loses power.
	Sync bool
	// Log receives what the engine says; nil discards it.
	Log *slog.Logger
}

// Open opens the store that url names: "badger:DIR" or "memory:".
func Open(url string, o Options) (DB, error) { panic("storage: not built yet") }

// Maintain gives back space on the disk until the context ends. It is run once, by the server.
func Maintain(ctx context.Context, db DB) error { panic("storage: not built yet") }

// Reset empties the store: every record and every blob. Nothing else may use
// them meanwhile.
func Reset(db DB, blobs *Blobs) error { panic("storage: not built yet") }
