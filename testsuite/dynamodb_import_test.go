package testsuite

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A table is made of the files under a prefix; records that are no items are counted.
func TestImportTable(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	bucket := aws.String("songs-" + a.ID)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))(t)
	for key, text := range map[string]string{
		"songs/1.csv": "artist,song,title\nNina,1,Sinnerman\nNina,2,\"Feeling, Good\"\n",
		"songs/2.csv": "artist,song,title\nNina,none,Lost\n",
		"other/3.csv": "artist,song,title\nNina,3,Elsewhere\n",
	} {
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(text)}))(t)
	}
	started := must(a.DynamoDB.ImportTable(ctx, &dynamodb.ImportTableInput{
		InputFormat: types.InputFormatCsv, S3BucketSource: &types.S3BucketSource{S3Bucket: bucket, S3KeyPrefix: aws.String("songs/")},
		TableCreationParameters: &types.TableCreationParameters{
			TableName: aws.String("Imported"), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("artist"), AttributeType: types.ScalarAttributeTypeS},
				{AttributeName: aws.String("song"), AttributeType: types.ScalarAttributeTypeN},
			},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("artist"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("song"), KeyType: types.KeyTypeRange},
			},
		},
	}))(t).ImportTableDescription
	if started.ImportStatus != types.ImportStatusInProgress {
		t.Errorf("the import is %s", started.ImportStatus)
	}
	a.Drain(t)
	d := must(a.DynamoDB.DescribeImport(ctx, &dynamodb.DescribeImportInput{ImportArn: started.ImportArn}))(t).ImportTableDescription
	if d.ImportStatus != types.ImportStatusCompleted || d.ImportedItemCount != 2 || d.ProcessedItemCount != 3 || d.ErrorCount != 1 {
		t.Errorf("the import is %s: %d of %d, %d errors, %s", d.ImportStatus, d.ImportedItemCount, d.ProcessedItemCount, d.ErrorCount, aws.ToString(d.FailureMessage))
	}
	got := must(a.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("Imported"), Key: row{"artist": s("Nina"), "song": n(2)}}))(t).Item
	if title, ok := got["title"].(*types.AttributeValueMemberS); !ok || title.Value != "Feeling, Good" {
		t.Errorf("%v", got)
	}
	if list := must(a.DynamoDB.ListImports(ctx, &dynamodb.ListImportsInput{}))(t).ImportSummaryList; len(list) != 1 || *list[0].ImportArn != *started.ImportArn {
		t.Errorf("%v", list)
	}
}
