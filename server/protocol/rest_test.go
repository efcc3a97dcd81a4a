package protocol

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/api/sqs"
)

func decodeREST(t *testing.T, p api.Protocol, known api.Known, r *http.Request) (any, api.Presence, error) {
	t.Helper()
	in := known.NewInput()
	op := known.Spec()
	presence, err := For(p).Decode(op, r, uriOf(op.URI, r), in)
	return in, presence, err
}

func TestS3Requests(t *testing.T) {
	r := httptest.NewRequest("PUT", "/b/a%2Fb//c%20d+e", strings.NewReader("hello"))
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Set("x-amz-meta-Some-Key", "v")
	r.Header.Set("X-Amz-Storage-Class", "GLACIER")
	r.Header.Set("If-None-Match", "*")
	in, _, err := decodeREST(t, api.RESTXML, &s3.PutObject, r)
	if err != nil {
		t.Fatal(err)
	}
	put := in.(*s3.PutObjectInput)
	if put.Bucket != "b" || put.Key != "a/b//c d+e" || put.ContentType != "text/plain" || put.StorageClass != s3.StorageClassGlacier || put.IfNoneMatch != "*" {
		t.Errorf("%+v", put)
	}
	if diff := cmp.Diff(map[string]string{"some-key": "v"}, put.Metadata); diff != "" {
		t.Errorf("metadata: %s", diff)
	}
	if put.ContentLength == nil || *put.ContentLength != 5 {
		t.Errorf("content length %v", put.ContentLength)
	}
	if b, err := io.ReadAll(put.Body); err != nil || string(b) != "hello" {
		t.Errorf("body %q, %v", b, err)
	}
}

func TestS3Queries(t *testing.T) {
	r := httptest.NewRequest("GET", "/b?list-type=2&prefix=&delimiter=%2F&max-keys=&start-after=a+b;c&continuation-token", nil)
	in, p, err := decodeREST(t, api.RESTXML, &s3.ListObjectsV2, r)
	if err != nil {
		t.Fatal(err)
	}
	list := in.(*s3.ListObjectsV2Input)
	if !p.Sent(&list.Prefix) || list.ContinuationToken == nil || *list.ContinuationToken != "" || p.Sent(&list.ExpectedBucketOwner) {
		t.Error("an empty parameter is there")
	}
	if list.Delimiter != "/" || list.StartAfter != "a b;c" || list.MaxKeys != nil {
		t.Errorf("%+v", list)
	}
	_, _, err = decodeREST(t, api.RESTXML, &s3.ListObjectsV2, httptest.NewRequest("GET", "/b?list-type=2&max-keys=many", nil))
	e, ok := err.(*api.Error)
	if !ok || e.Code != "InvalidArgument" || e.Message != "Provided max-keys not an integer or within integer range" ||
		!cmp.Equal(e.Detail, []api.Field{{Name: "ArgumentName", Value: "max-keys"}, {Name: "ArgumentValue", Value: "many"}}) {
		t.Errorf("%#v", err)
	}
}

// When the SDKs presign they move x-amz-* headers into the query. Checksums are
// of an empty body there, and S3 does not look at them.
func TestPresignedHeaders(t *testing.T) {
	r := httptest.NewRequest("PUT", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&x-amz-acl=public-read&x-amz-meta-a=1&x-amz-checksum-crc32=AAAAAA%3D%3D&X-Amz-Signature=0", nil)
	in, _, err := decodeREST(t, api.RESTXML, &s3.PutObject, r)
	if err != nil {
		t.Fatal(err)
	}
	put := in.(*s3.PutObjectInput)
	if put.ACL != s3.ObjectCannedACLPublicRead || put.Metadata["a"] != "1" || put.ChecksumCRC32 != "" {
		t.Errorf("%+v", put)
	}
	r = httptest.NewRequest("PUT", "/b/k?x-amz-acl=public-read", nil)
	if in, _, _ = decodeREST(t, api.RESTXML, &s3.PutObject, r); in.(*s3.PutObjectInput).ACL != "" {
		t.Error("without a signature in it the query holds no headers")
	}
}

func TestDatesInHeadersThatAreNone(t *testing.T) {
	r := httptest.NewRequest("GET", "/b/k", nil)
	r.Header.Set("If-Modified-Since", "yesterday")
	r.Header.Set("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")
	in, _, err := decodeREST(t, api.RESTXML, &s3.GetObject, r)
	if err != nil {
		t.Fatal(err)
	}
	get := in.(*s3.GetObjectInput)
	if !get.IfModifiedSince.IsZero() || !get.IfUnmodifiedSince.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", get)
	}
}

