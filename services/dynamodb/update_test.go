package dynamodb

import (
	"reflect"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// An update of what is not there makes an item, but for one that only takes
// something away.
func TestUpdatesOfMissingItems(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	one := item.Item{":1": N("1")}
	for i, c := range []struct {
		in   ddb.UpdateItemInput
		made bool
	}{
		{ddb.UpdateItemInput{}, true},
		{ddb.UpdateItemInput{AttributeUpdates: map[string]*ddb.AttributeValueUpdate{}}, true},
		{ddb.UpdateItemInput{UpdateExpression: new("SET a = :1"), ExpressionAttributeValues: one}, true},
		{ddb.UpdateItemInput{UpdateExpression: new("REMOVE b ADD a :1"), ExpressionAttributeValues: one}, true},
		{ddb.UpdateItemInput{UpdateExpression: new("REMOVE a, b")}, false},
		{ddb.UpdateItemInput{UpdateExpression: new("DELETE a :s"), ExpressionAttributeValues: item.Item{":s": attribute.SS{"x"}}}, false},
		{ddb.UpdateItemInput{AttributeUpdates: map[string]*ddb.AttributeValueUpdate{"a": {Action: ddb.AttributeActionDelete}}}, false},
	} {
		key := item.Item{"p": S(string(rune('a' + i)))}
		c.in.TableName, c.in.Key, c.in.ReturnValues, c.in.ReturnConsumedCapacity = "things", key, ddb.ReturnValueAllNew, ddb.ReturnConsumedCapacityTotal
		out := must(h, h.updateItem, &c.in)
		if (out.Attributes != nil) != c.made || (h.get("things", key) != nil) != c.made || *out.ConsumedCapacity.CapacityUnits != 1 {
			t.Errorf("update %d answers %v for %v", i, out.Attributes, *out.ConsumedCapacity.CapacityUnits)
		}
	}
}

// What operators of the older parameters may be asked about.
func TestLegacyOperandTypes(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	list := attribute.L{N("1")}
	h.put("things", item.Item{"p": S("a"), "list": list, "bool": attribute.BOOL(true)})
	scan := func(name string, operator ddb.ComparisonOperator, v attribute.Value) *ddb.ScanInput {
		return &ddb.ScanInput{TableName: "things", ScanFilter: map[string]*ddb.Condition{name: {ComparisonOperator: operator, AttributeValueList: []attribute.Value{v}}}}
	}
	for _, in := range []*ddb.ScanInput{scan("list", "EQ", list), scan("bool", "EQ", attribute.BOOL(true)), scan("list", "NE", attribute.L{})} {
		if out := must(h, h.Service.scan, in); *out.Count != 1 {
			t.Errorf("%v finds %d", in.ScanFilter, *out.Count)
		}
	}
	const refusal = "One or more parameter values were invalid: ComparisonOperator "
	for operator, v := range map[ddb.ComparisonOperator]attribute.Value{"LE": list, "CONTAINS": list, "IN": attribute.M{}, "BEGINS_WITH": N("1")} {
		want := refusal + string(operator) + " is not valid for " + attribute.TypeOf(v) + " AttributeValue type"
		if got := fails(h, h.Service.scan, scan("list", operator, v)); got != want {
			t.Errorf("a filter: %s, want %s", got, want)
		}
		expected := map[string]*ddb.ExpectedAttributeValue{"list": {ComparisonOperator: operator, AttributeValueList: []attribute.Value{v}}}
		if got := fails(h, h.putItem, &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("a")}, Expected: expected}); got != want {
			t.Errorf("an expectation: %s, want %s", got, want)
		}
	}
}

// Names may not be empty, wherever they come from.
func TestEmptyNames(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	key := item.Item{"p": S("a")}
	const want = "One or more parameter values were invalid: Empty attribute name"
	for i, got := range []string{
		fails(h, h.putItem, &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("a"), "": S("b")}}),
		fails(h, h.putItem, &ddb.PutItemInput{TableName: "things", Item: key, Expected: map[string]*ddb.ExpectedAttributeValue{"": {Exists: new(false)}}}),
		fails(h, h.getItem, &ddb.GetItemInput{TableName: "things", Key: key, AttributesToGet: []string{""}}),
		fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: key, AttributeUpdates: map[string]*ddb.AttributeValueUpdate{"": {Action: ddb.AttributeActionDelete}}}),
	} {
		if got != want {
			t.Errorf("%d: %s", i, got)
		}
	}
}

