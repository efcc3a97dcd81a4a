package testsuite

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Attribute values, short.
func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v int) types.AttributeValue    { return &types.AttributeValueMemberN{Value: fmt.Sprint(v)} }

type row = map[string]types.AttributeValue

// table creates a table Songs with the keys artist and song.
func table(t *testing.T, a *harness.Account, options ...func(*dynamodb.CreateTableInput)) *string {
	t.Helper()
	in := &dynamodb.CreateTableInput{
		TableName: aws.String("Songs"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("artist"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("song"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("artist"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("song"), KeyType: types.KeyTypeRange},
		},
	}
	for _, o := range options {
		o(in)
	}
	must(a.DynamoDB.CreateTable(t.Context(), in))(t)
	return in.TableName
}

func TestTables(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a)
	described := must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table
	if described.TableStatus != types.TableStatusActive || *described.TableArn != "arn:aws:dynamodb:us-east-1:"+a.ID+":table/Songs" || described.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("%+v", described)
	}
	_, err := a.DynamoDB.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: name, AttributeDefinitions: described.AttributeDefinitions, KeySchema: described.KeySchema, BillingMode: types.BillingModePayPerRequest,
	})
	if said := refused(t, err, "ResourceInUseException"); said != "Table already exists: Songs" {
		t.Errorf("a second of the name: %q", said)
	}
	if list := must(a.DynamoDB.ListTables(ctx, &dynamodb.ListTablesInput{}))(t); len(list.TableNames) != 1 {
		t.Errorf("tables %v", list.TableNames)
	}
	must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("a"), "song": n(1)}}))(t)
	must(a.DynamoDB.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name}))(t)
	_, err = a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})
	if said := refused(t, err, "ResourceNotFoundException"); said != "Requested resource not found: Table: Songs not found" {
		t.Errorf("no table: %q", said)
	}
	// A table of the same name begins empty.
	table(t, a)
	if scan := must(a.DynamoDB.Scan(ctx, &dynamodb.ScanInput{TableName: name}))(t); scan.Count != 0 {
		t.Errorf("a new table holds %v", scan.Items)
	}
}
