package dynamodb

import (
	"context"
	"sync"

	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/services/dynamodb/shards"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Streams is a service.Source: the positions of a shard are the numbers that
// are to be read next.

// Shards implements service.Source.
func (s *Streams) Shards(_ context.Context, arn string) (all []service.Shard, err error) {
	err = s.read(arn, s.service.env.Clock.Now(), func(_ storage.Tx, r *streamReader) error {
		all = nil
		first, last := r.shards()
		for shard := first; shard <= last; shard++ {
			d := service.Shard{ID: r.lineage.ID(shard)}
			if shard > first {
				d.Parent = r.lineage.ID(shard - 1)
			}
			all = append(all, d)
		}
		return nil
	})
	return all, sourceError(err)
}

// Read implements service.Source.
func (s *Streams) Read(_ context.Context, arn, shard string, from service.Position, limit int) (out *service.Records, err error) {
	at := shards.Iterator{Oldest: from == service.Oldest}
	if !at.Oldest && from != service.Newest {
		n, ok := sequence.Parse(string(from))
		if !ok {
			return nil, errSequenceNumber()
		}
		at.At = n
	}
	err = s.read(arn, s.service.env.Clock.Now(), func(tx storage.Tx, r *streamReader) (err error) {
		out = &service.Records{}
		if at.Shard, err = r.shard(shard); err != nil {
			return err
		}
		if from == service.Newest {
			out.Next = service.Position(min(r.next, r.lineage.End(at.Shard)).String())
			return nil
		}
		next, ended, err := r.page(tx, at, min(limit, maxRecords), func(n sequence.Number, record *streamRecord) error {
			payload, err := record.event(r.stream, n)
			out.Records = append(out.Records, service.SourceRecord{Sequence: n.String(), At: record.At, Payload: payload})
			return err
		})
		out.Next, out.Ended = service.Position(next.String()), ended
		return err
	})
	return out, sourceError(err)
}

// Changed implements service.Source.
func (s *Streams) Changed(arn string) <-chan struct{} {
	var number uint64
	if id, ok := parseStream(arn); ok {
		err := s.service.env.DB.View(func(tx storage.Tx) error {
			st, err := id.find(tx, s.service.env.Clock.Now())
			if st != nil {
				number = st.Number
			}
			return err
		})
		if err != nil {
			s.service.env.Log.Error("dynamodb: reading a stream failed", "stream", arn, "error", err)
		}
	}
	return s.service.listeners.listen(number)
}

// sourceError is err as service.Source has it.
func sourceError(err error) error {
	switch err.(type) {
	case *dds.ResourceNotFoundException:
		return service.ErrNoStream
	case *dds.TrimmedDataAccessException:
		return service.ErrTrimmed
	}
	return err
}

// listeners are those who wait for records of streams.
type listeners struct {
	mu       sync.Mutex
	byStream map[uint64]chan struct{}
}

// listen is closed when the stream of a number has got records.
func (l *listeners) listen(stream uint64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byStream == nil {
		l.byStream = map[uint64]chan struct{}{}
	}
	c := l.byStream[stream]
	if c == nil {
		c = make(chan struct{})
		l.byStream[stream] = c
	}
	return c
}

// tell tells those who wait for any of the streams.
func (l *listeners) tell(streams []uint64) {
	if len(streams) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range streams {
		if c := l.byStream[s]; c != nil {
			close(c)
			delete(l.byStream, s)
		}
	}
}
