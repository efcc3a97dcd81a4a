package testsuite

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func TestReplicas(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a)
	west := dynamodb.NewFromConfig(a.Config, func(o *dynamodb.Options) { o.Region = "us-west-2" })
	put := func(client *dynamodb.Client, song int) {
		must(client.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(song)}}))(t)
	}
	count := func(client *dynamodb.Client) int {
		return len(must(client.Scan(ctx, &dynamodb.ScanInput{TableName: name}))(t).Items)
	}
	put(a.DynamoDB, 1)
	must(a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name, ReplicaUpdates: []types.ReplicationGroupUpdate{
		{Create: &types.CreateReplicationGroupMemberAction{RegionName: aws.String("us-west-2")}}}}))(t)
	waiter := dynamodb.NewTableExistsWaiter(west, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second })
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	put(a.DynamoDB, 2)
	put(west, 3)
	if east, west := count(a.DynamoDB), count(west); east != 3 || west != 3 {
		t.Errorf("%d items in the east, %d in the west", east, west)
	}
	described := must(west.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table
	if aws.ToString(described.GlobalTableVersion) != "2019.11.21" || len(described.Replicas) != 1 || described.StreamSpecification == nil || described.StreamSpecification.StreamViewType != types.StreamViewTypeNewAndOldImages {
		t.Errorf("%+v", described)
	}
	_, err := a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name, ReplicaUpdates: []types.ReplicationGroupUpdate{
		{Create: &types.CreateReplicationGroupMemberAction{RegionName: aws.String("us-east-1")}}}})
	refused(t, err, "ValidationException")
	must(a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name, ReplicaUpdates: []types.ReplicationGroupUpdate{
		{Update: &types.UpdateReplicationGroupMemberAction{RegionName: aws.String("us-west-2"), TableClassOverride: types.TableClassStandardInfrequentAccess,
			OnDemandThroughputOverride: &types.OnDemandThroughputOverride{MaxReadRequestUnits: aws.Int64(40)}}}}}))(t)
	replica := must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table.Replicas[0]
	if replica.ReplicaTableClassSummary == nil || replica.ReplicaTableClassSummary.TableClass != types.TableClassStandardInfrequentAccess || aws.ToInt64(replica.OnDemandThroughputOverride.MaxReadRequestUnits) != 40 {
		t.Errorf("%+v", replica)
	}
	if own := must(west.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table.OnDemandThroughput; own == nil || aws.ToInt64(own.MaxReadRequestUnits) != 40 {
		t.Errorf("the replica reads %+v at most", own)
	}
	must(a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name, ReplicaUpdates: []types.ReplicationGroupUpdate{
		{Delete: &types.DeleteReplicationGroupMemberAction{RegionName: aws.String("us-west-2")}}}}))(t)
	_, err = west.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})
	refused(t, err, "ResourceNotFoundException")
	if count(a.DynamoDB) != 3 {
		t.Error("items went with the replica")
	}

	_, err = a.DynamoDB.CreateGlobalTable(ctx, &dynamodb.CreateGlobalTableInput{GlobalTableName: name, ReplicationGroup: []types.Replica{{RegionName: aws.String("us-west-2")}}})
	refused(t, err, "ValidationException")
	_, err = a.DynamoDB.DescribeGlobalTable(ctx, &dynamodb.DescribeGlobalTableInput{GlobalTableName: name})
	refused(t, err, "GlobalTableNotFoundException")
	if list := must(a.DynamoDB.ListGlobalTables(ctx, &dynamodb.ListGlobalTablesInput{}))(t); len(list.GlobalTables) != 0 {
		t.Errorf("%v", list.GlobalTables)
	}
	if list := must(a.DynamoDB.DescribeKinesisStreamingDestination(ctx, &dynamodb.DescribeKinesisStreamingDestinationInput{TableName: name}))(t); len(list.KinesisDataStreamDestinations) != 0 {
		t.Errorf("%v", list.KinesisDataStreamDestinations)
	}
}
