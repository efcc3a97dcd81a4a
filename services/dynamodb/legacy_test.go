package dynamodb

import (
	"reflect"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func asked(operator ddb.ComparisonOperator, values ...attribute.Value) *ddb.Condition {
	return &ddb.Condition{ComparisonOperator: operator, AttributeValueList: values}
}

func TestExpected(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.put("things", item.Item{"p": S("a"), "n": N("5"), "s": S("hello"), "ss": attribute.SS{"x", "y"}})
	value := func(operator ddb.ComparisonOperator, values ...attribute.Value) *ddb.ExpectedAttributeValue {
		return &ddb.ExpectedAttributeValue{ComparisonOperator: operator, AttributeValueList: values}
	}
	type expectation = map[string]*ddb.ExpectedAttributeValue
	for i, c := range []struct {
		expected expectation
		operator ddb.ConditionalOperator
		want     bool
	}{
		{expectation{"n": {Value: N("5.0")}}, "", true},
		{expectation{"n": {Value: N("5"), Exists: new(true)}}, "", true},
		{expectation{"n": {Value: N("6")}}, "", false},
		{expectation{"q": {Exists: new(false)}}, "", true},
		{expectation{"n": {Exists: new(false)}}, "", false},
		{expectation{"n": value("NE", N("6"))}, "", true},
		{expectation{"q": value("NE", N("6"))}, "", true},
		{expectation{"n": value("BETWEEN", N("1"), N("5"))}, "", true},
		{expectation{"n": value("IN", N("1"), N("5"))}, "", true},
		{expectation{"n": value("GT", N("5"))}, "", false},
		{expectation{"s": value("BEGINS_WITH", S("he"))}, "", true},
		{expectation{"ss": value("CONTAINS", S("x"))}, "", true},
		{expectation{"ss": value("NOT_CONTAINS", S("z"))}, "", true},
		{expectation{"q": value("NOT_CONTAINS", S("z"))}, "", false},
		{expectation{"q": value("NULL"), "n": value("NOT_NULL")}, "", true},
		{expectation{"q": value("NOT_NULL"), "n": value("NOT_NULL")}, ddb.ConditionalOperatorOr, true},
		{expectation{"q": value("NOT_NULL"), "n": value("NOT_NULL")}, ddb.ConditionalOperatorAnd, false},
	} {
		_, err := h.updateItem(h.call(), &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("a")}, Expected: c.expected, ConditionalOperator: c.operator})
		if (err == nil) != c.want || err != nil && !isA[*ddb.ConditionalCheckFailedException](err) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestAttributeUpdates(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.put("things", item.Item{"p": S("a"), "n": N("5"), "ss": attribute.SS{"x", "y"}, "l": attribute.L{N("1")}, "gone": S("")})
	out := must(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("a")}, ReturnValues: ddb.ReturnValueAllNew, AttributeUpdates: map[string]*ddb.AttributeValueUpdate{
		"n": {Action: "ADD", Value: N("1")}, "m": {Action: "ADD", Value: N("1")}, "ss": {Action: "DELETE", Value: attribute.SS{"x"}},
		"l": {Action: "ADD", Value: attribute.L{N("2")}}, "gone": {Action: "DELETE"}, "put": {Value: S("v")},
	}})
	want := item.Item{"p": S("a"), "n": N("6"), "m": N("1"), "ss": attribute.SS{"y"}, "l": attribute.L{N("1"), N("2")}, "put": S("v")}
	if !reflect.DeepEqual(valuesOf(out.Attributes), want) {
		t.Errorf("%v", out.Attributes)
	}
	if got, want := fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "things", Key: item.Item{"p": S("a")}, AttributeUpdates: map[string]*ddb.AttributeValueUpdate{"put": {Action: "ADD", Value: N("1")}}}),
		"Type mismatch for attribute to update"; got != want {
		t.Error(got)
	}
}

func TestLegacyListing(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S", "s:N")
	for _, n := range []N{"1", "2", "3"} {
		h.put("things", item.Item{"p": S("a"), "s": n, "v": n})
	}
	out := must(h, h.Service.query, &ddb.QueryInput{TableName: "things", AttributesToGet: []string{"v"},
		KeyConditions: map[string]*ddb.Condition{"p": asked("EQ", S("a")), "s": asked("GE", N("2"))}, QueryFilter: map[string]*ddb.Condition{"v": asked("NE", N("3"))}})
	if !reflect.DeepEqual(itemsOf(out.Items), []item.Item{{"v": N("2")}}) || *out.ScannedCount != 2 {
		t.Errorf("%v", out.Items)
	}
	scanned := must(h, h.Service.scan, &ddb.ScanInput{TableName: "things", ConditionalOperator: ddb.ConditionalOperatorOr,
		ScanFilter: map[string]*ddb.Condition{"v": asked("LT", N("2")), "s": asked("IN", N("3"), N("4"))}})
	if len(scanned.Items) != 2 {
		t.Errorf("%v", scanned.Items)
	}
}