func TestParametersOfImports(t *testing.T) {
	r := httptest.NewRequest("POST", "/restapis?mode=import&failonwarnings=true&basepath=split&endpointConfigurationTypes=REGIONAL", strings.NewReader(`{"openapi":"3.0.1"}`))
	in, _, err := decodeREST(t, api.RESTJSON, &apigateway.ImportRestApi, r)
	if err != nil {
		t.Fatal(err)
	}
	want := &apigateway.ImportRestApiInput{
		FailOnWarnings: new(true),
		Parameters:     map[string]string{"basepath": "split", "endpointConfigurationTypes": "REGIONAL"},
		Body:           []byte(`{"openapi":"3.0.1"}`),
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCompressedRequests(t *testing.T) {
	zip := func(text string) *bytes.Buffer {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return &b
	}
	r := httptest.NewRequest("POST", "/", zip(`{"QueueUrl":"q","MessageBody":"m"}`))
	r.Header.Set("Content-Encoding", "gzip")
	in := new(sqs.SendMessageInput)
	if _, err := For(api.JSON).Decode(sqs.SendMessage.Spec(), r, URI{}, in); err != nil || in.MessageBody != "m" {
		t.Errorf("%+v, %v", in, err)
	}
	r = httptest.NewRequest("POST", "/", zip(strings.Repeat(" ", maxInflated+1)))
	r.Header.Set("Content-Encoding", "gzip")
	if _, err := For(api.JSON).Decode(sqs.SendMessage.Spec(), r, URI{}, in); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a body that grows without end: %v", err)
	}
	r = httptest.NewRequest("POST", "/", strings.NewReader("{}"))
	r.Header.Set("Content-Encoding", "gzip")
	if _, err := For(api.JSON).Decode(sqs.SendMessage.Spec(), r, URI{}, in); err == nil {
		t.Error("what says that it is gzip, and is not, was read")
	}
	// Of an object the encoding is the object's.
	r = httptest.NewRequest("PUT", "/b/k", strings.NewReader("{}"))
	r.Header.Set("Content-Encoding", "gzip")
	put, _, err := decodeREST(t, api.RESTXML, &s3.PutObject, r)
	if err != nil || put.(*s3.PutObjectInput).ContentEncoding != "gzip" {
		t.Errorf("%+v, %v", put, err)
	}
}

func TestHeaderLists(t *testing.T) {
	for _, c := range []struct {
		values []string
		dates  bool
		want   []string
	}{
		{[]string{"a, b,c"}, false, []string{"a", "b", "c"}},
		{[]string{"a", "b"}, false, []string{"a", "b"}},
		{[]string{`"b,c", "\"def\"", a`}, false, []string{"b,c", `"def"`, "a"}},
		{[]string{"Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT"}, true, []string{"Mon, 16 Dec 2019 23:48:18 GMT", "Tue, 17 Dec 2019 23:48:18 GMT"}},
		{[]string{""}, false, nil},
		{[]string{`"open`}, false, []string{"open"}},
	} {
		if diff := cmp.Diff(c.want, splitHeader(c.values, c.dates)); diff != "" {
			t.Errorf("%q: %s", c.values, diff)
		}
	}
}

func TestS3Answers(t *testing.T) {
	name := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(name, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	err = For(api.RESTXML).Encode(s3.GetObject.Spec(), w, &s3.GetObjectOutput{
		Body: f, ContentLength: new(int64(5)), ETag: `"e"`, Metadata: map[string]string{"a": "1"},
		LastModified: time.Date(2024, 5, 6, 7, 8, 9, 1e8, time.UTC), DeleteMarker: new(false),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"Content-Length": {"5"}, "Etag": {`"e"`}, "x-amz-meta-a": {"1"}, "Last-Modified": {"Mon, 06 May 2024 07:08:09 GMT"},
		"X-Amz-Delete-Marker": {"false"}, "Content-Type": {"application/octet-stream"},
	}
	if diff := cmp.Diff(want, w.Header()); diff != "" || w.Body.String() != "hello" || w.Code != 200 {
		t.Errorf("%d %s %q", w.Code, diff, w.Body)
	}
	if _, err := f.Read(make([]byte, 1)); err == nil {
		t.Error("the stream was not closed")
	}

	w = httptest.NewRecorder()
	if err := For(api.RESTXML).Encode(s3.HeadObject.Spec(), w, &s3.HeadObjectOutput{ContentLength: new(int64(1 << 30))}); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Content-Length"); got != "1073741824" || w.Body.Len() != 0 {
		t.Errorf("an answer to HEAD has the object's length: %q", got)
	}

	w = httptest.NewRecorder()
	if err := For(api.RESTXML).Encode(s3.DeleteObject.Spec(), w, &s3.DeleteObjectOutput{}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 204 || len(w.Header()) != 0 || w.Body.Len() != 0 {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
}

func TestLambdaAnswers(t *testing.T) {
	w := httptest.NewRecorder()
	err := For(api.RESTJSON).Encode(lambda.Invoke.Spec(), w, &lambda.InvokeOutput{
		StatusCode: new(int32(202)), Payload: []byte(`"ok"`), LogResult: base64.StdEncoding.EncodeToString([]byte("log")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != 202 || w.Body.String() != `"ok"` || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("X-Amz-Log-Result") != "bG9n" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	w = httptest.NewRecorder()
	if err := For(api.RESTJSON).Encode(lambda.CreateFunction.Spec(), w, &lambda.CreateFunctionOutput{FunctionName: "f", Timeout: new(int32(3))}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 201 || w.Body.String() != `{"FunctionName":"f","Timeout":3}` {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
