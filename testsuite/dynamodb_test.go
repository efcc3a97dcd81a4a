package testsuite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

type attributes = map[string]types.AttributeValue

func ddbString(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func ddbNumber(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

// photosTable makes a table with the key album (S), taken (N), an index by
// owner, and waits for it as programs do.
func photosTable(t *testing.T, a *harness.Account) {
	t.Helper()
	key := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
	}
	created := must(a.DynamoDB.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("photos"), KeySchema: key("album", "taken"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("album"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("taken"), AttributeType: types.ScalarAttributeTypeN},
			{AttributeName: aws.String("owner"), AttributeType: types.ScalarAttributeTypeS},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("owners"), KeySchema: key("owner", "taken"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}},
	}))(t)
	if created.TableDescription.TableStatus != types.TableStatusCreating {
		t.Errorf("created with status %s", created.TableDescription.TableStatus)
	}
	if err := dynamodb.NewTableExistsWaiter(a.DynamoDB).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("photos")}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func TestDynamoDBItems(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	photosTable(t, a)
	photos := aws.String("photos")
	item := attributes{
		"album": ddbString("a"), "taken": ddbNumber(1), "owner": ddbString("o"),
		"bytes": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"flag":  &types.AttributeValueMemberBOOL{Value: false}, "none": &types.AttributeValueMemberNULL{Value: true},
		"tags": &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
		"meta": &types.AttributeValueMemberM{Value: attributes{"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{ddbNumber(1), ddbString("")}}}},
	}
	key := attributes{"album": ddbString("a"), "taken": ddbNumber(1)}
	must(a.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: photos, Item: item}))(t)
	if got := must(a.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: photos, Key: key}))(t).Item; !reflect.DeepEqual(got, item) {
		t.Errorf("got %v", got)
	}
	updated := must(a.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: photos, Key: key, ReturnValues: types.ReturnValueUpdatedNew,
		UpdateExpression: aws.String("SET #meta.#list[0] = #meta.#list[0] + :n ADD tags :more"), ConditionExpression: aws.String("attribute_exists(album)"),
		ExpressionAttributeNames:  map[string]string{"#meta": "meta", "#list": "list"},
		ExpressionAttributeValues: attributes{":n": ddbNumber(41), ":more": &types.AttributeValueMemberSS{Value: []string{"z"}}},
	}))(t).Attributes
	want := attributes{
		"tags": &types.AttributeValueMemberSS{Value: []string{"x", "y", "z"}},
		"meta": &types.AttributeValueMemberM{Value: attributes{"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{ddbNumber(42)}}}},
	}
	if !reflect.DeepEqual(updated, want) {
		t.Errorf("updated %v", updated)
	}
	_, err := a.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: photos, Item: key, ConditionExpression: aws.String("attribute_not_exists(album)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || *failed.Message != "The conditional request failed" || failed.Item["owner"] == nil {
		t.Errorf("%v", err)
	}
	_, err = a.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: photos, Key: key, UpdateExpression: aws.String("SET x =")})
	if got := refused(t, err, "ValidationException"); got != `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="` {
		t.Error(got)
	}
	old := must(a.DynamoDB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: photos, Key: key, ReturnValues: types.ReturnValueAllOld}))(t)
	if old.Attributes["owner"] == nil {
		t.Errorf("deleted %v", old.Attributes)
	}
	if got := must(a.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: photos, Key: key}))(t).Item; got != nil {
		t.Errorf("got %v", got)
	}
}

