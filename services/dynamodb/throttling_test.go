package dynamodb

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/throttle"
)

const (
	tableExceeded = "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."
	indexExceeded = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. " +
		"Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API"
	mostExceeded = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
)

// newThrottled is a host with limits, and the table "things", which may read and
// write one unit a second, as may its global index by k; it has a local index by l.
func newThrottled(t *testing.T) *host {
	h := newHost(t)
	h.throttle = throttle.New()
	attributes, key := define("p:S", "s:S")
	byK, keyK := define("k:S")
	byL, keyL := define("p:S", "l:S")
	one := &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(1)), WriteCapacityUnits: new(int64(1))}
	all := &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: "things", KeySchema: key, AttributeDefinitions: append(append(attributes, byK...), byL[1]), ProvisionedThroughput: one,
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "byK", KeySchema: keyK, Projection: all, ProvisionedThroughput: one}},
		LocalSecondaryIndexes:  []*ddb.LocalSecondaryIndex{{IndexName: "byL", KeySchema: keyL, Projection: all}},
	})
	return h
}

// key is that of one of a throttled table's items.
func throttledKey(n string) item.Item { return item.Item{"p": S("p"), "s": S(n)} }

// sized is an item of so many KB, with further attributes.
func sized(n string, kb int, further item.Item) item.Item {
	it := throttledKey(n)
	for name, v := range further {
		it[name] = v
	}
	it["pad"] = S(strings.Repeat("x", kb<<10-item.Size(it)-len("pad")))
	return it
}

// drainWrites takes all 300 units that the table has saved for writes: 200 with
// an item that is in no index, and 100 with one that is counted twice for the local index.
func (h *host) drainWrites() {
	h.t.Helper()
	h.put("things", sized("large", 200, nil))
	h.put("things", sized("local", 50, item.Item{"l": S("l")}))
}

// exceeded checks an error and its reason, "" for none.
func exceeded(t *testing.T, err error, text, reason, resource string) {
	t.Helper()
	var got []*ddb.ThrottlingReason
	switch e := err.(type) {
	case *ddb.ProvisionedThroughputExceededException:
		if got = e.ThrottlingReasons; e.Message != text {
			t.Errorf("%q", e.Message)
		}
	case *ddb.ThrottlingException:
		if got = e.ThrottlingReasons; e.Message != text {
			t.Errorf("%q", e.Message)
		}
	default:
		t.Fatalf("%v", err)
	}
	if len(got) != 1 || got[0].Reason != reason || got[0].Resource != "arn:aws:dynamodb:us-east-1:000000000000:table/"+resource {
		t.Errorf("%+v", got[0])
	}
}

// A table takes what it has saved in 300 seconds at once, and then a unit a second.
func TestThrottledItems(t *testing.T) {
	h := newThrottled(t)
	h.drainWrites()
	writes := map[string]func() error{
		"PutItem": func() error {
			_, err := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: throttledKey("a")})
			return err
		},
		"UpdateItem": func() error {
			_, err := h.updateItem(h.call(), &ddb.UpdateItemInput{TableName: "things", Key: throttledKey("a")})
			return err
		},
		"DeleteItem": func() error {
			_, err := h.deleteItem(h.call(), &ddb.DeleteItemInput{TableName: "things", Key: throttledKey("a")})
			return err
		},
		"ExecuteStatement": func() error {
			_, err := h.executeStatement(h.call(), &ddb.ExecuteStatementInput{Statement: `DELETE FROM things WHERE p = 'p' AND s = 'a'`})
			return err
		},
		"a condition that fails": func() error {
			_, err := h.deleteItem(h.call(), &ddb.DeleteItemInput{TableName: "things", Key: throttledKey("a"), ConditionExpression: new("attribute_exists(p)")})
			return err
		},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			exceeded(t, write(), tableExceeded, "TableWriteProvisionedThroughputExceeded", "things")
			h.clock.Advance(time.Second)
			if err := write(); err != nil && name != "a condition that fails" {
				t.Error(err)
			}
			exceeded(t, write(), tableExceeded, "TableWriteProvisionedThroughputExceeded", "things")
			if name == "PutItem" {
				return
			}
			if h.get("things", throttledKey("a")) != nil && name == "DeleteItem" {
				t.Error("it is there")
			}
		})
	}
	h.clock.Advance(-time.Hour) // a clock that is set back takes nothing away and gives nothing
	if err := writes["PutItem"](); err == nil {
		t.Error("a clock that goes back gives capacity")
	}
	h.clock.Advance(2 * time.Hour)
	h.drainWrites()
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", ProvisionedThroughput: &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(1)), WriteCapacityUnits: new(int64(100))}})
	h.clock.Advance(2 * time.Second)
	for range 200 {
		if err := writes["DeleteItem"](); err != nil {
			t.Fatal(err)
		}
	}
}

