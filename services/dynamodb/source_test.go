package dynamodb

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/services/service/sourcetest"
	"github.com/virga-cloud/virga/storage"
)

func TestSource(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) *sourcetest.World {
		h := newHost(t)
		arn := h.streamed("things", ddb.StreamViewTypeNewImage, "p:S")
		return &sourcetest.World{
			// A second service on the same store while the first writes would be
			// a second process, which the store does not allow.
			Source:  func() service.Source { return h.Streams() },
			Stream:  arn,
			Unknown: arn + "0",
			Write: func(key, value string) {
				if _, err := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S(key), "v": S(value)}}); err != nil {
					t.Error(err)
				}
			},
			Value: func(payload json.RawMessage) (key, value string) {
				var e struct {
					Dynamodb struct {
						NewImage map[string]struct{ S string }
					}
				}
				if err := json.Unmarshal(payload, &e); err != nil {
					t.Error(err)
				}
				return e.Dynamodb.NewImage["p"].S, e.Dynamodb.NewImage["v"].S
			},
			Roll: func() { h.clock.Advance(4 * time.Hour) },
			Trim: func() { h.clock.Advance(30 * time.Hour) },
		}
	})
}

// What a function receives has AWS's form.
func TestSourcePayload(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeNewAndOldImages, "p:S")
	h.put("things", item.Item{"p": S("a"), "n": N("1")})
	s := h.Streams()
	shards, err := s.Shards(h.call(), arn)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Read(h.call(), arn, shards[0].ID, service.Oldest, 10)
	if err != nil || len(out.Records) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	record := h.records(arn)[0]
	want := `{"eventID":"` + record.EventID + `","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",` +
		`"dynamodb":{"ApproximateCreationDateTime":1714979289,"Keys":{"p":{"S":"a"}},"NewImage":{"n":{"N":"1"},"p":{"S":"a"}},"SequenceNumber":"` + record.Dynamodb.SequenceNumber +
		`","SizeBytes":7,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"` + arn + `"}`
	if got := string(out.Records[0].Payload); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A write that has drawn its number and is not committed yet holds back the
// records that follow it, so that no reader passes it over.
func TestStreamWaitsForWritersUnderWay(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeKeysOnly, "p:S")
	at := h.iterator(arn, h.describeStream(arn).Shards[0].ShardId, dds.ShardIteratorTypeLatest, "")
	drawn, commit := make(chan struct{}), make(chan struct{})
	var slow sync.WaitGroup
	slow.Go(func() {
		put, err := newPut(item.Item{"p": S("slow")})
		if err != nil {
			t.Error(err)
		}
		c := &change{key: put.item, put: put}
		err = h.update(func(tx storage.Tx, w *writes) error {
			schema, err := w.table(tx, tableID{"000000000000", "us-east-1", "things"})
			if err != nil {
				return err
			}
			if _, err := w.carryOut(tx, schema, c); err != nil {
				return err
			}
			close(drawn)
			<-commit
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-drawn
	h.put("things", item.Item{"p": S("quick")})
	out := must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: at})
	if len(out.Records) != 0 {
		t.Errorf("%v is there before what was begun before it", said(out.Records))
	}
	// However far the clock goes meanwhile.
	h.clock.Advance(10 * time.Minute)
	out = must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: out.NextShardIterator})
	close(commit)
	slow.Wait()
	out = must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: out.NextShardIterator})
	if got := said(out.Records); len(got) != 2 || got[0] != `INSERT {"p":{"S":"slow"}} - - 5` {
		t.Errorf("then there is %v", got)
	}
}
