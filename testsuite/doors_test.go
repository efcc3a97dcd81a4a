package testsuite

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A server in the place of MinIO: its root user, its health checks and a port
// where every path is a bucket's. DynamoDB Local's port likewise.
func TestDoors(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{
		Args: []string{"--s3-port", "0", "--dynamodb-port", "0", "--dynamodb-account-per-key", "--tls"},
		Env:  []string{"MINIO_ROOT_USER=minioadmin", "MINIO_ROOT_PASSWORD=minio-secret"},
	})
	objects := server.Door(t, "s3")
	ctx, a := t.Context(), objects.As("minioadmin", "minio-secret", "")
	for _, path := range []string{"live", "ready", "cluster"} {
		if status, body := exchange(t, a.HTTP, request(t, "GET", a.URL+"/minio/health/"+path, "")); status != http.StatusOK || body != "" {
			t.Errorf("/minio/health/%s: %d %q", path, status, body)
		}
	}
	name := aws.String("restapis")
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}))(t)
	if status, body := exchange(t, a.HTTP, request(t, "GET", a.URL+"/", "")); status != http.StatusOK || !strings.Contains(body, "<Name>restapis</Name>") {
		t.Errorf("GET /: %d %s", status, body)
	}
	if status, body := exchange(t, a.HTTP, request(t, "GET", a.URL+"/restapis", "")); status != http.StatusOK || !strings.Contains(body, "<ListBucketResult") {
		t.Errorf("GET /restapis: %d %s", status, body)
	}
	secure := objects.Secure()
	answer := must(secure.HTTP.Get(secure.URL + "/restapis"))(t)
	if body := read(t, answer.Body); answer.ProtoMajor != 2 || !strings.Contains(body, "<ListBucketResult") {
		t.Errorf("GET /restapis over TLS: %s %s", answer.Proto, body)
	}
	_, err := objects.As("minioadmin", "another", "").S3.ListBuckets(ctx, nil)
	refused(t, err, "SignatureDoesNotMatch")

	items := server.Door(t, "dynamodb").As("minioadmin", "minio-secret", "")
	must(items.DynamoDB.ListTables(ctx, &dynamodb.ListTablesInput{}))(t)
	if status, body := exchange(t, items.HTTP, request(t, "GET", items.URL+"/restapis", "")); status != http.StatusNotFound || !strings.Contains(body, "UnknownOperationException") {
		t.Errorf("S3 through DynamoDB's door: %d %s", status, body)
	}
	tables := func(of *harness.Account) int {
		t.Helper()
		return len(must(of.DynamoDB.ListTables(ctx, &dynamodb.ListTablesInput{}))(t).TableNames)
	}
	own := server.Door(t, "dynamodb").As("mine", "any", "")
	table(t, own)
	other := server.Door(t, "dynamodb").As("another", "any", "")
	if mine, others, all := tables(own), tables(other), tables(server.As("another", "any", "")); mine != 1 || others != 0 || all != 0 {
		t.Errorf("one key's table is one of %d of its own, %d of another's, and %d of those on the port for all", mine, others, all)
	}
	if status, body := exchange(t, items.HTTP, request(t, "GET", items.URL+"/", "")); status != http.StatusOK || !strings.HasPrefix(body, "healthy: ") {
		t.Errorf("DynamoDB's health: %d %q", status, body)
	}
}
