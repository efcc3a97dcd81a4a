package auth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/auth/authtest"
)

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	knownID, knownSecret = "AKIAKNOWN", "the secret"
	tempID, tempToken    = "ASIATEMP", "the token"
	inactiveID           = "AKIAINACTIVE"
)

// keys are a long-term key, a temporary one that ends at one o'clock, and one
// that is inactive.
func keys() keyring {
	known := credentials(knownID, knownSecret)
	known.Principal = api.Principal{ARN: "arn:aws:iam::123456789012:user/u", ID: "AIDA", Account: "123456789012"}
	temp := credentials(tempID, knownSecret)
	temp.SessionToken, temp.Expires = tempToken, noon.Add(time.Hour)
	return keyring{knownID: known, tempID: temp, inactiveID: {AccessKeyID: inactiveID}}
}

func verifier(mode auth.Mode) *auth.Verifier {
	return &auth.Verifier{Provider: keys(), Clock: clock.At(noon), Mode: mode}
}

func signer(service *api.Service) *authtest.Signer {
	return &authtest.Signer{ID: knownID, Secret: knownSecret, Region: "eu-west-1", Service: service.SigningName, Time: noon}
}

// signedFor is a signed request to a service. change is applied to the signer
// before it signs.
func signedFor(service *api.Service, change func(*authtest.Signer)) *http.Request {
	const body = `{"a":1}`
	r := httptest.NewRequest("POST", "http://localhost:4566/", strings.NewReader(body))
	if service == s3Service {
		r.Header.Set("X-Amz-Content-Sha256", authtest.Hash(body))
	}
	s := signer(service)
	if change != nil {
		change(s)
	}
	s.Sign(r, authtest.Hash(body))
	return r
}

func TestModes(t *testing.T) {
	unsigned := func() *http.Request { return httptest.NewRequest("GET", "http://localhost:4566/", nil) }
	as := func(id string) func() *http.Request {
		return func() *http.Request {
			return signedFor(dynamodbService, func(s *authtest.Signer) { s.ID = id })
		}
	}
	header := func(authorization string) func() *http.Request {
		return func() *http.Request {
			r := unsigned()
			r.Header.Set("Authorization", authorization)
			return r
		}
	}
	root := api.Root("000000000000")
	user := keys()[knownID].Principal
	tests := map[string]struct {
		request func() *http.Request
		off     *auth.Identity // nil: refused with strict
		strict  string         // the code in audit and enforce; "": off's identity
	}{
		"known key":     {as(knownID), &auth.Identity{Account: "123456789012", AccessKeyID: knownID, Principal: user, Region: "eu-west-1", Verified: true}, ""},
		"unknown key":   {as("test"), &auth.Identity{Account: "000000000000", AccessKeyID: "test", Principal: root, Region: "eu-west-1"}, "UnrecognizedClientException"},
		"account key":   {as("111122223333"), &auth.Identity{Account: "111122223333", AccessKeyID: "111122223333", Principal: api.Root("111122223333"), Region: "eu-west-1"}, "UnrecognizedClientException"},
		"eleven digits": {as("11112222333"), &auth.Identity{Account: "000000000000", AccessKeyID: "11112222333", Principal: root, Region: "eu-west-1"}, "UnrecognizedClientException"},
		"inactive key":  {as(inactiveID), nil, "UnrecognizedClientException"},
		"unsigned":      {unsigned, &auth.Identity{Account: "000000000000", Principal: root, Anonymous: true}, "MissingAuthenticationTokenException"},
		"other scheme":  {header("Bearer x"), &auth.Identity{Account: "000000000000", Principal: root}, "IncompleteSignatureException"},
		"half a header, unknown key": {header("AWS4-HMAC-SHA256 Credential=test/20240501/eu-west-1/dynamodb/aws4_request"),
			&auth.Identity{Account: "000000000000", AccessKeyID: "test", Principal: root, Region: "eu-west-1"}, "IncompleteSignatureException"},
		"half a header, known key": {header("AWS4-HMAC-SHA256 Credential=" + knownID + "/20240501/eu-west-1/dynamodb/aws4_request"), nil, "IncompleteSignatureException"},
		"version 2, unknown key":   {header("AWS 111122223333:c2lnbmF0dXJl"), &auth.Identity{Account: "111122223333", AccessKeyID: "111122223333", Principal: api.Root("111122223333")}, "IncompleteSignatureException"},
		"version 2, known key":     {header("AWS " + knownID + ":c2lnbmF0dXJl"), nil, "IncompleteSignatureException"},
		"known key, wrong secret":  {func() *http.Request { return signedFor(dynamodbService, func(s *authtest.Signer) { s.Secret = "x" }) }, nil, "InvalidSignatureException"},
		"unknown key, wrong region": {func() *http.Request {
			return signedFor(dynamodbService, func(s *authtest.Signer) { s.ID, s.Region = "x", "" })
		}, &auth.Identity{Account: "000000000000", AccessKeyID: "x", Principal: root}, "UnrecognizedClientException"},
	}
	for name, tt := range tests {
		for _, mode := range []auth.Mode{"", auth.Off, auth.Audit, auth.Enforce} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				v, r, target := verifier(mode), tt.request(), auth.Target{Service: dynamodbService}
				lax := mode == "" || mode == auth.Off
				if tt.off == nil || !lax && tt.strict != "" {
					wantError(t, v, r, target, tt.strict, 400)
					return
				}
				who, err := v.Authenticate(r, target)
				if err != nil {
					t.Fatal(err)
				}
				if *who != *tt.off {
					t.Errorf("identity\n%+v, want\n%+v", *who, *tt.off)
				}
			})
		}
	}
}

