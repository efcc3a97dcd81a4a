package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/clock"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// The crash tests have children write items. Every child first checks what its
// predecessors left: that the stream tells exactly how the table became what it is,
// that the index has what the table has and, where there is a past, that the
// table restored is the table.
const (
	crashWorkers = 4
	crashItems   = 5 // of each worker
)

func TestMain(m *testing.M) {
	storagetest.Main(m, map[string]func(*storagetest.Child) error{"writes": writingChild, "expiries": expiringChild})
}

// openCrashing is a host of which nothing is closed in order, and the stream of
// its table, which is made if need be. Its clock is ahead by a second for each step
// that was acknowledged before it.
func openCrashing(dir string, acked []int) (h *host, db storage.DB, arn string, err error) {
	if db, err = storage.Open("badger:"+dir, storage.Options{}); err != nil {
		return nil, nil, "", err
	}
	now := clock.System()
	for _, n := range acked {
		now.Advance(time.Duration(n) * time.Second)
	}
	env := service.Env{DB: db, Clock: now, IDs: ids.Random(), Log: slog.New(slog.DiscardHandler)}
	h = &host{Service: New(env, nil), clock: env.Clock}
	if arn, err = crashTable(h); err != nil {
		return nil, nil, "", errors.Join(err, db.Close())
	}
	return h, db, arn, nil
}

// crashTable is the stream of the table, which is made if need be.
func crashTable(h *host) (arn string, err error) {
	if d, err := h.describeTable(h.call(), &ddb.DescribeTableInput{TableName: "things"}); err == nil {
		return d.Table.LatestStreamArn, nil
	}
	attributes, key := define("p:S")
	indexed, indexKey := define("kind:S")
	created, err := h.createTable(h.call(), &ddb.CreateTableInput{
		TableName: "things", AttributeDefinitions: append(attributes, indexed...), KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		StreamSpecification:    &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddb.StreamViewTypeNewAndOldImages},
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "kinds", KeySchema: indexKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}},
	})
	if err != nil {
		return "", err
	}
	return created.TableDescription.LatestStreamArn, nil
}

func writingChild(c *storagetest.Child) error {
	h, _, arn, err := openCrashing(c.Dir, c.Acked)
	if err != nil {
		return err
	}
	if err := crashCheck(h, arn); err != nil {
		return err
	}
	return c.Work(c.Acked, func(w, _ int) error { return crashWrite(h, w) })
}

// crashWrite changes one item, or two at once.
func crashWrite(h *host, worker int, more ...func(item.Item)) (err error) {
	key := func() item.Item { return item.Item{"p": S(fmt.Sprintf("%d/%d", worker, rand.IntN(crashItems)))} }
	it := key()
	it["kind"], it["pad"] = S(fmt.Sprint("kind", rand.IntN(3))), S(strings.Repeat("x", rand.IntN(2000)))
	for _, add := range more {
		add(it)
	}
	switch rand.IntN(4) {
	case 0:
		_, err = h.deleteItem(h.call(), &ddb.DeleteItemInput{TableName: "things", Key: key()})
	case 1:
		other := item.Item{"p": S(fmt.Sprintf("%d/%d", worker, crashItems))}
		_, err = h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{
			{Put: &ddb.Put{TableName: "things", Item: it}},
			{Update: &ddb.Update{TableName: "things", Key: other, UpdateExpression: new("ADD n :one"), ExpressionAttributeValues: item.Item{":one": N("1")}}}}})
	default:
		_, err = h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: it})
	}
	return err
}

// crashCheck replays the stream and compares what it tells with the table, and
// the table with its index.
func crashCheck(h *host, arn string) error {
	told := map[string]attribute.M{}
	if err := crashRecords(h, arn, func(r *dds.Record) error { return crashReplay(told, r) }); err != nil {
		return err
	}
	there, err := crashItemsOf(h, "things", "")
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(told, there) {
		return fmt.Errorf("the stream tells of %d items, %d are there: %v and %v", len(told), len(there), told, there)
	}
	indexed, err := crashItemsOf(h, "things", "kinds")
	if err != nil {
		return err
	}
	for p, it := range there {
		if it["kind"] != nil && !reflect.DeepEqual(indexed[p], it) || it["kind"] == nil && indexed[p] != nil {
			return fmt.Errorf("item %s is %v, its entry %v", p, it, indexed[p])
		}
		delete(indexed, p)
	}
	if len(indexed) != 0 {
		return fmt.Errorf("entries without items: %v", indexed)
	}
	return nil
}

// crashItemsOf are the items of a table, or of its index.
func crashItemsOf(h *host, table, index string) (map[string]attribute.M, error) {
	all := map[string]attribute.M{}
	out, err := h.scan(h.call(), &ddb.ScanInput{TableName: table, IndexName: index})
	if err != nil {
		return nil, err
	}
	if out.LastEvaluatedKey != nil {
		return nil, errors.New("the items do not fit into one page")
	}
	for _, it := range itemsOf(out.Items) {
		all[string(it["p"].(S))] = it
	}
	return all, nil
}

// crashRecords yields all records of the stream, in order.
func crashRecords(h *host, arn string, yield func(*dds.Record) error) error {
	stream := h.Streams()
	all, err := stream.describeStream(h.call(), &dds.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		return err
	}
	for _, shard := range all.StreamDescription.Shards {
		start, err := stream.getShardIterator(h.call(), &dds.GetShardIteratorInput{StreamArn: arn, ShardId: shard.ShardId, ShardIteratorType: dds.ShardIteratorTypeTrimHorizon})
		if err != nil {
			return err
		}
		for next := start.ShardIterator; next != ""; {
			out, err := stream.getRecords(h.call(), &dds.GetRecordsInput{ShardIterator: next})
			if err != nil {
				return err
			}
			for _, r := range out.Records {
				if err := yield(r); err != nil {
					return err
				}
			}
			if next = out.NextShardIterator; len(out.Records) == 0 {
				break
			}
		}
	}
	return nil
}

