package auth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/auth"
)

// keyring is a Provider of fixed keys.
type keyring map[string]*auth.Credentials

func (k keyring) Credentials(_ context.Context, id string) (*auth.Credentials, error) {
	if c := k[id]; c == nil {
		return nil, auth.ErrUnknownKey
	} else if c.SecretAccessKey == "" {
		return nil, auth.ErrInactiveKey
	} else {
		return c, nil
	}
}

func credentials(id, secret string) *auth.Credentials {
	const account = "123456789012"
	return &auth.Credentials{AccessKeyID: id, SecretAccessKey: secret, Account: account, Principal: api.Root(account)}
}

func verifierAt(at string, mode auth.Mode, keys ...*auth.Credentials) *auth.Verifier {
	t, err := time.Parse("20060102T150405Z", at)
	if err != nil {
		panic(err)
	}
	k := keyring{}
	for _, c := range keys {
		k[c.AccessKeyID] = c
	}
	return &auth.Verifier{Provider: k, Clock: clock.At(t), Mode: mode}
}

// TestSuite verifies the signatures of AWS's Signature Version 4 test suite.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-test-suite.html
func TestSuite(t *testing.T) {
	const signed = "host;x-amz-date"
	tests := []struct {
		name, method, target string
		headers              [][2]string
		body                 string
		signedHeaders        string
		signature            string
	}{
		{"get-vanilla", "GET", "/", nil, "", signed, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query", "GET", "/", nil, "", signed, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", nil, "", signed, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-empty-query-key", "GET", "/?Param1=value1", nil, "", signed, "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{"get-vanilla-query-unreserved", "GET", "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", nil, "", signed, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
		{"get-vanilla-utf8-query", "GET", "/?ሴ=bar", nil, "", signed, "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", nil, "", signed, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-utf8", "GET", "/ሴ", nil, "", signed, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{"get-space", "GET", "/example space/", nil, "", signed, "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
		{"get-relative", "GET", "/example/..", nil, "", signed, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-relative-relative", "GET", "/example1/example2/../..", nil, "", signed, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash", "GET", "//", nil, "", signed, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash-dot-slash", "GET", "/./", nil, "", signed, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash-pointless-dot", "GET", "/./example", nil, "", signed, "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
		{"get-slashes", "GET", "//example//", nil, "", signed, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"get-header-key-duplicate", "GET", "/", [][2]string{{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}, "", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
		{"get-header-value-order", "GET", "/", [][2]string{{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}}, "", "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
		{"get-header-value-trim", "GET", "/", [][2]string{{"My-Header1", " value1"}, {"My-Header2", ` "a   b   c"`}}, "", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST", "/", nil, "", signed, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-vanilla-query", "POST", "/?Param1=value1", nil, "", signed, "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
		{"post-header-key-sort", "POST", "/", [][2]string{{"My-Header1", "value1"}}, "", "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{"post-header-value-case", "POST", "/", [][2]string{{"My-Header1", "VALUE1"}}, "", "host;my-header1;x-amz-date", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
		{"post-x-www-form-urlencoded", "POST", "/", [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}, "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{"post-x-www-form-urlencoded-parameters", "POST", "/", [][2]string{{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}}, "Param1=value1", "content-type;host;x-amz-date", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
	}
	v := verifierAt("20150830T123600Z", auth.Enforce, credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
	service := &api.Service{Name: "example", SigningName: "service", Protocols: []api.Protocol{api.JSON}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := func() *http.Request {
				// Not http.NewRequest: the suite's targets are not all valid ones.
				path, query, _ := strings.Cut(tt.target, "?")
				r := &http.Request{
					Method: tt.method, Host: "example.amazonaws.com", Header: http.Header{},
					URL: &url.URL{Path: path, RawPath: path, RawQuery: query}, Body: http.NoBody,
				}
				if tt.body != "" {
					setBody(r, tt.body)
				}
				for _, h := range tt.headers {
					r.Header.Add(h[0], h[1])
				}
				r.Header.Set("X-Amz-Date", "20150830T123600Z")
				return r
			}
			r := request()
			authorize := func(signature string) {
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+tt.signedHeaders+", Signature="+signature)
			}
			authorize(tt.signature)
			who, err := v.Authenticate(r, auth.Target{Service: service})
			if err != nil {
				t.Fatal(err)
			}
			if !who.Verified || who.Account != "123456789012" || who.Region != "us-east-1" || who.AccessKeyID != "AKIDEXAMPLE" {
				t.Errorf("identity %+v", who)
			}
			r = request()
			authorize("0" + tt.signature[:63])
			wantError(t, v, r, auth.Target{Service: service}, "InvalidSignatureException", 400)
		})
	}
}
