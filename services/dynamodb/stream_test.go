package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// streamed makes a table with a stream, whose ARN it returns.
func (h *host) streamed(name string, view ddb.StreamViewType, key ...string) string {
	h.t.Helper()
	attributes, elements := define(key...)
	return must(h, h.createTable, &ddb.CreateTableInput{
		TableName: name, AttributeDefinitions: attributes, KeySchema: elements, BillingMode: ddb.BillingModePayPerRequest,
		StreamSpecification: &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: view},
	}).TableDescription.LatestStreamArn
}

func (h *host) setStream(name string, view ddb.StreamViewType) *ddb.TableDescription {
	h.t.Helper()
	return must(h, h.updateTable, &ddb.UpdateTableInput{TableName: name, StreamSpecification: &ddb.StreamSpecification{StreamEnabled: new(view != ""), StreamViewType: view}}).TableDescription
}

func (h *host) describeStream(arn string) *dds.StreamDescription {
	h.t.Helper()
	return must(h, h.Streams().describeStream, &dds.DescribeStreamInput{StreamArn: arn}).StreamDescription
}

func (h *host) iterator(arn, shard string, kind dds.ShardIteratorType, number string) string {
	h.t.Helper()
	return must(h, h.Streams().getShardIterator, &dds.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: number}).ShardIterator
}

// records are all records of a stream that there are now, in order.
func (h *host) records(arn string) (all []*dds.Record) {
	h.t.Helper()
	for _, shard := range h.describeStream(arn).Shards {
		all = append(all, h.recordsOf(h.iterator(arn, shard.ShardId, dds.ShardIteratorTypeTrimHorizon, ""), 0)...)
	}
	return all
}

// recordsOf are all records from an iterator on, read in pages of a size.
func (h *host) recordsOf(iterator string, page int32) (all []*dds.Record) {
	h.t.Helper()
	in := &dds.GetRecordsInput{ShardIterator: iterator}
	if page > 0 {
		in.Limit = &page
	}
	for in.ShardIterator != "" {
		out := must(h, h.Streams().getRecords, in)
		if all = append(all, out.Records...); len(out.Records) == 0 {
			break
		}
		in.ShardIterator = out.NextShardIterator
	}
	return all
}

