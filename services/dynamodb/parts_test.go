package dynamodb

import (
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// A scan takes a unit at least of each partition that it passes, of which a new
// on-demand table has four.
func TestScanOfPartitions(t *testing.T) {
	h := newHost(t)
	h.kinds("things")
	h.create("empty", "p:S")
	attributes, key := define("p:S")
	must(h, h.createTable, &ddb.CreateTableInput{TableName: "provisioned", AttributeDefinitions: attributes, KeySchema: key, ProvisionedThroughput: capacity(5, 5)})
	for _, table := range []string{"things", "provisioned"} {
		h.put(table, item.Item{"p": S("a"), "kind": S("cat")})
	}
	segment := func(n int32, in *ddb.ScanInput) *ddb.ScanInput {
		in.Segment, in.TotalSegments = &n, new(int32(4))
		return in
	}
	for name, c := range map[string]struct {
		in   *ddb.ScanInput
		want float64
	}{
		"one small item":         {&ddb.ScanInput{TableName: "things"}, 2},
		"consistent":             {&ddb.ScanInput{TableName: "things", ConsistentRead: new(true)}, 4},
		"counted":                {&ddb.ScanInput{TableName: "things", Select: ddb.SelectCount}, 2},
		"an index":               {&ddb.ScanInput{TableName: "things", IndexName: "kinds"}, 2},
		"nothing":                {&ddb.ScanInput{TableName: "empty"}, 2},
		"provisioned":            {&ddb.ScanInput{TableName: "provisioned"}, 0.5},
		"the first of segments":  {segment(0, &ddb.ScanInput{TableName: "things"}), 0.5},
		"the second of segments": {segment(1, &ddb.ScanInput{TableName: "things"}), 0.5},
		"the last of segments":   {segment(3, &ddb.ScanInput{TableName: "empty"}), 0.5},
	} {
		c.in.ReturnConsumedCapacity = ddb.ReturnConsumedCapacityTotal
		if got := *must(h, h.scan, c.in).ConsumedCapacity.CapacityUnits; got != c.want {
			t.Errorf("%s: %v units, want %v", name, got, c.want)
		}
	}

	// Pages take what they read of where they are.
	sum, pages := 0.0, 0
	for n := range 40 {
		h.put("things", item.Item{"p": S(string(rune('A' + n)))})
	}
	in := &ddb.ScanInput{TableName: "things", Limit: new(int32(1)), ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal}
	for {
		out := must(h, h.scan, in)
		sum, pages = sum+*out.ConsumedCapacity.CapacityUnits, pages+1
		if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
			break
		}
	}
	// One page has nothing; three begin in one partition and end in the next.
	if pages != 41 || sum != 41*0.5+3*0.5 {
		t.Errorf("%d pages took %v", pages, sum)
	}
}
