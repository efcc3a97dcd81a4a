package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
)

// allocated says how many bytes f allocates.
func allocated(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// bounded fails a test that allocated out of proportion to its input. Two bytes
// of a body ("{}" in a list) can ask for a whole structure; 1 MiB is what the
// runtime may take at any time for other reasons.
func bounded(t *testing.T, input int, bytes uint64) {
	t.Helper()
	if limit := uint64(1<<20 + 1000*input); bytes > limit {
		t.Errorf("%d bytes of input made %d, more than %d", input, bytes, limit)
	}
}

// same compares decoded values; no NaN is another.
var same = cmp.Options{
	cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }),
	cmp.Comparer(func(a, b float32) bool { return a == b || a != a && b != b }),
	cmp.Transformer("values", func(s *attribute.Sent) attribute.M { m, _ := s.Map(); return m }), // never fails
	cmpopts.EquateEmpty(), // what is required is written though it is absent
}

// again encodes what was decoded and decodes it once more: it must be the same.
func again(t *testing.T, n notation, in, back any) {
	t.Helper()
	sh, s := planOf(in)
	e := encoding{op: kitchenOp}
	if err := n.encode(&e, sh, s); err != nil {
		t.Fatal(err)
	}
	_, at := planOf(back)
	if err := n.decode(&decoding{op: kitchenOp}, e.buf, sh, at); err != nil {
		t.Fatalf("%v\n%q", err, e.buf)
	}
	if diff := cmp.Diff(in, back, same); diff != "" {
		t.Errorf("-want +got\n%s\n%q", diff, e.buf)
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"string":"a\u00e9\ud83d\ude00","Int":-1,"Long":1e3,"Float":"NaN","Double":-1.5e-7,"Bool":true,"Time":1718000000.123,"ISO":"2024-06-10T06:13:20Z"}`,
		`{"Times":["Mon, 16 Dec 2019 23:48:18 GMT"],"Blob":"AAE=","Strings":["",null],"Sparse":[null,"a"],"Structs":[{},null,{"Struct":{}}],"Lists":[[],["a"]]}`,
		`{"Ints":{"a":1,"":0},"Nullable":{"a":null},"Nested":{"k":{"Nested":{}}},"Document":{"a":[1,null,{"b":"c"}],"n":1.0}}`,
		`{"unknown":[[[[]]]],"Int":99999999999,"string":null}`, strings.Repeat(`{"Struct":`, 130), strings.Repeat(`{"Lists":[[`, 3),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		n := jsonNotation{rest: true}
		in := new(kitchen)
		sh, s := planOf(in)
		var err error
		bounded(t, len(body), allocated(func() { err = n.decode(&decoding{op: kitchenOp}, []byte(body), sh, s) }))
		if err != nil {
			return
		}
		if strings.TrimLeft(body, " \t\r\n") != "" && !json.Valid([]byte(body)) {
			t.Errorf("%q is no JSON, and was read", body)
		}
		again(t, n, in, new(kitchen))
	})
}

func FuzzAttributes(f *testing.F) {
	f.Add(putItemBody)
	f.Add(`{"Item":{"a":{"L":[{"M":{"b":{"BS":["AA==",""]}}},{"NULL":true}]},"":{"NS":["1"]}}}`)
	f.Add(strings.Repeat(`{"Item":{"a":{"L":[`, 20))
	f.Fuzz(func(t *testing.T, body string) {
		in := new(dynamodb.PutItemInput)
		var err error
		bounded(t, len(body), allocated(func() { _, err = decodeJSON(dynamodb.PutItem.Spec(), body, in) }))
		if err == nil {
			again(t, jsonNotation{}, in, new(dynamodb.PutItemInput))
		}
	})
}

func FuzzCBOR(f *testing.F) {
	in := fullKitchen()
	sh, s := planOf(in)
	e := encoding{op: kitchenOp}
	if err := (cborNotation{}).encode(&e, sh, s); err != nil {
		f.Fatal(err)
	}
	f.Add(e.buf)
	for _, seed := range []string{
		"\xa0", "\xbf\xff", "\xa1\x63Int\x01", "\xbf\x66String\x7f\x61a\x61b\xff\xff", "\xa1\x67Strings\x9f\x61a\xf6\xff", "\xa1\x65Float\xf9\x7c\x00",
		"\xa1\x64Time\xc1\xfb\x41\xd9\x99\x99\x99\x99\x99\x9a", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x67Strings\x9b\x00\x00\x00\x00\xff\xff\xff\xff", "\x7b\x7f\xff\xff\xff\xff\xff\xff\xff",
		strings.Repeat("\x81", 200), strings.Repeat("\xc1", 1000), strings.Repeat("\xbf\x61a", 200),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in := new(kitchen)
		sh, s := planOf(in)
		var err error
		bounded(t, len(body), allocated(func() { err = cborNotation{}.decode(&decoding{op: kitchenOp}, body, sh, s) }))
		if err != nil {
			return
		}
		if len(body) > 0 && cbor.Wellformed(body) != nil && !bytes.ContainsAny(body, "\xf8\xff") {
			t.Errorf("%x is no CBOR, and was read: %v", body, cbor.Wellformed(body))
		}
		again(t, cborNotation{}, in, new(kitchen))
	})
}

func FuzzREST(f *testing.F) {
	f.Add("/b/k", "versionId=1&partNumber=2&x-amz-meta-a=b&X-Amz-Signature=", "Mon, 16 Dec 2019 23:48:18 GMT", "a, \"b\\\"\", c")
	f.Add("/b/%zz", "partNumber=%zz&&=&max-keys", "\"", "\"a")
	f.Fuzz(func(t *testing.T, path, query, date, list string) {
		for _, known := range []api.Known{&s3.GetObject, &s3.PutObject, &s3.ListObjectsV2, &s3.GetObjectAttributes} {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = &url.URL{Path: "/", RawQuery: query}
			r.Header = http.Header{"If-Modified-Since": {date}, "X-Amz-Object-Attributes": {list}, "X-Amz-Meta-A": {list}, "X-Amz-Object-Lock-Retain-Until-Date": {date}}
			in := known.NewInput()
			var err error
			size := len(path) + len(query) + len(date) + len(list)
			bounded(t, size, allocated(func() {
				_, err = For(api.RESTXML).Decode(known.Spec(), r, URI{Labels: Pairs{{Name: "Bucket", Value: "b"}, {Name: "Key", Value: path}}, Query: ParseQuery(r.URL.RawQuery)}, in)
			}))
			if e, ok := err.(*api.Error); err != nil && (!ok || e.Status != 400) {
				t.Errorf("%v", err)
			}
		}
	})
}