// said is what the records say, in short.
func said(records []*dds.Record) (out []string) {
	image := func(it attribute.Item) string {
		if it == nil {
			return "-"
		}
		b, err := it.AppendJSON(nil)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	for _, r := range records {
		d := r.Dynamodb
		out = append(out, fmt.Sprintf("%s %s %s %s %d", r.EventName, image(d.Keys), image(d.OldImage), image(d.NewImage), *d.SizeBytes))
	}
	return out
}

func TestStreamRecords(t *testing.T) {
	const keys = `{"p":{"S":"a"}}`
	const one, two = `{"p":{"S":"a"},"v":{"N":"1"}}`, `{"p":{"S":"a"},"v":{"N":"2"}}`
	for view, want := range map[ddb.StreamViewType][]string{
		ddb.StreamViewTypeKeysOnly: {
			"INSERT " + keys + " - - 2", "MODIFY " + keys + " - - 2", "REMOVE " + keys + " - - 2",
			"INSERT " + keys + " - - 2", "MODIFY " + keys + " - - 2", "MODIFY " + keys + " - - 2"},
		ddb.StreamViewTypeNewImage: {
			"INSERT " + keys + " - " + one + " 7", "MODIFY " + keys + " - " + two + " 7", "REMOVE " + keys + " - - 2",
			"INSERT " + keys + " - " + keys + " 4", "MODIFY " + keys + " - " + one + " 7", "MODIFY " + keys + " - " + two + " 7"},
		ddb.StreamViewTypeOldImage: {
			"INSERT " + keys + " - - 2", "MODIFY " + keys + " " + one + " - 7", "REMOVE " + keys + " " + two + " - 7",
			"INSERT " + keys + " - - 2", "MODIFY " + keys + " " + keys + " - 4", "MODIFY " + keys + " " + one + " - 7"},
		ddb.StreamViewTypeNewAndOldImages: {
			"INSERT " + keys + " - " + one + " 7", "MODIFY " + keys + " " + one + " " + two + " 12", "REMOVE " + keys + " " + two + " - 7",
			"INSERT " + keys + " - " + keys + " 4", "MODIFY " + keys + " " + keys + " " + one + " 9", "MODIFY " + keys + " " + one + " " + two + " 12"},
	} {
		h := newHost(t)
		arn := h.streamed("things", view, "p:S")
		key := item.Item{"p": S("a")}
		set := func(expression string, values item.Item) {
			must(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: key, UpdateExpression: &expression, ExpressionAttributeValues: values})
		}
		h.put("things", item.Item{"p": S("a"), "v": N("1")})
		h.put("things", item.Item{"v": N("1.0"), "p": S("a")}) // the same
		must(h, h.batchWriteItem, &ddb.BatchWriteItemInput{RequestItems: map[string][]*ddb.WriteRequest{"things": {
			{PutRequest: &ddb.PutRequest{Item: item.Item{"p": S("a"), "v": N("2")}}},
			{DeleteRequest: &ddb.DeleteRequest{Key: item.Item{"p": S("none")}}}}}})
		must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: key})
		must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: key}) // there is none any more
		must(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: key})
		set("REMOVE x", nil) // there is none
		set("SET v = :one", item.Item{":one": N("1")})
		must(h, h.transactWriteItems, &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{
			{Update: &ddb.Update{TableName: "things", Key: key, UpdateExpression: new("SET v = :two"), ExpressionAttributeValues: item.Item{":two": N("2")}}},
			{ConditionCheck: &ddb.ConditionCheck{TableName: "things", Key: item.Item{"p": S("none")}, ConditionExpression: new("attribute_not_exists(p)")}}}})
		if _, err := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("a")}, ConditionExpression: new("attribute_not_exists(p)")}); err == nil {
			t.Error("the condition held")
		}
		records := h.records(arn)
		if got := said(records); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", view, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		before, ids := "", map[string]bool{}
		for _, r := range records {
			d := r.Dynamodb
			if d.SequenceNumber <= before || len(d.SequenceNumber) < 21 || ids[r.EventID] || d.StreamViewType != dds.StreamViewType(view) ||
				!d.ApproximateCreationDateTime.Equal(h.clock.Now()) || r.AwsRegion != "us-east-1" || r.EventSource != "aws:dynamodb" || r.EventVersion != "1.1" || r.UserIdentity != nil {
				t.Errorf("after %s: %+v %+v", before, r, d)
			}
			before, ids[r.EventID] = d.SequenceNumber, true
		}
		if again := h.records(arn); !reflect.DeepEqual(again, records) {
			t.Error("read again they differ")
		}
	}
}

func TestStreamPages(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeNewImage, "p:S")
	for i := range 10 {
		h.put("things", item.Item{"p": S(fmt.Sprint(i)), "v": S(strings.Repeat("x", 300<<10))})
	}
	shard := h.describeStream(arn).Shards[0].ShardId
	oldest := h.iterator(arn, shard, dds.ShardIteratorTypeTrimHorizon, "")
	all := h.records(arn)
	if len(all) != 10 {
		t.Fatalf("%d records", len(all))
	}
	if n := len(must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: oldest}).Records); n != 3 {
		t.Errorf("a page has %d records of 300 KB", n)
	}
	for _, page := range []int32{1, 2, 3, 1000} {
		if got := h.recordsOf(oldest, page); !reflect.DeepEqual(got, all) {
			t.Errorf("pages of %d give %d records", page, len(got))
		}
	}
	number := all[4].Dynamodb.SequenceNumber
	for kind, want := range map[dds.ShardIteratorType][]*dds.Record{
		dds.ShardIteratorTypeAtSequenceNumber: all[4:], dds.ShardIteratorTypeAfterSequenceNumber: all[5:], dds.ShardIteratorTypeLatest: nil,
	} {
		at := number
		if kind == dds.ShardIteratorTypeLatest {
			at = ""
		}
		if got := h.recordsOf(h.iterator(arn, shard, kind, at), 0); !reflect.DeepEqual(got, want) {
			t.Errorf("%s gives %d records, want %d", kind, len(got), len(want))
		}
	}
	latest := h.iterator(arn, shard, dds.ShardIteratorTypeLatest, "")
	latest = must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: latest}).NextShardIterator
	h.put("things", item.Item{"p": S("new")})
	if got := h.recordsOf(latest, 0); len(got) != 1 {
		t.Errorf("%d records after the latest", len(got))
	}
}