// A key of many attributes is asked about from its beginning, without gaps.
func TestCompositeKeyConditions(t *testing.T) {
	h := newHost(t)
	attributes, key := define("h1:S", "h2:S", "r1:S", "r2:S")
	key[1].KeyType = ddb.KeyTypeHash
	p, table := define("p:S")
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: "things", KeySchema: table, AttributeDefinitions: append(p, attributes...), BillingMode: ddb.BillingModePayPerRequest,
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "g", KeySchema: key, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}},
	})
	h.put("things", item.Item{"p": S("a"), "h1": S("x"), "h2": S("x"), "r1": S("x"), "r2": S("x")})
	query := func(text string) *ddb.QueryInput {
		return &ddb.QueryInput{TableName: "things", IndexName: "g", KeyConditionExpression: &text, ExpressionAttributeValues: item.Item{":x": S("x")}}
	}
	for _, text := range []string{"h1 = :x AND h2 = :x", "h2 = :x AND h1 = :x AND r1 >= :x", "h1 = :x AND h2 = :x AND r1 = :x AND begins_with(r2, :x)"} {
		if out := must(h, h.Service.query, query(text)); *out.Count != 1 {
			t.Errorf("%s finds %d", text, *out.Count)
		}
	}
	for text, want := range map[string]string{
		"h2 = :x":                                     "HASH key attributes h1 must have equality conditions specified in the query",
		"h1 > :x AND r1 = :x":                         "HASH key attributes h1, h2 must have equality conditions specified in the query",
		"h1 = :x AND h2 = :x AND r2 = :x":             "RANGE key attributes r1 must have equality conditions specified in the query because a condition is present on key attribute r2",
		"h1 = :x AND h2 = :x AND r1 > :x AND r2 = :x": "RANGE key attributes r1 must have equality conditions specified in the query because a condition is present on key attribute r2",
	} {
		if got := fails(h, h.Service.query, query(text)); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestTagErrors(t *testing.T) {
	h := newHost(t)
	arn := h.create("things", "p:S").TableArn
	const invalid = "One or more parameter values were invalid: "
	tag := func(arn string, texts ...string) string {
		in := &ddb.TagResourceInput{ResourceArn: arn, Tags: []*ddb.Tag{}}
		for i := 0; i < len(texts); i += 2 {
			in.Tags = append(in.Tags, &ddb.Tag{Key: texts[i], Value: texts[i+1]})
		}
		return fails(h, h.tagResource, in)
	}
	for i, c := range [][2]string{
		{tag("things", "a", "b"), invalid + "ARNs must start with 'arn:': things"},
		{tag("arn:aws:s3:::things", "a", "b"), invalid + "Provided Arn is not a DynamoDB resource arn: arn:aws:s3:::things"},
		{tag(arn+"/index/g", "a", "b"), invalid + "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: " + arn + "/index/g"},
		{tag(arn), "Atleast one Tag needs to be provided as Input."},
		{tag(arn, "a", "b", "a", "c"), "Duplicate Tag Keys provided as input: Duplicate Tag Key found a"},
		{tag(arn, "aws:a", "b"), "Tag Key cannot be prefixed with aws:, Key: aws:a"},
		{tag(arn, "a!", "b"), "The Tag Key provided is invalid, Key: a!"},
		{tag(arn, "a", "b!"), "The Tag Value provided is invalid, Value: b!"},
	} {
		if c[0] != c[1] {
			t.Errorf("%d: %s\nwant %s", i, c[0], c[1])
		}
	}
	if out := must(h, h.listTagsOfResource, &ddb.ListTagsOfResourceInput{ResourceArn: arn}); !reflect.DeepEqual(out.Tags, []*ddb.Tag{}) {
		t.Errorf("what failed has left %v", out.Tags)
	}
}
