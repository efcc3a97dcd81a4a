package main

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkChain sends requests through everything but net/http's connection:
// what remains of a request's cost when the limit's is taken off.
func BenchmarkChain(b *testing.B) {
	const get = `{"TableName":"table","Key":{"pk":{"S":"k"}}}`
	const put = `{"TableName":"table","Item":{"pk":{"S":"k"},"title":{"S":"a title of some length"},"price":{"N":"129.95"},"body":{"S":"` + "%" + `"},"tags":{"SS":["a","b"]},"sold":{"BOOL":false}}}`
	item := strings.Replace(put, "%", strings.Repeat("x", 300), 1)
	json := func(operation, body string) *http.Request {
		r := request(b, "POST", "/", "dynamodb", body)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		return r
	}
	for _, data := range []string{"memory", "disk"} {
		c := &config{host: "127.0.0.1", publicHost: "localhost", auth: "off", executor: "process", memory: data == "memory", data: b.TempDir()}
		out := newBuffered(io.Discard)
		defer out.Close()
		log := slog.New(slog.NewTextHandler(out, nil))
		stored, err := openStore(c, log)
		if err != nil {
			b.Fatal(err)
		}
		defer stored.close()
		parts, err := compose(c, stored, 4566, log)
		if err != nil {
			b.Fatal(err)
		}
		serve := func(b *testing.B, r *http.Request) {
			w := &sink{header: http.Header{}}
			if body := r.Body; body != http.NoBody {
				text, _ := io.ReadAll(body)
				r.Body = io.NopCloser(strings.NewReader(string(text)))
				defer func() { r.Body = io.NopCloser(strings.NewReader(string(text))) }()
			}
			parts.server.ServeHTTP(w, r)
			if w.status >= 300 {
				b.Fatalf("%s %s: %d %s", r.Method, r.URL, w.status, w.refusal)
			}
		}
		serve(b, json("CreateTable", `{"TableName":"table","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`))
		serve(b, json("PutItem", item))
		serve(b, request(b, "PUT", "/bucket", "s3", ""))
		serve(b, request(b, "PUT", "/bucket/key", "s3", strings.Repeat("x", 1024)))
		for name, r := range map[string]*http.Request{
			"GetItem":   json("GetItem", get),
			"PutItem":   json("PutItem", item),
			"GetObject": request(b, "GET", "/bucket/key", "s3", ""),
			"PutObject": request(b, "PUT", "/bucket/key", "s3", strings.Repeat("x", 1024)),
		} {
			b.Run(name+"/"+data, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					serve(b, r)
				}
			})
		}
	}
}

func request(b *testing.B, method, path, service, body string) *http.Request {
	r, err := http.NewRequest(method, "http://localhost:4566"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:5000"
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.7 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64")
	r.Header.Set("X-Amz-Date", "20261123T000000Z")
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/"+service+"/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	return r
}

// sink takes an answer, and keeps it only where it is an error.
type sink struct {
	header  http.Header
	status  int
	refusal []byte
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(p []byte) (int, error) {
	if s.status >= 300 {
		s.refusal = append(s.refusal, p...)
	}
	return len(p), nil
}
