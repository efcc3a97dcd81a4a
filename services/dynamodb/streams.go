package dynamodb

import (
	"context"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/services/dynamodb/shards"
	"github.com/virga-cloud/virga/storage"
)

// Streams is DynamoDB Streams, which AWS has as a service of its own: reading
// the streams that tables write.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
type Streams struct{ service *Service }

// Streams is the service that reads the streams of this one's tables.
func (s *Service) Streams() *Streams { return &Streams{s} }

// Model implements service.Service.
func (s *Streams) Model() *api.Model { return &dds.Model }

// Operations implements service.Service.
func (s *Streams) Operations() []api.Handler {
	return []api.Handler{
		dds.DescribeStream.Handle(s.describeStream),
		dds.GetRecords.Handle(s.getRecords),
		dds.GetShardIterator.Handle(s.getShardIterator),
		dds.ListStreams.Handle(s.listStreams),
	}
}

// The largest pages.
const maxStreams, maxShards, maxRecords = 100, 100, 1000

// limit is how much a page may have: what was asked for, which is at most most.
func limit(asked *int32, most int) (int, error) {
	switch {
	case asked == nil:
		return most, nil
	case int(*asked) > most:
		return 0, errTooMany(*asked, most)
	}
	return int(*asked), nil
}

func (s *Streams) listStreams(ctx context.Context, in *dds.ListStreamsInput) (*dds.ListStreamsOutput, error) {
	call := api.CallFrom(ctx)
	limit, err := limit(in.Limit, maxStreams)
	if err != nil {
		return nil, err
	}
	prefix := streamsKey(call.Account, call.Region)
	if in.TableName != "" {
		prefix = prefix.String(in.TableName)
	}
	r := storage.Prefix(prefix)
	if in.ExclusiveStartStreamArn != "" {
		id, ok := parseStream(in.ExclusiveStartStreamArn)
		if !ok {
			return nil, errStreamARN()
		}
		if after := r.After(streamKey(call.Account, call.Region, id.table, id.label)); string(after.Start) > string(r.Start) {
			r = after
		}
	}
	out := &dds.ListStreamsOutput{}
	err = s.service.env.DB.View(func(tx storage.Tx) error {
		*out = dds.ListStreamsOutput{Streams: []*dds.Stream{}}
		for e, err := range storage.Records[stream](tx, r) {
			if err != nil {
				return err
			}
			st := e.Value
			if st.gone(call.Time) {
				continue
			}
			if len(out.Streams) == limit {
				out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
				break
			}
			out.Streams = append(out.Streams, &dds.Stream{StreamArn: st.arn(), TableName: st.Table, StreamLabel: st.Label})
		}
		return nil
	})
	return out, err
}

// read runs f with a stream that can be read, and what is known of its numbers
// before f sees the store.
func (s *Streams) read(arn string, now time.Time, f func(tx storage.Tx, r *streamReader) error) error {
	id, ok := parseStream(arn)
	if !ok {
		return errStreamARN()
	}
	settled, next, err := s.service.horizon(now)
	if err != nil {
		return err
	}
	return s.service.env.DB.View(func(tx storage.Tx) error {
		st, err := id.find(tx, now)
		if err != nil {
			return err
		}
		if st == nil {
			return errNoStream(arn)
		}
		r := &streamReader{stream: st, lineage: st.lineage(), settled: settled, next: next, trimmed: trimmed(now)}
		if !st.Closed.IsZero() {
			// Nobody writes to it any more, and the snapshot has all who did.
			r.settled, err = st.end(tx)
			r.next = r.settled
		}
		if err != nil {
			return err
		}
		return f(tx, r)
	})
}

// end is the first number that a stream which was turned off will never have.
func (s *stream) end(tx storage.Tx) (sequence.Number, error) {
	prefix := s.records()
	r := storage.Prefix(prefix)
	r.Reverse, r.KeysOnly = true, true
	for e, err := range tx.Scan(r) {
		if err != nil {
			return 0, err
		}
		k := storage.ReadKey(e.Key).Skip(len(prefix))
		return max(s.Last, sequence.Number(k.Uint64())) + 1, k.Err()
	}
	return s.Last + 1, nil
}