// A shard takes records for four hours, and the next one follows it.
func TestStreamShards(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeKeysOnly, "p:S")
	open := h.describeStream(arn).Shards
	if len(open) != 1 || open[0].ParentShardId != "" || open[0].SequenceNumberRange.EndingSequenceNumber != "" {
		t.Fatalf("%+v", open)
	}
	first := open[0].ShardId
	waiting := h.iterator(arn, first, dds.ShardIteratorTypeLatest, "")
	h.put("things", item.Item{"p": S("1")})
	h.clock.Advance(4*time.Hour - time.Minute)
	h.put("things", item.Item{"p": S("2")})
	if n := len(h.describeStream(arn).Shards); n != 1 {
		t.Fatalf("%d shards before the time", n)
	}
	at := h.iterator(arn, first, dds.ShardIteratorTypeTrimHorizon, "")
	h.clock.Advance(2 * time.Minute)
	h.put("things", item.Item{"p": S("3")})
	d := h.describeStream(arn).Shards
	if len(d) != 2 || d[0].SequenceNumberRange.EndingSequenceNumber == "" || d[1].SequenceNumberRange.EndingSequenceNumber != "" ||
		d[1].ParentShardId != first || d[1].SequenceNumberRange.StartingSequenceNumber <= d[0].SequenceNumberRange.EndingSequenceNumber {
		t.Fatalf("%+v %+v", d[0], d[1])
	}
	out := must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: at, Limit: new(int32(1))})
	if len(out.Records) != 1 || out.NextShardIterator == "" {
		t.Errorf("the first of the closed shard: %+v", out)
	}
	out = must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: out.NextShardIterator})
	if len(out.Records) != 1 || out.NextShardIterator != "" {
		t.Errorf("the last of the closed shard: %+v", out)
	}
	if text := fails(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: waiting}); text != "The shard iterator has expired" {
		t.Errorf("after more than 15 minutes: %q", text)
	}
	if got := h.recordsOf(h.iterator(arn, first, dds.ShardIteratorTypeLatest, ""), 0); got != nil {
		t.Errorf("behind a closed shard is %v", got)
	}
	children := must(h, h.Streams().describeStream, &dds.DescribeStreamInput{StreamArn: arn, ShardFilter: &dds.ShardFilter{Type: dds.ShardFilterTypeChildShards, ShardId: first}}).StreamDescription.Shards
	if len(children) != 1 || children[0].ShardId != d[1].ShardId {
		t.Errorf("children: %+v", children)
	}
	page := must(h, h.Streams().describeStream, &dds.DescribeStreamInput{StreamArn: arn, Limit: new(int32(1))}).StreamDescription
	if len(page.Shards) != 1 || page.LastEvaluatedShardId != first {
		t.Errorf("a page of one: %+v", page)
	}
	page = must(h, h.Streams().describeStream, &dds.DescribeStreamInput{StreamArn: arn, ExclusiveStartShardId: first}).StreamDescription
	if len(page.Shards) != 1 || page.Shards[0].ShardId != d[1].ShardId || page.LastEvaluatedShardId != "" {
		t.Errorf("the page after: %+v", page)
	}
}