// Reads are counted apart from writes, by what was read.
func TestThrottledReads(t *testing.T) {
	h := newThrottled(t)
	h.put("things", sized("a", 100, item.Item{"k": S("k")}))
	reads := map[string]func() error{
		"GetItem": func() error { // 25 units
			_, err := h.getItem(h.call(), &ddb.GetItemInput{TableName: "things", Key: throttledKey("a"), ConsistentRead: new(true)})
			return err
		},
		"Query": func() error {
			_, err := h.query(h.call(), &ddb.QueryInput{TableName: "things", ConsistentRead: new(true), KeyConditionExpression: new("p = :p"), ExpressionAttributeValues: item.Item{":p": S("p")}})
			return err
		},
		"Scan": func() error {
			_, err := h.scan(h.call(), &ddb.ScanInput{TableName: "things", ConsistentRead: new(true)})
			return err
		},
		"SELECT": func() error {
			_, err := h.executeStatement(h.call(), &ddb.ExecuteStatementInput{Statement: "SELECT * FROM things", ConsistentRead: new(true)})
			return err
		},
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			for range 12 {
				if err := read(); err != nil {
					t.Fatal(err)
				}
			}
			exceeded(t, read(), tableExceeded, "TableReadProvisionedThroughputExceeded", "things")
			h.put("things", throttledKey("b"))
			h.clock.Advance(time.Hour)
		})
	}
	byIndex := func() error { // 12.5 units
		_, err := h.scan(h.call(), &ddb.ScanInput{TableName: "things", IndexName: "byK"})
		return err
	}
	for range 24 {
		if err := byIndex(); err != nil {
			t.Fatal(err)
		}
	}
	exceeded(t, byIndex(), indexExceeded, "IndexReadProvisionedThroughputExceeded", "things/index/byK")
	if err := reads["Scan"](); err != nil {
		t.Error("the index takes what is the table's")
	}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", BillingMode: ddb.BillingModePayPerRequest})
	for range 50 {
		if err := byIndex(); err != nil {
			t.Fatal("an on-demand table has a limit")
		}
	}
}

// A write is refused for a global index that it changes, and only then.
func TestThrottledIndex(t *testing.T) {
	h := newThrottled(t)
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", ProvisionedThroughput: &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(1)), WriteCapacityUnits: new(int64(10))}})
	h.clock.Advance(300 * time.Second)
	h.put("things", sized("a", 300, item.Item{"k": S("k")}))
	in := &ddb.PutItemInput{TableName: "things", Item: item.Item{"p": S("p"), "s": S("b"), "k": S("k")}}
	_, err := h.putItem(h.call(), in)
	exceeded(t, err, indexExceeded, "IndexWriteProvisionedThroughputExceeded", "things/index/byK")
	h.put("things", throttledKey("b"))
	h.clock.Advance(time.Second)
	must(h, h.putItem, in)
}

// The most that an on-demand table was given is a limit as well.
func TestThrottledOnDemand(t *testing.T) {
	h := newHost(t)
	h.throttle = throttle.New()
	attributes, key := define("p:S", "s:S")
	must(h, h.createTable, &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		OnDemandThroughput: &ddb.OnDemandThroughput{MaxWriteRequestUnits: new(int64(1))}})
	h.put("things", sized("a", 300, nil))
	_, err := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: throttledKey("b")})
	exceeded(t, err, mostExceeded, "TableWriteMaxOnDemandThroughputExceeded", "things")
	for range 20 { // 38 units each
		must(h, h.getItem, &ddb.GetItemInput{TableName: "things", Key: throttledKey("a"), ConsistentRead: new(true)})
	}
	_, err = h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{{Put: &ddb.Put{TableName: "things", Item: throttledKey("b")}}}})
	if got := reasons(t, err); !reflect.DeepEqual(got, []string{"ThrottlingError"}) {
		t.Error(got)
	}
	out := must(h, h.batchExecuteStatement, &ddb.BatchExecuteStatementInput{Statements: []*ddb.BatchStatementRequest{{Statement: `DELETE FROM things WHERE p = 'p' AND s = 'a'`}}})
	if e := out.Responses[0].Error_; e == nil || e.Code != ddb.BatchStatementErrorCodeEnumThrottlingError || e.Message != mostExceeded {
		t.Errorf("%+v", e)
	}
}

