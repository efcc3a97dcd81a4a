package accesslog

import (
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

var at = time.Date(2019, 2, 6, 0, 0, 38, 0, time.UTC)

func TestLine(t *testing.T) {
	t.Parallel()
	e := Entry{
		Owner: "79a5", Bucket: "bucket", Requester: "79a5", Time: at, RemoteIP: "192.0.2.3", RequestID: "3E57",
		Operation: "REST.GET.VERSIONING", Request: "GET /bucket?versioning HTTP/1.1", Status: 200, Sent: 113,
		Took: 7 * time.Millisecond, UserAgent: `S3"Console"/0.4`, Authentication: "AuthHeader", Host: "s3.localhost", TLS: true,
	}
	want := `79a5 bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a5 3E57 REST.GET.VERSIONING - "GET /bucket?versioning HTTP/1.1" 200 - 113 - 7 7 "-" "S3%22Console%22/0.4" - 3E57 SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader s3.localhost TLSv1.2 - -`
	if got := e.String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	e = Entry{Version: "1\n79a5 bucket", Key: "k\n"}
	if got := e.String(); strings.Contains(got, "\n") {
		t.Errorf("a client writes a line of its own: %q", got)
	}
	e = Entry{Owner: "79a5", Bucket: "bucket", Time: at, Operation: "REST.PUT.OBJECT", Key: "a b/ü", Request: "PUT /bucket/a%20b HTTP/1.1", Status: 403, Error: "AccessDenied", Size: 9}
	want = `79a5 bucket [06/Feb/2019:00:00:38 +0000] - - - REST.PUT.OBJECT a+b%2F%C3%BC "PUT /bucket/a%20b HTTP/1.1" 403 AccessDenied - 9 0 0 "-" "-" - - - - - - - - -`
	if got := e.String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestOperation(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"GetObject": "REST.GET.OBJECT", "CopyObject": "REST.COPY.OBJECT", "GetBucketVersioning": "REST.GET.VERSIONING",
		"GetObjectAcl": "REST.GET.ACL", "GetBucketAcl": "REST.GET.ACL", "GetObjectTagging": "REST.GET.OBJECT_TAGGING",
		"ListObjectsV2": "REST.GET.BUCKET", "GetBucketPolicy": "REST.GET.BUCKETPOLICY", "GetBucketLocation": "REST.GET.LOCATION",
		"GetBucketLifecycleConfiguration": "REST.GET.LIFECYCLE", "GetBucketRequestPayment": "REST.GET.REQUEST_PAYMENT", "ListParts": "REST.GET.UPLOAD",
	} {
		if got := Operation(name, "GET"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	to := &s3.LoggingEnabled{TargetPrefix: "logs/"}
	if got, want := Name(to, "111122223333", "us-east-1", "source", at, "E568"), "logs/2019-02-06-00-00-38-E568"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	to.TargetObjectKeyFormat = &s3.TargetObjectKeyFormat{PartitionedPrefix: &s3.PartitionedPrefix{}}
	if got, want := Name(to, "111122223333", "us-east-1", "source", at, "E568"), "logs/111122223333/us-east-1/source/2019/02/06/2019-02-06-00-00-38-E568"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
