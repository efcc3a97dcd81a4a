package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// typical is an item of about 480 bytes.
func typical(i int) item.Item {
	return item.Item{
		"p": S(fmt.Sprint("customer#", i%1000)), "s": S(fmt.Sprintf("order#%08d", i)),
		"name": S(strings.Repeat("n", 60)), "note": S(strings.Repeat("x", 240)), "count": N("42"), "price": N("199.95"),
		"open": attribute.BOOL(true), "tags": attribute.L{S("red"), S("large")}, "at": S("2024-01-01T00:00:00Z"), "by": S("someone@example.com"),
	}
}

func benchmarked(b *testing.B, items int) *host {
	h := newHost(b)
	h.create("things", "p:S", "s:S")
	for i := range items {
		h.put("things", typical(i))
	}
	b.ReportAllocs()
	return h
}

func BenchmarkGetItem(b *testing.B) {
	h := benchmarked(b, 10000)
	ctx := h.call()
	in := &ddb.GetItemInput{TableName: "things", Key: item.Item{"p": S("customer#7"), "s": S("order#00000007")}}
	for b.Loop() {
		out, err := h.getItem(ctx, in)
		if err != nil || out.Item == nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutItem(b *testing.B) {
	h := benchmarked(b, 10000)
	ctx := h.call()
	in := &ddb.PutItemInput{TableName: "things", Item: typical(7)}
	for b.Loop() {
		if _, err := h.putItem(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateItemWithCondition(b *testing.B) {
	h := benchmarked(b, 10000)
	ctx := h.call()
	in := &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("customer#7"), "s": S("order#00000007")},
		UpdateExpression: new("SET price = :p ADD #c :one"), ConditionExpression: new("attribute_exists(p)"),
		ExpressionAttributeNames: map[string]string{"#c": "count"}, ExpressionAttributeValues: item.Item{":p": N("7"), ":one": N("1")}}
	for b.Loop() {
		if _, err := h.updateItem(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuery100(b *testing.B) {
	h := benchmarked(b, 0)
	for i := range 100 {
		it := typical(i)
		it["p"] = S("one")
		h.put("things", it)
	}
	ctx := h.call()
	in := &ddb.QueryInput{TableName: "things", KeyConditionExpression: new("p = :p"), ExpressionAttributeValues: item.Item{":p": S("one")}}
	for b.Loop() {
		out, err := h.Service.query(ctx, in)
		if err != nil || len(out.Items) != 100 {
			b.Fatal(err)
		}
	}
}

func BenchmarkBatchWrite25(b *testing.B) {
	h := benchmarked(b, 0)
	ctx := h.call()
	in := &ddb.BatchWriteItemInput{RequestItems: map[string][]*ddb.WriteRequest{}}
	for i := range 25 {
		in.RequestItems["things"] = append(in.RequestItems["things"], putRequest(typical(i)))
	}
	for b.Loop() {
		if _, err := h.batchWriteItem(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTransactWrite10(b *testing.B) {
	h := benchmarked(b, 0)
	ctx := h.call()
	in := &ddb.TransactWriteItemsInput{}
	for i := range 10 {
		in.TransactItems = append(in.TransactItems, &ddb.TransactWriteItem{Put: &ddb.Put{TableName: "things", Item: typical(i)}})
	}
	for b.Loop() {
		if _, err := h.transactWriteItems(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}
