package dynamodb

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// The largest transaction that AWS takes: 100 items of 4 MB in all, of a table
// that has all the indexes a table can have, whole items in each and the longest
// keys, of bytes that take most room here; with a stream, a past and a replica.
func TestLargestTransaction(t *testing.T) {
	t.Parallel()
	h := newHost(t) // on disk it is the same, and takes long
	define := func(names ...string) (out []*ddb.AttributeDefinition) {
		for _, n := range names {
			out = append(out, &ddb.AttributeDefinition{AttributeName: n, AttributeType: ddb.ScalarAttributeTypeB})
		}
		return out
	}
	key := func(hash, sort string) []*ddb.KeySchemaElement {
		return []*ddb.KeySchemaElement{{AttributeName: hash, KeyType: ddb.KeyTypeHash}, {AttributeName: sort, KeyType: ddb.KeyTypeRange}}
	}
	all := &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}
	in := &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: define("p", "s", "g", "h", "l"), KeySchema: key("p", "s"), BillingMode: ddb.BillingModePayPerRequest,
		StreamSpecification: &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddb.StreamViewTypeNewAndOldImages}}
	for i := range maxGlobals {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, &ddb.GlobalSecondaryIndex{IndexName: fmt.Sprint("global", i), KeySchema: key("g", "h"), Projection: all})
	}
	for i := range maxLocals {
		in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, &ddb.LocalSecondaryIndex{IndexName: fmt.Sprint("local", i), KeySchema: key("p", "l"), Projection: all})
	}
	must(h, h.createTable, in)
	must(h, h.updateContinuousBackups, &ddb.UpdateContinuousBackupsInput{TableName: "things",
		PointInTimeRecoverySpecification: &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)}})
	must(h, h.updateTable, replicas(west, ""))
	h.drain()

	const items = 100
	write := func(fill byte) error {
		in := &ddb.TransactWriteItemsInput{}
		for i := range items {
			long := func(n int, by byte) attribute.B { return append(bytes.Repeat([]byte{by}, n-1), byte(i)) }
			it := item.Item{"p": long(maxPartitionKey, 0), "s": long(maxSortKey, 0), "g": long(maxPartitionKey, fill), "h": long(maxSortKey, fill), "l": long(maxSortKey, fill)}
			it["pad"] = attribute.B(make([]byte, maxTransaction/items-item.Size(it)-len("pad")))
			in.TransactItems = append(in.TransactItems, &ddb.TransactWriteItem{Put: &ddb.Put{TableName: "things", Item: it}})
		}
		_, err := h.transactWriteItems(h.call(), in)
		return err
	}
	for _, fill := range []byte{0, 1} { // the second takes all entries away, and adds as many
		if err := write(fill); err != nil {
			t.Fatal(err)
		}
	}
	arn := ""
	for _, region := range []string{east, west} {
		d := mustIn(h, region, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
		if arn = d.LatestStreamArn; *d.ItemCount != items || *d.TableSizeBytes > maxTransaction || *d.TableSizeBytes < maxTransaction-items {
			t.Errorf("%s: %d items of %d bytes", region, *d.ItemCount, *d.TableSizeBytes)
		}
		for _, x := range d.GlobalSecondaryIndexes {
			if *x.ItemCount != items {
				t.Errorf("%s: %d entries in %s", region, *x.ItemCount, x.IndexName)
			}
		}
		for _, x := range d.LocalSecondaryIndexes {
			if *x.ItemCount != items {
				t.Errorf("%s: %d entries in %s", region, *x.ItemCount, x.IndexName)
			}
		}
		if n := len(h.records(arn)); n != 2*items {
			t.Errorf("%s: %d records in the stream", region, n)
		}
	}
}
