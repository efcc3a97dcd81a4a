package protocol

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/dynamodb"
)

// putItemBody is a PutItem of about 500 bytes with ten attributes.
const putItemBody = `{"TableName":"photos","Item":{"id":{"S":"01HZX3V6T7Y8Z9A0B1C2D3E4F5"},"owner":{"S":"alice@example.com"},` +
	`"created":{"N":"1718000000"},"size":{"N":"482113"},"public":{"BOOL":true},"tags":{"SS":["beach","summer","2024"]},` +
	`"thumb":{"M":{"w":{"N":"160"},"h":{"N":"120"},"key":{"S":"thumbs/01HZX3V6T7Y8Z9A0B1C2D3E4F5.jpg"}}},` +
	`"title":{"S":"Sunset over the bay, with \"clouds\""},"hash":{"B":"q83vEjRWeJCrze8SNFZ4kA=="}},` +
	`"ConditionExpression":"attribute_not_exists(#i)","ExpressionAttributeNames":{"#i":"id"},"ReturnConsumedCapacity":"TOTAL"}`

// answer is a ResponseWriter that keeps nothing.
type answer struct{ h http.Header }

func (a answer) Header() http.Header         { return a.h }
func (a answer) Write(b []byte) (int, error) { return len(b), nil }
func (a answer) WriteHeader(int)             {}

// request is a POST whose body can be read again.
type request struct {
	*http.Request
	body *bytes.Reader
	text []byte
}

func newRequest(text string) *request {
	r := &request{Request: httptest.NewRequest("POST", "/", nil), text: []byte(text), body: bytes.NewReader(nil)}
	r.Body, r.ContentLength = io.NopCloser(r.body), int64(len(text))
	return r
}

func (r *request) again() *http.Request {
	r.body.Reset(r.text)
	return r.Request
}

func BenchmarkPutItem(b *testing.B) {
	op, codec := dynamodb.PutItem.Spec(), For(api.JSON)
	r, w := newRequest(putItemBody), answer{http.Header{}}
	out := &dynamodb.PutItemOutput{ConsumedCapacity: &dynamodb.ConsumedCapacity{TableName: "photos", CapacityUnits: new(1.0)}}
	b.SetBytes(int64(len(putItemBody)))
	b.ReportAllocs()
	for b.Loop() {
		in := new(dynamodb.PutItemInput)
		p, err := codec.Decode(op, r.again(), URI{}, in)
		if err != nil {
			b.Fatal(err)
		}
		if err := Validate(op.Service, op, in, p); err != nil {
			b.Fatal(err)
		}
		if err := codec.Encode(op, w, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetItem(b *testing.B) {
	op, codec := dynamodb.GetItem.Spec(), For(api.JSON)
	r, w := newRequest(`{"TableName":"photos","Key":{"id":{"S":"01HZX3V6T7Y8Z9A0B1C2D3E4F5"}}}`), answer{http.Header{}}
	item := new(dynamodb.PutItemInput)
	if _, err := codec.Decode(dynamodb.PutItem.Spec(), newRequest(putItemBody).again(), URI{}, item); err != nil {
		b.Fatal(err)
	}
	values, err := item.Item.Map()
	if err != nil {
		b.Fatal(err)
	}
	out := &dynamodb.GetItemOutput{Item: values}
	b.ReportAllocs()
	for b.Loop() {
		in := new(dynamodb.GetItemInput)
		p, err := codec.Decode(op, r.again(), URI{}, in)
		if err != nil {
			b.Fatal(err)
		}
		if err := Validate(op.Service, op, in, p); err != nil {
			b.Fatal(err)
		}
		if err := codec.Encode(op, w, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuery100(b *testing.B) {
	op, codec := dynamodb.Query.Spec(), For(api.JSON)
	w := answer{http.Header{}}
	item := new(dynamodb.PutItemInput)
	if _, err := codec.Decode(dynamodb.PutItem.Spec(), newRequest(putItemBody).again(), URI{}, item); err != nil {
		b.Fatal(err)
	}
	values, err := item.Item.Map()
	if err != nil {
		b.Fatal(err)
	}
	out := &dynamodb.QueryOutput{Count: new(int32(100)), ScannedCount: new(int32(100))}
	for range 100 {
		out.Items = append(out.Items, values)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := codec.Encode(op, w, out); err != nil {
			b.Fatal(err)
		}
	}
}
