package dynamodb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/clock"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// The crash test runs the test binary as a child that writes items until it is
// killed, again and again on one directory. Every child first checks what its
// predecessors left: that the stream tells exactly how the table became what it
// is, and that the index has what the table has.
const (
	crashRounds  = 12
	crashWorkers = 4
	crashItems   = 5 // of each worker
	crashDir     = "VIRGA_TEST_DYNAMODB_CRASH_DIR"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChild says "checked", and "written" for every write.
func crashChild(dir string) error {
	db, err := storage.Open("badger:"+dir, storage.Options{})
	if err != nil {
		return err
	}
	h := &host{Service: New(service.Env{DB: db, Clock: clock.System(), IDs: ids.Random(), Log: slog.New(slog.DiscardHandler)}, nil), clock: clock.System()}
	attributes, key := define("p:S")
	indexed, indexKey := define("kind:S")
	table, err := h.describeTable(h.call(), &ddb.DescribeTableInput{TableName: "things"})
	if err != nil {
		created, err := h.createTable(h.call(), &ddb.CreateTableInput{
			TableName: "things", AttributeDefinitions: append(attributes, indexed...), KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
			StreamSpecification:    &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddb.StreamViewTypeNewAndOldImages},
			GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "kinds", KeySchema: indexKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}},
		})
		if err != nil {
			return err
		}
		table = &ddb.DescribeTableOutput{Table: created.TableDescription}
	}
	if err := crashCheck(h, table.Table.LatestStreamArn); err != nil {
		return err
	}
	fmt.Println("checked")
	var wg sync.WaitGroup
	errs := make([]error, crashWorkers)
	for w := range crashWorkers {
		wg.Go(func() {
			for errs[w] == nil {
				if errs[w] = crashWrite(h, w); errs[w] == nil {
					_, errs[w] = fmt.Println("written")
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// crashWrite changes one item, or two at once.
func crashWrite(h *host, worker int) (err error) {
	key := func() item.Item { return item.Item{"p": S(fmt.Sprintf("%d/%d", worker, rand.IntN(crashItems)))} }
	it := key()
	it["kind"], it["pad"] = S(fmt.Sprint("kind", rand.IntN(3))), S(strings.Repeat("x", rand.IntN(2000)))
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
				if err := crashReplay(told, r); err != nil {
					return err
				}
			}
			if next = out.NextShardIterator; len(out.Records) == 0 {
				break
			}
		}
	}
	there := map[string]attribute.M{}
	for _, index := range []string{"", "kinds"} {
		indexed := map[string]attribute.M{}
		out, err := h.scan(h.call(), &ddb.ScanInput{TableName: "things", IndexName: index})
		if err != nil {
			return err
		}
		for _, it := range itemsOf(out.Items) {
			indexed[string(it["p"].(S))] = it
		}
		if index == "" {
			there = indexed
			if !reflect.DeepEqual(told, there) {
				return fmt.Errorf("the stream tells of %d items, %d are there: %v and %v", len(told), len(there), told, there)
			}
			continue
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
	written := 0
	for round := range crashRounds {
		kill := rand.IntN(150)
		child := exec.CommandContext(context.Background(), os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir)
		var stderr bytes.Buffer
		child.Stderr = &stderr
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if lines.Text() == "written" {
				written++
				if n++; n == kill+1 {
					child.Process.Kill()
				}
			}
		}
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("round %d: the child ended by itself (%v): %s", round, err, stderr.String())
		}
	}
	db, err := storage.Open("badger:"+dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := &host{Service: New(service.Env{DB: db, Clock: clock.System(), IDs: ids.Random(), Log: slog.New(slog.DiscardHandler)}, nil), t: t, clock: clock.System()}
	arn := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.LatestStreamArn
	if err := crashCheck(h, arn); err != nil {
		t.Error(err)
	}
	t.Logf("%d writes, of which %d made records", written, len(h.records(arn)))
}
