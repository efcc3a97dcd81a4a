package testsuite

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// What is not there says so, in the protocol of who asked.
func TestWhatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	server := harness.Shared()
	signed := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
	}
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
		holds  string
	}{
		{"a known operation, JSON", request(t, "POST", server.URL, "{}", "Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "DynamoDB_20120810.UpdateTableReplicaAutoScaling", "Authorization", signed("dynamodb")), 501, "UpdateTableReplicaAutoScaling"},
		{"an unknown operation, JSON", request(t, "POST", server.URL, "{}", "Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "DynamoDB_20120810.MakeCoffee", "Authorization", signed("dynamodb")), 400, "UnknownOperationException"},
		{"a known operation, query", request(t, "POST", server.URL, "Action=GenerateOrganizationsAccessReport&Version=2010-05-08&EntityPath=o-a", "Content-Type", "application/x-www-form-urlencoded", "Authorization", signed("iam")), 501, "<Code>"},
		{"an unknown operation, query", request(t, "POST", server.URL, "Action=MakeCoffee&Version=2010-05-08", "Content-Type", "application/x-www-form-urlencoded", "Authorization", signed("iam")), 400, "<Code>InvalidAction</Code>"},
		{"a known operation, REST", request(t, "GET", server.URL+"/2015-03-31/event-source-mappings", "", "Authorization", signed("lambda")), 501, "ListEventSourceMappings"},
		{"a known operation, S3", request(t, "GET", server.URL+"/b?metadataTable", "", "Authorization", signed("s3")), 501, "<Code>NotImplemented</Code>"},
		{"an unknown service, not S3's to answer", request(t, "POST", server.URL+"/v1/rooms", "{}", "Authorization", signed("chime")), 501, "chime"},
	} {
		status, body := exchange(t, server.HTTP, c.r)
		if status != c.status || !strings.Contains(body, c.holds) || strings.Contains(body, "NoSuchBucket") {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
}

func TestHealthAndCoverage(t *testing.T) {
	t.Parallel()
	server := harness.Shared()
	for _, path := range []string{"/_localstack/health", "/_virga/health"} {
		status, body := exchange(t, server.HTTP, request(t, "GET", server.URL+path, ""))
		var h struct{ Services map[string]string }
		if err := json.Unmarshal([]byte(body), &h); err != nil || status != 200 || h.Services["s3"] != "running" || h.Services["lambda"] != "running" {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	status, body := exchange(t, server.HTTP, request(t, "GET", server.URL+"/_virga/coverage", ""))
	var all []struct {
		Service    string
		Operations []struct {
			Name        string
			Implemented bool
			NoEffect    []string
		}
	}
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != 200 {
		t.Fatalf("coverage: %d %v", status, err)
	}
	got := map[string]bool{}
	for _, s := range all {
		for _, op := range s.Operations {
			got[s.Service+"."+op.Name] = op.Implemented
		}
	}
	for name, want := range map[string]bool{"s3.PutObject": true, "lambda.Invoke": true, "iam.CreateRole": true, "iam.GenerateOrganizationsAccessReport": false, "sqs.SendMessage": false} {
		if is, known := got[name]; !known || is != want {
			t.Errorf("%s: known %v, implemented %v", name, known, is)
		}
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	name := bucket(t, a)
	function(t, a, "echo", echo)
	server.Reset(t)
	if left := must(a.S3.ListBuckets(ctx, &s3.ListBucketsInput{}))(t); len(left.Buckets) != 0 {
		t.Errorf("left: %v", left.Buckets)
	}
	function(t, a, "echo", echo)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}))(t)
}

func TestClock(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ask := func(body string) time.Time {
		t.Helper()
		method := "POST"
		if body == "" {
			method = "GET"
		}
		status, text := exchange(t, server.HTTP, request(t, method, server.URL+"/_virga/clock", body))
		var answer struct{ Now time.Time }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
			t.Fatalf("clock %s: %d %s", body, status, text)
		}
		return answer.Now
	}
	frozen := ask(`{"freeze":true}`)
	if now := ask(""); !now.Equal(frozen) {
		t.Errorf("frozen at %v, and it is %v", frozen, now)
	}
	if now := ask(`{"advance":"72h"}`); !now.Equal(frozen.Add(72 * time.Hour)) {
		t.Errorf("three days after %v it is %v", frozen, now)
	}
	a := server.Account(t)
	name := bucket(t, a)
	must(a.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: name, Key: aws.String("k")}))(t)
	head := must(a.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: name, Key: aws.String("k")}))(t)
	if !head.LastModified.Equal(frozen.Add(72 * time.Hour).Truncate(time.Second)) {
		t.Errorf("an object of %v is of %v", frozen.Add(72*time.Hour), head.LastModified)
	}
	if now := ask(`{"reset":true}`); time.Since(now).Abs() > time.Minute {
		t.Errorf("after a reset it is %v", now)
	}
	for _, bad := range []string{`{"advance":"soon"}`, `{"advance":"-1h"}`, `{"stop":true}`, `no`} {
		if status, _ := exchange(t, server.HTTP, request(t, "POST", server.URL+"/_virga/clock", bad)); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

// A client that is slow, broken or too demanding harms nobody else.
func TestBadClients(t *testing.T) {
	t.Parallel()
	server := harness.Shared()
	a := harness.New(t)
	name := bucket(t, a)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(20 * time.Second))
		return c
	}
	status := func(c net.Conn) int {
		t.Helper()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	// Many begin and do not go on.
	for range 50 {
		fmt.Fprintf(dial(), "PUT /%s/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf", *name)
		fmt.Fprint(dial(), "GET / HTTP/1.1\r\nHo")
	}
	large := dial()
	go io.WriteString(large, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	if got := status(large); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of a megabyte: %d", got)
	}
	none := dial()
	io.WriteString(none, "no request at all\r\n\r\n")
	if got := status(none); got != http.StatusBadRequest {
		t.Errorf("no HTTP: %d", got)
	}
	// A body that ends early is no object.
	broken := dial()
	fmt.Fprintf(broken, "PUT /%s/broken HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", *name)
	broken.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, broken)
	// Bodies that are held in memory have a limit.
	huge := request(t, "POST", server.URL, "{"+strings.Repeat(" ", 20<<20), "Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "DynamoDB_20120810.ListTables")
	if got, body := exchange(t, server.HTTP, huge); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a request of 20 MB: %d %s", got, body)
	}
	for _, body := range []string{"{", "[]", `{"Limit": "many"}`, strings.Repeat("[", 100_000)} {
		r := request(t, "POST", server.URL, body, "Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "DynamoDB_20120810.ListTables")
		if got, text := exchange(t, server.HTTP, r); got != http.StatusBadRequest {
			t.Errorf("the body %.20q: %d %.200s", body, got, text)
		}
	}
	objects := must(a.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: name}))(t)
	if len(objects.Contents) != 0 {
		t.Errorf("halves of bodies became %v", objects.Contents)
	}
}