// streamReader is a stream at one moment.
type streamReader struct {
	*stream
	lineage shards.Lineage
	// settled and next are what sequence.Order.Horizon says.
	settled, next sequence.Number
	// trimmed is the first number that may be read.
	trimmed sequence.Number
}

// shards are the first and the last shard that can be read.
func (r *streamReader) shards() (first, last shards.Shard) {
	last = r.lineage.Of(r.settled)
	if r.off() {
		last = r.lineage.Of(r.settled - 1)
	}
	return min(r.lineage.Of(r.trimmed), last), last
}

func (r *streamReader) off() bool { return !r.Closed.IsZero() }

// closed says whether a shard takes no more records.
func (r *streamReader) closed(s shards.Shard) bool { return r.off() || r.settled >= r.lineage.End(s) }

// shard is the shard of an id.
func (r *streamReader) shard(id string) (shards.Shard, error) {
	s, ok := r.lineage.Parse(id)
	if first, last := r.shards(); !ok || s < first || s > last {
		return 0, errNoShard()
	}
	return s, nil
}

func (s *Streams) describeStream(ctx context.Context, in *dds.DescribeStreamInput) (*dds.DescribeStreamOutput, error) {
	limit, err := limit(in.Limit, maxShards)
	if err != nil {
		return nil, err
	}
	if err := checkShardFilter(in.ShardFilter); err != nil {
		return nil, err
	}
	var d *dds.StreamDescription
	err = s.read(in.StreamArn, api.CallFrom(ctx).Time, func(_ storage.Tx, r *streamReader) error {
		d = r.describe()
		for _, shard := range r.describeShards(in.ShardFilter) {
			if shard.ShardId <= in.ExclusiveStartShardId {
				continue
			}
			if len(d.Shards) == limit {
				d.LastEvaluatedShardId = d.Shards[limit-1].ShardId
				break
			}
			d.Shards = append(d.Shards, shard)
		}
		return nil
	})
	return &dds.DescribeStreamOutput{StreamDescription: d}, err
}

func checkShardFilter(f *dds.ShardFilter) error {
	switch {
	case f == nil:
		return nil
	case f.Type == "":
		return errMissing("shardFilter.type")
	case f.ShardId == "":
		return errMissing("shardFilter.shardId")
	}
	return nil
}

// describe is the stream without its shards.
func (r *streamReader) describe() *dds.StreamDescription {
	d := &dds.StreamDescription{
		StreamArn: r.arn(), StreamLabel: r.Label, StreamStatus: dds.StreamStatusEnabled, StreamViewType: dds.StreamViewType(r.View),
		CreationRequestDateTime: r.Created, TableName: r.Table, Shards: []*dds.Shard{},
	}
	if r.off() {
		d.StreamStatus = dds.StreamStatusDisabled
	}
	for _, e := range r.Key {
		d.KeySchema = append(d.KeySchema, &dds.KeySchemaElement{AttributeName: e.AttributeName, KeyType: dds.KeyType(e.KeyType)})
	}
	return d
}

func (r *streamReader) describeShards(filter *dds.ShardFilter) []*dds.Shard {
	first, last := r.shards()
	var out []*dds.Shard
	for s := first; s <= last; s++ {
		d := &dds.Shard{ShardId: r.lineage.ID(s), SequenceNumberRange: &dds.SequenceNumberRange{StartingSequenceNumber: r.lineage.Start(s).String()}}
		if s > 0 {
			d.ParentShardId = r.lineage.ID(s - 1)
		}
		if r.closed(s) {
			d.SequenceNumberRange.EndingSequenceNumber = (min(r.lineage.End(s), r.settled) - 1).String()
		}
		out = append(out, d)
	}
	if filter != nil {
		out = slices.DeleteFunc(out, func(d *dds.Shard) bool { return d.ParentShardId != filter.ShardId })
	}
	return out
}

