package dynamodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/services/dynamodb/shards"
	"github.com/virga-cloud/virga/storage"
)

// stream is the record of a stream. It is made when the stream of a table is
// turned on and outlives that, and the table, for as long as its records may be read.
type stream struct {
	Account, Region, Table, Label string
	// Number names the stream in keys; it is never used again.
	Number uint64
	View   ddb.StreamViewType
	Key    []*ddb.KeySchemaElement
	// Created is when it was turned on.
	Created time.Time
	// First is the first number of the first shard.
	First sequence.Number
	// Closed is when it was turned off, and Last a number of that time; zero
	// while it is on.
	Closed time.Time
	Last   sequence.Number
}

// streamKept is how long the records of a stream may be read.
const streamKept = 24 * time.Hour

// labelFormat is how a stream's time is its label.
const labelFormat = "2006-01-02T15:04:05.000"

func (s *stream) storageKey() storage.Key {
	return streamKey(s.Account, s.Region, s.Table, s.Label)
}

func (s *stream) arn() string {
	return api.ARN{Partition: api.PartitionOf(s.Region), Service: "dynamodb", Region: s.Region, Account: s.Account, Resource: "table/" + s.Table + "/stream/" + s.Label}.String()
}

func (s *stream) lineage() shards.Lineage { return shards.Lineage{Stream: s.Number, First: s.First} }

// records is what the keys of the stream's records begin with.
func (s *stream) records() storage.Key { return recordsKey(s.Account, s.Region, s.Number) }

// streamID names a stream within the store.
type streamID struct{ account, region, table, label string }

// parseStream reads the ARN of a stream.
func parseStream(text string) (id streamID, ok bool) {
	arn, err := api.ParseARN(text)
	if err != nil || arn.Service != "dynamodb" {
		return id, false
	}
	resource, ok := strings.CutPrefix(arn.Resource, "table/")
	table, label, there := strings.Cut(resource, "/stream/")
	return streamID{arn.Account, arn.Region, table, label}, ok && there && table != "" && label != ""
}

// find reads the record of a stream; nil when there is none, or when it has
// been off for so long that it is as good as gone.
func (id streamID) find(tx storage.Tx, now time.Time) (*stream, error) {
	s, err := storage.GetRecord[stream](tx, streamKey(id.account, id.region, id.table, id.label))
	if errors.Is(err, storage.ErrNotFound) || err == nil && s.gone(now) {
		return nil, nil
	}
	return s, err
}

func (s *stream) gone(now time.Time) bool {
	return !s.Closed.IsZero() && now.Sub(s.Closed) >= streamKept
}

// trimmed is the first number that is not too old to be read.
func trimmed(now time.Time) sequence.Number { return sequence.At(now.Add(-streamKept)) }

// setStream turns a table's stream on or off, which it was not already.
func (w *writes) setStream(tx storage.Tx, t *table, spec *ddb.StreamSpecification, now time.Time) error {
	if spec == nil {
		return nil
	}
	if !*spec.StreamEnabled {
		return w.closeStream(tx, t, now)
	}
	first, err := w.number()
	if err != nil {
		return err
	}
	// The label is a name, and its time only says where it comes from: a table
	// may have several streams within a millisecond.
	for start := now; ; start = start.Add(time.Millisecond) {
		_, err := tx.Get(streamKey(t.Account, t.Region, t.Name, start.Format(labelFormat)))
		if errors.Is(err, storage.ErrNotFound) {
			t.StreamStart = start
			break
		}
		if err != nil {
			return err
		}
	}
	s := &stream{
		Account: t.Account, Region: t.Region, Table: t.Name, Label: t.StreamStart.Format(labelFormat),
		Number: w.service.newNumber(), View: spec.StreamViewType, Key: t.Key, Created: now, First: first,
	}
	t.Stream, t.StreamNumber = spec, s.Number
	tx.OnCommit(w.service.worker.bell.Ring) // the worker trims it from now on
	return storage.PutRecord(tx, s.storageKey(), s)
}

// closeStream ends a table's stream, if it has one.
func (w *writes) closeStream(tx storage.Tx, t *table, now time.Time) error {
	if !t.streams() {
		return nil
	}
	t.Stream = nil
	s, err := storage.GetRecord[stream](tx, streamKey(t.Account, t.Region, t.Name, t.StreamStart.Format(labelFormat)))
	if err != nil {
		return err
	}
	if s.Last, err = w.number(); err != nil {
		return err
	}
	s.Closed = now
	return storage.PutRecord(tx, s.storageKey(), s)
}

// streams says whether changes of the table's items make records.
func (t *table) streams() bool { return t.Stream != nil && t.StreamNumber != 0 }

// forgetStream removes what can not be read any more of a stream.
func (s *Service) forgetStream(ctx context.Context, st *stream, now time.Time) error {
	if st.gone(now) {
		return s.removeStream(st)
	}
	prefix := st.records()
	return storage.DeleteAll(ctx, s.env.DB, storage.Range{Start: prefix, End: prefix.Uint64(uint64(trimmed(now)))})
}

// removeStream forgets a stream and has its records removed.
func (s *Service) removeStream(st *stream) error {
	work := s.newNumber()
	return s.env.DB.Update(func(tx storage.Tx) error {
		if err := tx.Delete(st.storageKey()); err != nil {
			return err
		}
		return s.remember(tx, work, &task{Remove: st.records()})
	})
}