// crashReplay does what a record tells, which must begin where the one before ended.
func crashReplay(told map[string]attribute.M, r *dds.Record) error {
	p := string(valuesOf(r.Dynamodb.Keys)["p"].(S))
	if was := valuesOf(r.Dynamodb.OldImage); !reflect.DeepEqual(attribute.M(was), told[p]) {
		return fmt.Errorf("record %s of %s begins with %v, before it was %v", r.Dynamodb.SequenceNumber, p, was, told[p])
	}
	if told[p] = valuesOf(r.Dynamodb.NewImage); told[p] == nil {
		delete(told, p)
	}
	return nil
}

func TestKilledAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	acked := storagetest.Killing{Child: "writes", Dir: dir, Workers: crashWorkers, Rounds: 12, Steps: 150, Opening: 6}.Run(t)
	h, db, arn, err := openCrashing(dir, acked)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := crashCheck(h, arn); err != nil {
		t.Error(err)
	}
	t.Logf("%v writes", acked)
}

// expiringChild works on a table of which items expire, and which has a past. One
// of its workers does what otherwise goes on in the background.
func expiringChild(c *storagetest.Child) error {
	h, _, arn, err := openCrashing(c.Dir, c.Acked)
	if err != nil {
		return err
	}
	for _, err := range []error{h.setExpiry("things", "ttl", true), recoverable(h)} {
		if err != nil && !isSetAlready(err) {
			return err
		}
	}
	if err := crashCheck(h, arn); err != nil {
		return err
	}
	if err := crashRestore(h); err != nil {
		return err
	}
	return c.Work(c.Acked, func(w, _ int) error {
		if w == 0 {
			return h.Drain(context.Background())
		}
		return crashWrite(h, w, func(it item.Item) {
			at := []time.Duration{-time.Hour, -time.Minute, time.Hour}[rand.IntN(3)]
			it["ttl"] = h.in(at)
		})
	})
}

// recoverable turns recovery of the table on, which may be so already.
func recoverable(h *host) error {
	_, err := h.updateContinuousBackups(h.call(), &ddb.UpdateContinuousBackupsInput{TableName: "things",
		PointInTimeRecoverySpecification: &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)}})
	return err
}

// isSetAlready says that time to live was turned on before.
func isSetAlready(err error) bool {
	return strings.Contains(err.Error(), "TimeToLive is already enabled")
}

// crashRestore compares the table with what is restored of it.
func crashRestore(h *host) error {
	want, err := crashItemsOf(h, "things", "")
	if err != nil {
		return err
	}
	restored, err := restoreAt(h, nil)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(restored, want) {
		return fmt.Errorf("restored are %d items, there were %d: %v and %v", len(restored), len(want), restored, want)
	}
	return nil
}

// restoreAt is what a table restored to a moment has, nil for the latest.
func restoreAt(h *host, at *time.Time) (map[string]attribute.M, error) {
	in := &ddb.RestoreTableToPointInTimeInput{SourceTableName: "things", TargetTableName: "restored-" + h.env.IDs.UUID(), UseLatestRestorableTime: new(at == nil)}
	if at != nil {
		in.RestoreDateTime = *at
	}
	if _, err := h.restoreTableToPointInTime(h.call(), in); err != nil {
		return nil, err
	}
	if err := h.Drain(context.Background()); err != nil {
		return nil, err
	}
	return crashItemsOf(h, in.TargetTableName, "")
}

// What time to live deletes is in the stream, as a deletion of the service, and in
// the past, also when the process dies meanwhile.
func TestKilledWhileItemsExpire(t *testing.T) {
	dir := t.TempDir()
	acked := storagetest.Killing{Child: "expiries", Dir: dir, Workers: crashWorkers, Rounds: 12, Steps: 150, Opening: 6}.Run(t)
	h, db, arn, err := openCrashing(dir, acked)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h.t = t
	if err := errors.Join(crashCheck(h, arn), crashRestore(h)); err != nil {
		t.Fatal(err)
	}
	// At the end of the second that is in the middle, the table was what the stream had told until then.
	var records []*dds.Record
	expired := 0
	if err := crashRecords(h, arn, func(r *dds.Record) error {
		records = append(records, r)
		if r.UserIdentity == nil {
			return nil
		}
		expired++
		if ttl := valuesOf(r.Dynamodb.OldImage)["ttl"]; ttl == nil || r.EventName != dds.OperationTypeRemove || *r.UserIdentity != (dds.Identity{PrincipalId: "dynamodb.amazonaws.com", Type: "Service"}) {
			return fmt.Errorf("%s by %+v of an item with time %v", r.EventName, *r.UserIdentity, ttl)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if expired == 0 {
		t.Error("nothing has expired")
	}
	first, last := records[0].Dynamodb.ApproximateCreationDateTime, records[len(records)-1].Dynamodb.ApproximateCreationDateTime
	middle := first.Add(last.Sub(first) / 2).Truncate(time.Second)
	want := map[string]attribute.M{}
	for _, r := range records {
		if r.Dynamodb.ApproximateCreationDateTime.Before(middle) {
			if err := crashReplay(want, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	until := middle.Add(-time.Nanosecond)
	got, err := restoreAt(h, &until)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("restored to %v are %v, there were %v", until, got, want)
	}
	t.Logf("%v steps, %d records, %d items expired; restored to %v of %v to %v", acked, len(records), expired, until, first, last)
}
