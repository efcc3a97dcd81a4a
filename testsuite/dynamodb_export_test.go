package testsuite

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A table is written to a bucket, as it was at a time, and its manifest tells where.
func TestExportTable(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a)
	bucket := aws.String("exports-" + a.ID)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))(t)
	arn := must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table.TableArn
	export := func() (*dynamodb.ExportTableToPointInTimeOutput, error) {
		return a.DynamoDB.ExportTableToPointInTime(ctx, &dynamodb.ExportTableToPointInTimeInput{TableArn: arn, S3Bucket: bucket, S3Prefix: aws.String("songs")})
	}
	_, err := export()
	refused(t, err, "PointInTimeRecoveryUnavailableException")
	must(a.DynamoDB.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: name, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	}))(t)
	must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(1)}}))(t)
	started := must(export())(t).ExportDescription
	if started.ExportStatus != types.ExportStatusInProgress {
		t.Errorf("the export is %s", started.ExportStatus)
	}
	a.Drain(t)
	d := must(a.DynamoDB.DescribeExport(ctx, &dynamodb.DescribeExportInput{ExportArn: started.ExportArn}))(t).ExportDescription
	if d.ExportStatus != types.ExportStatusCompleted || *d.ItemCount != 1 {
		t.Fatalf("the export is %s: %s", d.ExportStatus, aws.ToString(d.FailureMessage))
	}
	var file struct{ DataFileS3Key string }
	object := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(strings.Replace(*d.ExportManifest, "summary", "files", 1))}))(t)
	if err := json.NewDecoder(object.Body).Decode(&file); err != nil {
		t.Fatal(err)
	}
	data := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &file.DataFileS3Key}))(t)
	text := must(io.ReadAll(must(gzip.NewReader(data.Body))(t)))(t)
	if string(text) != `{"Item":{"artist":{"S":"Nina"},"song":{"N":"1"}}}`+"\n" {
		t.Errorf("%s", text)
	}
}
