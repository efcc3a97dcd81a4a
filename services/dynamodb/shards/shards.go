// Package shards is how a stream is cut into shards: the rules, without a store.
//
// A Lineage is the shards of one stream, each the parent of the next. A shard is
// the numbers of four hours, counted from the first number of the stream, so
// shards need not be stored: which of them there are, which are closed and
// where a record belongs follows from numbers alone. An Iterator is a place in
// a shard, as clients carry it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
package shards

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/virga-cloud/virga/services/dynamodb/sequence"
)

// Period is how long a shard takes records.
const Period = 4 * time.Hour

// Lineage is the shards of a stream.
type Lineage struct {
	// Stream is the number of the stream.
	Stream uint64
	// First is the first number of the first shard.
	First sequence.Number
}

// Shard counts the shards of a lineage from 0.
type Shard uint64

// Of is the shard that a number belongs to.
func (l Lineage) Of(n sequence.Number) Shard {
	if n < l.First {
		return 0
	}
	return Shard((n - l.First) / sequence.Over(Period))
}

// Start is the first number of a shard.
func (l Lineage) Start(s Shard) sequence.Number {
	return l.First + sequence.Number(s)*sequence.Over(Period)
}

// End is the first number after a shard.
func (l Lineage) End(s Shard) sequence.Number { return l.Start(s + 1) }

// ID is the id of a shard: its time, so that ids sort as shards do, and a sum
// that tells streams apart.
func (l Lineage) ID(s Shard) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%d/%d", l.Stream, s)
	return fmt.Sprintf("shardId-%020d-%08x", l.Start(s).Time().UnixMilli(), h.Sum32())
}

// idTime is where the time in an id ends.
const idTime = len("shardId-") + 20

// Parse is the shard that an id names; there need not be one.
func (l Lineage) Parse(id string) (Shard, bool) {
	if len(id) < idTime {
		return 0, false
	}
	ms, err := strconv.ParseInt(id[len("shardId-"):idTime], 10, 64)
	if err != nil || ms < 0 {
		return 0, false
	}
	// A shard may begin within its millisecond.
	s := l.Of(sequence.At(time.UnixMilli(ms + 1)))
	return s, l.ID(s) == id
}