// A batch does what there is capacity for, and fails when that is nothing.
func TestThrottledBatches(t *testing.T) {
	h := newThrottled(t)
	h.create("others", "p:S", "s:S")
	put := func(it item.Item) *ddb.WriteRequest { return &ddb.WriteRequest{PutRequest: &ddb.PutRequest{Item: it}} }
	write := func(tables ...string) (*ddb.BatchWriteItemOutput, error) {
		in := &ddb.BatchWriteItemInput{RequestItems: map[string][]*ddb.WriteRequest{}, ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal}
		for _, name := range tables {
			in.RequestItems[name] = []*ddb.WriteRequest{put(sized("a", 299, nil)), put(sized("b", 300, nil)), put(throttledKey("c")), put(throttledKey("d"))}
		}
		return h.batchWriteItem(h.call(), in)
	}
	out, err := write("things", "others")
	if err != nil {
		t.Fatal(err)
	}
	if left := out.UnprocessedItems; len(left) != 1 || len(left["things"]) != 2 || valuesOf(left["things"][0].PutRequest.Item)["s"] != attribute.Value(S("c")) {
		t.Errorf("left: %v", left)
	}
	if took := out.ConsumedCapacity; len(took) != 2 || *took[0].CapacityUnits != 601 || *took[1].CapacityUnits != 599 {
		t.Errorf("took %v and %v", *took[0].CapacityUnits, *took[1].CapacityUnits)
	}
	if h.get("things", throttledKey("b")) == nil || h.get("things", throttledKey("c")) != nil || h.get("others", throttledKey("d")) == nil {
		t.Error("what is written is something else")
	}
	_, err = write("things")
	exceeded(t, err, tableExceeded, "TableWriteProvisionedThroughputExceeded", "things")
	if out, err = write("things", "others"); err != nil || len(out.UnprocessedItems["things"]) != 4 {
		t.Errorf("%v", err)
	}
	h.clock.Advance(299 * time.Second)
	if _, err := write("things"); err == nil {
		t.Error("what was taken was not all counted")
	}
	h.clock.Advance(time.Second)
	if out, err := write("things"); err != nil || len(out.UnprocessedItems["things"]) != 3 {
		t.Errorf("what was taken was counted more than once: %v", err)
	}

	read := func() (*ddb.BatchGetItemOutput, error) {
		in := &ddb.BatchGetItemInput{RequestItems: map[string]*ddb.KeysAndAttributes{"things": {ConsistentRead: new(true)}}}
		for _, n := range []string{"a", "b", "c", "d"} { // 75, 75, 1 and 1 units
			in.RequestItems["things"].Keys = append(in.RequestItems["things"].Keys, throttledKey(n))
		}
		return h.batchGetItem(h.call(), in)
	}
	h.clock.Advance(time.Hour)
	if out, err := read(); err != nil || len(out.UnprocessedKeys) != 0 || len(out.Responses["things"]) != 2 {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := read(); err != nil || len(out.UnprocessedKeys["things"].Keys) != 2 || !*out.UnprocessedKeys["things"].ConsistentRead || len(out.Responses["things"]) != 2 {
		t.Errorf("%v, %v", out, err)
	}
	_, err = read()
	exceeded(t, err, tableExceeded, "TableReadProvisionedThroughputExceeded", "things")
}

// A transaction does all or nothing, and says which of its parts there is no
// capacity for. It takes twice as much as other requests.
func TestThrottledTransactions(t *testing.T) {
	h := newThrottled(t)
	put := func(it item.Item) *ddb.TransactWriteItem {
		return &ddb.TransactWriteItem{Put: &ddb.Put{TableName: "things", Item: it}}
	}
	write := &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{put(sized("a", 150, nil)), put(throttledKey("b"))}}
	_, err := h.transactWriteItems(h.call(), write)
	if got := reasons(t, err); !reflect.DeepEqual(got, []string{"None", "ProvisionedThroughputExceeded"}) {
		t.Error(got)
	}
	if text := err.(*ddb.TransactionCanceledException).CancellationReasons[1].Message; text != tableExceeded {
		t.Error(text)
	}
	h.clock.Advance(time.Hour)
	write.TransactItems[0] = put(sized("a", 149, nil))
	must(h, h.transactWriteItems, write)
	if _, err := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: throttledKey("c")}); err == nil {
		t.Error("a transaction takes less than twice as much")
	}
	get := func(n string) *ddb.TransactGetItem {
		return &ddb.TransactGetItem{Get: &ddb.Get{TableName: "things", Key: throttledKey(n)}}
	}
	read := &ddb.TransactGetItemsInput{TransactItems: []*ddb.TransactGetItem{get("a"), get("b")}} // 76 and 2 units
	for range 3 {
		must(h, h.transactGetItems, read)
	}
	h.clock.Advance(10 * time.Second) // 76 are left
	_, err = h.transactGetItems(h.call(), read)
	if got := reasons(t, err); !reflect.DeepEqual(got, []string{"None", "ProvisionedThroughputExceeded"}) {
		t.Error(got)
	}
}