func TestDynamoDBQueryAndScan(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	photosTable(t, a)
	photos := aws.String("photos")
	for album := range 4 {
		var writes []types.WriteRequest
		for taken := range 25 {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: attributes{
				"album": ddbString(fmt.Sprint("album", album)), "taken": ddbNumber(taken), "owner": ddbString(fmt.Sprint("owner", taken%5)), "size": ddbNumber(taken * 100)}}})
		}
		out := must(a.DynamoDB.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"photos": writes}}))(t)
		if len(out.UnprocessedItems) > 0 {
			t.Fatalf("not written: %v", out.UnprocessedItems)
		}
	}
	taken := func(items []attributes) (list []string) {
		for _, it := range items {
			list = append(list, it["taken"].(*types.AttributeValueMemberN).Value)
		}
		return list
	}
	query := &dynamodb.QueryInput{TableName: photos, KeyConditionExpression: aws.String("album = :a AND taken BETWEEN :low AND :high"), FilterExpression: aws.String("#size <> :not"),
		ExpressionAttributeNames: map[string]string{"#size": "size"}, ScanIndexForward: aws.Bool(false), Limit: aws.Int32(4),
		ExpressionAttributeValues: attributes{":a": ddbString("album1"), ":low": ddbNumber(5), ":high": ddbNumber(12), ":not": ddbNumber(700)}}
	var got []string
	pages := dynamodb.NewQueryPaginator(a.DynamoDB, query)
	for pages.HasMorePages() {
		got = append(got, taken(must(pages.NextPage(t.Context()))(t).Items)...)
	}
	if want := []string{"12", "11", "10", "9", "8", "6", "5"}; !reflect.DeepEqual(got, want) {
		t.Errorf("queried %v", got)
	}
	// Indexes of AWS lag behind their tables.
	byOwner := &dynamodb.QueryInput{TableName: photos, IndexName: aws.String("owners"), KeyConditionExpression: aws.String("#o = :o AND taken > :t"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: attributes{":o": ddbString("owner3"), ":t": ddbNumber(20)}}
	indexed := must(a.DynamoDB.Query(t.Context(), byOwner))(t)
	if indexed.Count != 4 || len(indexed.Items[0]) != 3 {
		t.Errorf("%d items of the index, the first %v", indexed.Count, indexed.Items)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for segment := range int32(4) {
		wg.Go(func() {
			pages := dynamodb.NewScanPaginator(a.DynamoDB, &dynamodb.ScanInput{TableName: photos, Segment: &segment, TotalSegments: aws.Int32(4), Limit: aws.Int32(7), ProjectionExpression: aws.String("album, taken")})
			for pages.HasMorePages() {
				page, err := pages.NextPage(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, it := range page.Items {
					seen[it["album"].(*types.AttributeValueMemberS).Value+"/"+it["taken"].(*types.AttributeValueMemberN).Value]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 100 {
		t.Errorf("four segments have %d items", len(seen))
	}
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s was seen %d times", name, times)
		}
	}
}

func TestDynamoDBTransactions(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	photosTable(t, a)
	photos := aws.String("photos")
	key := func(n int) attributes { return attributes{"album": ddbString("a"), "taken": ddbNumber(n)} }
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: photos, Item: key(1), ConditionExpression: aws.String("attribute_not_exists(album)")}},
		{Update: &types.Update{TableName: photos, Key: key(2), UpdateExpression: aws.String("ADD seen :n"), ExpressionAttributeValues: attributes{":n": ddbNumber(1)}}},
	}}
	for range 2 { // the same token twice is one transaction
		must(a.DynamoDB.TransactWriteItems(t.Context(), in))(t)
	}
	in.ClientRequestToken = nil
	_, err := a.DynamoDB.TransactWriteItems(t.Context(), in)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 || *cancelled.CancellationReasons[0].Code != "ConditionalCheckFailed" || *cancelled.CancellationReasons[1].Code != "None" {
		t.Errorf("%v", err)
	}
	got := must(a.DynamoDB.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: photos, Key: key(1)}}, {Get: &types.Get{TableName: photos, Key: key(2)}}, {Get: &types.Get{TableName: photos, Key: key(3)}}}}))(t)
	if len(got.Responses) != 3 || got.Responses[0].Item == nil || !reflect.DeepEqual(got.Responses[1].Item["seen"], ddbNumber(1)) || got.Responses[2].Item != nil {
		t.Errorf("%v", got.Responses)
	}
}

func TestDynamoDBTables(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	photosTable(t, a)
	photos := aws.String("photos")
	must(a.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: photos, Item: attributes{"album": ddbString("a"), "taken": ddbNumber(1)}}))(t)
	d := must(a.DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: photos}))(t).Table
	if *d.TableArn != "arn:aws:dynamodb:us-east-1:"+a.ID+":table/photos" || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || d.GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusActive {
		t.Errorf("%+v", d)
	}
	must(a.DynamoDB.TagResource(t.Context(), &dynamodb.TagResourceInput{ResourceArn: d.TableArn, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("one")}}}))(t)
	if tags := must(a.DynamoDB.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: d.TableArn}))(t).Tags; len(tags) != 1 || *tags[0].Value != "one" {
		t.Errorf("tags %v", tags)
	}
	if names := must(a.DynamoDB.ListTables(t.Context(), &dynamodb.ListTablesInput{}))(t).TableNames; !reflect.DeepEqual(names, []string{"photos"}) {
		t.Errorf("tables %v", names)
	}
	_, err := a.DynamoDB.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: photos, KeySchema: d.KeySchema[:1], AttributeDefinitions: d.AttributeDefinitions[:1], BillingMode: types.BillingModePayPerRequest})
	refused(t, err, "ResourceInUseException")
	must(a.DynamoDB.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: photos}))(t)
	if err := dynamodb.NewTableNotExistsWaiter(a.DynamoDB).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: photos}, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err = a.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: photos, Key: attributes{"album": ddbString("a"), "taken": ddbNumber(1)}})
	if got := refused(t, err, "ResourceNotFoundException"); got != "Requested resource not found" {
		t.Error(got)
	}
	// Another account has tables of its own.
	photosTable(t, harness.New(t))
}
