package testsuite

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// bareCall is a request to DynamoDB as no SDK would send it.
type bareCall struct {
	operation, body string
	header          map[string]string
}

// send sends it, and reads the answer as it came: a client that asks for an
// encoding itself is given what is in it.
func (c *bareCall) send(t *testing.T, a *harness.Account) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + c.operation, "Accept-Encoding": "identity",
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + a.ID + "/20240101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
	} {
		r.Header.Set(name, value)
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	resp, err := a.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10); resp.Header.Get("X-Amz-Crc32") != want {
		t.Errorf("%s: x-amz-crc32 is %s of a body of %s", c.operation, resp.Header.Get("X-Amz-Crc32"), want)
	}
	return resp, body
}

var dynamodbRequestID = regexp.MustCompile(`^[0-9A-Z]{52}$`)

// Answers have DynamoDB's headers, whatever they say.
func TestDynamoDBHeaders(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	for _, c := range []struct {
		bareCall
		status      int
		contentType string
		body        string
	}{
		{bareCall{"ListTables", `{}`, nil}, 200, "application/x-amz-json-1.0", `{"TableNames":[]}`},
		{bareCall{"ListTables", `{}`, map[string]string{"Content-Type": "application/json"}}, 200, "application/json", `{"TableNames":[]}`},
		{bareCall{"ListTables", ``, nil}, 400, "application/x-amz-json-1.0", `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{bareCall{"ListTables", `{`, nil}, 400, "application/x-amz-json-1.0", `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{bareCall{"NoSuch", `{}`, nil}, 400, "application/x-amz-json-1.0", `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
	} {
		resp, body := c.send(t, a)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.contentType || string(body) != c.body {
			t.Errorf("%s %s: %d, %s, %s", c.operation, c.bareCall.body, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		if id := resp.Header.Get("X-Amzn-Requestid"); !dynamodbRequestID.MatchString(id) || resp.Header.Get("Server") != "Server" {
			t.Errorf("%s: the request's id is %q, the server %q", c.operation, id, resp.Header.Get("Server"))
		}
	}
	crossing := bareCall{"ListTables", `{}`, map[string]string{"Origin": "http://example.com"}}
	if resp, _ := crossing.send(t, a); resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a page of another origin is told %v", resp.Header)
	}
	name := table(t, a)
	arn := *must(a.DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: name}))(t).Table.TableArn
	tag := bareCall{"TagResource", `{"ResourceArn":"` + arn + `","Tags":[{"Key":"a","Value":"b"}]}`, nil}
	if resp, body := tag.send(t, a); resp.StatusCode != http.StatusOK || len(body) > 0 {
		t.Errorf("TagResource: %d %s", resp.StatusCode, body)
	}
}

// Answers of 4 KB are compressed for who accepts it, with the checksum of what
// is sent, and requests may be compressed too.
func TestDynamoDBCompression(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	name := *table(t, a)
	item := `{"artist":{"S":"a"},"song":{"N":"1"},"text":{"S":"` + strings.Repeat("x", 5000) + `"}}`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, `{"TableName":"`+name+`","Item":`+item+`}`); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	put := bareCall{"PutItem", packed.String(), map[string]string{"Content-Encoding": "gzip"}}
	if resp, body := put.send(t, a); resp.StatusCode != http.StatusOK {
		t.Fatalf("a compressed PutItem: %d %s", resp.StatusCode, body)
	}
	broken := bareCall{"PutItem", `{"TableName":"` + name + `"}`, map[string]string{"Content-Encoding": "gzip"}}
	if resp, _ := broken.send(t, a); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("what is not compressed, and says it is: %d", resp.StatusCode)
	}
	unpack := map[string]func([]byte) (io.Reader, error){
		"":        func(b []byte) (io.Reader, error) { return bytes.NewReader(b), nil },
		"gzip":    func(b []byte) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) },
		"deflate": func(b []byte) (io.Reader, error) { return zlib.NewReader(bytes.NewReader(b)) },
	}
	for _, c := range []struct{ accept, attributes, want string }{
		{"identity", "", ""},
		{"gzip", "", "gzip"},
		{"deflate, gzip;q=0.5", "", "deflate"},
		{"gzip", `,"ProjectionExpression":"song"`, ""}, // it is short
	} {
		get := bareCall{"GetItem", `{"TableName":"` + name + `","Key":{"artist":{"S":"a"},"song":{"N":"1"}}` + c.attributes + `}`, map[string]string{"Accept-Encoding": c.accept}}
		resp, body := get.send(t, a)
		if got := resp.Header.Get("Content-Encoding"); got != c.want || c.want != "" && len(body) > 500 {
			t.Errorf("%s: %d bytes in %q", c.accept, len(body), got)
			continue
		}
		r, err := unpack[c.want](body)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Item map[string]map[string]string }
		if err := json.NewDecoder(r).Decode(&answer); err != nil || answer.Item["song"]["N"] != "1" {
			t.Errorf("%s: %v %v", c.accept, answer, err)
		}
	}
}
