package testsuite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A transaction may be 100 items and 4 MB, also where twenty indexes have long
// keys and whole items.
func TestLargestTransaction(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a, func(in *dynamodb.CreateTableInput) {
		for _, k := range []string{"hash", "range"} {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(k), AttributeType: types.ScalarAttributeTypeS})
		}
		for i := range 20 {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: aws.String(fmt.Sprintf("index%d", i)), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
				KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("hash"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("range"), KeyType: types.KeyTypeRange}},
			})
		}
	})
	artist, hash, long := strings.Repeat("a", 2048), strings.Repeat("h", 2048), strings.Repeat("r", 1024)
	in := &dynamodb.TransactWriteItemsInput{}
	for i := range 100 {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{TableName: name, Item: row{
			"artist": s(artist), "song": n(i), "hash": s(hash), "range": s(long), "pad": s(strings.Repeat("x", 36_000)),
		}}})
	}
	must(a.DynamoDB.TransactWriteItems(ctx, in))(t)
	for _, index := range []*string{nil, aws.String("index0"), aws.String("index19")} {
		count := 0
		pages := dynamodb.NewScanPaginator(a.DynamoDB, &dynamodb.ScanInput{TableName: name, IndexName: index, Select: types.SelectCount})
		for pages.HasMorePages() {
			count += int(must(pages.NextPage(ctx))(t).Count)
		}
		if count != 100 {
			t.Errorf("%s has %d items", aws.ToString(index), count)
		}
	}
	in.TransactItems[99].Put.Item["pad"] = s(strings.Repeat("x", 400_000))
	_, err := a.DynamoDB.TransactWriteItems(ctx, in)
	refused(t, err, "ValidationException")
}
