package testsuite

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A table takes what it saved in 300 seconds at once, and is throttled until
// there is more.
func TestThrottling(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{Args: []string{"--memory", "--dynamodb-throttle"}})
	exchange(t, server.HTTP, request(t, "POST", server.URL+"/_virga/clock", `{"freeze":true}`))
	ctx, a := t.Context(), server.Account(t)
	name := table(t, a, func(in *dynamodb.CreateTableInput) {
		in.BillingMode = types.BillingModeProvisioned
		in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)}
	})
	large := row{"artist": s("Nina"), "song": n(1), "text": s(strings.Repeat("x", 300<<10-100))}
	must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: large}))(t)
	once := func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }
	small := row{"artist": s("Nina"), "song": n(2)}
	_, err := a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: small}, once)
	var exceeded *types.ProvisionedThroughputExceededException
	if !errors.As(err, &exceeded) {
		t.Fatal(err)
	}
	if len(exceeded.ThrottlingReasons) != 1 || *exceeded.ThrottlingReasons[0].Reason != "TableWriteProvisionedThroughputExceeded" || !strings.HasSuffix(*exceeded.ThrottlingReasons[0].Resource, ":table/"+*name) {
		t.Errorf("%+v", exceeded.ThrottlingReasons)
	}
	other := table(t, a, func(in *dynamodb.CreateTableInput) {
		in.TableName = aws.String("Others")
		in.OnDemandThroughput = &types.OnDemandThroughput{MaxReadRequestUnits: aws.Int64(1)}
	})
	write := func(it row) []types.WriteRequest {
		return []types.WriteRequest{{PutRequest: &types.PutRequest{Item: it}}}
	}
	batch := must(a.DynamoDB.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*name: write(small), *other: write(large)}}))(t)
	if len(batch.UnprocessedItems) != 1 || len(batch.UnprocessedItems[*name]) != 1 {
		t.Errorf("left: %v", batch.UnprocessedItems)
	}
	server.Advance(t, time.Second)
	must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: small}))(t)

	read := &dynamodb.GetItemInput{TableName: other, Key: row{"artist": s("Nina"), "song": n(1)}, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("artist")}
	for range 4 { // 75 units each, whatever is shown of the item
		must(a.DynamoDB.GetItem(ctx, read))(t)
	}
	_, err = a.DynamoDB.GetItem(ctx, read, once)
	var throttled *types.ThrottlingException
	if !errors.As(err, &throttled) || throttled.ErrorMessage() != "Throughput exceeds the maximum OnDemandThroughput configured on table or index" || *throttled.ThrottlingReasons[0].Reason != "TableReadMaxOnDemandThroughputExceeded" {
		t.Errorf("%v", err)
	}
}
