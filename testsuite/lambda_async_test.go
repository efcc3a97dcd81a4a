package testsuite

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// An event is accepted at once and invokes the function later.
func TestAsynchronousInvocation(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	f, events := recording(t, a)
	out := must(a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: f.FunctionName, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n": 1}`)}))(t)
	if out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("%d %s", out.StatusCode, out.Payload)
	}
	if got := recorded(t, a, events); len(got) != 1 || got[0] != `{"n": 1}` {
		t.Errorf("the function was given %s", got)
	}
}

// An event whose function fails is tried again after one and after two minutes, and
// then goes to the destination for failures, with the reason.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func TestAsynchronousRetriesAndDestinations(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	f, events := recording(t, a)
	failing := function(t, a, "failing", "def handler(e, c): raise ValueError('no')")
	must(a.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: f.FunctionName, StatementId: aws.String("lambda"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("lambda.amazonaws.com"),
	}))(t)
	must(a.Lambda.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: failing.FunctionName, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: f.FunctionArn}},
	}))(t)
	must(a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: failing.FunctionName, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n": 1}`)}))(t)
	for attempt := 1; attempt <= 2; attempt++ {
		if got := recorded(t, a, events); len(got) != 0 {
			t.Fatalf("after attempt %d the destination was told %s", attempt, got)
		}
		server.Advance(t, time.Duration(attempt)*time.Minute)
	}
	got := recorded(t, a, events)
	if len(got) != 1 {
		t.Fatalf("the destination was told %s", got)
	}
	var record struct {
		Version        string
		RequestContext struct {
			FunctionARN, Condition string
			ApproximateInvokeCount int
		}
		RequestPayload  map[string]int
		ResponseContext struct{ FunctionError string }
		ResponsePayload struct{ ErrorMessage string }
	}
	if err := json.NewDecoder(strings.NewReader(got[0])).Decode(&record); err != nil {
		t.Fatal(err)
	}
	if c := record.RequestContext; c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != 3 || c.FunctionARN != *failing.FunctionArn+":$LATEST" {
		t.Errorf("the destination was told %s", got[0])
	}
	if record.Version != "1.0" || record.RequestPayload["n"] != 1 || record.ResponseContext.FunctionError != "Unhandled" || record.ResponsePayload.ErrorMessage != "no" {
		t.Errorf("the destination was told %s", got[0])
	}
}

// A bucket has a record of each failure as an object, under a key that says which
// function it was and when.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func TestFailuresInBucket(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	failing := function(t, a, "failing", "def handler(e, c): raise ValueError('no')")
	bucket := aws.String("records-" + a.ID)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))(t)
	must(a.Lambda.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: failing.FunctionName, MaximumRetryAttempts: aws.Int32(0),
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:s3:::" + *bucket)}},
	}))(t)
	must(a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: failing.FunctionName, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n": 1}`)}))(t)
	server.Drain(t)
	list := must(a.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket}))(t)
	form := regexp.MustCompile(`^aws/lambda/async/` + *failing.FunctionName + `/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$`)
	if len(list.Contents) != 1 || !form.MatchString(*list.Contents[0].Key) {
		t.Fatalf("the bucket has %+v", list.Contents)
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: list.Contents[0].Key}))(t)
	defer got.Body.Close()
	var record struct {
		RequestContext struct{ Condition string }
		RequestPayload map[string]int
	}
	if err := json.NewDecoder(got.Body).Decode(&record); err != nil || record.RequestContext.Condition != "RetriesExhausted" || record.RequestPayload["n"] != 1 {
		t.Errorf("the record is %+v, %v", record, err)
	}
}
