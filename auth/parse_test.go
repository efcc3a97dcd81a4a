package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/virga-cloud/virga/auth"
)

// claims are the exported parts of a Signature that Parse is expected to find.
type claims struct {
	kind                         auth.Kind
	algorithm                    auth.Algorithm
	key, date, region, service   string
	signedHeaders, value, token  string
	time, expires, hash, regions string
	malformed                    bool
}

func claimsOf(s auth.Signature) claims {
	return claims{
		s.Kind, s.Algorithm, s.AccessKeyID, s.Date, s.Region, s.Service, s.SignedHeaders, s.Value, s.SessionToken,
		s.Time, s.Expires, s.PayloadHash, s.RegionSet, s.Malformed(),
	}
}

func TestParse(t *testing.T) {
	const scope = "20240501/eu-west-1/s3/aws4_request"
	tests := map[string]struct {
		query  string
		header map[string]string
		want   claims
	}{
		"nothing":     {"", nil, claims{}},
		"plain":       {"prefix=X-Amz-&list-type=2", nil, claims{}},
		"only a hash": {"", map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}, claims{hash: "UNSIGNED-PAYLOAD"}},
		"header": {"", map[string]string{
			"Authorization": "AWS4-HMAC-SHA256 Credential=AK/" + scope + ", SignedHeaders=host;x-amz-date, Signature=abc",
			"X-Amz-Date":    "20240501T120000Z", "X-Amz-Security-Token": "T", "X-Amz-Content-Sha256": "H", "Date": "today",
		}, claims{kind: auth.InHeader, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host;x-amz-date", value: "abc", token: "T", time: "20240501T120000Z", hash: "H"}},
		"no spaces, another order": {"", map[string]string{
			"Authorization": "AWS4-HMAC-SHA256 Signature=abc,SignedHeaders=host,Credential=AK/" + scope, "Date": "today",
		}, claims{kind: auth.InHeader, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host", value: "abc", time: "today"}},
		"SigV4A": {"", map[string]string{
			"Authorization":    "AWS4-ECDSA-P256-SHA256 Credential=AK/20240501/s3/aws4_request, SignedHeaders=host, Signature=abc",
			"X-Amz-Region-Set": "us-*, eu-west-1",
		}, claims{kind: auth.InHeader, algorithm: auth.ECDSA, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host", value: "abc", regions: "us-*, eu-west-1"}},
		"presigned": {"versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20240501%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20240501T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Brange&X-Amz-Security-Token=T%2B%3D&X-Amz-Signature=abc", nil,
			claims{kind: auth.Presigned, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host;range", value: "abc", token: "T+=", time: "20240501T120000Z", expires: "60"}},
		"version 2 header": {"", map[string]string{"Authorization": "AWS AK:c2ln", "Date": "today"},
			claims{kind: auth.Version2Header, key: "AK", value: "c2ln", time: "today"}},
		"version 2 query": {"AWSAccessKeyId=AK&Signature=c2ln%3D&Expires=1714564860", nil,
			claims{kind: auth.Version2Query, key: "AK", value: "c2ln=", expires: "1714564860"}},
		// Other parameters of these names are not the signature's.
		"Expires of an operation": {"Expires=x&Signature=y&AWSAccessKeyId=z&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK/" + scope + "&X-Amz-Date=d&X-Amz-SignedHeaders=host&X-Amz-Signature=abc", nil,
			claims{kind: auth.Presigned, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host", value: "abc", time: "d"}},
		// What can be read of a malformed signature is there, to find the service by.
		"short scope": {"", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20240501/eu-west-1/s3, SignedHeaders=host, Signature=abc"},
			claims{kind: auth.InHeader, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host", value: "abc", malformed: true}},
		"long scope": {"", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AK/" + scope + "/x, SignedHeaders=host, Signature=abc"},
			claims{kind: auth.InHeader, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host", value: "abc", malformed: true}},
		"no key": {"", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=/" + scope + ", SignedHeaders=host, Signature=abc"},
			claims{kind: auth.InHeader, date: "20240501", region: "eu-west-1", service: "s3", signedHeaders: "host", value: "abc", malformed: true}},
		"credential only": {"", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AK/" + scope},
			claims{kind: auth.InHeader, key: "AK", date: "20240501", region: "eu-west-1", service: "s3", malformed: true}},
		"scheme only":  {"", map[string]string{"Authorization": "AWS4-HMAC-SHA256"}, claims{kind: auth.InHeader, malformed: true}},
		"other scheme": {"", map[string]string{"Authorization": "Basic dTpw"}, claims{kind: auth.InHeader, malformed: true}},
		"bad escape": {"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2&X-Amz-Date=d&X-Amz-SignedHeaders=host&X-Amz-Signature=abc", nil,
			claims{kind: auth.Presigned, key: "AK%2", signedHeaders: "host", value: "abc", time: "d", malformed: true}},
	}
	for name, tt := range tests {
		r := &http.Request{URL: &url.URL{Path: "/", RawQuery: tt.query}, Header: http.Header{}}
		for k, v := range tt.header {
			r.Header.Set(k, v)
		}
		if got := claimsOf(auth.Parse(r)); got != tt.want {
			t.Errorf("%s:\n%+v, want\n%+v", name, got, tt.want)
		}
	}
}

// FuzzAuthenticate sends any header and query: nothing panics, and nothing but
// the recorded signatures gets a known key in.
func FuzzAuthenticate(f *testing.F) {
	f.Add("GET", "/", "", "AWS4-HMAC-SHA256 Credential="+knownID+"/20240501/eu-west-1/s3/aws4_request, SignedHeaders=host;;x-amz-date, Signature=abc", "20240501T120000Z", "UNSIGNED-PAYLOAD", "")
	f.Add("GET", "/a//../%2e%zz", "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential="+knownID+"%2F20240501%2Fs3%2Faws4_request&X-Amz-Date=20240501T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=30**&X-Amz-Region-Set=*", "", "", "", "")
	f.Add("PUT", "*", "&&=&%&+&a=b=c;d&AWSAccessKeyId=x&Expires=-9223372036854775808", "", "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "5;")
	f.Add("PUT", "", "", "AWS", "Mon, 02 Jan 2006", "", "body")
	f.Fuzz(func(t *testing.T, method, path, query, authorization, date, hash, body string) {
		for _, service := range []auth.Target{s3Target, {Service: dynamodbService}, {Service: sqsService}, {}} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, path, path, query
			setBody(r, body)
			for name, value := range map[string]string{"Authorization": authorization, "X-Amz-Date": date, "X-Amz-Content-Sha256": hash} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			who, err := verifier(auth.Off).Authenticate(r, service)
			if (who == nil) == (err == nil) {
				t.Errorf("identity %v and error %v", who, err)
			}
			if err == nil && who.Verified {
				t.Errorf("let in %+v", who)
			}
		}
	})
}
