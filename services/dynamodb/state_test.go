package dynamodb

import (
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/service"
)

// Tables take as long to change as the configuration says.
func TestStates(t *testing.T) {
	h := newHost(t)
	h.env.Config.DynamoDB = service.DynamoDBConfig{CreateDelay: 10 * time.Second, UpdateDelay: 20 * time.Second, DeleteDelay: 30 * time.Second, IndexDelay: 40 * time.Second}
	status := func() ddb.TableStatus {
		return must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.TableStatus
	}
	get := &ddb.GetItemInput{TableName: "things", Key: item.Item{"p": S("a")}}
	protect := &ddb.UpdateTableInput{TableName: "things", DeletionProtectionEnabled: new(false)}
	remove := &ddb.DeleteTableInput{TableName: "things"}
	inUse := func(what string) {
		t.Helper()
		want := "Attempt to change a resource which is still in use: " + what
		if got := fails(h, h.updateTable, protect); got != want {
			t.Errorf("changed: %q", got)
		}
		if got := fails(h, h.deleteTable, remove); got != want {
			t.Errorf("deleted: %q", got)
		}
	}
	h.create("things", "p:S")
	if status() != ddb.TableStatusCreating || fails(h, h.getItem, get) != "Requested resource not found" {
		t.Error("it is there at once")
	}
	inUse("Table is being created: things")
	if got := fails(h, h.describeTimeToLive, &ddb.DescribeTimeToLiveInput{TableName: "things"}); got != "Cannot describe time to live while table is in CREATING state: Current table state is CREATING" {
		t.Errorf("%q", got)
	}
	h.clock.Advance(10 * time.Second)
	if status() != ddb.TableStatusActive {
		t.Error("it does not become active")
	}
	h.put("things", item.Item{"p": S("a"), "k": S("b")})

	indexed, indexKey := define("k:S")
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", AttributeDefinitions: indexed, GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{
		{Create: &ddb.CreateGlobalSecondaryIndexAction{IndexName: "index", KeySchema: indexKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}}}})
	h.drain()
	if status() != ddb.TableStatusUpdating || h.get("things", get.Key) == nil {
		t.Error("it is not updating, or can not be read")
	}
	inUse("Table: things is in the process of being updated.")
	index := func() ddb.IndexStatus {
		return must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.GlobalSecondaryIndexes[0].IndexStatus
	}
	h.clock.Advance(20 * time.Second)
	h.drain()
	if status() != ddb.TableStatusActive || index() != ddb.IndexStatusCreating {
		t.Errorf("then it is %s, the index %s", status(), index())
	}
	h.clock.Advance(20 * time.Second)
	h.drain()
	if index() != ddb.IndexStatusActive || len(h.contents("things", "index")) != 1 {
		t.Errorf("in the end the index is %s", index())
	}

	must(h, h.deleteTable, remove)
	if status() != ddb.TableStatusDeleting || fails(h, h.getItem, get) != "Requested resource not found" {
		t.Error("it is gone at once")
	}
	inUse("Table is being deleted: things")
	h.clock.Advance(30 * time.Second)
	h.drain()
	if got := fails(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}); got != "Requested resource not found: Table: things not found" {
		t.Errorf("%q", got)
	}
	if n := h.keysUnder(serviceKey().String("000000000000")) + h.keysUnder(worksKey()); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}