func TestNoProvider(t *testing.T) {
	v := &auth.Verifier{Clock: clock.At(noon)}
	if who, err := v.Authenticate(signedFor(dynamodbService, nil), auth.Target{Service: dynamodbService}); err != nil || who.Verified {
		t.Errorf("%+v, %v", who, err)
	}
}

type brokenProvider struct{ error }

func (p brokenProvider) Credentials(context.Context, string) (*auth.Credentials, error) {
	return nil, p.error
}

func TestProviderFailureIsNotTheClients(t *testing.T) {
	failure := errors.New("disk on fire")
	v := &auth.Verifier{Provider: brokenProvider{failure}, Clock: clock.At(noon)}
	_, err := v.Authenticate(signedFor(dynamodbService, nil), auth.Target{Service: dynamodbService})
	var e *api.Error
	if !errors.Is(err, failure) || errors.As(err, &e) {
		t.Errorf("error %v", err)
	}
}

func TestAnonymousPrincipal(t *testing.T) {
	r := httptest.NewRequest("GET", "http://localhost:4566/bucket/key", nil)
	who, err := verifier(auth.Enforce).Authenticate(r, auth.Target{Service: s3Service, AllowAnonymous: true})
	if err != nil || !who.Anonymous || who.Principal != (api.Principal{Anonymous: true}) {
		t.Errorf("%+v, %v", who, err)
	}
	r = httptest.NewRequest("PUT", "http://localhost:4566/bucket/key", strings.NewReader("0\r\n\r\n"))
	r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
	wantError(t, verifier(auth.Enforce), r, auth.Target{Service: s3Service, AllowAnonymous: true}, "InvalidRequest", 400)
	wantError(t, verifier(auth.Enforce), r, s3Target, "AccessDenied", 403)
}

// TestStrangersBodyIsNotRead: without a known key there is nothing to verify a
// body with, so it costs nothing.
func TestStrangersBodyIsNotRead(t *testing.T) {
	for _, service := range []*api.Service{dynamodbService, s3Service} {
		r := signedFor(service, func(s *authtest.Signer) { s.ID = "test" })
		body := io.NopCloser(strings.NewReader("not what was signed"))
		r.Body = body
		if _, err := verifier(auth.Off).Authenticate(r, auth.Target{Service: service}); err != nil || r.Body != body {
			t.Errorf("%s: body replaced by %T, %v", service.Name, r.Body, err)
		}
	}
}

// TestUnsentPayloadHash: SDKs sign the hash of the body for most services and do not send it.
func TestUnsentPayloadHash(t *testing.T) {
	target := auth.Target{Service: dynamodbService, BodyLimit: 7}
	r := signedFor(dynamodbService, nil)
	if _, err := verifier(auth.Off).Authenticate(r, target); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r.Body); err != nil || string(got) != `{"a":1}` {
		t.Errorf("body %q, %v", got, err)
	}
	r = signedFor(dynamodbService, nil)
	r.Body = io.NopCloser(strings.NewReader(`{"a":2}`))
	wantError(t, verifier(auth.Off), r, target, "InvalidSignatureException", 400)

	target.BodyLimit = 6
	wantError(t, verifier(auth.Off), signedFor(dynamodbService, nil), target, "RequestEntityTooLargeException", 413)
	r = signedFor(dynamodbService, nil)
	r.ContentLength = -1 // chunked
	r.Header.Del("Content-Length")
	wantError(t, verifier(auth.Off), r, target, "RequestEntityTooLargeException", 413)
	r = signedFor(stsService, nil)
	wantError(t, verifier(auth.Off), r, auth.Target{Service: stsService, BodyLimit: 6}, "RequestEntityTooLarge", 413)
}

