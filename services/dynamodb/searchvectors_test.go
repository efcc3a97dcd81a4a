package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func numbers(list ...string) []attribute.Value {
	out := make([]attribute.Value, len(list))
	for i, n := range list {
		out[i] = N(n)
	}
	return out
}

func vectorOf(name string, by ddb.VectorDistanceFunction, schema ...string) *ddb.VectorIndex {
	x := &ddb.VectorIndex{IndexName: name, VectorAttribute: &ddb.VectorAttributeDefinition{AttributeName: "v"}, Dimensions: new(int64(3)),
		DistanceFunction: by, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}
	for i, name := range schema {
		kind := ddb.SearchSchemaElementTypeHash
		if i > 0 {
			kind = ddb.SearchSchemaElementTypeInlineFilter
		}
		x.SearchSchema = append(x.SearchSchema, &ddb.SearchSchemaElement{AttributeName: name, SearchSchemaElementType: kind})
	}
	return x
}

func vectorTable(name string, indexes ...*ddb.VectorIndex) *ddb.CreateTableInput {
	attributes, key := define("p:S")
	for _, a := range []string{"tenant", "kind"} {
		if slices.ContainsFunc(indexes, func(x *ddb.VectorIndex) bool {
			return slices.ContainsFunc(x.SearchSchema, func(e *ddb.SearchSchemaElement) bool { return e.AttributeName == a })
		}) {
			attributes = append(attributes, &ddb.AttributeDefinition{AttributeName: a, AttributeType: ddb.ScalarAttributeTypeS})
		}
	}
	return &ddb.CreateTableInput{TableName: name, AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest, VectorIndexes: indexes}
}

// near are the keys that a search finds, in order.
func (h *host) near(in *ddb.SearchVectorsInput) string {
	h.t.Helper()
	var out []string
	for _, r := range must(h, h.searchVectors, in).SearchResults {
		it, err := r.Item.Map()
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s=%.2f", it["p"], *r.Score))
	}
	return strings.Join(out, " ")
}

