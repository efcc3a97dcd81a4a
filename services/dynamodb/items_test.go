package dynamodb

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func TestPutGetDelete(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S", "s:N")
	key := item.Item{"p": S("a"), "s": N("1.0")}
	h.put("things", item.Item{"p": S("a"), "s": N("1"), "v": N("2.50"), "deep": attribute.M{"l": attribute.L{N("007")}}})
	want := item.Item{"p": S("a"), "s": N("1"), "v": N("2.5"), "deep": attribute.M{"l": attribute.L{N("7")}}}
	if got := h.get("things", key); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v", got)
	}
	if got := h.get("things", item.Item{"p": S("a"), "s": N("2")}); got != nil {
		t.Fatalf("got %#v", got)
	}
	old := must(h, h.putItem, &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("a"), "s": N("1")}, ReturnValues: ddb.ReturnValueAllOld})
	if !reflect.DeepEqual(valuesOf(old.Attributes), want) {
		t.Fatalf("old %#v", old.Attributes)
	}
	deleted := must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: key, ReturnValues: ddb.ReturnValueAllOld})
	if !reflect.DeepEqual(valuesOf(deleted.Attributes), item.Item{"p": S("a"), "s": N("1")}) {
		t.Fatalf("deleted %#v", deleted.Attributes)
	}
	again := must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: key, ReturnValues: ddb.ReturnValueAllOld})
	if again.Attributes != nil || h.get("things", key) != nil {
		t.Fatal("the item is still there")
	}
}

func TestProjectionOfGet(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.put("things", item.Item{"p": S("a"), "x": N("1"), "name": S("n"), "m": attribute.M{"k": S("v"), "l": attribute.L{N("1"), N("2")}}})
	got := valuesOf(must(h, h.getItem, &ddb.GetItemInput{TableName: "things", Key: item.Item{"p": S("a")}, ProjectionExpression: new("#n, m.l[1]"), ExpressionAttributeNames: map[string]string{"#n": "name"}}).Item)
	if want := (item.Item{"name": S("n"), "m": attribute.M{"l": attribute.L{N("2")}}}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v", got)
	}
	got = valuesOf(must(h, h.getItem, &ddb.GetItemInput{TableName: "things", Key: item.Item{"p": S("a")}, AttributesToGet: []string{"x", "y"}}).Item)
	if want := (item.Item{"x": N("1")}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v", got)
	}
}

func TestConditions(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	in := &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("a"), "v": N("1")}, ConditionExpression: new("attribute_not_exists(p)")}
	must(h, h.putItem, in)
	in.ReturnValuesOnConditionCheckFailure = ddb.ReturnValuesOnConditionCheckFailureAllOld
	_, err := h.putItem(h.call(), in)
	failed, ok := err.(*ddb.ConditionalCheckFailedException)
	if !ok || failed.Message != "The conditional request failed" || !reflect.DeepEqual(valuesOf(failed.Item), item.Item{"p": S("a"), "v": N("1")}) {
		t.Fatalf("%#v", err)
	}
	update := &ddb.UpdateItemInput{
		TableName: "things", Key: item.Item{"p": S("a")}, UpdateExpression: new("SET v = v + :one"), ConditionExpression: new("v = :was"),
		ExpressionAttributeValues: item.Item{":one": N("1"), ":was": N("1")}, ReturnValues: ddb.ReturnValueUpdatedNew,
	}
	if got := valuesOf(must(h, h.updateItem, update).Attributes); !reflect.DeepEqual(got, item.Item{"v": N("2")}) {
		t.Fatalf("got %#v", got)
	}
	if _, err := h.updateItem(h.call(), update); !reflect.DeepEqual(err, &ddb.ConditionalCheckFailedException{Message: "The conditional request failed"}) {
		t.Fatalf("%#v", err)
	}
	if _, err := h.deleteItem(h.call(), &ddb.DeleteItemInput{TableName: "things", Key: item.Item{"p": S("b")}, ConditionExpression: new("attribute_exists(p)")}); err == nil {
		t.Fatal("deleted what does not exist")
	}
}