func (s *Streams) getShardIterator(ctx context.Context, in *dds.GetShardIteratorInput) (*dds.GetShardIteratorOutput, error) {
	now := api.CallFrom(ctx).Time
	if _, ok := parseStream(in.StreamArn); !ok {
		return nil, errStreamARN()
	}
	var given sequence.Number
	switch in.ShardIteratorType {
	case dds.ShardIteratorTypeAtSequenceNumber, dds.ShardIteratorTypeAfterSequenceNumber:
		if in.SequenceNumber == "" {
			return nil, errNoSequenceNumber(in.ShardIteratorType)
		}
		var ok bool
		if given, ok = sequence.Parse(in.SequenceNumber); !ok {
			return nil, errSequenceNumber()
		}
	default:
		if in.SequenceNumber != "" {
			return nil, errNeedlessSequenceNumber(in.ShardIteratorType)
		}
	}
	i := shards.Iterator{Stream: in.StreamArn, Issued: now}
	err := s.read(in.StreamArn, now, func(_ storage.Tx, r *streamReader) (err error) {
		if i.Shard, err = r.shard(in.ShardId); err != nil {
			return err
		}
		start, end := r.lineage.Start(i.Shard), r.lineage.End(i.Shard)
		switch in.ShardIteratorType {
		case dds.ShardIteratorTypeTrimHorizon:
			i.At, i.Oldest = start, true
			return nil
		case dds.ShardIteratorTypeLatest:
			i.At = min(r.next, end)
			return nil
		}
		switch {
		case given < start || given >= end:
			return errSequenceNumber()
		case given < r.trimmed:
			return errTrimmed()
		}
		if i.At = given; in.ShardIteratorType == dds.ShardIteratorTypeAfterSequenceNumber {
			i.At++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dds.GetShardIteratorOutput{ShardIterator: i.String()}, nil
}

func (s *Streams) getRecords(ctx context.Context, in *dds.GetRecordsInput) (*dds.GetRecordsOutput, error) {
	now := api.CallFrom(ctx).Time
	limit, err := limit(in.Limit, maxRecords)
	if err != nil {
		return nil, err
	}
	i, ok := shards.ParseIterator(in.ShardIterator)
	if !ok {
		return nil, errIterator()
	}
	if age := now.Sub(i.Issued); age > shards.Lifetime {
		return nil, errExpired()
	}
	out := &dds.GetRecordsOutput{}
	err = s.read(i.Stream, now, func(tx storage.Tx, r *streamReader) error {
		*out = dds.GetRecordsOutput{Records: []*dds.Record{}}
		next, ended, err := r.page(tx, i, limit, func(n sequence.Number, record *streamRecord) error {
			out.Records = append(out.Records, record.describe(r.stream, n))
			return nil
		})
		if err == nil && !ended {
			out.NextShardIterator = shards.Iterator{Stream: i.Stream, Shard: i.Shard, At: next, Issued: now}.String()
		}
		return err
	})
	return out, err
}

// maxRecordBytes is how much one page may have, as AWS counts records.
const maxRecordBytes = 1 << 20

// page yields the records at a place, as many as one page may have. next is
// where the following page begins; ended says that there is none.
func (r *streamReader) page(tx storage.Tx, at shards.Iterator, limit int, yield func(sequence.Number, *streamRecord) error) (next sequence.Number, ended bool, err error) {
	start := max(at.At, r.lineage.Start(at.Shard))
	if start < r.trimmed && !at.Oldest {
		return 0, false, errTrimmed()
	}
	start = max(start, r.trimmed)
	end := min(r.lineage.End(at.Shard), r.settled)
	prefix := r.records()
	count, size := 0, 0
	for e, err := range storage.Records[streamRecord](tx, storage.Range{Start: prefix.Uint64(uint64(start)), End: prefix.Uint64(uint64(end))}) {
		if err != nil {
			return 0, false, err
		}
		key := storage.ReadKey(e.Key).Skip(len(prefix))
		n := sequence.Number(key.Uint64())
		if err := key.Err(); err != nil {
			return 0, false, err
		}
		if size += e.Value.Size; count == limit || count > 0 && size > maxRecordBytes {
			return n, false, nil
		}
		count++
		if err := yield(n, e.Value); err != nil {
			return 0, false, err
		}
	}
	return max(start, end), r.closed(at.Shard), nil
}
