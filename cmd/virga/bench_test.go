package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkChain sends requests through everything but net/http's connection:
// what remains of a request's cost when the limit's is taken off.
func BenchmarkChain(b *testing.B) {
	defer runtime.KeepAlive(ballast())
	for _, data := range []string{"memory", "disk"} {
		c := &config{host: "127.0.0.1", publicHost: "localhost", auth: "off", executor: "process", memory: data == "memory", data: b.TempDir()}
		out := newBuffered(io.Discard)
		defer out.Close()
		log := slog.New(newLines(out, nil))
		stored, err := openStore(c, log)
		if err != nil {
			b.Fatal(err)
		}
		defer stored.close()
		parts, err := compose(c, stored, 4566, log)
		if err != nil {
			b.Fatal(err)
		}
		header := http.Header{} // used again, as a connection does
		serve := func(b *testing.B, r *http.Request) {
			clear(header)
			w := &sink{header: header}
			r.Body, _ = r.GetBody() // never fails
			parts.server.ServeHTTP(w, r)
			if w.status >= 300 {
				b.Fatalf("%s %s: %d %s", r.Method, r.URL, w.status, w.refusal)
			}
		}
		for _, r := range chainPreparation(b) {
			serve(b, r)
		}
		for _, c := range chainCases(b) {
			b.Run(c.name+"/"+data, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					serve(b, c.request)
				}
			})
		}
	}
}

// chainCase is a request that BenchmarkChain sends over and over.
type chainCase struct {
	name    string
	request *http.Request
}

func chainCases(b *testing.B) []chainCase {
	var writes, puts []string
	for i := range 25 {
		put := `"Item":` + chainItem(fmt.Sprintf("batch-%02d", i))
		writes = append(writes, `{"PutRequest":{`+put+`}}`)
		puts = append(puts, `{"Put":{"TableName":"table",`+put+`}}`)
	}
	return []chainCase{
		{"GetItem", itemRequest(b, "GetItem", `{"TableName":"table","Key":{"pk":{"S":"k"}}}`)},
		{"PutItem", itemRequest(b, "PutItem", `{"TableName":"table","Item":`+chainItem("k")+`}`)},
		{"UpdateItem", itemRequest(b, "UpdateItem", `{"TableName":"table","Key":{"pk":{"S":"k"}},"UpdateExpression":"SET price = :p",`+
			`"ConditionExpression":"attribute_exists(pk) AND #s = :s","ExpressionAttributeNames":{"#s":"sold"},`+
			`"ExpressionAttributeValues":{":p":{"N":"130.5"},":s":{"BOOL":false}}}`)},
		{"Query", itemRequest(b, "Query", `{"TableName":"list","KeyConditionExpression":"pk = :k","ExpressionAttributeValues":{":k":{"S":"k"}}}`)},
		{"BatchWriteItem", itemRequest(b, "BatchWriteItem", `{"RequestItems":{"table":[`+strings.Join(writes, ",")+`]}}`)},
		{"TransactWriteItems", itemRequest(b, "TransactWriteItems", `{"TransactItems":[`+strings.Join(puts[:10], ",")+`]}`)},
		{"GetObject", request(b, "GET", "/bucket/key", "s3", "")},
		{"PutObject", request(b, "PUT", "/bucket/key", "s3", strings.Repeat("x", 1024))},
	}
}

// chainPreparation makes what the cases need.
func chainPreparation(b *testing.B) []*http.Request {
	all := []*http.Request{
		itemRequest(b, "CreateTable", `{"TableName":"table","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],`+
			`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`),
		itemRequest(b, "CreateTable", `{"TableName":"list","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},`+
			`{"AttributeName":"title","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"title","KeyType":"RANGE"}]}`),
		itemRequest(b, "PutItem", `{"TableName":"table","Item":`+chainItem("k")+`}`),
		request(b, "PUT", "/bucket", "s3", ""),
		request(b, "PUT", "/bucket/key", "s3", strings.Repeat("x", 1024)),
	}
	for i := range 100 {
		item := strings.Replace(chainItem("k"), "a title of some length", fmt.Sprintf("a title of length %04d", i), 1)
		all = append(all, itemRequest(b, "PutItem", `{"TableName":"list","Item":`+item+`}`))
	}
	return all
}

// chainItem is an item of some 400 bytes.
func chainItem(key string) string {
	return `{"pk":{"S":"` + key + `"},"title":{"S":"a title of some length"},"price":{"N":"129.95"},"body":{"S":"` + strings.Repeat("x", 300) + `"},` +
		`"tags":{"SS":["a","b"]},"sold":{"BOOL":false}}`
}

func itemRequest(b *testing.B, operation, body string) *http.Request {
	r := request(b, "POST", "/", "dynamodb", body)
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	return r
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
