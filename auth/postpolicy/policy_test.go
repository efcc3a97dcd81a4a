package postpolicy

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const (
	documentText = "InvalidPolicyDocument: Invalid Policy: "
	deniedText   = "AccessDenied: Invalid according to Policy: "
	simpleText   = documentText + "Invalid Simple-Condition: "
)

// What S3 says of documents, by their text before it is encoded.
func TestParse(t *testing.T) {
	with := func(condition string) string {
		return `{"expiration":"2026-03-05T00:00:00Z","conditions":[` + condition + `]}`
	}
	for _, c := range []struct{ document, want string }{
		{with(``), ""},
		{with(`{"acl":"private"},["eq","$key","a"],["StArTs-WiTh","$key",""],["content-length-range",1,"10"]`), ""},
		{with(`["eq","$key","\$a\\\$b"]`), ""},
		{``, documentText + "Expecting '{' but found End-of-Input"},
		{`invalid json`, documentText + "Invalid JSON."},
		{`null`, documentText + "Invalid JSON."},
		{`{"conditions":[]}`, documentText + "Policy missing expiration."},
		{`{"EXPIRATION":"2026-03-05T00:00:00Z","conditions":[]}`, documentText + `Unexpected: "EXPIRATION"`},
		{`{"expiration":true,"conditions":[]}`, documentText + "Invalid JSON."},
		{`{"expiration":"soon","conditions":[]}`, documentText + "Invalid 'expiration' value: 'soon'"},
		{`{"expiration":"2026-03-05T00:00:00Z"}`, documentText + "Policy missing conditions."},
		{`{"expiration":"2026-03-05T00:00:00Z","conditions":true}`, documentText + "Invalid 'conditions' value: must be a List."},
		{with(`true`), documentText + "Invalid condition test: must be a List or Object."},
		{with(`[]`), documentText + "Invalid Condition: missing operation identifier."},
		{with(`["ends-with","$key","a"]`), documentText + "Invalid Condition: unknown operation 'ends-with'."},
		{with(`["eq","$key","a","b"]`), documentText + "Invalid eq: wrong number of arguments."},
		{with(`["content-length-range",0]`), documentText + "Invalid content-length-range: wrong number of arguments."},
		{with(`["eq",false,"a"]`), documentText + "Invalid JSON."},
		{with(`["eq","$key",true]`), documentText + "Invalid JSON."},
		{with(`["content-length-range",12,false]`), documentText + "Invalid JSON."},
		{with(`["content-length-range","test","10"]`), deniedText + `Policy Condition failed: ["content-length-range", "test", "10"]`},
		{with(`{}`), simpleText + "Simple-Conditions must have exactly one property specified."},
		{with(`{"a":"b","c":"d"}`), simpleText + "Simple-Conditions must have exactly one property specified."},
		{with(`{"a":true}`), simpleText + "value must be a string."},
	} {
		if _, err := Parse(base64.StdEncoding.EncodeToString([]byte(c.document))); text(err) != c.want {
			t.Errorf("%s: %q, want %q", c.document, text(err), c.want)
		}
	}
	if _, err := Parse("invalid_base64"); text(err) != documentText+"invalid Base64 encoding." {
		t.Errorf("not base64: %v", err)
	}
}

// What S3 says of forms under a document with the conditions.
func TestCheck(t *testing.T) {
	form := func(more ...string) Fields {
		f := Fields{"bucket": "b", "key": "user/a", "policy": "...", "file": ""}
		for i := 0; i < len(more); i += 2 {
			f[more[i]] = more[i+1]
		}
		return f
	}
	const base = `{"bucket":"b"},["starts-with","$key","user/"]`
	for _, c := range []struct {
		name, conditions string
		fields           Fields
		want             string
	}{
		{"all fits", base, form(), ""},
		{"any beginning", `{"bucket":"b"},["starts-with","$key",""]`, form(), ""},
		{"fields have no case", `{"BUCKET":"b"},["StArTs-WiTh","$KeY","user/"]`, form(), ""},
		{"values have", `{"bucket":"B"},["starts-with","$key","user/"]`, form(), deniedText + `Policy Condition failed: ["eq", "$bucket", "B"]`},
		{"another key", `{"bucket":"b"},["eq", "$key", "user/b"]`, form(), deniedText + `Policy Condition failed: ["eq", "$key", "user/b"]`},
		{"another beginning", `{"bucket":"b"},["starts-with","$key","u/"]`, form(), deniedText + `Policy Condition failed: ["starts-with", "$key", "u/"]`},
		{"the bucket needs a condition", `["starts-with","$key","user/"]`, form(), deniedText + "Extra input fields: bucket"},
		{"so does every field", base, form("acl", "private"), deniedText + "Extra input fields: acl"},
		{"all are told", base, form("x-amz-meta-b", "1", "x-amz-meta-a", "2"), deniedText + "Extra input fields: x-amz-meta-a, x-amz-meta-b"},
		{"but for ignored ones", base, form("x-ignore-me", "1", "x-amz-signature", "2"), ""},
		{"a field that is not there", base + `,["starts-with","$x-amz-meta-a",""]`, form(), deniedText + `Policy Condition failed: ["starts-with", "$x-amz-meta-a", ""]`},
		{"no dollar", base + `,["eq", "acl", "private"]`, form(), deniedText + `Policy Condition failed: ["eq", "acl", "private"]`},
		{"a dollar in a value", `{"bucket":"b"},["eq","$key","\$a"]`, form("key", "$a"), ""},
		{"a list of types", base + `,["starts-with","$Content-Type","image/"]`, form("content-type", "image/png, image/jpeg"), ""},
		{"one type of another kind", base + `,["starts-with","$Content-Type","image/"]`, form("content-type", "image/png,text/plain"),
			deniedText + `Policy Condition failed: ["starts-with", "$Content-Type", "image/"]`},
	} {
		p, err := Parse(base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2026-03-04T05:06:08.000Z","conditions":[` + c.conditions + `]}`)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := p.Check(c.fields, now); text(err) != c.want {
			t.Errorf("%s: %q, want %q", c.name, text(err), c.want)
		}
		if err := p.Check(c.fields, now.Add(time.Second)); text(err) != deniedText+"Policy expired." {
			t.Errorf("%s: at its end: %v", c.name, err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Code + ": " + e.Message
	}
	return err.Error()
}
