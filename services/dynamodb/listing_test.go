package dynamodb

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// TestQueryErrors states what AWS answers to queries, in the order it looks:
// the request by itself, then the table, the index, the keys.
func TestQueryErrors(t *testing.T) {
	h := newHost(t)
	h.create("hash", "a:S")
	attributes, key := define("a:S", "b:S")
	more, localKey := define("a:S", "c:S")
	last, globalKey := define("c:S", "d:S")
	_, hashKey := define("c:S")
	all := &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: "range", KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions:  append(append(attributes, more[1]), last[1]),
		LocalSecondaryIndexes: []*ddb.LocalSecondaryIndex{{IndexName: "index1", KeySchema: localKey, Projection: all}},
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{
			{IndexName: "index3", KeySchema: hashKey, Projection: all},
			{IndexName: "index4", KeySchema: globalKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeInclude, NonKeyAttributes: []string{"e"}}},
		},
	})
	const (
		start    = "The provided starting key is invalid"
		schema   = "The provided key element does not match the schema"
		notMet   = "Query key condition not supported"
		missed   = "Query condition missed key schema element: "
		predicat = "The provided starting key does not match the range key predicate"
	)
	s := func(pairs ...string) item.Item {
		out := item.Item{}
		for i := 0; i < len(pairs); i += 2 {
			if name, ok := strings.CutSuffix(pairs[i], ":N"); ok {
				out[name] = N(pairs[i+1])
			} else {
				out[pairs[i]] = S(pairs[i+1])
			}
		}
		return out
	}
	for i, c := range []struct {
		table, index, condition string
		values, start           item.Item
		change                  func(*ddb.QueryInput)
		want                    string
	}{
		{table: "abc", want: "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{table: "abc", condition: "z = :a", values: s(":a:N", "1"), start: item.Item{}, want: "Requested resource not found"},
		{table: "abc", condition: "a <> b", want: "Invalid operator used in KeyConditionExpression: <>"},
		{table: "abc", condition: "a = :a", values: item.Item{":a": attribute.SS{}},
			want: "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :a"},
		{table: "hash", index: "whatever", condition: "z = :a", values: s(":a:N", "1"), start: item.Item{}, want: "The table does not have the specified index: whatever"},
		{table: "range", index: "index3", condition: "z = :a", values: s(":a:N", "1"), start: item.Item{}, change: func(in *ddb.QueryInput) { in.ConsistentRead = new(true) },
			want: "Consistent reads are not supported on global secondary indexes"},
		{table: "hash", condition: "z = :a", values: s(":a:N", "1"), start: s("b", "a"), want: start},
		{table: "hash", condition: "z = :a", values: s(":a:N", "1"), start: s("a:N", "1"), want: schema},
		{table: "range", condition: "z = :a", values: s(":a:N", "1"), start: s("a:N", "1", "z", "a"), want: schema},
		{table: "range", condition: "z = :a", values: s(":a:N", "1"), start: s("a", "a"), want: start},
		{table: "range", condition: "z between :a and :a", values: s(":a:N", "1"), want: missed + "a"},
		{table: "range", condition: "z between :a and :a", values: s(":a:N", "1"), start: s("a", "a", "z", "1"), want: missed + "a"},
		{table: "range", index: "index3", condition: "z = :a", values: s(":a:N", "1"), start: s("x:N", "1", "y:N", "1", "c", "1"), want: missed + "c"},
		{table: "range", condition: "a = :a", values: s(":a", "b"), start: s("a", "a", "c:N", "1"), want: start},
		{table: "range", condition: "a = :a", values: s(":a", "b"), start: s("a", "a", "b:N", "1"), want: schema},
		{table: "range", index: "index1", condition: "a = :a", values: s(":a", "b"), start: s("a", "1", "b:N", "1", "c", "a"), want: start + ": " + schema},
		{table: "range", index: "index3", condition: "c = :a", values: s(":a", "b"), start: s("x:N", "1", "y:N", "1", "c", "a"), want: start + ": " + schema},
		{table: "range", condition: "a = :a and c = :b", values: s(":a", "b", ":b:N", "1"), want: missed + "b"},
		{table: "range", index: "index1", condition: "a = :a and b = :b", values: s(":a", "b", ":b:N", "1"), want: missed + "c"},
		{table: "hash", condition: "a = :a and b = :a", values: s(":a", "a"), want: notMet},
		{table: "hash", condition: "a > :a", values: s(":a", "a"), want: notMet},
		{table: "hash", condition: "begins_with(a, :a)", values: s(":a", "a"), want: notMet},
		{table: "hash", condition: "y = :a and z = :a", values: s(":a", "a"), want: notMet},
		{table: "hash", condition: ":a > a", values: s(":a:N", "1"), want: "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{table: "hash", condition: "a = :a", values: s(":a", ""), want: "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: a"},
		{table: "hash", condition: "a = :a", values: s(":a", "a"), start: s("a", "b"), want: "The provided starting key is outside query boundaries based on provided conditions"},
		{table: "range", condition: "a = :a and b > :a", values: s(":a", "b"), start: s("a", "b", "b", "a"), want: predicat},
		{table: "range", condition: "a = :a and b < :a", values: s(":a", "b"), start: s("a", "a", "b", "a"), want: "The query can return at most one row and cannot be restarted"},
		{table: "range", index: "index4", condition: "c = :a and d > :a", values: s(":a", "b"), start: s("a", "a", "b", "a", "c", "a", "d", "a"), want: predicat},
		{table: "range", condition: "a = :a", values: s(":a", "a", ":f", "f"), change: func(in *ddb.QueryInput) { in.FilterExpression = new("attribute_exists(b.c) AND c = :f") },
			want: "Filter Expression can only contain non-primary key attributes: Primary key attribute: b"},
		{table: "range", condition: "a = :a", values: s(":a", "a", ":f", "f"), change: func(in *ddb.QueryInput) { in.FilterExpression = new("d[1] = :f") },
			want: "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: d"},
		{table: "range", index: "index4", condition: "c = :a", values: s(":a", "a"), change: func(in *ddb.QueryInput) { in.Select = ddb.SelectAllAttributes },
			want: "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index index4 because its projection type is not ALL"},
		{table: "range", index: "index4", condition: "c = :a", values: s(":a", "a"), change: func(in *ddb.QueryInput) { in.ProjectionExpression = new("e, f, x.y") },
			want: "One or more parameter values were invalid: Global secondary index index4 does not project [f, x]"},
		{table: "hash", condition: "a = :a", values: s(":a", "a"), change: func(in *ddb.QueryInput) { in.Select = ddb.SelectSpecificAttributes },
			want: "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{table: "hash", condition: "a = :a", values: s(":a", "a"), change: func(in *ddb.QueryInput) { in.Select = ddb.SelectAllProjectedAttributes },
			want: "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
	} {
		in := &ddb.QueryInput{TableName: c.table, IndexName: c.index, ExclusiveStartKey: c.start, ExpressionAttributeValues: c.values}
		if c.condition != "" {
			in.KeyConditionExpression = &c.condition
		}
		if c.change != nil {
			c.change(in)
		}
		if got := fails(h, h.Service.query, in); got != c.want {
			t.Errorf("%d: %s\n got %s\nwant %s", i, c.condition, got, c.want)
		}
	}
}

// TestScanErrors states what AWS answers to scans.
func TestScanErrors(t *testing.T) {
	h := newHost(t)
	h.create("hash", "a:S")
	h.indexed("indexed")
	for i, c := range []struct {
		in   ddb.ScanInput
		want string
	}{
		{ddb.ScanInput{TableName: "abc", Segment: new(int32(0))}, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
		{ddb.ScanInput{TableName: "abc", TotalSegments: new(int32(4))}, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
		{ddb.ScanInput{TableName: "abc", Segment: new(int32(5)), TotalSegments: new(int32(5))},
			"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less than TotalSegments: 5"},
		{ddb.ScanInput{TableName: "abc", ExclusiveStartKey: item.Item{"a": attribute.SS{}}}, "The provided starting key is invalid: One or more parameter values were invalid: An string set  may not be empty"},
		{ddb.ScanInput{TableName: "abc", ExclusiveStartKey: item.Item{"a": N("b")}}, "The parameter cannot be converted to a numeric value: b"},
		{ddb.ScanInput{TableName: "abc"}, "Requested resource not found"},
		{ddb.ScanInput{TableName: "hash", Select: ddb.SelectSpecificAttributes}, "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{ddb.ScanInput{TableName: "hash", Select: ddb.SelectCount, ProjectionExpression: new("a")}, "Cannot specify the ProjectionExpression when choosing to get only the Count"},
		{ddb.ScanInput{TableName: "hash", FilterExpression: new("a > 4")}, `Invalid FilterExpression: Syntax error; token: "4", near: "> 4"`},
		{ddb.ScanInput{TableName: "hash", ExpressionAttributeValues: item.Item{":a": S("")}}, "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null"},
		{ddb.ScanInput{TableName: "hash", IndexName: "whatever", ExclusiveStartKey: item.Item{}}, "The table does not have the specified index: whatever"},
		{ddb.ScanInput{TableName: "hash", ExclusiveStartKey: item.Item{"b": S("b")}}, "The provided starting key is invalid: The provided key element does not match the schema"},
		{ddb.ScanInput{TableName: "hash", ExclusiveStartKey: item.Item{}}, "The provided starting key is invalid: The provided key element does not match the schema"},
		{ddb.ScanInput{TableName: "indexed", IndexName: "global", ExclusiveStartKey: item.Item{"p": S("p")}}, "The provided starting key is invalid"},
		{ddb.ScanInput{TableName: "indexed", IndexName: "global", ConsistentRead: new(true)}, "Consistent reads are not supported on global secondary indexes"},
		{ddb.ScanInput{TableName: "hash", ExclusiveStartKey: item.Item{"a": S("a")}, Segment: new(int32(0)), TotalSegments: new(int32(2))}, // its hash begins with f6
			"The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 0"},
		{ddb.ScanInput{TableName: "hash", FilterExpression: new("attribute_exists(a.b)")}, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: a"},
	} {
		if got := fails(h, h.Service.scan, &c.in); got != c.want {
			t.Errorf("%d\n got %s\nwant %s", i, got, c.want)
		}
	}
}

// TestPages: a page ends with the item that reaches 1 MB, or with Limit items,
// which are counted before the filter.
func TestPages(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S", "s:N")
	for i := range 12 {
		h.put("things", item.Item{"p": S("p"), "s": N(fmt.Sprint(i)), "v": S(strings.Repeat("x", 300<<10))})
	}
	in := &ddb.QueryInput{TableName: "things", KeyConditionExpression: new("p = :p"), ExpressionAttributeValues: item.Item{":p": S("p")}, ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal}
	out := must(h, h.Service.query, in)
	if *out.Count != 4 || !item.EqualItems(out.LastEvaluatedKey, item.Item{"p": S("p"), "s": N("3")}) || *out.ConsumedCapacity.CapacityUnits != 150.5 {
		t.Errorf("count %d, last %v, %v units", *out.Count, out.LastEvaluatedKey, *out.ConsumedCapacity.CapacityUnits)
	}
	in.Limit, in.ExclusiveStartKey, in.FilterExpression = new(int32(3)), out.LastEvaluatedKey, new("attribute_not_exists(v)")
	out = must(h, h.Service.query, in)
	if *out.Count != 0 || *out.ScannedCount != 3 || out.Items == nil || out.LastEvaluatedKey["s"] != N("6") {
		t.Errorf("%#v", out)
	}
	// A page that Limit ends has a last key even when nothing comes after it.
	in.Limit, in.ExclusiveStartKey, in.FilterExpression, in.ScanIndexForward = new(int32(1)), item.Item{"p": S("p"), "s": N("1")}, nil, new(false)
	if out = must(h, h.Service.query, in); *out.Count != 1 || out.LastEvaluatedKey["s"] != N("0") {
		t.Errorf("%#v", out.LastEvaluatedKey)
	}
	in.ExclusiveStartKey = out.LastEvaluatedKey
	if out = must(h, h.Service.query, in); *out.Count != 0 || out.LastEvaluatedKey != nil {
		t.Errorf("%#v", out)
	}
}

// A page of a local index that does not have all that is asked for is no larger
// than others, however small its entries are.
func TestPagesOfWhatIsFetched(t *testing.T) {
	h := newHost(t)
	h.indexed("things")
	for i := range 10 {
		h.put("things", item.Item{"p": S("a"), "s": S(fmt.Sprint(i)), "ls": N(fmt.Sprint(i)), "x": S(strings.Repeat("x", 300_000))})
	}
	in := &ddb.QueryInput{TableName: "things", IndexName: "local", Select: ddb.SelectAllAttributes,
		KeyConditionExpression: new("p = :p"), ExpressionAttributeValues: item.Item{":p": S("a")}}
	var counts []int32
	for more := true; more; more = in.ExclusiveStartKey != nil {
		out := must(h, h.query, in)
		counts = append(counts, *out.Count)
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	if !slices.Equal(counts, []int32{4, 4, 2}) {
		t.Errorf("pages of %v", counts)
	}
}

func TestSelect(t *testing.T) {
	h := newHost(t)
	h.indexed("things")
	h.put("things", item.Item{"p": S("p"), "s": S("s"), "ls": N("1"), "gp": S("g"), "gs": N("1"), "v": S("v")})
	query := func(index string, change func(*ddb.QueryInput)) *ddb.QueryOutput {
		in := &ddb.QueryInput{TableName: "things", IndexName: index, KeyConditionExpression: new("p = :p"), ExpressionAttributeValues: item.Item{":p": S("p")}}
		change(in)
		return must(h, h.Service.query, in)
	}
	for i, c := range []struct {
		out  *ddb.QueryOutput
		want []item.Item
	}{
		{query("local", func(in *ddb.QueryInput) {}), []item.Item{{"p": S("p"), "s": S("s"), "ls": N("1")}}},
		{query("local", func(in *ddb.QueryInput) { in.Select = ddb.SelectAllAttributes }),
			[]item.Item{{"p": S("p"), "s": S("s"), "ls": N("1"), "gp": S("g"), "gs": N("1"), "v": S("v")}}},
		{query("local", func(in *ddb.QueryInput) { in.ProjectionExpression = new("v, ls") }), []item.Item{{"ls": N("1"), "v": S("v")}}},
		{query("local", func(in *ddb.QueryInput) { in.FilterExpression = new("attribute_exists(v)") }), []item.Item{{"p": S("p"), "s": S("s"), "ls": N("1")}}},
		{query("", func(in *ddb.QueryInput) { in.Select = ddb.SelectCount }), nil},
	} {
		if !reflect.DeepEqual(itemsOf(c.out.Items), c.want) || *c.out.Count != 1 {
			t.Errorf("%d: %v", i, c.out.Items)
		}
	}
}
