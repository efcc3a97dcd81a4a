package testsuite

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Tables and indexes are as long in the states between others as the server was told.
func TestTableStates(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{Args: []string{"--memory", "--dynamodb-create-delay", "10s", "--dynamodb-update-delay", "20s", "--dynamodb-index-delay", "30s", "--dynamodb-delete-delay", "40s"}})
	exchange(t, server.HTTP, request(t, "POST", server.URL+"/_virga/clock", `{"freeze":true}`))
	ctx, a := t.Context(), server.Account(t)
	name := aws.String("Songs")
	describe := func() *types.TableDescription {
		t.Helper()
		return must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table
	}
	is := func(want types.TableStatus) {
		t.Helper()
		if got := describe().TableStatus; got != want {
			t.Errorf("the table is %s, want %s", got, want)
		}
	}
	created := must(a.DynamoDB.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("artist"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("artist"), KeyType: types.KeyTypeHash}},
	}))(t)
	if got := created.TableDescription.TableStatus; got != types.TableStatusCreating {
		t.Errorf("a new table is %s", got)
	}
	put := &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina")}}
	server.Advance(t, 9*time.Second)
	is(types.TableStatusCreating)
	_, err := a.DynamoDB.PutItem(ctx, put)
	refused(t, err, "ResourceNotFoundException")
	_, err = a.DynamoDB.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name})
	refused(t, err, "ResourceInUseException")
	server.Advance(t, time.Second)
	is(types.TableStatusActive)
	must(a.DynamoDB.PutItem(ctx, put))(t)

	must(a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("song"), AttributeType: types.ScalarAttributeTypeS}},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: aws.String("songs"),
			KeySchema:  []types.KeySchemaElement{{AttributeName: aws.String("song"), KeyType: types.KeyTypeHash}},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}}}}))(t)
	is(types.TableStatusUpdating)
	must(a.DynamoDB.PutItem(ctx, put))(t)
	server.Advance(t, 20*time.Second)
	server.Drain(t)
	is(types.TableStatusActive)
	if got := describe().GlobalSecondaryIndexes[0].IndexStatus; got != types.IndexStatusCreating {
		t.Errorf("the index is %s at once", got)
	}
	server.Advance(t, 10*time.Second)
	server.Drain(t)
	if got := describe().GlobalSecondaryIndexes[0].IndexStatus; got != types.IndexStatusActive {
		t.Errorf("the index is %s in the end", got)
	}

	must(a.DynamoDB.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name}))(t)
	server.Advance(t, 39*time.Second)
	is(types.TableStatusDeleting)
	server.Advance(t, time.Second)
	server.Drain(t)
	_, err = a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})
	refused(t, err, "ResourceNotFoundException")
}
