package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/catalog"
	"github.com/virga-cloud/virga/server/protocol"
)

// signed is the Authorization header of a request with the given scope.
func signed(region, service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/" + region + "/" + service +
		"/aws4_request, SignedHeaders=host;x-amz-date, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"
}

// presigned is the query of a presigned request with the given scope.
func presigned(region, service string) string {
	return "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261123%2F" + region + "%2F" + service +
		"%2Faws4_request&X-Amz-Date=20261123T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=aa"
}

const local = "localhost:4566"

// Requests as the AWS CLI, the SDKs for Python, Go, JavaScript, Java and Rust,
// Terraform, curl and browsers send them, with the operation that each is for.
var requests = []struct {
	name, request, host string // "METHOD /path"
	header              map[string]string
	// want is "service:Operation"; "service:" knows the service alone, "?name"
	// is an unknown service.
	want string
	// labels are some of the URI's labels, "Name=value".
	labels string
	region string
}{
	// awsJson: X-Amz-Target says all.
	{"CLI dynamodb", "POST /", local, h("X-Amz-Target", "DynamoDB_20120810.ListTables", "Authorization", signed("eu-west-1", "dynamodb")), "dynamodb:ListTables", "", "eu-west-1"},
	{"dynamodb by amazonaws host", "POST /", "dynamodb.eu-central-1.amazonaws.com", h("X-Amz-Target", "DynamoDB_20120810.PutItem"), "dynamodb:PutItem", "", "eu-central-1"},
	{"dynamodb account endpoint", "POST /", "123456789012.ddb.us-east-1.amazonaws.com", h("X-Amz-Target", "DynamoDB_20120810.GetItem", "Authorization", signed("us-east-1", "dynamodb")), "dynamodb:GetItem", "", "us-east-1"},
	{"streams share the signing name", "POST /", local, h("X-Amz-Target", "DynamoDBStreams_20120810.ListStreams", "Authorization", signed("us-east-1", "dynamodb")), "dynamodbstreams:ListStreams", "", "us-east-1"},
	{"logs", "POST /", local, h("X-Amz-Target", "Logs_20140328.DescribeLogGroups", "Authorization", signed("us-east-1", "logs")), "logs:DescribeLogGroups", "", "us-east-1"},
	{"events", "POST /", local, h("X-Amz-Target", "AWSEvents.PutEvents", "Authorization", signed("us-east-1", "events")), "events:PutEvents", "", "us-east-1"},
	{"SQS over JSON", "POST /", local, h("X-Amz-Target", "AmazonSQS.SendMessage", "Authorization", signed("us-east-1", "sqs")), "sqs:SendMessage", "", "us-east-1"},
	{"SQS over JSON at a queue URL", "POST /000000000000/queue", local, h("X-Amz-Target", "AmazonSQS.ReceiveMessage"), "sqs:ReceiveMessage", "", ""},
	{"unknown JSON operation", "POST /", local, h("X-Amz-Target", "DynamoDB_20120810.Nonsense"), "dynamodb:", "", ""},
	{"unknown JSON service", "POST /", local, h("X-Amz-Target", "AWSGlue.GetTables", "Authorization", signed("us-east-1", "glue")), "?glue", "", "us-east-1"},
	{"unknown JSON service, unsigned", "POST /", local, h("X-Amz-Target", "AWSGlue.GetTables"), "?AWSGlue", "", ""},

	// rpc-v2-cbor: the path says all.
	{"CloudWatch over CBOR", "POST /service/GraniteServiceVersion20100801/operation/PutMetricData", local, h("Smithy-Protocol", "rpc-v2-cbor", "Authorization", signed("us-east-1", "monitoring")), "cloudwatch:PutMetricData", "", "us-east-1"},
	{"CBOR below a prefix", "POST /prefix/service/GraniteServiceVersion20100801/operation/ListMetrics", local, h("Smithy-Protocol", "rpc-v2-cbor"), "cloudwatch:ListMetrics", "", ""},
	{"unknown CBOR service", "POST /service/Foo/operation/Bar", local, h("Smithy-Protocol", "rpc-v2-cbor"), "?Foo", "", ""},

	// Query: by scope and the form; here with the action in the URL.
	{"IAM with the action in the URL", "GET /?Action=ListRoles&Version=2010-05-08", local, h("Authorization", signed("us-east-1", "iam")), "iam:ListRoles", "", "us-east-1"},
	{"STS unsigned, by host", "GET /?Action=GetCallerIdentity&Version=2011-06-15", "sts.amazonaws.com", nil, "sts:GetCallerIdentity", "", ""},
	{"STS presigned, as EKS tokens are", "GET /?Action=GetCallerIdentity&Version=2011-06-15&" + presigned("us-east-1", "sts"), local, nil, "sts:GetCallerIdentity", "", "us-east-1"},
	{"STS by version alone", "GET /?Action=GetCallerIdentity&Version=2011-06-15", local, nil, "sts:GetCallerIdentity", "", ""},
	{"SNS with the action in the URL", "GET /?Action=ListTopics&Version=2010-03-31", "sns.us-west-2.amazonaws.com", nil, "sns:ListTopics", "", "us-west-2"},
	{"old SQS", "GET /?Action=ListQueues&Version=2012-11-05", local, h("Authorization", signed("us-east-1", "sqs")), "sqs:ListQueues", "", "us-east-1"},
	{"unknown query service", "GET /?Action=DescribeInstances&Version=2016-11-15", local, h("Authorization", signed("us-east-1", "ec2")), "?ec2", "", "us-east-1"},
	{"unknown query operation", "GET /?Action=Nonsense&Version=2010-05-08", local, h("Authorization", signed("us-east-1", "iam")), "iam:", "", "us-east-1"},

	// restJson: by scope or host, and the path.
	{"Lambda list", "GET /2015-03-31/functions/", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:ListFunctions", "", "us-east-1"},
	{"Lambda create", "POST /2015-03-31/functions", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:CreateFunction", "", "us-east-1"},
	{"Lambda invoke", "POST /2015-03-31/functions/thumb/invocations", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:Invoke", "FunctionName=thumb", "us-east-1"},
	{"Lambda invoke by an encoded ARN", "POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:Invoke", "FunctionName=arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "us-east-1"},
	{"Lambda unsigned", "GET /2015-03-31/functions", local, nil, "lambda:ListFunctions", "", ""},
	{"Lambda by host", "GET /2015-03-31/functions/f/policy", "lambda.ap-southeast-2.amazonaws.com", nil, "lambda:GetPolicy", "FunctionName=f", "ap-southeast-2"},
	{"Lambda tags with an ARN that is not encoded", "GET /2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:f", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:ListTags", "", "us-east-1"},
	{"unknown path of Lambda", "GET /2099-01-01/nonsense", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:", "", "us-east-1"},
	{"REST APIs", "GET /restapis", local, h("Authorization", signed("us-east-1", "apigateway")), "apigateway:GetRestApis", "", "us-east-1"},
	{"REST API's method", "PUT /restapis/abc/resources/def/methods/GET/integration", local, h("Authorization", signed("us-east-1", "apigateway")), "apigateway:PutIntegration", "restapi_id=abc", "us-east-1"},
	{"REST APIs unsigned", "GET /restapis/abc", local, nil, "apigateway:GetRestApi", "restapi_id=abc", ""},
	{"HTTP APIs share the scope", "GET /v2/apis", local, h("Authorization", signed("us-east-1", "apigateway")), "apigatewayv2:GetApis", "", "us-east-1"},
	{"HTTP APIs by host", "POST /v2/apis", "apigateway.us-east-1.amazonaws.com", nil, "apigatewayv2:CreateApi", "", "us-east-1"},
	{"the account of API Gateway is no bucket", "GET /account", local, h("Authorization", signed("us-east-1", "apigateway")), "apigateway:GetAccount", "", "us-east-1"},
	{"Scheduler", "GET /schedules", local, h("Authorization", signed("us-east-1", "scheduler")), "scheduler:ListSchedules", "", "us-east-1"},
	{"unknown REST service is not S3", "GET /clusters", local, h("Authorization", signed("us-east-1", "eks")), "?eks", "", "us-east-1"},
	{"unknown REST service by host", "GET /clusters", "eks.us-east-1.amazonaws.com", nil, "?eks", "", "us-east-1"},

	// S3 by path.
	{"list buckets", "GET /", local, h("Authorization", signed("us-east-1", "s3")), "s3:ListBuckets", "", "us-east-1"},
	{"list buckets unsigned", "GET /", local, nil, "s3:ListBuckets", "", ""},
	{"create bucket", "PUT /photos", local, h("Authorization", signed("eu-west-1", "s3")), "s3:CreateBucket", "Bucket=photos", "eu-west-1"},
	{"create bucket with a slash", "PUT /photos/", local, h("Authorization", signed("us-east-1", "s3")), "s3:CreateBucket", "Bucket=photos", "us-east-1"},
	{"head bucket", "HEAD /photos", local, h("Authorization", signed("us-east-1", "s3")), "s3:HeadBucket", "Bucket=photos", "us-east-1"},
	{"list", "GET /photos?prefix=a", local, h("Authorization", signed("us-east-1", "s3")), "s3:ListObjects", "", "us-east-1"},
	{"list version 2", "GET /photos?list-type=2&delimiter=%2F", local, h("Authorization", signed("us-east-1", "s3")), "s3:ListObjectsV2", "", "us-east-1"},
	{"versions", "GET /photos?versions", local, h("Authorization", signed("us-east-1", "s3")), "s3:ListObjectVersions", "", "us-east-1"},
	{"bucket location", "GET /photos?location", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetBucketLocation", "", "us-east-1"},
	{"a sub-resource with an empty value", "GET /photos?location=", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetBucketLocation", "", "us-east-1"},
	{"notification", "PUT /photos?notification", local, h("Authorization", signed("us-east-1", "s3")), "s3:PutBucketNotificationConfiguration", "", "us-east-1"},
	{"put object", "PUT /photos/a.jpg?x-id=PutObject", local, h("Authorization", signed("us-east-1", "s3")), "s3:PutObject", "Key=a.jpg", "us-east-1"},
	{"key with slashes", "GET /photos/2026/11/a.jpg", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Key=2026/11/a.jpg", "us-east-1"},
	{"key that begins with a slash", "GET /photos//a", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Key=/a", "us-east-1"},
	{"key that ends with a slash", "PUT /photos/dir/", local, h("Authorization", signed("us-east-1", "s3")), "s3:PutObject", "Key=dir/", "us-east-1"},
	{"encoded key", "GET /photos/a%2Fb%20c%2B", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Key=a%2Fb%20c%2B", "us-east-1"},
	{"copy", "PUT /photos/b", local, h("X-Amz-Copy-Source", "/photos/a", "Authorization", signed("us-east-1", "s3")), "s3:CopyObject", "Key=b", "us-east-1"},
	{"upload part", "PUT /photos/b?partNumber=1&uploadId=u", local, h("Authorization", signed("us-east-1", "s3")), "s3:UploadPart", "", "us-east-1"},
	{"upload part copy", "PUT /photos/b?partNumber=1&uploadId=u", local, h("X-Amz-Copy-Source", "/photos/a", "Authorization", signed("us-east-1", "s3")), "s3:UploadPartCopy", "", "us-east-1"},
	{"begin multipart", "POST /photos/b?uploads", local, h("Authorization", signed("us-east-1", "s3")), "s3:CreateMultipartUpload", "", "us-east-1"},
	{"complete multipart", "POST /photos/b?uploadId=u", local, h("Authorization", signed("us-east-1", "s3")), "s3:CompleteMultipartUpload", "", "us-east-1"},
	{"abort multipart", "DELETE /photos/b?uploadId=u", local, h("Authorization", signed("us-east-1", "s3")), "s3:AbortMultipartUpload", "", "us-east-1"},
	{"delete object", "DELETE /photos/b", local, h("Authorization", signed("us-east-1", "s3")), "s3:DeleteObject", "", "us-east-1"},
	{"list parts", "GET /photos/b?uploadId=u", local, h("Authorization", signed("us-east-1", "s3")), "s3:ListParts", "", "us-east-1"},
	{"delete objects", "POST /photos?delete", local, h("Authorization", signed("us-east-1", "s3")), "s3:DeleteObjects", "", "us-east-1"},
	{"object ACL", "GET /photos/b?acl", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetObjectAcl", "", "us-east-1"},
	{"object attributes", "GET /photos/b?attributes", local, h("X-Amz-Object-Attributes", "ETag", "Authorization", signed("us-east-1", "s3")), "s3:GetObjectAttributes", "", "us-east-1"},
	{"select", "POST /photos/b?select&select-type=2", local, h("Authorization", signed("us-east-1", "s3")), "s3:SelectObjectContent", "", "us-east-1"},
	{"presigned get", "GET /photos/b?" + presigned("us-west-2", "s3"), local, nil, "s3:GetObject", "", "us-west-2"},
	{"presigned by SigV2", "GET /photos/b?AWSAccessKeyId=A&Signature=B&Expires=1", local, nil, "s3:GetObject", "", ""},
	{"signed by SigV2", "GET /photos/b", local, h("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg="), "s3:GetObject", "", ""},
	{"SigV4A has no region", "GET /photos/b", local, h("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/s3/aws4_request, SignedHeaders=host, Signature=aa"), "s3:GetObject", "", ""},
	{"directory buckets", "GET /", local, h("Authorization", signed("us-east-1", "s3express")), "s3:ListDirectoryBuckets", "", "us-east-1"},
	{"session credentials of S3 Express", "GET /photos/b", local, h("Authorization", signed("us-east-1", "s3express")), "s3:GetObject", "", "us-east-1"},
	{"anonymous download", "GET /photos/b", local, nil, "s3:GetObject", "", ""},
	{"anonymous browser form", "POST /photos", local, h("Content-Type", "multipart/form-data; boundary=x"), "s3:", "", ""},
	{"a form for a bucket", "POST /photos?delete", local, h("Content-Type", "application/x-www-form-urlencoded"), "s3:DeleteObjects", "Bucket=photos", ""},
	{"a bucket named as a service's path", "GET /account/key", local, h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Bucket=account", "us-east-1"},

	// S3 by virtual host.
	{"virtual host", "GET /a.jpg", "photos.s3.us-east-1.amazonaws.com", nil, "s3:GetObject", "Bucket=photos", "us-east-1"},
	{"virtual host without region", "GET /?list-type=2", "photos.s3.amazonaws.com", nil, "s3:ListObjectsV2", "Bucket=photos", ""},
	{"virtual host, dash region", "GET /k", "photos.s3-eu-west-1.amazonaws.com", nil, "s3:GetObject", "Bucket=photos", "eu-west-1"},
	{"virtual host, dual stack", "GET /k", "photos.s3.dualstack.us-east-1.amazonaws.com", nil, "s3:GetObject", "Bucket=photos", "us-east-1"},
	{"virtual host, accelerated", "PUT /k", "photos.s3-accelerate.amazonaws.com", nil, "s3:PutObject", "Bucket=photos", ""},
	{"virtual host of a bucket with dots", "GET /k", "my.photo.bucket.s3.us-east-1.localhost.localstack.cloud:4566", nil, "s3:GetObject", "Bucket=my.photo.bucket", "us-east-1"},
	{"virtual host of localhost", "PUT /k", "photos.s3.localhost:4566", nil, "s3:PutObject", "Bucket=photos", ""},
	{"virtual host as SDKs make it of localhost", "PUT /k", "photos.localhost:4566", h("Authorization", signed("us-east-1", "s3")), "s3:PutObject", "Bucket=photos", "us-east-1"},
	{"create bucket by virtual host", "PUT /", "photos.s3.localhost.localstack.cloud:4566", h("Authorization", signed("us-east-1", "s3")), "s3:CreateBucket", "Bucket=photos", "us-east-1"},
	{"path style at S3's host", "GET /photos/k", "s3.eu-west-3.amazonaws.com", nil, "s3:GetObject", "Bucket=photos", "eu-west-3"},
	{"path style at localstack's S3 host", "GET /photos/k", "s3.localhost.localstack.cloud:4566", nil, "s3:GetObject", "Bucket=photos", ""},
	{"path style at a service's prefix with S3's scope", "GET /dynamodb/k", "localhost.localstack.cloud:4566", h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Bucket=dynamodb", "us-east-1"},
	{"China", "GET /k", "photos.s3.cn-north-1.amazonaws.com.cn", nil, "s3:GetObject", "Bucket=photos", "cn-north-1"},

	// Addresses.
	{"IPv4", "GET /photos/k", "127.0.0.1:4566", h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Bucket=photos", "us-east-1"},
	{"IPv6", "GET /photos/k", "[::1]:4566", h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Bucket=photos", "us-east-1"},
	{"IPv6 without port", "GET /photos/k", "[::1]", nil, "s3:GetObject", "Bucket=photos", ""},
	{"a name of its own", "GET /photos/k", "virga:4566", h("Authorization", signed("us-east-1", "s3")), "s3:GetObject", "Bucket=photos", "us-east-1"},
	{"a host in capitals", "POST /", "DynamoDB.US-East-1.AmazonAWS.com", h("X-Amz-Target", "DynamoDB_20120810.Scan"), "dynamodb:Scan", "", "us-east-1"},
}

func h(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func TestIdentify(t *testing.T) {
	d := newDirectory(catalog.Models, "")
	for _, c := range requests {
		t.Run(c.name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.request, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			got := d.identify(r, nil)
			if s := summary(got); s != c.want {
				t.Errorf("%s at %s is %s, want %s", c.request, c.host, s, c.want)
			}
			if got.region != c.region {
				t.Errorf("region %q, want %q", got.region, c.region)
			}
			if name, value, ok := strings.Cut(c.labels, "="); ok && got.uri.Labels.Value(name) != value {
				t.Errorf("label %s is %q, want %q", name, got.uri.Labels.Value(name), value)
			}
		})
	}
}

func summary(t target) string {
	switch {
	case t.model == nil && t.unknown != "":
		return "?" + t.unknown
	case t.model == nil:
		return "nothing"
	case t.op == nil:
		return t.model.Service.Name + ":"
	}
	return t.model.Service.Name + ":" + t.op.Spec().Name
}

// A form in the body names the operation: the service is known before, by the
// scope, or with it, by the version.
func TestIdentifyForm(t *testing.T) {
	d := newDirectory(catalog.Models, "")
	for _, c := range []struct{ name, host, auth, action, version, want string }{
		{"CLI iam", local, signed("us-east-1", "iam"), "CreateRole", "2010-05-08", "iam:CreateRole"},
		{"CLI sts", local, signed("us-east-1", "sts"), "GetCallerIdentity", "2011-06-15", "sts:GetCallerIdentity"},
		{"sns", local, signed("us-east-1", "sns"), "CreateTopic", "2010-03-31", "sns:CreateTopic"},
		{"CloudWatch over query", local, signed("us-east-1", "monitoring"), "PutMetricData", "2010-08-01", "cloudwatch:PutMetricData"},
		{"unsigned, by version", local, "", "AssumeRoleWithWebIdentity", "2011-06-15", "sts:AssumeRoleWithWebIdentity"},
		{"unsigned, by host", "iam.amazonaws.com", "", "ListUsers", "2010-05-08", "iam:ListUsers"},
		{"unknown action", local, signed("us-east-1", "iam"), "Nonsense", "2010-05-08", "iam:"},
		{"unknown version", local, "", "DescribeInstances", "2016-11-15", "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action="+c.action+"&Version="+c.version))
			r.Host = c.host
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			if c.auth != "" {
				r.Header.Set("Authorization", c.auth)
			}
			got := d.identify(r, nil)
			if !got.inForm {
				t.Fatalf("the operation was not looked for in the form: %+v", got)
			}
			if s := summary(d.action(got, c.action, c.version)); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

// Every operation of every REST service is found by its own binding: none is
// hidden by another of the same path.
func TestEveryRouteIsReachable(t *testing.T) {
	for _, m := range catalog.Models {
		p := m.Service.Protocols[0]
		if p != "rest-json" && p != "rest-xml" {
			continue
		}
		tb := newTable(m)
		for _, known := range m.Operations {
			op := known.Spec()
			if op.Name == "ListDirectoryBuckets" {
				continue // by a host of its own, s3express-control, which has ListBuckets' binding
			}
			path, query, _ := strings.Cut(op.URI, "?")
			for _, seg := range strings.Split(path, "/") {
				if strings.HasPrefix(seg, "{") {
					path = strings.Replace(path, seg, "x", 1)
				}
			}
			q := protocol.ParseQuery(query)
			needQuery, needHeader := requiredParameters(known)
			for _, name := range needQuery {
				q = append(q, api.Field{Name: name, Value: "x"})
			}
			headers := http.Header{}
			for _, name := range needHeader {
				headers[name] = []string{"x"}
			}
			got, _, ok := tb.match(op.Method, path, q, headers)
			if !ok {
				t.Errorf("%s: %s %s is found by nothing", op, op.Method, op.URI)
			} else if got != known && !(op.Deprecated && got.Spec().URI == op.URI) {
				t.Errorf("%s: %s %s is taken for %s", op, op.Method, op.URI, got.Spec())
			}
		}
	}
}

func BenchmarkIdentify(b *testing.B) {
	d := newDirectory(catalog.Models, "")
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
	}{
		{"GetItem", "POST", "/", h("X-Amz-Target", "DynamoDB_20120810.GetItem", "Authorization", signed("us-east-1", "dynamodb"))},
		{"GetObject", "GET", "/photos/2026/a.jpg", h("Authorization", signed("us-east-1", "s3"))},
		{"Invoke", "POST", "/2015-03-31/functions/f/invocations", h("Authorization", signed("us-east-1", "lambda"))},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Host = local
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			b.ReportAllocs()
			for b.Loop() {
				d.identify(r, nil)
			}
		})
	}
}
