package dynamodb

import (
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// What UpdateTable refuses, in the words recorded from AWS.
func TestUpdateTableErrors(t *testing.T) {
	h := newHost(t)
	attributes, key := define("p:S", "s:S")
	_, local := define("p:S", "l:N")
	_, global := define("g:S")
	units := &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(1)), WriteCapacityUnits: new(int64(1))}
	all := &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}
	more, _ := define("l:N", "g:S")
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: "things", KeySchema: key, AttributeDefinitions: append(attributes, more...), ProvisionedThroughput: units,
		LocalSecondaryIndexes:  []*ddb.LocalSecondaryIndex{{IndexName: "local", KeySchema: local, Projection: all}},
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "global", KeySchema: global, Projection: all, ProvisionedThroughput: units}},
	})
	const invalid = "One or more parameter values were invalid: "
	indexes := func(u ...*ddb.GlobalSecondaryIndexUpdate) ddb.UpdateTableInput {
		return ddb.UpdateTableInput{GlobalSecondaryIndexUpdates: u}
	}
	create := &ddb.CreateGlobalSecondaryIndexAction{IndexName: "new", KeySchema: global, Projection: all, ProvisionedThroughput: units}
	redefining := indexes(&ddb.GlobalSecondaryIndexUpdate{Create: create})
	redefining.AttributeDefinitions, _ = define("g:N")
	withStream := indexes(&ddb.GlobalSecondaryIndexUpdate{Create: create})
	withStream.StreamSpecification = &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddb.StreamViewTypeKeysOnly}
	drop := func(name string) *ddb.DeleteGlobalSecondaryIndexAction {
		return &ddb.DeleteGlobalSecondaryIndexAction{IndexName: name}
	}
	for i, c := range []struct {
		in   ddb.UpdateTableInput
		want string
	}{
		{ddb.UpdateTableInput{}, "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, " +
			"MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"},
		{ddb.UpdateTableInput{TableClass: ddb.TableClassStandard, DeletionProtectionEnabled: new(true)}, invalid + "TableClass modification must be the only operation in the request"},
		{ddb.UpdateTableInput{DeletionProtectionEnabled: new(true), ProvisionedThroughput: units}, invalid + "DeletionProtection modification must be the only operation in the request"},
		{withStream, invalid + "You cannot create or delete index while changing stream status"},
		{indexes(&ddb.GlobalSecondaryIndexUpdate{Create: create, Delete: drop("global")}), invalid + "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"},
		{indexes(&ddb.GlobalSecondaryIndexUpdate{Create: create}), invalid + "AttributeDefinitions is not specified for index: new"},
		{redefining, invalid + "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. " +
			"Existing schema: Schema:[SchemaElement: key{g:S:HASH}] New schema: Schema:[SchemaElement: key{g:N:HASH}]"},
		{indexes(&ddb.GlobalSecondaryIndexUpdate{Delete: drop("local")}), "Cannot delete an index that is not a GlobalSecondaryIndex: local"},
		{indexes(&ddb.GlobalSecondaryIndexUpdate{Delete: drop("none")}), "Requested resource not found"},
		{indexes(&ddb.GlobalSecondaryIndexUpdate{Update: &ddb.UpdateGlobalSecondaryIndexAction{IndexName: "global", ProvisionedThroughput: units}}),
			"The provisioned throughput for the index global will not change. The requested value equals the current value. " +
				"Current ReadCapacityUnits provisioned for the index: 1. Requested ReadCapacityUnits: 1. Current WriteCapacityUnits provisioned for the index: 1. Requested WriteCapacityUnits: 1. " +
				"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."},
	} {
		c.in.TableName = "things"
		if got := fails(h, h.updateTable, &c.in); got != c.want {
			t.Errorf("%d: %s\nwant %s", i, got, c.want)
		}
	}
	d := must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"}).TableDescription
	if d.KeySchema != nil || d.AttributeDefinitions != nil || !d.CreationDateTime.IsZero() || d.TableStatus != ddb.TableStatusDeleting {
		t.Errorf("a table that is deleted is described as %v", d)
	}
}
