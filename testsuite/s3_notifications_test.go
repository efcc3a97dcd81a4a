package testsuite

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// recorder writes the event that it is given into a bucket, under its own request id.
const recorder = `
import json, os, urllib.request
def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"] + "/" + os.environ["BUCKET"] + "/" + context.aws_request_id
    request = urllib.request.Request(url, data=json.dumps(event).encode(), method="PUT")
    urllib.request.urlopen(request).read()
`

// recorded are the events that the recorder was given, in the order of their arrival.
func recorded(t *testing.T, a *harness.Account, bucket *string) []string {
	t.Helper()
	a.Drain(t)
	list := must(a.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket}))(t)
	var events []string
	for _, o := range list.Contents {
		got := must(a.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: o.Key}))(t)
		events = append(events, read(t, got.Body))
	}
	return events
}

// recording creates the recorder and the bucket it writes to. The bucket is the default
// account's: the function calls without credentials.
func recording(t *testing.T, a *harness.Account) (f *lambda.CreateFunctionOutput, events *string) {
	t.Helper()
	events = aws.String("events-" + a.ID)
	root := a.As("test", "test", "")
	must(root.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: events}))(t)
	return function(t, a, "recorder", recorder, withEnv("BUCKET", *events)), events
}

// The event is in the form that AWS documents; keys in it are coded as in a form.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func TestNotificationsReachFunctions(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	f, events := recording(t, a)
	config := &s3.PutBucketNotificationConfigurationInput{Bucket: name, NotificationConfiguration: &types.NotificationConfiguration{
		LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{
			Id: aws.String("jpegs"), LambdaFunctionArn: f.FunctionArn, Events: []types.Event{"s3:ObjectCreated:*"},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{
				{Name: types.FilterRuleNamePrefix, Value: aws.String("in/")}, {Name: types.FilterRuleNameSuffix, Value: aws.String(".jpg")},
			}}},
		}},
	}}
	// S3 needs a permission before it takes the configuration.
	_, err := a.S3.PutBucketNotificationConfiguration(ctx, config)
	if said := refused(t, err, "InvalidArgument"); said != "Unable to validate the following destination configurations" {
		t.Errorf("without a permission: %q", said)
	}
	must(a.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: f.FunctionName, StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::" + *name),
	}))(t)
	must(a.S3.PutBucketNotificationConfiguration(ctx, config))(t)
	kept := must(a.S3.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: name}))(t)
	if c := kept.LambdaFunctionConfigurations; len(c) != 1 || *c[0].Id != "jpegs" || len(c[0].Filter.Key.FilterRules) != 2 {
		t.Errorf("the configuration reads back as %+v", c)
	}

	for _, key := range []string{"in/a b+c.jpg", "in/not.png", "out/not.jpg"} {
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader("12345")}))(t)
	}
	must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("in/a b+c.jpg")}))(t)

	got := recorded(t, a, events)
	if len(got) != 1 {
		t.Fatalf("%d events, want 1: %s", len(got), got)
	}
	var event struct {
		Records []struct {
			EventVersion, EventSource, EventName, AWSRegion string
			S3                                              struct {
				ConfigurationID string
				Bucket          struct{ Name, ARN string }
				Object          struct {
					Key, ETag, Sequencer string
					Size                 int
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got[0]), &event); err != nil || len(event.Records) != 1 {
		t.Fatalf("%s: %v", got[0], err)
	}
	r := event.Records[0]
	if r.EventSource != "aws:s3" || r.EventName != "ObjectCreated:Put" || r.AWSRegion != harness.Region || !strings.HasPrefix(r.EventVersion, "2.") {
		t.Errorf("the event is %s", got[0])
	}
	if r.S3.ConfigurationID != "jpegs" || r.S3.Bucket.Name != *name || r.S3.Bucket.ARN != "arn:aws:s3:::"+*name {
		t.Errorf("the event's bucket is %s", got[0])
	}
	if o := r.S3.Object; o.Key != "in/a+b%2Bc.jpg" || o.Size != 5 || o.ETag != "827ccb0eea8a706c4c34a16891f84e7b" || o.Sequencer == "" {
		t.Errorf("the event's object is %+v", o)
	}
}

// Each way to change an object has its event.
func TestNotificationsTellWhatHappened(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	f, events := recording(t, a)
	must(a.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: f.FunctionName, StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
	}))(t)
	must(a.S3.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: name, NotificationConfiguration: &types.NotificationConfiguration{
		LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{LambdaFunctionArn: f.FunctionArn, Events: []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}}},
	}}))(t)
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), Body: strings.NewReader("1")}))(t)
	must(a.S3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: name, Key: aws.String("copy"), CopySource: aws.String(*name + "/k")}))(t)
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: aws.String("m")}))(t)
	part := must(a.S3.UploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: upload.Key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("2")}))(t)
	must(a.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: name, Key: upload.Key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
		Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}},
	}}))(t)
	must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("k")}))(t)
	all := strings.Join(recorded(t, a, events), "\n")
	for _, want := range []string{"ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:Delete"} {
		if strings.Count(all, `"`+want+`"`) != 1 {
			t.Errorf("%d events are %s, want 1:\n%s", strings.Count(all, want), want, all)
		}
	}
}
