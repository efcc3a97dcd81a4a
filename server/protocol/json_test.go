package protocol

import (
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/lambda"
)

// decodeJSON reads a request of awsJson.
func decodeJSON(op *api.Operation, body string, in any) (api.Presence, error) {
	return For(api.JSON).Decode(op, httptest.NewRequest("POST", "/", strings.NewReader(body)), URI{}, in)
}

func TestJSONItems(t *testing.T) {
	var in dynamodb.PutItemInput
	_, err := decodeJSON(dynamodb.PutItem.Spec(), `{
		"TableName": "t", "unknown": {"nested": [1, {"a": null}], "s": "\"}"}, "ReturnValues": null,
		"ConditionExpression": "a \u003c :b \ud83d\ude00 \ud83d", "ExpressionAttributeNames": {"#a": "first", "#a": "second"},
		"Item": {
			"s": {"S": "x\ny"}, "empty": {"S": ""}, "n": {"N": "1e3"}, "b": {"B": "AAE="}, "t": {"BOOL": true}, "null": {"NULL": true},
			"l": {"L": [{"S": "a"}, {"L": []}]}, "m": {"M": {"k": {"N": "1"}, "none": {"M": {}}}},
			"ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["AA==", ""]}
		}}`, &in)
	if err != nil {
		t.Fatal(err)
	}
	sent := in.Item
	if in.Item, err = sent.Map(); err != nil {
		t.Fatal(err)
	}
	want := dynamodb.PutItemInput{
		TableName:                "t",
		ConditionExpression:      new("a < :b 😀 \uFFFD"),
		ExpressionAttributeNames: map[string]string{"#a": "second"},
		Item: attribute.M{
			"s": attribute.S("x\ny"), "empty": attribute.S(""), "n": attribute.N("1e3"), "b": attribute.B{0, 1}, "t": attribute.BOOL(true), "null": attribute.NULL{},
			"l":  attribute.L{attribute.S("a"), attribute.L{}},
			"m":  attribute.M{"k": attribute.N("1"), "none": attribute.M{}},
			"ss": attribute.SS{"a", "b"}, "ns": attribute.NS{"1"}, "bs": attribute.BS{{0}, {}},
		},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	w := httptest.NewRecorder()
	if err := For(api.JSON).Encode(dynamodb.GetItem.Spec(), w, &dynamodb.GetItemOutput{Item: sent}); err != nil {
		t.Fatal(err)
	}
	const body = `{"Item":{"b":{"B":"AAE="},"bs":{"BS":["AA==",""]},"empty":{"S":""},"l":{"L":[{"S":"a"},{"L":[]}]},` +
		`"m":{"M":{"k":{"N":"1"},"none":{"M":{}}}},"n":{"N":"1e3"},"ns":{"NS":["1"]},"null":{"NULL":true},"s":{"S":"x\ny"},"ss":{"SS":["a","b"]},"t":{"BOOL":true}}}`
	if got := w.Body.String(); got != body {
		t.Errorf("got  %s\nwant %s", got, body)
	}
	if got := w.Header().Get("X-Amz-Crc32"); got == "" {
		t.Error("DynamoDB sends the body's CRC-32")
	}
	if got := w.Header().Get("Content-Type"); got != "application/x-amz-json-1.0" {
		t.Errorf("Content-Type %q", got)
	}
}

// The texts are those that DynamoDB answers with; they are recorded in the
// tests of emulators that were run against it.
func TestJSONOfWrongType(t *testing.T) {
	const (
		start  = "Start of structure or map found where not expected"
		field  = "Unexpected field type"
		value  = "Unexpected value type in payload"
		class  = "Unrecognized collection type class "
		shapes = "com.amazonaws.dynamodb.v20120810."
	)
	for _, c := range []struct{ body, want string }{
		{`{"TableName": true}`, "TRUE_VALUE cannot be converted to String"},
		{`{"TableName": false}`, "FALSE_VALUE cannot be converted to String"},
		{`{"TableName": 23}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"TableName": -34.56}`, "DECIMAL_VALUE cannot be converted to String"},
		{`{"TableName": []}`, class + "java.lang.String"},
		{`{"TableName": {}}`, start},
		{`{"ScanIndexForward": "a"}`, "Unexpected token received from parser"},
		{`{"ScanIndexForward": 1}`, "NUMBER_VALUE cannot be converted to Boolean"},
		{`{"ScanIndexForward": []}`, class + "java.lang.Boolean"},
		{`{"ScanIndexForward": {}}`, start},
		{`{"Limit": "23"}`, "STRING_VALUE cannot be converted to Integer"},
		{`{"Limit": true}`, "TRUE_VALUE cannot be converted to Integer"},
		{`{"Limit": 2147483648}`, "NUMBER_VALUE cannot be converted to Integer"},
		{`{"AttributesToGet": "a"}`, field},
		{`{"AttributesToGet": {}}`, start},
		{`{"AttributesToGet": [1]}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"KeyConditions": "a"}`, field},
		{`{"KeyConditions": []}`, "Unrecognized collection type java.util.Map<java.lang.String, " + shapes + "Condition>"},
		{`{"KeyConditions": {"a": 1}}`, value},
		{`{"KeyConditions": {"a": []}}`, class + shapes + "Condition"},
		{`{"ExclusiveStartKey": 1}`, field},
		{`{"ExclusiveStartKey": []}`, "Unrecognized collection type java.util.Map<java.lang.String, " + shapes + "AttributeValue>"},
		{`{"ExclusiveStartKey": {"a": "b"}}`, value},
		{`{"ExclusiveStartKey": {"a": []}}`, class + shapes + "AttributeValue"},
		{`{"ExclusiveStartKey": {"a": {"S": 1}}}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"ExclusiveStartKey": {"a": {"N": 1}}}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"ExclusiveStartKey": {"a": {"BOOL": "a"}}}`, "Unexpected token received from parser"},
		{`{"ExclusiveStartKey": {"a": {"B": 1}}}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"ExclusiveStartKey": {"a": {"B": []}}}`, class + "java.nio.ByteBuffer"},
		{`{"ExclusiveStartKey": {"a": {"B": "23456"}}}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
		{`{"ExclusiveStartKey": {"a": {"B": "=+/="}}}`, "Invalid last non-pad Base64 character dectected"},
		{`{"ExclusiveStartKey": {"a": {"B": "+/+="}}}`, "Invalid last non-pad Base64 character dectected"},
		{`{"ExclusiveStartKey": {"a": {"SS": "a"}}}`, field},
		{`{"ExclusiveStartKey": {"a": {"SS": {}}}}`, start},
		{`{"ExclusiveStartKey": {"a": {"L": [1]}}}`, value},
		{`{"ExclusiveStartKey": {"a": {"M": "a"}}}`, field},
		{`{"ExclusiveStartKey": {"a": {"M": {"b": 1}}}}`, value},
	} {
		_, err := decodeJSON(dynamodb.Query.Spec(), c.body, new(dynamodb.QueryInput))
		e, ok := err.(*api.Error)
		if !ok || e.Status != 400 || e.Message != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.body, err, c.want)
		}
	}
}

func TestUnfitAttributes(t *testing.T) {
	for _, c := range []struct {
		value string
		want  attribute.Value
	}{
		{`{}`, attribute.Unfit{}},
		{`null`, attribute.Unfit{}},
		{`{"X": 1}`, attribute.Unfit{}},
		{`{"S": null}`, attribute.Unfit{}},
		{`{"NULL": false}`, attribute.Unfit{attribute.NULL{}}},
		{`{"NULL": "no"}`, attribute.Unfit{attribute.NULL{}}},
		{`{"S": "a", "N": "1"}`, attribute.Unfit{attribute.S("a"), attribute.N("1")}},
		{`{"L": [{}]}`, attribute.L{attribute.Unfit{}}},
		{`{"NULL": "yes"}`, attribute.NULL{}},
		{`{"BOOL": "TRUE"}`, attribute.BOOL(true)},
		{`{"BOOL": "0"}`, attribute.BOOL(false)},
	} {
		in := new(dynamodb.QueryInput)
		if _, err := decodeJSON(dynamodb.Query.Spec(), `{"ExclusiveStartKey": {"a": `+c.value+`}}`, in); err != nil {
			t.Errorf("%s: %v", c.value, err)
		}
		if got := in.ExclusiveStartKey["a"]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, want %#v", c.value, got, c.want)
		}
	}
}

func TestMalformedJSON(t *testing.T) {
	for _, body := range []string{
		``, `{`, `}`, `{"TableName"}`, `{"TableName":}`, `{"TableName":"a",}`, `{"TableName":"a"} x`, `{"TableName":"a"`,
		`{TableName:"a"}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":[1,]}`, `{"a":"` + "\n" + `"}`,
		`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"` + "\xff" + `"}`, `{"TableName":"` + "\xc3" + `"}`, `{"a" "b"}`, `{,}`, `nul`,
		strings.Repeat(`{"a":`, 200) + strings.Repeat(`}`, 200), `{"a":` + strings.Repeat(`[`, 100_000),
	} {
		_, err := decodeJSON(dynamodb.Query.Spec(), body, new(dynamodb.QueryInput))
		if e, ok := err.(*api.Error); !ok || e.Code != "SerializationException" || e.Status != 400 {
			t.Errorf("%.60s: %v", body, err)
		}
	}
	for _, body := range []string{"  ", "{}", " { } "} {
		if _, err := decodeJSON(dynamodb.Query.Spec(), body, new(dynamodb.QueryInput)); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestJSONPresence(t *testing.T) {
	var in dynamodb.QueryInput
	p, err := decodeJSON(dynamodb.Query.Spec(), `{"TableName":"","IndexName":null,"AttributesToGet":[],"KeyConditions":{}}`, &in)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Sent(&in.TableName) || p.Sent(&in.IndexName) || p.Sent(&in.Select) {
		t.Error("an empty string was sent, null and nothing were not")
	}
	if in.AttributesToGet == nil || in.KeyConditions == nil {
		t.Error("an empty list or map that was sent is not nil")
	}
	if p, _ := decodeJSON(dynamodb.Query.Spec(), `{"TableName":"t"}`, new(dynamodb.QueryInput)); p != nil {
		t.Error("the ordinary case has no presence")
	}
}

// kitchen has a member of every kind.
type kitchen struct {
	String   string              `aws:"String,name=string"`
	Int      *int32              `aws:"Int"`
	Long     *int64              `aws:"Long"`
	Float    *float32            `aws:"Float"`
	Double   *float64            `aws:"Double"`
	Bool     *bool               `aws:"Bool"`
	Time     time.Time           `aws:"Time"`
	ISO      time.Time           `aws:"ISO,ts=iso8601"`
	Times    []time.Time         `aws:"Times,ts=rfc822"`
	Blob     []byte              `aws:"Blob"`
	Strings  []string            `aws:"Strings"`
	Sparse   []*string           `aws:"Sparse"`
	Structs  []*kitchen          `aws:"Structs"`
	Lists    [][]string          `aws:"Lists"`
	Ints     map[string]int32    `aws:"Ints"`
	Nullable map[string]*int32   `aws:"Nullable"`
	Nested   map[string]*kitchen `aws:"Nested"`
	Struct   *kitchen            `aws:"Struct"`
	Document any                 `aws:"Document"`
}

var kitchenOp = &api.Operation{Service: &api.Service{Name: "kitchen", Version: "2020-01-01", JSONVersion: "1.1"}, Name: "Cook"}

func fullKitchen() *kitchen {
	at := time.Date(2024, 2, 29, 12, 30, 45, 678e6, time.UTC)
	return &kitchen{
		String: "a\"\\\b\x01\u2028é😀", Int: new(int32(math.MinInt32)), Long: new(int64(math.MaxInt64)), Float: new(float32(1.1)), Double: new(math.Inf(-1)),
		Bool: new(false), Time: at, ISO: at, Times: []time.Time{at.Truncate(time.Second)}, Blob: []byte{}, Strings: []string{"", "a"},
		Sparse: []*string{new("a"), nil}, Structs: []*kitchen{{}, {String: "x"}}, Lists: [][]string{{"a"}, {}}, Ints: map[string]int32{"a": 1, "b": 0},
		Nullable: map[string]*int32{"a": nil, "b": new(int32(2))}, Nested: map[string]*kitchen{"k": {Bool: new(true)}}, Struct: &kitchen{},
	}
}

func TestJSONOfEveryKind(t *testing.T) {
	for _, rest := range []bool{false, true} {
		n := jsonNotation{rest: rest}
		in := fullKitchen()
		in.Document = map[string]any{"a": []any{nil, true, "s"}, "n": map[string]any{}}
		sh, s := planOf(in)
		e := encoding{op: kitchenOp}
		if err := n.encode(&e, sh, s); err != nil {
			t.Fatal(err)
		}
		out := new(kitchen)
		_, at := planOf(out)
		if err := n.decode(&decoding{op: kitchenOp}, e.buf, sh, at); err != nil {
			t.Fatalf("%v\n%s", err, e.buf)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("-want +got\n%s\n%s", diff, e.buf)
		}
		if name := `"String":`; strings.Contains(string(e.buf), name) == rest {
			t.Errorf("rest bodies use wire names, and RPC bodies the model's: %s", e.buf)
		}
	}
}

func TestJSONNumbersAndTimes(t *testing.T) {
	for _, c := range []struct {
		body string
		want kitchen
	}{
		{`{"Float":"NaN"}`, kitchen{Float: new(float32(math.NaN()))}},
		{`{"Double":"Infinity"}`, kitchen{Double: new(math.Inf(1))}},
		{`{"Double":1e400}`, kitchen{Double: new(math.Inf(1))}},
		{`{"Int":1.9,"Long":1e3}`, kitchen{Int: new(int32(1)), Long: new(int64(1000))}},
		{`{"Time":1718000000.5}`, kitchen{Time: time.Unix(1718000000, 5e8).UTC()}},
		{`{"Time":1.7180000005E9}`, kitchen{Time: time.Unix(1718000000, 5e8).UTC()}},
		{`{"Time":-1}`, kitchen{Time: time.Unix(-1, 0).UTC()}},
		{`{"Time":"2024-06-10T06:13:20Z"}`, kitchen{Time: time.Unix(1718000000, 0).UTC()}},
		{`{"ISO":"2024-06-10T08:13:20.5+02:00"}`, kitchen{ISO: time.Unix(1718000000, 5e8).UTC()}},
		{`{"Strings":["a",null],"Structs":[null,{}],"Ints":{"a":null}}`, kitchen{Strings: []string{"a"}, Structs: []*kitchen{{}}, Ints: map[string]int32{}}},
	} {
		var got kitchen
		if _, err := decodeJSON(kitchenOp, c.body, &got); err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b }), cmp.Comparer(func(a, b float32) bool { return a == b || a != a && b != b })); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.body, diff)
		}
	}
	for _, body := range []string{`{"Time":"yesterday"}`, `{"Time":1e300}`, `{"Time":true}`, `{"Int":1e10}`, `{"Long":9223372036854775808}`, `{"Double":"1"}`} {
		if _, err := decodeJSON(kitchenOp, body, new(kitchen)); err == nil {
			t.Errorf("%s was read", body)
		}
	}
	// AWS writes floats so that clients without types tell them from integers.
	for f, want := range map[float64]string{1: "1.0", 0.5: "0.5", -3: "-3.0", 1e21: "1e+21", 1.5e-7: "1.5e-07"} {
		if got := string(appendJSONFloat(nil, f, 64)); got != want {
			t.Errorf("%v is written %s, want %s", f, got, want)
		}
	}
}

func TestLambdaSaysItsOwnOfMalformedJSON(t *testing.T) {
	r := httptest.NewRequest("POST", "/2015-03-31/functions", strings.NewReader(`{"FunctionName"`))
	_, err := For(api.RESTJSON).Decode(lambda.CreateFunction.Spec(), r, URI{}, new(lambda.CreateFunctionInput))
	if e, ok := err.(*api.Error); !ok || e.Code != "InvalidRequestContentException" {
		t.Errorf("%v", err)
	}
}