func TestReturnValuesOfUpdate(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	key := item.Item{"p": S("a")}
	update := func(asked ddb.ReturnValue, text string) item.Item {
		t.Helper()
		v := item.Item{":v": N("1"), ":m": attribute.M{"x": N("1")}}
		if !strings.Contains(text, ":") {
			v = nil
		}
		return valuesOf(must(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: key, UpdateExpression: &text, ReturnValues: asked, ExpressionAttributeValues: v}).Attributes)
	}
	for _, c := range []struct {
		asked ddb.ReturnValue
		text  string
		want  item.Item
	}{
		{ddb.ReturnValueAllOld, "SET n = :v, m = :m", nil},
		{ddb.ReturnValueUpdatedOld, "SET n = n + :v, q = :m", item.Item{"n": N("1")}},
		{ddb.ReturnValueUpdatedNew, "SET m.x = m.x + :v, w = :m", item.Item{"m": attribute.M{"x": N("2")}, "w": attribute.M{"x": N("1")}}},
		{ddb.ReturnValueAllNew, "REMOVE w, q SET n = :v, m = :m", item.Item{"p": S("a"), "n": N("1"), "m": attribute.M{"x": N("1")}}},
		{ddb.ReturnValueUpdatedNew, "REMOVE m, w", nil},
	} {
		if got := update(c.asked, c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: %#v", c.asked, c.text, got)
		}
	}
	got := valuesOf(must(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("new")}, ReturnValues: ddb.ReturnValueAllNew}).Attributes)
	if !reflect.DeepEqual(got, item.Item{"p": S("new")}) {
		t.Errorf("an update without an expression makes %#v", got)
	}
}

