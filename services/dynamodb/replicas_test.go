package dynamodb

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

const east, west, europe = api.DefaultRegion, "us-west-2", "eu-west-1"

// inRegion runs an operation in a region.
func inRegion[In, Out any](h *host, region string, f func(context.Context, *In) (*Out, error), in *In) (*Out, error) {
	call := *api.CallFrom(h.call())
	call.Region = region
	return f(api.WithCall(context.Background(), &call), in)
}

func mustIn[In, Out any](h *host, region string, f func(context.Context, *In) (*Out, error), in *In) *Out {
	h.t.Helper()
	out, err := inRegion(h, region, f, in)
	if err != nil {
		h.t.Fatalf("%s: %T: %v", region, in, err)
	}
	return out
}

func replicas(create, remove string) *ddb.UpdateTableInput {
	u := &ddb.ReplicationGroupUpdate{}
	if create != "" {
		u.Create = &ddb.CreateReplicationGroupMemberAction{RegionName: create}
	}
	if remove != "" {
		u.Delete = &ddb.DeleteReplicationGroupMemberAction{RegionName: remove}
	}
	return &ddb.UpdateTableInput{TableName: "things", ReplicaUpdates: []*ddb.ReplicationGroupUpdate{u}}
}

// all are the items of the table in a region, or of its index.
func (h *host) all(region, index string) map[string]item.Item {
	h.t.Helper()
	out := map[string]item.Item{}
	for _, it := range itemsOf(mustIn(h, region, h.scan, &ddb.ScanInput{TableName: "things", IndexName: index}).Items) {
		out[string(it["p"].(S))] = it
	}
	return out
}