// HTTP/2 needs no TLS.
func TestHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	server := harness.Shared()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	resp, err := client.Get(server.URL + "/_virga/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
}

// What was answered is there after an end by SIGTERM, and after one by SIGKILL.
func TestDataStays(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	body := strings.Repeat("rain ", 100_000)
	row := func(n int) map[string]dynamodbtypes.AttributeValue {
		return map[string]dynamodbtypes.AttributeValue{"k": &dynamodbtypes.AttributeValueMemberS{Value: fmt.Sprint(n)}}
	}
	first := harness.Start(t, harness.Options{Data: dir})
	a := first.As("test", "test", "")
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("kept")}))(t)
	must(a.DynamoDB.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("Kept"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: dynamodbtypes.KeyTypeHash}},
	}))(t)
	write := func(a *harness.Account, n int) {
		t.Helper()
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("kept"), Key: aws.String(fmt.Sprint(n)), Body: strings.NewReader(body)}))(t)
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("Kept"), Item: row(n)}))(t)
	}
	verify := func(a *harness.Account, n int) {
		t.Helper()
		got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("kept"), Key: aws.String(fmt.Sprint(n))}))(t)
		if text := read(t, got.Body); text != body {
			t.Errorf("object %d has %d bytes", n, len(text))
		}
		if item := must(a.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("Kept"), Key: row(n)}))(t); len(item.Item) != 1 {
			t.Errorf("row %d is %v", n, item.Item)
		}
	}
	write(a, 1)
	f := function(t, a, "kept", echo)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	second := harness.Start(t, harness.Options{Data: dir})
	a = second.As("test", "test", "")
	verify(a, 1)
	invoke(t, a, *f.FunctionArn)
	write(a, 2)
	second.Kill()

	third := harness.Start(t, harness.Options{Data: dir})
	a = third.As("test", "test", "")
	verify(a, 1)
	verify(a, 2)
	invoke(t, a, *f.FunctionArn)
}

// What cannot be started says why, in one sentence.
func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := harness.Start(t, harness.Options{Data: dir})
	_, port, _ := net.SplitHostPort(server.Addr)
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, []byte("no directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		options harness.Options
		says    string
	}{
		{"a taken port", harness.Options{Args: []string{"--port", port}}, "address already in use"},
		{"a data directory in use", harness.Options{Data: dir}, dir},
		{"a data directory that is a file", harness.Options{Data: file}, file},
		{"an unknown mode", harness.Options{Args: []string{"--auth", "maybe"}}, "off, audit, enforce"},
		{"an unknown flag", harness.Options{Args: []string{"--nonsense"}}, "--nonsense"},
	} {
		said := harness.Refused(t, c.options)
		if n := strings.Count(said, "\n"); n != 1 || !strings.HasPrefix(said, "virga: ") || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q", c.name, said)
		}
	}
	who := must(server.As("test", "test", "").STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	if *who.Account != "000000000000" {
		t.Errorf("the server that was there answers for %s", *who.Account)
	}
}

// Names that LocalStack's users have set mean what they meant.
func TestLocalStackNames(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{Env: []string{"SERVICES=s3,sts", "LOCALSTACK_HOST=cloud.example:4566", "DEBUG=1"}})
	_, body := exchange(t, server.HTTP, request(t, "GET", server.URL+"/_localstack/health", ""))
	var h struct{ Services map[string]string }
	if err := json.Unmarshal([]byte(body), &h); err != nil || h.Services["s3"] != "running" || h.Services["dynamodb"] != "disabled" {
		t.Errorf("%s", body)
	}
	bucket(t, server.Account(t))
}