func TestStreamTrimming(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeKeysOnly, "p:S")
	h.put("things", item.Item{"p": S("old")})
	old := h.records(arn)[0].Dynamodb.SequenceNumber
	first := h.describeStream(arn).Shards[0].ShardId
	h.clock.Advance(2 * time.Hour)
	h.put("things", item.Item{"p": S("young")})
	h.clock.Advance(23 * time.Hour)
	soon := h.iterator(arn, first, dds.ShardIteratorTypeTrimHorizon, "")
	if got := said(h.recordsOf(soon, 0)); len(got) != 1 || !strings.Contains(got[0], "young") {
		t.Errorf("after 25 hours: %v", got)
	}
	if text := fails(h, h.Streams().getShardIterator, &dds.GetShardIteratorInput{StreamArn: arn, ShardId: first, ShardIteratorType: dds.ShardIteratorTypeAtSequenceNumber, SequenceNumber: old}); !strings.Contains(text, "trimmed") {
		t.Errorf("at what is trimmed: %q", text)
	}
	if err := h.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := h.keysUnder(recordsPrefix(h, arn)); n != 1 {
		t.Errorf("%d records are left", n)
	}
	h.clock.Advance(5 * time.Hour)
	shards := h.describeStream(arn).Shards
	if len(shards) != 7 || shards[0].ShardId == first || shards[0].ParentShardId != first {
		t.Errorf("%d shards, the first is %+v", len(shards), shards[0])
	}
	if text := fails(h, h.Streams().getShardIterator, &dds.GetShardIteratorInput{StreamArn: arn, ShardId: first, ShardIteratorType: dds.ShardIteratorTypeLatest}); text != "Requested resource not found: Shard does not exist" {
		t.Errorf("of the shard that is gone: %q", text)
	}
}

