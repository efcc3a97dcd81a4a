package service

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Source is a service with streams that event-source pollers read: ordered
// records that lie in shards, which follow each other. A poller keeps the
// Position behind what it has handled, with what handling it has changed, and
// so neither misses nor repeats a record when it starts again.
type Source interface {
	// Shards are the shards of a stream, by its ARN, that can be read, those
	// that follow others behind them. Who keeps the order of records reads a
	// shard when its parent has ended. It fails with ErrNoStream.
	Shards(ctx context.Context, stream string) ([]Shard, error)
	// Read returns up to limit records of a shard from a position on; none at
	// all when there are none yet. A record that is behind the position Next
	// is never added before it later. It fails with ErrNoStream and
	// ErrTrimmed.
	Read(ctx context.Context, stream, shard string, from Position, limit int) (*Records, error)
	// Changed is closed when records have been added to a stream after it was
	// called; so it is called before Read. It tells nothing of shards that
	// only the clock ends.
	Changed(stream string) <-chan struct{}
}

// Shard is a part of a stream.
type Shard struct {
	ID string
	// Parent is the shard it follows, "" for none that can still be read.
	Parent string
}

// Position is a place between two records of a shard, as only its source can
// read it. It stays good over restarts.
type Position string

// Where to begin: at the oldest record there is, or behind the newest. Reading
// at Newest returns no records and a position that is to be kept.
const (
	Oldest Position = ""
	Newest Position = "newest"
)

// Records are what was read.
type Records struct {
	Records []SourceRecord
	// Next is the position behind them.
	Next Position
	// Ended says that nothing will follow them in the shard.
	Ended bool
}

// SourceRecord is one record.
type SourceRecord struct {
	// Sequence is its number as AWS shows it.
	Sequence string
	// At is when it was written.
	At time.Time
	// Payload is the record as AWS hands it to functions.
	Payload json.RawMessage
}

var (
	// ErrNoStream: there is no such stream, or no such shard of it.
	ErrNoStream = errors.New("no such stream or shard")
	// ErrTrimmed: records behind the position are too old to be read.
	ErrTrimmed = errors.New("records have been trimmed")
)