// regions are those of the replicas that a table tells of.
func (h *host) regions(region string) (out []string) {
	h.t.Helper()
	for _, r := range mustIn(h, region, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.Replicas {
		if r.ReplicaStatus != ddb.ReplicaStatusActive {
			h.t.Errorf("%s is %s", r.RegionName, r.ReplicaStatus)
		}
		out = append(out, r.RegionName)
	}
	slices.Sort(out)
	return out
}

func TestReplicas(t *testing.T) {
	h := newHostOn(t, "badger:"+t.TempDir())
	h.kinds("things")
	for i := range 120 {
		h.put("things", item.Item{"p": S(fmt.Sprint(i)), "kind": S("a")})
	}
	d := must(h, h.updateTable, replicas(west, "")).TableDescription
	if len(d.Replicas) != 1 || d.Replicas[0].RegionName != west || d.Replicas[0].ReplicaStatus != ddb.ReplicaStatusCreating || d.GlobalTableVersion != "2019.11.21" ||
		d.StreamSpecification == nil || d.StreamSpecification.StreamViewType != ddb.StreamViewTypeNewAndOldImages {
		t.Fatalf("%+v %+v", d, d.Replicas)
	}
	// What happens while the replica is filled is in it too.
	must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: item.Item{"p": S("0")}})
	h.put("things", item.Item{"p": S("1"), "kind": S("b")})
	h.put("things", item.Item{"p": S("new")})
	h.drain()
	mustIn(h, west, h.updateTable, replicas(europe, ""))
	h.drain()
	for region, want := range map[string][]string{east: {europe, west}, west: {europe, east}, europe: {east, west}} {
		slices.Sort(want)
		if got := h.regions(region); !slices.Equal(got, want) {
			t.Errorf("%s has replicas in %v", region, got)
		}
	}
	same := func() {
		t.Helper()
		for _, index := range []string{"", "kinds"} {
			want := h.all(east, index)
			for _, region := range []string{west, europe} {
				if got := h.all(region, index); !reflect.DeepEqual(got, want) {
					t.Errorf("%q has %d items in %s, %d in %s", index, len(got), region, len(want), east)
				}
			}
		}
	}
	same()
	if len(h.all(west, "")) != 120 {
		t.Errorf("%d items", len(h.all(west, "")))
	}

	// Who writes at once in several regions loses nothing.
	var writers sync.WaitGroup
	for _, region := range []string{east, west, europe} {
		writers.Go(func() {
			for range 50 {
				_, err := inRegion(h, region, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("counter")},
					UpdateExpression: new("ADD n :one"), ExpressionAttributeValues: item.Item{":one": N("1")}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	same()
	if got := h.all(europe, "")["counter"]["n"]; got != N("150") {
		t.Errorf("counted to %v", got)
	}
	arn := mustIn(h, west, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.LatestStreamArn
	counted := 0
	for _, r := range h.records(arn) {
		if valuesOf(r.Dynamodb.Keys)["p"] == S("counter") {
			counted++
		}
	}
	if counted != 150 {
		t.Errorf("the stream in %s has %d records", west, counted)
	}

	// Settings are everywhere.
	if err := h.setExpiry("things", "ttl", true); err != nil {
		t.Fatal(err)
	}
	h.put("things", item.Item{"p": S("1"), "ttl": h.in(time.Minute)})
	h.clock.Advance(time.Hour)
	h.drain()
	same()
	if ttl := mustIn(h, west, h.describeTimeToLive, &ddb.DescribeTimeToLiveInput{TableName: "things"}).TimeToLiveDescription; ttl.AttributeName != "ttl" || h.all(west, "")["1"] != nil {
		t.Errorf("time to live in %s: %+v", west, ttl)
	}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{Delete: &ddb.DeleteGlobalSecondaryIndexAction{IndexName: "kinds"}}}})
	h.drain()
	if n := len(mustIn(h, europe, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.GlobalSecondaryIndexes); n != 0 {
		t.Errorf("%d indexes in %s", n, europe)
	}

	must(h, h.updateTable, replicas("", west))
	mustIn(h, europe, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"})
	h.drain()
	d = must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
	if len(d.Replicas) != 0 || d.GlobalTableVersion != "" || d.StreamSpecification == nil {
		t.Errorf("alone again: %+v", d)
	}
	if _, err := inRegion(h, west, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}); !isNoTable(err) {
		t.Errorf("in %s: %v", west, err)
	}
	h.put("things", item.Item{"p": S("after")})
	h.setStream("things", "")
}

// An index that is made while a replica is filled has all items of the replica.
func TestIndexOfAReplicaThatIsFilled(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	for i := range 3 * filledAtOnce {
		h.put("things", item.Item{"p": S(fmt.Sprint(i)), "kind": S("a")})
	}
	must(h, h.updateTable, replicas(west, ""))
	h.addIndex("things")
	h.drain()
	for _, region := range []string{east, west} {
		d := mustIn(h, region, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
		if x := d.GlobalSecondaryIndexes[0]; x.IndexStatus != ddb.IndexStatusActive || x.Backfilling != nil || *x.ItemCount != 3*filledAtOnce {
			t.Errorf("%s: %s with %d items", region, x.IndexStatus, *x.ItemCount)
		}
	}
}

func TestReplicaErrors(t *testing.T) {
	h := newHostOn(t, "badger:"+t.TempDir())
	h.create("things", "p:S")
	attributes, key := define("p:S")
	one := &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(1)), WriteCapacityUnits: new(int64(1))}
	must(h, h.createTable, &ddb.CreateTableInput{TableName: "provisioned", AttributeDefinitions: attributes, KeySchema: key, ProvisionedThroughput: one})
	mustIn(h, west, h.createTable, &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest})
	must(h, h.updateTable, replicas(europe, ""))
	provisioned, both := replicas(europe, ""), replicas(west, europe)
	provisioned.TableName = "provisioned"
	two := replicas(west, "")
	two.ReplicaUpdates = append(two.ReplicaUpdates, replicas("ap-south-1", "").ReplicaUpdates...)
	protect := replicas(west, "")
	protect.DeletionProtectionEnabled = new(true)
	for _, c := range []struct {
		in   *ddb.UpdateTableInput
		want string
	}{
		{replicas(east, ""), "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required."},
		{replicas("", ""), "There are no actions specified in the Replica Update Action of the request."},
		{both, "Update table operation with more than one type of replica actions not allowed."},
		{two, "Update table operation with more than one create or delete replica actions not allowed"},
		{protect, "One or more parameter values were invalid: DeletionProtection modification must be the only operation in the request"},
		{provisioned, "Table write capacity should either be Pay-Per-Request or AutoScaled."},
		{replicas(west, ""), "Failed to create a the new replica of table with name: ‘things’ because one or more replicas already existed as tables."},
		{replicas("", west), "Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [us-west-2]."},
		{&ddb.UpdateTableInput{TableName: "things", StreamSpecification: &ddb.StreamSpecification{StreamEnabled: new(false)}}, "One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica."},
	} {
		if got := fails(h, h.updateTable, c.in); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	const none = "Global table with name 'things' does not exist."
	stream := "arn:aws:kinesis:us-east-1:000000000000:stream/none"
	for _, c := range []struct{ got, want string }{
		{fails(h, h.createGlobalTable, &ddb.CreateGlobalTableInput{GlobalTableName: "things"}), "One or more parameter values were invalid: DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy)."},
		{fails(h, h.describeGlobalTable, &ddb.DescribeGlobalTableInput{GlobalTableName: "things"}), none},
		{fails(h, h.describeGlobalTableSettings, &ddb.DescribeGlobalTableSettingsInput{GlobalTableName: "things"}), none},
		{fails(h, h.updateGlobalTable, &ddb.UpdateGlobalTableInput{GlobalTableName: "things"}), none},
		{fails(h, h.updateGlobalTableSettings, &ddb.UpdateGlobalTableSettingsInput{GlobalTableName: "things"}), none},
		{fails(h, h.enableKinesisStreamingDestination, &ddb.EnableKinesisStreamingDestinationInput{TableName: "things", StreamArn: stream}), "Requested resource not found: Stream: " + stream + " not found"},
		{fails(h, h.disableKinesisStreamingDestination, &ddb.DisableKinesisStreamingDestinationInput{TableName: "things", StreamArn: stream}),
			"Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."},
		{fails(h, h.updateKinesisStreamingDestination, &ddb.UpdateKinesisStreamingDestinationInput{TableName: "things", StreamArn: stream}),
			"Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain only null values"},
		{fails(h, h.describeKinesisStreamingDestination, &ddb.DescribeKinesisStreamingDestinationInput{TableName: "none"}), "Requested resource not found: Table: none not found"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
	if list := must(h, h.describeKinesisStreamingDestination, &ddb.DescribeKinesisStreamingDestinationInput{TableName: "things"}).KinesisDataStreamDestinations; list == nil || len(list) != 0 {
		t.Errorf("%v", list)
	}
}
