package protocol

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/cloudwatch"
	"github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/logs"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/api/scheduler"
	"github.com/virga-cloud/virga/api/sqs"
)

func TestErrorEnvelopes(t *testing.T) {
	const declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	ec2 := &api.Service{Name: "ec2", XMLNamespace: "http://ec2.amazonaws.com/doc/2016-11-15/"}
	for _, c := range []struct {
		name     string
		protocol api.Protocol
		service  *api.Service
		err      error
		status   int
		header   string // "Name: value", "" for none
		body     string
	}{
		{"DynamoDB's own errors have its namespace", api.JSON, &dynamodb.Service,
			&dynamodb.ResourceNotFoundException{Message: "Requested resource not found"}, 400, "Content-Type: application/x-amz-json-1.0",
			`{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"}`},
		{"an error travels with its fields, wrapped or not", api.JSON, &dynamodb.Service,
			fmt.Errorf("put: %w", &dynamodb.ConditionalCheckFailedException{Message: "The conditional request failed", Item: attribute.M{"id": attribute.S("1")}}), 400, "",
			`{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":{"id":{"S":"1"}}}`},
		{"the validator's errors have its own", api.JSON, &dynamodb.Service,
			api.Errorf("ValidationException", 400, "wrong"), 400, "",
			`{"__type":"com.amazon.coral.validate#ValidationException","message":"wrong"}`},
		{"the framework's errors have a capital Message", api.JSON, &dynamodb.Service,
			errSerialization("odd"), 400, "",
			`{"__type":"com.amazon.coral.service#SerializationException","Message":"odd"}`},
		{"what is no JSON has no message", api.JSON, &dynamodb.Service, errMalformedJSON(&dynamodb.Service), 400, "",
			`{"__type":"com.amazon.coral.service#SerializationException"}`},
		{"an unknown operation", api.JSON, &dynamodb.Service, UnknownOperation(api.JSON, &dynamodb.Service, "Frob"), 400, "",
			`{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"other services send the bare name", api.JSON, &logs.Service,
			&logs.ResourceNotFoundException{Message: "The specified log group does not exist."}, 400, "Content-Type: application/x-amz-json-1.1",
			`{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}`},
		{"a fault is not told", api.JSON, &dynamodb.Service, errors.New("disk full at /var"), 500, "",
			`{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"` + unknownError + `"}`},
		{"SQS tells clients that came from query their code", api.JSON, &sqs.Service,
			api.Errorf("InvalidParameterValue", 400, "no"), 400, "X-Amzn-Query-Error: InvalidParameterValue;Sender",
			`{"__type":"com.amazonaws.sqs#InvalidParameterValue","message":"no"}`},
		{"Lambda says whose fault it is, and when to try again", api.RESTJSON, &lambda.Service,
			&lambda.TooManyRequestsException{Message: "Rate Exceeded.", RetryAfterSeconds: "3", Reason: lambda.ThrottleReasonConcurrentInvocationLimitExceeded}, 429, "Retry-After: 3",
			`{"Type":"User","message":"Rate Exceeded.","Reason":"ConcurrentInvocationLimitExceeded"}`},
		{"the type is in a header", api.RESTJSON, &lambda.Service,
			&lambda.ResourceNotFoundException{Message: "Function not found"}, 404, "X-Amzn-Errortype: ResourceNotFoundException",
			`{"Type":"User","Message":"Function not found"}`},
		{"API Gateway", api.RESTJSON, &apigateway.Service, &apigateway.NotFoundException{Message: "Invalid REST API identifier specified"}, 404,
			"X-Amzn-Errortype: NotFoundException", `{"message":"Invalid REST API identifier specified"}`},
		{"Scheduler writes Message", api.RESTJSON, &scheduler.Service, api.Errorf("AccessDeniedException", 403, "no"), 403, "Content-Type: application/json",
			`{"Message":"no"}`},
		{"IAM", api.Query, &iam.Service, &iam.NoSuchEntityException{Message: "The role with name <r> cannot be found."}, 404, "Content-Type: text/xml",
			`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>` +
				`<Message>The role with name &lt;r&gt; cannot be found.</Message></Error><RequestId>req</RequestId></ErrorResponse>`},
		{"a fault in query", api.Query, &iam.Service, errors.New("secret"), 500, "",
			`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>` + unknownError + `</Message></Error><RequestId>req</RequestId></ErrorResponse>`},
		{"an unknown action", api.Query, &iam.Service, UnknownOperation(api.Query, &iam.Service, "Frob"), 400, "",
			`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>InvalidAction</Code>` +
				`<Message>Could not find operation Frob for version 2010-05-08</Message></Error><RequestId>req</RequestId></ErrorResponse>`},
		{"EC2", api.EC2, ec2, api.Errorf("InvalidInstanceID.NotFound", 400, "The instance ID 'i-1' does not exist"), 400, "",
			declaration + `<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>The instance ID &apos;i-1&apos; does not exist</Message></Error></Errors><RequestID>req</RequestID></Response>`},
		{"S3", api.RESTXML, &s3.Service,
			api.Errorf("NoSuchBucket", 404, "The specified bucket does not exist").With("BucketName", "b").WithHeader("x-amz-bucket-region", "eu-west-1"), 404, "X-Amz-Bucket-Region: eu-west-1",
			declaration + `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>b</BucketName><RequestId>req</RequestId><HostId>host</HostId></Error>`},
		{"S3's quotes", api.RESTXML, &s3.Service, api.Errorf("AccessDenied", 403, `not ["eq", 'a<b&quot;']`), 403, "",
			declaration + `<Error><Code>AccessDenied</Code><Message>not ["eq", 'a&lt;b&amp;quot;']</Message><RequestId>req</RequestId><HostId>host</HostId></Error>`},
		{"S3's modelled errors", api.RESTXML, &s3.Service, &s3.InvalidObjectState{StorageClass: s3.StorageClassGlacier}, 403, "Content-Type: application/xml",
			declaration + `<Error><Code>InvalidObjectState</Code><StorageClass>GLACIER</StorageClass><RequestId>req</RequestId><HostId>host</HostId></Error>`},
		{"a service that is not known", api.RESTXML, nil, api.Errorf("NoSuchService", 404, "what?"), 404, "",
			declaration + `<Error><Code>NoSuchService</Code><Message>what?</Message><RequestId>req</RequestId><HostId>host</HostId></Error>`},
		{"known and not there", api.JSON, &dynamodb.Service, NotImplemented(api.JSON, dynamodb.CreateBackup.Spec()), 501, "",
			`{"__type":"com.amazonaws.dynamodb.v20120810#NotImplementedException","message":"dynamodb:CreateBackup is not implemented by Virga."}`},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("X-Amz-Id-2", "host")
		w.Header().Set("Content-Length", "12345") // of an answer that was not finished
		For(c.protocol).EncodeError(nil, c.service, w, c.err, "req")
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.status)
		}
		if got := w.Body.String(); got != c.body {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.body)
		}
		if got := w.Header().Get("Content-Length"); got != fmt.Sprint(len(c.body)) {
			t.Errorf("%s: Content-Length %s, want %d", c.name, got, len(c.body))
		}
		if name, value, ok := strings.Cut(c.header, ": "); ok && w.Header().Get(name) != value {
			t.Errorf("%s: %s is %q, want %q", c.name, name, w.Header().Get(name), value)
		}
	}
}

func TestCBORErrors(t *testing.T) {
	w := httptest.NewRecorder()
	For(api.CBOR).EncodeError(nil, &cloudwatch.Service, w, &cloudwatch.ResourceNotFound{Message: "gone"}, "req")
	// {_ "__type": "com.amazonaws.cloudwatch#ResourceNotFound", "message": "gone"}
	const want = "v2ZfX3R5cGV4KWNvbS5hbWF6b25hd3MuY2xvdWR3YXRjaCNSZXNvdXJjZU5vdEZvdW5kZ21lc3NhZ2VkZ29uZf8="
	if got := base64.StdEncoding.EncodeToString(w.Body.Bytes()); got != want {
		t.Errorf("got %s (%q)", got, w.Body)
	}
	if w.Header().Get("Smithy-Protocol") != "rpc-v2-cbor" || w.Header().Get("Content-Type") != "application/cbor" {
		t.Errorf("headers %v", w.Header())
	}
	if got := w.Header().Get("X-Amzn-Query-Error"); !strings.HasSuffix(got, ";Sender") {
		t.Errorf("CloudWatch's clients came from query: %q", got)
	}
}
