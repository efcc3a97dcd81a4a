package testsuite

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Rows are written and read by the batch; a query gives a partition's rows in the order
// of the range key, by pages, and a filter does not make a page longer.
func TestQueriesScansAndBatches(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a, func(in *dynamodb.CreateTableInput) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("year"), AttributeType: types.ScalarAttributeTypeN})
		in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by-year"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("year"), KeyType: types.KeyTypeHash}},
		}}
	})
	for _, artist := range []string{"Nina", "Otis"} {
		var writes []types.WriteRequest
		for i := range 25 {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: row{"artist": s(artist), "song": n(i - 5), "year": n(1960 + i%5)}}})
		}
		out := must(a.DynamoDB.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*name: writes}}))(t)
		if len(out.UnprocessedItems) != 0 {
			t.Errorf("unprocessed %v", out.UnprocessedItems)
		}
	}
	songs := func(in *dynamodb.QueryInput) (list []string, pages int) {
		t.Helper()
		in.TableName = name
		for p := dynamodb.NewQueryPaginator(a.DynamoDB, in); p.HasMorePages(); pages++ {
			for _, item := range must(p.NextPage(ctx))(t).Items {
				list = append(list, item["song"].(*types.AttributeValueMemberN).Value)
			}
		}
		return list, pages
	}
	nina := row{":a": s("Nina"), ":from": n(-2), ":to": n(3)}
	between := aws.String("artist = :a AND song BETWEEN :from AND :to")
	if got, _ := songs(&dynamodb.QueryInput{KeyConditionExpression: between, ExpressionAttributeValues: nina}); strings.Join(got, " ") != "-2 -1 0 1 2 3" {
		t.Errorf("forward: %v", got)
	}
	if got, pages := songs(&dynamodb.QueryInput{KeyConditionExpression: between, ExpressionAttributeValues: nina, ScanIndexForward: aws.Bool(false), Limit: aws.Int32(4)}); strings.Join(got, " ") != "3 2 1 0 -1 -2" || pages != 2 {
		t.Errorf("backward, by fours: %v in %d pages", got, pages)
	}
	filtered := must(a.DynamoDB.Query(ctx, &dynamodb.QueryInput{
		TableName: name, KeyConditionExpression: aws.String("artist = :a"), FilterExpression: aws.String("#y = :y"), Limit: aws.Int32(10),
		ExpressionAttributeNames: map[string]string{"#y": "year"}, ExpressionAttributeValues: row{":a": s("Otis"), ":y": n(1962)},
	}))(t)
	if filtered.Count != 2 || filtered.ScannedCount != 10 || filtered.LastEvaluatedKey == nil {
		t.Errorf("filtered: %d of %d", filtered.Count, filtered.ScannedCount)
	}
	byYear := must(a.DynamoDB.Query(ctx, &dynamodb.QueryInput{
		TableName: name, IndexName: aws.String("by-year"), KeyConditionExpression: aws.String("#y = :y"),
		ExpressionAttributeNames: map[string]string{"#y": "year"}, ExpressionAttributeValues: row{":y": n(1961)},
	}))(t)
	if byYear.Count != 10 {
		t.Errorf("%d songs of 1961", byYear.Count)
	}
	count := must(a.DynamoDB.Scan(ctx, &dynamodb.ScanInput{TableName: name, Select: types.SelectCount}))(t)
	if count.Count != 50 {
		t.Errorf("%d songs", count.Count)
	}
	halves := 0
	for segment := range int32(2) {
		halves += int(must(a.DynamoDB.Scan(ctx, &dynamodb.ScanInput{TableName: name, Segment: aws.Int32(segment), TotalSegments: aws.Int32(2)}))(t).Count)
	}
	if halves != 50 {
		t.Errorf("the segments of a scan hold %d", halves)
	}
	batch := must(a.DynamoDB.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*name: {
		Keys: []map[string]types.AttributeValue{{"artist": s("Nina"), "song": n(1)}, {"artist": s("Otis"), "song": n(2)}, {"artist": s("Nobody"), "song": n(2)}},
	}}}))(t)
	if len(batch.Responses[*name]) != 2 {
		t.Errorf("%v", batch.Responses)
	}
	_, err := a.DynamoDB.Query(ctx, &dynamodb.QueryInput{TableName: name, KeyConditionExpression: aws.String("song = :s"), ExpressionAttributeValues: row{":s": n(1)}})
	if said := refused(t, err, "ValidationException"); said != "Query condition missed key schema element: artist" {
		t.Errorf("without the partition: %q", said)
	}
}
