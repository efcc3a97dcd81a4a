package dynamodb

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func putRequest(it item.Item) *ddb.WriteRequest {
	return &ddb.WriteRequest{PutRequest: &ddb.PutRequest{Item: it}}
}

func deleteRequest(key item.Item) *ddb.WriteRequest {
	return &ddb.WriteRequest{DeleteRequest: &ddb.DeleteRequest{Key: key}}
}

func TestBatch(t *testing.T) {
	h := newHost(t)
	h.create("one", "p:S")
	h.create("two", "p:S", "s:N")
	h.put("one", item.Item{"p": S("gone")})
	written := must(h, h.batchWriteItem, &ddb.BatchWriteItemInput{ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal, RequestItems: map[string][]*ddb.WriteRequest{
		"one": {putRequest(item.Item{"p": S("a"), "x": N("1.0")}), deleteRequest(item.Item{"p": S("gone")}), deleteRequest(item.Item{"p": S("never")})},
		"two": {putRequest(item.Item{"p": S("a"), "s": N("1")})},
	}})
	if written.UnprocessedItems == nil || len(written.UnprocessedItems) != 0 || len(written.ConsumedCapacity) != 2 || *written.ConsumedCapacity[0].CapacityUnits != 3 {
		t.Errorf("%#v", written)
	}
	read := must(h, h.batchGetItem, &ddb.BatchGetItemInput{ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal, RequestItems: map[string]*ddb.KeysAndAttributes{
		"one": {Keys: []map[string]attribute.Value{{"p": S("a")}, {"p": S("gone")}}, ProjectionExpression: new("x"), ConsistentRead: new(true)},
		"two": {Keys: []map[string]attribute.Value{{"p": S("a"), "s": N("1.0")}}},
	}})
	one, two := itemsOf(read.Responses["one"]), itemsOf(read.Responses["two"])
	if !reflect.DeepEqual(one, []item.Item{{"x": N("1")}}) || !reflect.DeepEqual(two, []item.Item{{"p": S("a"), "s": N("1")}}) || len(read.Responses) != 2 || read.UnprocessedKeys == nil || *read.ConsumedCapacity[0].CapacityUnits != 2 || *read.ConsumedCapacity[1].CapacityUnits != 0.5 {
		t.Errorf("%#v", read)
	}
}

// A batch may be as large as its items may be, whatever the indexes make of it.
func TestLargeBatch(t *testing.T) {
	h := newHost(t)
	attributes, key := define("p:S")
	indexed, indexKey := define("kind:S")
	in := &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: append(attributes, indexed...), KeySchema: key, BillingMode: ddb.BillingModePayPerRequest}
	for i := range 20 {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, &ddb.GlobalSecondaryIndex{
			IndexName: fmt.Sprint("index", i), KeySchema: indexKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}})
	}
	must(h, h.createTable, in)
	var requests []*ddb.WriteRequest
	for i := range maxBatchWrites {
		requests = append(requests, putRequest(item.Item{"p": S(fmt.Sprint(i)), "kind": S("a"), "x": S(strings.Repeat("x", 400_000))}))
	}
	out := must(h, h.batchWriteItem, &ddb.BatchWriteItemInput{
		RequestItems: map[string][]*ddb.WriteRequest{"things": requests}, ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal})
	if n := *out.ConsumedCapacity[0].CapacityUnits; len(out.UnprocessedItems) != 0 || n != maxBatchWrites*21*391 {
		t.Errorf("%v units, %d not processed", n, len(out.UnprocessedItems))
	}
	if d := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table; *d.ItemCount != maxBatchWrites || *d.GlobalSecondaryIndexes[19].ItemCount != maxBatchWrites {
		t.Errorf("%d items, %d entries", *d.ItemCount, *d.GlobalSecondaryIndexes[19].ItemCount)
	}
}

func TestBatchErrors(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	write := func(table string, requests ...*ddb.WriteRequest) string {
		return fails(h, h.batchWriteItem, &ddb.BatchWriteItemInput{RequestItems: map[string][]*ddb.WriteRequest{table: requests}})
	}
	get := func(table string, k *ddb.KeysAndAttributes) string {
		return fails(h, h.batchGetItem, &ddb.BatchGetItemInput{RequestItems: map[string]*ddb.KeysAndAttributes{table: k}})
	}
	a := item.Item{"p": S("a")}
	for i, c := range [][2]string{
		{write("nothing", putRequest(a)), "Requested resource not found"},
		{write("things", &ddb.WriteRequest{}), "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{write("things", putRequest(a), deleteRequest(a)), "Provided list of item keys contains duplicates"},
		{write("things", putRequest(item.Item{})), "The provided key element does not match the schema"},
		{write("things", putRequest(item.Item{"p": N("1")})), "The provided key element does not match the schema"},
		{write("things", putRequest(item.Item{"p": S("")})), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p"},
		{write("things", putRequest(item.Item{"p": S(strings.Repeat("a", 2049))})), "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{get("nothing", &ddb.KeysAndAttributes{Keys: []map[string]attribute.Value{a}}), "Requested resource not found"},
		{get("things", &ddb.KeysAndAttributes{Keys: []map[string]attribute.Value{a, {"p": S("a")}}}), "Provided list of item keys contains duplicates"},
		{get("things", &ddb.KeysAndAttributes{Keys: []map[string]attribute.Value{{}}}), "The provided key element does not match the schema"},
		{get("things", &ddb.KeysAndAttributes{Keys: []map[string]attribute.Value{a}, ProjectionExpression: new("")}), "Invalid ProjectionExpression: The expression can not be empty;"},
	} {
		if c[0] != c[1] {
			t.Errorf("%d\n got %s\nwant %s", i, c[0], c[1])
		}
	}
}

// TestBatchGetIsBounded: an answer holds 16 MB; what does not fit is left to be asked for again.
func TestBatchGetIsBounded(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	var keys []map[string]attribute.Value
	for i := range 50 {
		key := item.Item{"p": S(fmt.Sprint(i))}
		h.put("things", item.Item{"p": key["p"], "v": S(strings.Repeat("x", 390<<10))})
		keys = append(keys, key)
	}
	seen := map[attribute.Value]bool{}
	request := map[string]*ddb.KeysAndAttributes{"things": {Keys: keys}}
	rounds := 0
	for ; len(request) > 0; rounds++ {
		out := must(h, h.batchGetItem, &ddb.BatchGetItemInput{RequestItems: request})
		for _, it := range itemsOf(out.Responses["things"]) {
			seen[it["p"]] = true
		}
		request = out.UnprocessedKeys
	}
	if len(seen) != len(keys) || rounds != 2 {
		t.Errorf("%d items in %d rounds", len(seen), rounds)
	}
}