func TestSearchVectors(t *testing.T) {
	h := newHost(t)
	must(h, h.createTable, vectorTable("table", vectorOf("cosine", "COSINE"), vectorOf("euclidean", "EUCLIDEAN"), vectorOf("product", "DOT_PRODUCT"), vectorOf("schema", "COSINE", "tenant", "kind")))
	for _, c := range []struct{ p, x, y, tenant, kind string }{{"a", "1", "0", "t1", "k1"}, {"b", "0", "1", "t1", "k2"}, {"c", "-1", "0", "t2", "k1"}, {"d", "0.6", "0.8", "t1", ""}, {"e", "0.96", "0.28", "", "k1"}} {
		it := item.Item{"p": S(c.p), "v": attribute.L(numbers(c.x, c.y, "0")), "label": S("item " + c.p)}
		if c.tenant != "" {
			it["tenant"] = S(c.tenant)
		}
		if c.kind != "" {
			it["kind"] = S(c.kind)
		}
		h.put("table", it)
	}
	h.put("table", item.Item{"p": S("none")})
	query := func(index, condition string, top int32, values item.Item) *ddb.SearchVectorsInput {
		return &ddb.SearchVectorsInput{TableName: "table", IndexName: index, SearchVector: numbers("1", "0", "0"), TopK: &top, SearchConditionExpression: condition, ExpressionAttributeValues: values}
	}
	t1 := item.Item{":t": S("t1")}
	for _, c := range []struct {
		in   *ddb.SearchVectorsInput
		want string
	}{
		{query("cosine", "", 10, nil), "a=0.00 e=0.04 d=0.40 b=1.00 c=2.00"},
		{query("euclidean", "", 3, nil), "a=0.00 e=0.28 d=0.89"},
		{query("product", "", 4, nil), "a=1.00 e=0.96 d=0.60 b=0.00"},
		{query("schema", "tenant = :t", 10, t1), "a=0.00 d=0.40 b=1.00"},
		{query("schema", "tenant = :t AND kind = :k", 10, item.Item{":t": S("t1"), ":k": S("k2")}), "b=1.00"},
		{query("schema", "tenant = :t AND tenant = :u", 10, item.Item{":t": S("t1"), ":u": S("t2")}), ""},
	} {
		if got := h.near(c.in); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.in.IndexName, c.in.SearchConditionExpression, got, c.want)
		}
	}
	// The vector is told when it is asked for.
	in := query("schema", "tenant = :t", 1, t1)
	if it, _ := must(h, h.searchVectors, in).SearchResults[0].Item.Map(); it["v"] != nil || it["label"] != S("item a") {
		t.Errorf("%v", it)
	}
	in.ProjectionExpression = "v, p"
	if it, _ := must(h, h.searchVectors, in).SearchResults[0].Item.Map(); fmt.Sprint(it["v"]) != "[1.0 0.0 0.0]" || len(it) != 2 {
		t.Errorf("%v", it)
	}
	for _, c := range []struct {
		in   *ddb.SearchVectorsInput
		want string
	}{
		{query("cosine", "", 101, nil), "Provided TopK value '101' is out of valid range. The value must be between 1 and 100 inclusive"},
		{query("schema", "", 1, nil), "SearchConditionExpression must be provided when SearchSchema has a HASH key"},
		{query("schema", "kind = :t", 1, t1), "SearchConditionExpression must be provided when SearchSchema has a HASH key"},
		{query("schema", "tenant < :t", 1, t1), "Invalid SearchConditionExpression: Invalid comparator used in SearchConditionExpression"},
		{query("schema", "tenant = :t AND kind < :t", 1, t1), "Invalid SearchConditionExpression: Invalid comparator used in SearchConditionExpression"},
		{query("schema", "tenant = :t OR kind = :t", 1, t1), "Invalid SearchConditionExpression: Invalid comparator used in SearchConditionExpression"},
		{query("cosine", "tenant = :t", 1, t1), "SearchConditionExpression must not contain any attributes that is not in SearchSchema. Invalid attribute: tenant"},
		{query("schema", "tenant = :t", 1, item.Item{":t": N("1")}), "Type of 'tenant' attribute in SearchConditionExpression (N) does not match type in search schema (S)"},
		{query("schema", "tenant = :t", 1, item.Item{":t": S("")}), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: tenant"},
		{query("schema", "bucket = :t", 1, t1), "Invalid SearchConditionExpression: Attribute name is a reserved keyword; reserved keyword: bucket"},
		{query("schema", "tenant = :t AND kind = :k", 1, t1), "Invalid SearchConditionExpression: An expression attribute value used in expression is not defined; attribute value: :k"},
		{query("cosine", "", 1, t1), "ExpressionAttributeValues can only be specified when using expressions: SearchConditionExpression is null"},
		{query("absent", "", 1, nil), "The table does not have the specified index: absent"},
		{&ddb.SearchVectorsInput{TableName: "table", IndexName: "cosine", TopK: new(int32(1)), SearchVector: numbers("1", "0")}, "Input search vector dimension 2 does not match vector index dimension 3"},
		{&ddb.SearchVectorsInput{TableName: "table", IndexName: "cosine", TopK: new(int32(1)), SearchVector: []attribute.Value{attribute.L(numbers("1", "0", "0"))}},
			"Search vector contains invalid values. All values in the search vector must be a 32-bit floating-point number attribute"},
		{&ddb.SearchVectorsInput{TableName: "nowhere", IndexName: "cosine", TopK: new(int32(1)), SearchVector: numbers("1")}, "Requested resource not found"},
	} {
		if got := fails(h, h.searchVectors, c.in); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := fails(h, h.query, &ddb.QueryInput{TableName: "table", IndexName: "schema", KeyConditionExpression: new("tenant = :t"), ExpressionAttributeValues: t1}); got != "The table does not have the specified index: schema" {
		t.Errorf("a query of a vector index: %q", got)
	}
}

func TestVectorWrites(t *testing.T) {
	h := newHost(t)
	must(h, h.createTable, vectorTable("table", vectorOf("plain", "COSINE"), vectorOf("schema", "COSINE", "tenant")))
	for _, c := range []struct {
		it   item.Item
		want string
	}{
		{item.Item{"p": S("x"), "v": attribute.L(numbers("1", "0"))}, "One or more parameter values were invalid. Invalid size for parameter v, Expected: 3, Actual: 2 IndexName: plain"},
		{item.Item{"p": S("x"), "v": attribute.L{N("1"), S("oops"), N("0")}}, "One or more parameter values were invalid. Invalid type for parameter v[1], Expected: 32-bit floating point number, Actual: S. IndexName: plain"},
		{item.Item{"p": S("x"), "v": S("none")}, "One or more parameter values were invalid. Invalid type for parameter v, Expected: 32-bit floating point number list IndexName: plain"},
		{item.Item{"p": S("x"), "tenant": S(""), "v": attribute.L(numbers("1", "0", "0"))}, "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: schema, IndexKey: tenant"},
	} {
		if got := fails(h, h.putItem, &ddb.PutItemInput{TableName: "table", Item: c.it}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	put := func(it item.Item) *ddb.ConsumedCapacity {
		return must(h, h.putItem, &ddb.PutItemInput{TableName: "table", Item: it, ReturnConsumedCapacity: ddb.ReturnConsumedCapacityIndexes}).ConsumedCapacity
	}
	it := item.Item{"p": S("a"), "tenant": S("t"), "v": attribute.L(numbers("1", "0", "0")), "pad": S(strings.Repeat("x", 2000))}
	want := float64(1 + 1 + 6 + 1 + 1 + 12 + 3 + 2000)
	if got := put(it); *got.VectorIndexes["plain"].VectorWriteRequestBytes != want || *got.VectorIndexes["schema"].VectorWriteRequestBytes != want || *got.CapacityUnits != 2 {
		t.Errorf("%v, want %v", got, want)
	}
	if got := put(it); got.VectorIndexes != nil {
		t.Errorf("nothing changed, and yet %v", got.VectorIndexes)
	}
	if got := put(item.Item{"p": S("b"), "v": attribute.L(numbers("1", "0", "0"))}); *got.VectorIndexes["plain"].VectorWriteRequestBytes != 1024 || got.VectorIndexes["schema"] != nil {
		t.Errorf("%v", got.VectorIndexes)
	}
	top := int32(10)
	in := &ddb.SearchVectorsInput{TableName: "table", IndexName: "plain", SearchVector: numbers("1", "0", "0"), TopK: &top}
	must(h, h.updateItem, &ddb.UpdateItemInput{TableName: "table", Key: item.Item{"p": S("b")}, UpdateExpression: new("REMOVE v")})
	if got := h.near(in); got != "a=0.00" {
		t.Errorf("%q", got)
	}
	if got := fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "table", Key: item.Item{"p": S("b")}, UpdateExpression: new("SET v = :v"), ExpressionAttributeValues: item.Item{":v": S("x")}}); !strings.Contains(got, "Invalid type for parameter v") {
		t.Errorf("%q", got)
	}
}

func TestVectorIndexes(t *testing.T) {
	h := newHost(t)
	large, other := vectorOf("large", "COSINE"), vectorOf("other", "COSINE")
	large.Dimensions, other.Dimensions = new(int64(4097)), new(int64(4))
	provisioned := vectorTable("table", vectorOf("one", "COSINE"))
	provisioned.BillingMode, provisioned.ProvisionedThroughput = "", &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(1)), WriteCapacityUnits: new(int64(1))}
	undefined := vectorTable("table", vectorOf("one", "COSINE", "tenant"))
	undefined.AttributeDefinitions = undefined.AttributeDefinitions[:1]
	var six []*ddb.VectorIndex
	for i := range 6 {
		six = append(six, vectorOf(fmt.Sprintf("index%d", i), "COSINE"))
	}
	const invalid = "One or more parameter values were invalid: "
	for _, c := range []struct {
		in   *ddb.CreateTableInput
		want string
	}{
		{provisioned, invalid + "Vector indexes are only supported for PAY_PER_REQUEST tables"},
		{undefined, invalid + "One element in SearchSchema is not defined in attribute definitions"},
		{vectorTable("table", large), invalid + "Number of dimensions must be between 1 and 4096 inclusive."},
		{vectorTable("table", six...), invalid + "VectorIndex count exceeds the per-table limit of 5"},
		{vectorTable("table", vectorOf("one", "COSINE"), other), invalid + "Conflicting attribute definition for 'v'. All VectorIndexes on the same vector attribute must use the same dimensions."},
	} {
		if got := fails(h, h.createTable, c.in); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	h.create("table", "p:S")
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 120 {
		h.put("table", item.Item{"p": S(fmt.Sprint(i)), "v": attribute.L(numbers(fmt.Sprint(r.Float32()), fmt.Sprint(r.Float32()), fmt.Sprint(r.Float32())))})
	}
	h.put("table", item.Item{"p": S("x"), "v": S("no vector")})
	created := must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "table", VectorIndexUpdates: []*ddb.VectorIndexUpdate{{Create: (*ddb.CreateVectorIndexAction)(vectorOf("later", "EUCLIDEAN"))}}}).TableDescription
	if len(created.VectorIndexes) != 1 || created.VectorIndexes[0].IndexStatus != ddb.IndexStatusCreating {
		t.Errorf("%+v", created.VectorIndexes)
	}
	in := &ddb.SearchVectorsInput{TableName: "table", IndexName: "later", SearchVector: numbers("0.5", "0.5", "0.5"), TopK: new(int32(100))}
	if got := fails(h, h.searchVectors, in); got != "Cannot search backfilling vector index: later" {
		t.Errorf("%q", got)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	results := must(h, h.searchVectors, in).SearchResults
	if len(results) != 100 || !slices.IsSortedFunc(results, func(a, b *ddb.SearchResultItem) int { return int(1e6 * (*a.Score - *b.Score)) }) {
		t.Errorf("%d results, or not in order", len(results))
	}
	if d := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "table"}).Table.VectorIndexes[0]; *d.ItemCount != 120 || d.IndexStatus != ddb.IndexStatusActive || d.Backfilling != nil {
		t.Errorf("%+v", d)
	}
	if got := fails(h, h.updateTable, &ddb.UpdateTableInput{TableName: "table", BillingMode: ddb.BillingModeProvisioned, ProvisionedThroughput: provisioned.ProvisionedThroughput}); !strings.Contains(got, "Vector indexes are only supported") {
		t.Errorf("%q", got)
	}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "table", VectorIndexUpdates: []*ddb.VectorIndexUpdate{{Delete: &ddb.DeleteVectorIndexAction{IndexName: "later"}}}})
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fails(h, h.searchVectors, in); got != "The table does not have the specified index: later" {
		t.Errorf("%q", got)
	}
}
