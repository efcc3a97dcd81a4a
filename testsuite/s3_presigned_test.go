package testsuite

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// exchange sends a request and returns the status and the body.
func exchange(t *testing.T, client *http.Client, r *http.Request) (int, string) {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func request(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// Who holds a presigned URL does what it says, without credentials, until it expires.
func TestPresignedURLs(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	name, key := bucket(t, a), aws.String("a b.txt")
	for style, client := range map[string]*s3.Client{"path": a.S3, "host": a.VirtualHosts()} {
		signer := s3.NewPresignClient(client, s3.WithPresignExpires(time.Hour))
		put := must(signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key}))(t)
		if status, body := exchange(t, a.HTTP, request(t, put.Method, put.URL, "hello "+style)); status != http.StatusOK {
			t.Fatalf("%s: PUT: %d %s", style, status, body)
		}
		get := must(signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, ResponseContentType: aws.String("text/css")}))(t)
		if status, body := exchange(t, a.HTTP, request(t, get.Method, get.URL, "")); status != http.StatusOK || body != "hello "+style {
			t.Errorf("%s: GET: %d %s", style, status, body)
		}
	}
	signer := s3.NewPresignClient(a.S3, s3.WithPresignExpires(time.Minute))
	get := must(signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
	server.Advance(t, 2*time.Minute)
	if status, body := exchange(t, a.HTTP, request(t, get.Method, get.URL, "")); status != http.StatusForbidden || !strings.Contains(body, "<Code>AccessDenied</Code><Message>Request has expired</Message>") {
		t.Errorf("expired: %d %s", status, body)
	}
}

// onlyReader hides that a body could be read twice.
type onlyReader struct{ io.Reader }

// A body of unknown content is sent in chunks with its checksum behind it:
// STREAMING-UNSIGNED-PAYLOAD-TRAILER over TLS.
func TestUnsignedTrailers(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{Args: []string{"--tls"}})
	secure := server.Secure()
	ctx, a := t.Context(), secure.Account(t)
	name, body := bucket(t, a), bytes.Repeat([]byte("drop "), 300_000)
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: name, Key: aws.String("k"), Body: onlyReader{bytes.NewReader(body)}, ContentLength: aws.Int64(int64(len(body))),
	}))(t)
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("k"), ChecksumMode: "ENABLED"}))(t)
	if text := read(t, got.Body); text != string(body) || got.ChecksumCRC32 == nil || got.ContentEncoding != nil {
		t.Errorf("%d bytes, CRC32 %v, encoding %v", len(text), got.ChecksumCRC32, got.ContentEncoding)
	}
	// The port answers without TLS as before.
	if status, text := exchange(t, server.HTTP, request(t, "GET", server.URL+"/_virga/health", "")); status != http.StatusOK {
		t.Errorf("plain: %d %s", status, text)
	}
}