// TestItemErrors states what AWS answers to requests that do not fit a table.
func TestItemErrors(t *testing.T) {
	h := newHost(t)
	h.create("hash", "a:S")
	h.create("range", "a:S", "b:B")
	h.indexed("indexed")
	const invalid = "One or more parameter values were invalid: "
	put := func(table string, it item.Item) string {
		return fails(h, h.putItem, &ddb.PutItemInput{TableName: table, Item: it})
	}
	get := func(table string, key item.Item) string {
		return fails(h, h.getItem, &ddb.GetItemInput{TableName: table, Key: key})
	}
	update := func(text string) string {
		v := item.Item{":s": S("s"), ":e": S(""), ":n": N("1")}
		for name := range v {
			if !strings.Contains(text, name) {
				delete(v, name)
			}
		}
		if len(v) == 0 {
			v = nil
		}
		return fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "indexed", Key: item.Item{"p": S("p"), "s": S("s")}, UpdateExpression: &text, ExpressionAttributeValues: v})
	}
	long := func(n int) S { return S(strings.Repeat("k", n)) }
	for i, c := range [][2]string{
		{put("nothing", item.Item{}), "Requested resource not found"},
		{put("hash", item.Item{}), invalid + "Missing the key a in the item"},
		{put("range", item.Item{"a": S("a")}), invalid + "Missing the key b in the item"},
		{put("hash", item.Item{"a": N("1")}), invalid + "Type mismatch for key a expected: S actual: N"},
		{put("hash", item.Item{"a": attribute.NS{"1"}}), invalid + "Type mismatch for key a expected: S actual: NS"},
		{put("hash", item.Item{"a": S("")}), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: a"},
		{put("range", item.Item{"a": S("a"), "b": B{}}), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: b"},
		{put("hash", item.Item{"a": long(2049)}), invalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{put("range", item.Item{"a": S("a"), "b": B(long(1025))}), invalid + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		{put("indexed", item.Item{"p": S("p"), "s": S("s"), "gs": S("1")}), invalid + "Type mismatch for Index Key gs Expected: N Actual: S IndexName: global"},
		{put("indexed", item.Item{"p": S("p"), "s": S("s"), "gp": S("")}), "One or more parameter values are not valid. A value specified for a secondary index key is not supported. " +
			"The AttributeValue for a key attribute cannot contain an empty string value. IndexName: global, IndexKey: gp"},
		{put("hash", item.Item{"a": S("a"), "v": long(400 << 10)}), "Item size has exceeded the maximum allowed size"},
		{put("hash", item.Item{"a": S("a"), "v": attribute.SS{}}), invalid + "An string set  may not be empty"},

		{get("nothing", item.Item{}), "Requested resource not found"},
		{get("hash", item.Item{}), "The provided key element does not match the schema"},
		{get("hash", item.Item{"b": S("a")}), "The provided key element does not match the schema"},
		{get("hash", item.Item{"a": N("1")}), "The provided key element does not match the schema"},
		{get("hash", item.Item{"a": S("a"), "b": S("a")}), "The provided key element does not match the schema"},
		{get("hash", item.Item{"a": S("")}), invalid + "The AttributeValue for a key attribute cannot contain an empty string value. Key: a"},
		{get("hash", item.Item{"a": N("x")}), "The parameter cannot be converted to a numeric value: x"},
		{get("hash!", item.Item{}), "1 validation error detected: Value 'hash!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"},
		{get("ab", item.Item{}), "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{get("!", item.Item{}), "2 validation errors detected: Value '!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " +
			"Value '!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},

		{update("SET p = :s"), invalid + "Cannot update attribute p. This attribute is part of the key"},
		{update("REMOVE s.x"), invalid + "Cannot update attribute s. This attribute is part of the key"},
		{update("SET gp = :n"), invalid + "Type mismatch for Index Key gp Expected: S Actual: N IndexName: global"},
		{update("SET gp = :e"), "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. " +
			"The AttributeValue for a key attribute cannot contain an empty string value."},
		{update("SET ls = p"), "The update expression attempted to update the secondary index key to unsupported type"},
		{update("SET gp.x = :s"), "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: gp"},
		{update("SET x = s.y"), "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: s"},
		{update("SET x = y"), "The provided expression refers to an attribute that does not exist in the item"},

		{fails(h, h.putItem, &ddb.PutItemInput{TableName: "hash", Item: item.Item{}, ReturnValues: ddb.ReturnValueAllNew}), "ReturnValues can only be ALL_OLD or NONE"},
		{fails(h, h.putItem, &ddb.PutItemInput{TableName: "hash", Item: item.Item{}, ExpressionAttributeValues: item.Item{":v": S("")}}),
			"ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"},
		{fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "hash", Key: item.Item{}, ExpressionAttributeValues: item.Item{":v": S("")}}),
			"ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null"},
		{fails(h, h.getItem, &ddb.GetItemInput{TableName: "hash", Key: item.Item{}, ExpressionAttributeNames: map[string]string{"#a": "a"}}),
			"ExpressionAttributeNames can only be specified when using expressions"},
		{fails(h, h.getItem, &ddb.GetItemInput{TableName: "hash", Key: item.Item{}, AttributesToGet: []string{"a"}, ProjectionExpression: new("a")}),
			"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"},
		{fails(h, h.getItem, &ddb.GetItemInput{TableName: "hash", Key: item.Item{}, AttributesToGet: []string{"a", "b", "a"}}),
			invalid + "Duplicate value in attribute name: a"},
		{fails(h, h.putItem, &ddb.PutItemInput{TableName: "nothing", Item: item.Item{"a": S("a")}, ConditionExpression: new("")}),
			"Invalid ConditionExpression: The expression can not be empty;"},
		{fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "hash", Key: item.Item{"a": S("a")}, UpdateExpression: new("SET b = :v, c = :w"),
			ExpressionAttributeValues: item.Item{":v": S(""), ":w": long(400<<10 - 3)}}), "Item size to update has exceeded the maximum allowed size"},
	} {
		if c[0] != c[1] {
			t.Errorf("%d\n got %s\nwant %s", i, c[0], c[1])
		}
	}
}

func TestTableByARN(t *testing.T) {
	h := newHost(t)
	arn := h.create("things", "p:S").TableArn
	h.put(arn, item.Item{"p": S("a")})
	if h.get("things", item.Item{"p": S("a")}) == nil {
		t.Error("an item written by the table's ARN is not in the table")
	}
}