// recordsPrefix is what the keys of a stream's records begin with.
func recordsPrefix(h *host, arn string) []byte {
	h.t.Helper()
	var prefix []byte
	err := h.Streams().read(arn, h.clock.Now(), func(_ storage.Tx, r *streamReader) error {
		prefix = r.records()
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return prefix
}

func TestStreamsOnAndOff(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	if d := h.setStream("things", ddb.StreamViewTypeKeysOnly); d.StreamSpecification == nil || d.LatestStreamLabel != "2024-05-06T07:08:09.000" ||
		d.LatestStreamArn != "arn:aws:dynamodb:us-east-1:000000000000:table/things/stream/2024-05-06T07:08:09.000" {
		t.Fatalf("%+v", d)
	}
	arn := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.LatestStreamArn
	on := &ddb.UpdateTableInput{TableName: "things", StreamSpecification: &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddb.StreamViewTypeNewImage}}
	if text := fails(h, h.updateTable, on); text != "Table already has an enabled stream: TableName: things" {
		t.Errorf("on again: %q", text)
	}
	h.put("things", item.Item{"p": S("a")})
	open := h.iterator(arn, h.describeStream(arn).Shards[0].ShardId, dds.ShardIteratorTypeTrimHorizon, "")
	if d := h.setStream("things", ""); d.StreamSpecification != nil || d.LatestStreamArn != arn {
		t.Errorf("off: %+v", d)
	}
	off := &ddb.UpdateTableInput{TableName: "things", StreamSpecification: &ddb.StreamSpecification{StreamEnabled: new(false)}}
	if text := fails(h, h.updateTable, off); text != "Table has no stream to disable: TableName: things" {
		t.Errorf("off again: %q", text)
	}
	h.put("things", item.Item{"p": S("b")})
	d := h.describeStream(arn)
	if d.StreamStatus != dds.StreamStatusDisabled || len(d.Shards) != 1 || d.Shards[0].SequenceNumberRange.EndingSequenceNumber == "" {
		t.Errorf("%+v", d)
	}
	out := must(h, h.Streams().getRecords, &dds.GetRecordsInput{ShardIterator: open})
	if len(out.Records) != 1 || out.NextShardIterator != "" {
		t.Errorf("read to its end: %+v", out)
	}

	second := h.setStream("things", ddb.StreamViewTypeKeysOnly).LatestStreamArn
	if second == arn || len(h.records(second)) != 0 || len(h.records(arn)) != 1 {
		t.Errorf("the next stream is %s", second)
	}
	h.put("things", item.Item{"p": S("c")})
	must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"})
	list := must(h, h.Streams().listStreams, &dds.ListStreamsInput{TableName: "things"}).Streams
	if len(list) != 2 || list[0].StreamArn != arn || list[1].StreamArn != second || len(h.records(second)) != 1 {
		t.Errorf("of the deleted table: %v", list)
	}
	h.clock.Advance(24 * time.Hour)
	if list := must(h, h.Streams().listStreams, &dds.ListStreamsInput{}).Streams; len(list) != 0 {
		t.Errorf("a day later: %v", list)
	}
	if text := fails(h, h.Streams().describeStream, &dds.DescribeStreamInput{StreamArn: arn}); text != "Requested resource not found: Stream: "+arn+" not found" {
		t.Errorf("%q", text)
	}
	if err := h.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := h.keysUnder(serviceKey().String("stream")) + h.keysUnder(serviceKey().String("000000000000")) + h.keysUnder(worksKey()); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestListStreams(t *testing.T) {
	h := newHost(t)
	var want []string
	for i := range 5 {
		want = append(want, h.streamed(fmt.Sprintf("table%d", i), ddb.StreamViewTypeKeysOnly, "p:S"))
	}
	h.create("none", "p:S")
	var got []string
	in := &dds.ListStreamsInput{Limit: new(int32(2))}
	for {
		out := must(h, h.Streams().listStreams, in)
		for _, s := range out.Streams {
			got = append(got, s.StreamArn)
		}
		if in.ExclusiveStartStreamArn = out.LastEvaluatedStreamArn; in.ExclusiveStartStreamArn == "" {
			break
		}
		must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: out.Streams[0].TableName})
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if out := must(h, h.Streams().listStreams, &dds.ListStreamsInput{TableName: "none"}); out.Streams == nil || len(out.Streams) != 0 {
		t.Errorf("%+v", out)
	}
}

func TestStreamErrors(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeKeysOnly, "p:S")
	shard := h.describeStream(arn).Shards[0]
	iterator := h.iterator(arn, shard.ShardId, dds.ShardIteratorTypeLatest, "")
	other := strings.Replace(arn, "things", "others", 1)
	s := h.Streams()
	get := func(kind dds.ShardIteratorType, arn, shard, number string) string {
		return fails(h, s.getShardIterator, &dds.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: number})
	}
	many := func(most int) string {
		return fmt.Sprintf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", most+1, most)
	}
	notFound := "Requested resource not found: Stream: " + other + " not found"
	for _, c := range []struct{ got, want string }{
		{fails(h, s.listStreams, &dds.ListStreamsInput{Limit: new(int32(101))}), many(100)},
		{fails(h, s.listStreams, &dds.ListStreamsInput{ExclusiveStartStreamArn: strings.Repeat("x", 40)}), "Invalid StreamArn"},
		{fails(h, s.describeStream, &dds.DescribeStreamInput{StreamArn: arn, Limit: new(int32(101))}), many(100)},
		{fails(h, s.describeStream, &dds.DescribeStreamInput{StreamArn: strings.Repeat("x", 40)}), "Invalid StreamArn"},
		{fails(h, s.describeStream, &dds.DescribeStreamInput{StreamArn: other}), notFound},
		{fails(h, s.describeStream, &dds.DescribeStreamInput{StreamArn: arn, ShardFilter: &dds.ShardFilter{ShardId: shard.ShardId}}), "1 validation error detected: Value null at 'shardFilter.type' failed to satisfy constraint: Member must not be null"},
		{fails(h, s.getRecords, &dds.GetRecordsInput{ShardIterator: iterator, Limit: new(int32(1001))}), many(1000)},
		{fails(h, s.getRecords, &dds.GetRecordsInput{ShardIterator: iterator + "x"}), "Invalid ShardIterator"},
		{get(dds.ShardIteratorTypeLatest, other, shard.ShardId, ""), notFound},
		{get(dds.ShardIteratorTypeLatest, "arn:aws:dynamodb:us-east-1:000000000000:table/things", shard.ShardId, ""), "Invalid StreamArn"},
		{get(dds.ShardIteratorTypeLatest, arn, shard.ShardId+"0", ""), "Requested resource not found: Shard does not exist"},
		{get(dds.ShardIteratorTypeLatest, arn, shard.ShardId, shard.SequenceNumberRange.StartingSequenceNumber), "One or more parameter values were invalid: SequenceNumber must not be specified when ShardIteratorType is LATEST"},
		{get(dds.ShardIteratorTypeAtSequenceNumber, arn, shard.ShardId, ""), "One or more parameter values were invalid: SequenceNumber is required when ShardIteratorType is AT_SEQUENCE_NUMBER"},
		{get(dds.ShardIteratorTypeAtSequenceNumber, arn, shard.ShardId, "100000000000000000001"), "Invalid SequenceNumber for the shard"},
		{get(dds.ShardIteratorTypeAfterSequenceNumber, arn, shard.ShardId, strings.Repeat("x", 21)), "Invalid SequenceNumber for the shard"},
		{fails(h, h.createTable, streamOf(true, "")), "One or more parameter values were invalid: Table is being created with a stream enabled, UpdateViewType is required"},
		{fails(h, h.createTable, streamOf(false, ddb.StreamViewTypeKeysOnly)), "One or more parameter values were invalid: Table is being created with a stream disabled, UpdateViewType should not be specified"},
		{fails(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", StreamSpecification: streamOf(true, "").StreamSpecification}), "One or more parameter values were invalid: If stream is being enabled then UpdateViewType is required"},
		{fails(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", StreamSpecification: streamOf(false, ddb.StreamViewTypeKeysOnly).StreamSpecification}), "One or more parameter values were invalid: If stream is being disabled, then UpdateViewType must not be specified"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
}

func streamOf(on bool, view ddb.StreamViewType) *ddb.CreateTableInput {
	attributes, key := define("p:S")
	return &ddb.CreateTableInput{TableName: "another", AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		StreamSpecification: &ddb.StreamSpecification{StreamEnabled: &on, StreamViewType: view}}
}

// Numbers of changes grow over a restart, also when the clock goes back.
func TestStreamOverARestart(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeKeysOnly, "p:S")
	h.put("things", item.Item{"p": S("a")})
	latest := h.iterator(arn, h.describeStream(arn).Shards[0].ShardId, dds.ShardIteratorTypeLatest, "")
	h.clock.Advance(-time.Hour)
	again := &host{New(h.env, h.objects), t, h.clock}
	again.put("things", item.Item{"p": S("b")})
	if got := again.recordsOf(latest, 0); len(got) != 1 {
		t.Errorf("after the restart: %d records", len(got))
	}
	if got := said(again.records(arn)); len(got) != 2 || !strings.Contains(got[0], `"a"`) {
		t.Errorf("in all: %v", got)
	}
	if _, err := again.Streams().Shards(again.call(), "arn:aws:dynamodb:us-east-1:000000000000:table/x/stream/y"); !errors.Is(err, service.ErrNoStream) {
		t.Errorf("of none: %v", err)
	}
}