// TestLegacyErrors states what AWS answers to the older parameters.
func TestLegacyErrors(t *testing.T) {
	h := newHost(t)
	h.create("hash", "a:S")
	h.create("range", "a:S", "b:S")
	const invalid = "One or more parameter values were invalid: "
	expecting := func(e *ddb.ExpectedAttributeValue) string {
		return fails(h, h.putItem, &ddb.PutItemInput{TableName: "abc", Item: item.Item{}, Expected: map[string]*ddb.ExpectedAttributeValue{"a": e}})
	}
	updating := func(u *ddb.AttributeValueUpdate) string {
		return fails(h, h.updateItem, &ddb.UpdateItemInput{TableName: "abc", Key: item.Item{}, AttributeUpdates: map[string]*ddb.AttributeValueUpdate{"a": u}})
	}
	filtering := func(c *ddb.Condition) string {
		return fails(h, h.Service.scan, &ddb.ScanInput{TableName: "abc", ScanFilter: map[string]*ddb.Condition{"a": c}})
	}
	querying := func(table string, c map[string]*ddb.Condition) string {
		return fails(h, h.Service.query, &ddb.QueryInput{TableName: table, KeyConditions: c})
	}
	type conditions = map[string]*ddb.Condition
	list := []attribute.Value{S("a")}
	for i, c := range [][2]string{
		{expecting(&ddb.ExpectedAttributeValue{}), invalid + "Value must be provided when Exists is null for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{Exists: new(true)}), invalid + "Value must be provided when Exists is true for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{Exists: new(false), Value: S("a")}), invalid + "Value cannot be used when Exists is false for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{ComparisonOperator: "LT"}), invalid + "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{ComparisonOperator: "LT", Exists: new(true)}), invalid + "Exists and ComparisonOperator cannot be used together for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{ComparisonOperator: "LT", Value: S("a"), AttributeValueList: list}), invalid + "Value and AttributeValueList cannot be used together for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{Exists: new(true), AttributeValueList: list}), invalid + "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"},
		{expecting(&ddb.ExpectedAttributeValue{ComparisonOperator: "EQ", AttributeValueList: list[:0]}), invalid + "Invalid number of argument(s) for the EQ ComparisonOperator"},
		{expecting(&ddb.ExpectedAttributeValue{ComparisonOperator: "NULL", Value: S("a")}), invalid + "Invalid number of argument(s) for the NULL ComparisonOperator"},
		{updating(&ddb.AttributeValueUpdate{}), invalid + "Only DELETE action is allowed when no attribute value is specified"},
		{updating(&ddb.AttributeValueUpdate{Action: "DELETE", Value: N("1")}), invalid + "DELETE action with value is not supported for the type N"},
		{updating(&ddb.AttributeValueUpdate{Action: "ADD", Value: attribute.M{}}), invalid + "ADD action is not supported for the type M"},
		{filtering(asked("BETWEEN", S("a"))), invalid + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
		{filtering(asked("IN", S("a"), N("1"))), invalid + "AttributeValues inside AttributeValueList must be of same type"},
		{filtering(asked("LT", attribute.BOOL(true))), invalid + "ComparisonOperator LT is not valid for BOOL AttributeValue type"},
		{filtering(asked("BETWEEN", S("b"), S("a"))), "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"},
		{fails(h, h.Service.scan, &ddb.ScanInput{TableName: "abc", ConditionalOperator: "OR"}), "ConditionalOperator cannot be used without Filter or Expected"},
		{querying("abc", conditions{}), "Conditions can be of length 1 or 2 only"},
		{querying("hash", conditions{"z": asked("NULL")}), "Query condition missed key schema element: a"},
		{querying("hash", conditions{"a": asked("NE", S("a"))}), "Attempted conditional constraint is not an indexable operation"},
		{querying("range", conditions{"a": asked("EQ", S("a")), "b": asked("CONTAINS", S("a"))}), "Attempted conditional constraint is not an indexable operation"},
		{querying("hash", conditions{"a": asked("LT", S("a"))}), "Query key condition not supported"},
		{fails(h, h.Service.query, &ddb.QueryInput{TableName: "hash", KeyConditions: conditions{"a": asked("EQ", S("a"))}, QueryFilter: conditions{"a": asked("EQ", S("a"))}}),
			"QueryFilter can only contain non-primary key attributes: Primary key attribute: a"},
	} {
		if c[0] != c[1] {
			t.Errorf("%d\n got %s\nwant %s", i, c[0], c[1])
		}
	}
}