// TestConcurrentUpdates: updates of one item all succeed, and none is lost.
func TestConcurrentUpdates(t *testing.T) {
	h := newHost(t)
	h.indexed("things")
	const clients, each = 8, 50
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				_, err := h.updateItem(h.call(), &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("a"), "s": S("b")},
					UpdateExpression: new("ADD n :one, gs :one SET gp = :g"), ExpressionAttributeValues: item.Item{":one": N("1"), ":g": S("g")}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := N(fmt.Sprint(clients * each))
	if got := h.get("things", item.Item{"p": S("a"), "s": S("b")}); got["n"] != want {
		t.Errorf("n is %v, want %v", got["n"], want)
	}
	entries := itemsOf(must(h, h.scan, &ddb.ScanInput{TableName: "things", IndexName: "global"}).Items)
	if len(entries) != 1 || entries[0]["gs"] != want {
		t.Errorf("the index has %v", entries)
	}
	if d := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table; *d.ItemCount != 1 || *d.GlobalSecondaryIndexes[0].ItemCount != 1 {
		t.Errorf("counted %d and %d", *d.ItemCount, *d.GlobalSecondaryIndexes[0].ItemCount)
	}
}

func TestCapacity(t *testing.T) {
	h := newHost(t)
	h.indexed("things")
	key := item.Item{"p": S("p"), "s": S("s")}
	it := item.Item{"p": S("p"), "s": S("s"), "gp": S("g"), "gs": N("1"), "ls": N("1"), "pad": S(strings.Repeat("x", 1500))}
	show := func(c *ddb.ConsumedCapacity) string {
		s := fmt.Sprint(*c.CapacityUnits)
		if c.Table != nil {
			s += fmt.Sprint(" table ", *c.Table.CapacityUnits)
		}
		for name, x := range c.GlobalSecondaryIndexes {
			s += fmt.Sprint(" ", name, " ", *x.CapacityUnits)
		}
		for name, x := range c.LocalSecondaryIndexes {
			s += fmt.Sprint(" ", name, " ", *x.CapacityUnits)
		}
		return s
	}
	all := ddb.ReturnConsumedCapacityIndexes
	put := func(it item.Item) string {
		return show(must(h, h.putItem, &ddb.PutItemInput{TableName: "things", Item: it, ReturnConsumedCapacity: all}).ConsumedCapacity)
	}
	get := func(consistent bool, asked ddb.ReturnConsumedCapacity) string {
		return show(must(h, h.getItem, &ddb.GetItemInput{TableName: "things", Key: key, ConsistentRead: &consistent, ReturnConsumedCapacity: asked}).ConsumedCapacity)
	}
	small := item.Item{"p": S("p"), "s": S("s"), "gp": S("g"), "gs": N("1"), "ls": N("2")}
	for i, c := range [][2]string{
		{put(it), "5 table 2 global 2 local 1"},
		{put(it), "2 table 2"},                     // the entries stay as they are
		{put(small), "6 table 2 global 2 local 2"}, // the local entry moves
		{get(true, all), "1 table 1"},
		{get(false, ddb.ReturnConsumedCapacityTotal), "0.5"},
		{show(must(h, h.Service.query, &ddb.QueryInput{TableName: "things", IndexName: "local", KeyConditionExpression: new("p = :p"), ExpressionAttributeValues: item.Item{":p": S("p")}, ReturnConsumedCapacity: all}).ConsumedCapacity), "0.5 table 0 local 0.5"},
		{show(must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: key, ReturnConsumedCapacity: all}).ConsumedCapacity), "3 table 1 global 1 local 1"},
		{show(must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: key, ReturnConsumedCapacity: all}).ConsumedCapacity), "1 table 1"},
	} {
		if c[0] != c[1] {
			t.Errorf("%d: %s, want %s", i, c[0], c[1])
		}
	}
}

func TestCollectionMetrics(t *testing.T) {
	h := newHost(t)
	h.indexed("things")
	h.create("plain", "p:S")
	m := must(h, h.putItem, &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("p"), "s": S("s")}, ReturnItemCollectionMetrics: ddb.ReturnItemCollectionMetricsSize}).ItemCollectionMetrics
	if m == nil || !item.EqualItems(m.ItemCollectionKey, item.Item{"p": S("p")}) || !reflect.DeepEqual(m.SizeEstimateRangeGB, []float64{0, 1}) {
		t.Errorf("%#v", m)
	}
	m = must(h, h.putItem, &ddb.PutItemInput{TableName: "plain", Item: item.Item{"p": S("p")}, ReturnItemCollectionMetrics: ddb.ReturnItemCollectionMetricsSize}).ItemCollectionMetrics
	if m != nil {
		t.Errorf("a table without local indexes has %#v", m)
	}
}
