package testsuite

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"golang.org/x/sync/errgroup"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// streamed makes the table Songs with a stream of both images.
func streamed(t *testing.T, a *harness.Account) (name, arn *string, client *dynamodbstreams.Client) {
	t.Helper()
	name = table(t, a, func(in *dynamodb.CreateTableInput) {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}
	})
	described := must(a.DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: name}))(t).Table
	return name, described.LatestStreamArn, dynamodbstreams.NewFromConfig(a.Config)
}

// recordsOf are all records of a stream, shard after shard.
func recordsOf(t *testing.T, client *dynamodbstreams.Client, arn *string) (all []streams.Record) {
	t.Helper()
	ctx := t.Context()
	for _, shard := range must(client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn}))(t).StreamDescription.Shards {
		next := must(client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard.ShardId, ShardIteratorType: streams.ShardIteratorTypeTrimHorizon}))(t).ShardIterator
		for next != nil {
			out := must(client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next}))(t)
			if all = append(all, out.Records...); len(out.Records) == 0 {
				break
			}
			next = out.NextShardIterator
		}
	}
	return all
}

func TestStreams(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, arn, client := streamed(t, a)
	key := row{"artist": s("Nina"), "song": n(1)}
	put := func(v int) {
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(1), "plays": n(v)}}))(t)
	}
	put(1)
	put(1)
	put(2)
	must(a.DynamoDB.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: key}))(t)
	records := recordsOf(t, client, arn)
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	plays := func(image map[string]streams.AttributeValue) string {
		v, _ := image["plays"].(*streams.AttributeValueMemberN)
		if v == nil {
			return ""
		}
		return v.Value
	}
	for i, want := range []struct {
		event    streams.OperationType
		old, new string
	}{{streams.OperationTypeInsert, "", "1"}, {streams.OperationTypeModify, "1", "2"}, {streams.OperationTypeRemove, "2", ""}} {
		r := records[i]
		if r.EventName != want.event || plays(r.Dynamodb.OldImage) != want.old || plays(r.Dynamodb.NewImage) != want.new || len(r.Dynamodb.Keys) != 2 {
			t.Errorf("record %d: %s %+v", i, r.EventName, r.Dynamodb)
		}
	}

	listed := must(client.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{TableName: name}))(t).Streams
	if len(listed) != 1 || *listed[0].StreamArn != *arn {
		t.Errorf("listed: %v", listed)
	}
	must(a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}}))(t)
	if d := must(client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn}))(t).StreamDescription; d.StreamStatus != streams.StreamStatusDisabled || d.Shards[0].SequenceNumberRange.EndingSequenceNumber == nil {
		t.Errorf("off: %+v", d)
	}
	if again := recordsOf(t, client, arn); len(again) != 3 {
		t.Errorf("of a stream that is off: %d records", len(again))
	}

	_, err := client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(*arn + "0")})
	refused(t, err, "ResourceNotFoundException")
	_, err = client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String("sdfsdfsgagaddafgagasgasgasdfasdfasdfasdfasdgasdasdgasdg")})
	refused(t, err, "ValidationException")
	_, err = client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: aws.String("shardId-00000001414576573621-f55eea83"), ShardIteratorType: streams.ShardIteratorTypeLatest})
	refused(t, err, "ResourceNotFoundException")
}

// Many write at once, and every change is in the stream once, those of an item
// in their order.
func TestStreamsOfManyWriters(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, arn, client := streamed(t, a)
	const items, writers, writes = 4, 8, 25
	var group errgroup.Group
	for w := range writers {
		group.Go(func() error {
			for range writes {
				_, err := a.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
					TableName: name, Key: row{"artist": s("Nina"), "song": n(w % items)},
					UpdateExpression: aws.String("ADD plays :one"), ExpressionAttributeValues: row{":one": n(1)},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, r := range recordsOf(t, client, arn) {
		song := r.Dynamodb.Keys["song"].(*streams.AttributeValueMemberN).Value
		got[song] = append(got[song], r.Dynamodb.NewImage["plays"].(*streams.AttributeValueMemberN).Value)
	}
	var want []string
	for i := range writers / items * writes {
		want = append(want, fmt.Sprint(i+1))
	}
	for i := range items {
		if !slices.Equal(got[fmt.Sprint(i)], want) {
			t.Errorf("item %d went through %v", i, got[fmt.Sprint(i)])
		}
	}
}

// Shards end after four hours, records are there for 24.
func TestStreamsInTime(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	name, arn, client := streamed(t, a)
	put := func(song int) {
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(song)}}))(t)
	}
	put(1)
	first := must(client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn}))(t).StreamDescription.Shards[0]
	iterator := must(client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: first.ShardId, ShardIteratorType: streams.ShardIteratorTypeTrimHorizon}))(t).ShardIterator
	server.Advance(t, 16*time.Minute)
	_, err := client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
	refused(t, err, "ExpiredIteratorException")
	server.Advance(t, 4*time.Hour)
	put(2)
	shards := must(client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn}))(t).StreamDescription.Shards
	if len(shards) != 2 || shards[0].SequenceNumberRange.EndingSequenceNumber == nil || aws.ToString(shards[1].ParentShardId) != *first.ShardId {
		t.Fatalf("%+v", shards)
	}
	if records := recordsOf(t, client, arn); len(records) != 2 {
		t.Errorf("%d records", len(records))
	}
	server.Advance(t, 21*time.Hour)
	server.Drain(t)
	if records := recordsOf(t, client, arn); len(records) != 1 {
		t.Errorf("a day later: %d records", len(records))
	}
	_, err = client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: first.ShardId, ShardIteratorType: streams.ShardIteratorTypeAtSequenceNumber,
		SequenceNumber: first.SequenceNumberRange.StartingSequenceNumber})
	refused(t, err, "TrimmedDataAccessException")
}