// TestSentPayloadHash: where the hash is sent the body is not read before its
// consumer reads it, who learns of a difference before the last byte.
func TestSentPayloadHash(t *testing.T) {
	for _, length := range []int64{7, -1} {
		for _, service := range []*api.Service{s3Service, lambdaService} {
			request := func(body string) *http.Request {
				r := httptest.NewRequest("PUT", "http://localhost:4566/b/k", nil)
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), length
				r.Header.Set("X-Amz-Content-Sha256", authtest.Hash("content"))
				signer(service).Sign(r, "")
				return r
			}
			target := auth.Target{Service: service}
			r := request("content")
			if err := accept(verifier(auth.Off), r, target); err != nil {
				t.Errorf("%s: %v", service.Name, err)
			}
			r = request("contEnt")
			if _, err := verifier(auth.Off).Authenticate(r, target); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			_, err := io.CopyN(&got, r.Body, 7)
			if length < 0 && err == nil {
				_, err = io.Copy(&got, r.Body)
			}
			if service == s3Service {
				e := wantAPIError(t, err, "XAmzContentSHA256Mismatch", 400)
				if detail(e, "ClientComputedContentSHA256") != authtest.Hash("content") || detail(e, "S3ComputedContentSHA256") != authtest.Hash("contEnt") {
					t.Errorf("details %v", e.Detail)
				}
			} else {
				wantAPIError(t, err, "InvalidSignatureException", 403)
			}
		}
	}
	r := httptest.NewRequest("PUT", "http://localhost:4566/b/k", nil)
	r.Header.Set("X-Amz-Content-Sha256", authtest.Hash("content"))
	signer(s3Service).Sign(r, "")
	wantError(t, verifier(auth.Off), r, s3Target, "XAmzContentSHA256Mismatch", 400)
}

func TestUnsignedPayload(t *testing.T) {
	r := httptest.NewRequest("PUT", "http://localhost:4566/b/k", strings.NewReader("anything"))
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	signer(s3Service).Sign(r, "")
	if err := accept(verifier(auth.Enforce), r, s3Target); err != nil {
		t.Error(err)
	}
}

// TestDefaultPort: clients agree neither on sending a default port nor on signing it.
func TestDefaultPort(t *testing.T) {
	for _, tt := range []struct {
		signed, sent string
		ok           bool
	}{
		{"localhost", "localhost:80", true},
		{"localhost:443", "localhost", true},
		{"localhost:80", "localhost", true},
		{"[::1]", "[::1]:443", true},
		{"[::1]:80", "[::1]", true},
		{"localhost:4566", "localhost", false},
		{"localhost", "localhost:4566", false},
		{"localhost:80", "localhost:443", false},
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Host = tt.signed
		signer(dynamodbService).Sign(r, authtest.Hash(""))
		r.Host = tt.sent
		if _, err := verifier(auth.Off).Authenticate(r, auth.Target{Service: dynamodbService}); (err == nil) != tt.ok {
			t.Errorf("signed for %s, sent to %s: %v", tt.signed, tt.sent, err)
		}
	}
}

// TestDateHeader: Date stands in for X-Amz-Date, in the form of HTTP or of mail,
// which is Python's.
func TestDateHeader(t *testing.T) {
	for _, date := range []string{"Wed, 01 May 2024 12:00:00 GMT", "Wed, 01 May 2024 12:00:00 -0000"} {
		s := signer(dynamodbService)
		r := httptest.NewRequest("GET", "http://localhost:4566/", nil)
		r.Header.Set("Date", date)
		canonical := "GET\n/\n\ndate:" + date + "\nhost:localhost:4566\n\ndate;host\n" + authtest.Hash("")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+knownID+"/"+s.Scope()+", SignedHeaders=date;host, Signature="+s.Signature(canonical))
		if _, err := verifier(auth.Off).Authenticate(r, auth.Target{Service: dynamodbService}); err != nil {
			t.Errorf("%s: %v", date, err)
		}
	}
}

// TestAnyService: a data plane takes signatures for whatever service.
func TestAnyService(t *testing.T) {
	r := signedFor(&api.Service{SigningName: "execute-api"}, nil)
	if who, err := verifier(auth.Enforce).Authenticate(r, auth.Target{}); err != nil || !who.Verified {
		t.Errorf("%+v, %v", who, err)
	}
}

// TestRegionSet: a SigV4A signature is for the regions that its set names.
func TestRegionSet(t *testing.T) {
	for _, tt := range []struct {
		request, region string
		ok              bool
	}{
		{"go-v4a-s3-presigned", "us-east-1", true}, // us-east-1,eu-*
		{"go-v4a-s3-presigned", "eu-west-3", true},
		{"go-v4a-s3-presigned", "us-west-1", false},
		{"go-v4a-s3-put", "us-west-1", true}, // *
	} {
		r := readRequest(t, recorded(t)[tt.request])
		target := recordedTarget(r)
		target.Region = tt.region
		who, err := recordedVerifier(r, recordedSecret).Authenticate(r, target)
		if (err == nil) != tt.ok {
			t.Errorf("%s for %s: %v", tt.request, tt.region, err)
		}
		if tt.region == "us-east-1" && who.Region != "us-east-1" {
			t.Errorf("region %q", who.Region)
		}
	}
}
