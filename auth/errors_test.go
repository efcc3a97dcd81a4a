package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/auth/authtest"
)

// failures are requests with one thing wrong, to be answered by every family.
var failures = map[string]func(*api.Service) *http.Request{
	"unsigned": func(*api.Service) *http.Request {
		return httptest.NewRequest("GET", "http://localhost:4566/", nil)
	},
	"unknown key": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.ID = "AKIANOBODY" })
	},
	"wrong secret": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.Secret = "wrong" })
	},
	"no token": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.ID = tempID })
	},
	"wrong token": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.ID, s.Token = tempID, "wrong" })
	},
	"token not asked for": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.Token = "a token" })
	},
	"old": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.Time = noon.Add(-15*time.Minute - time.Second) })
	},
	"future": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.Time = noon.Add(15*time.Minute + time.Second) })
	},
	"wrong service": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.Service = "other" })
	},
	"wrong region": func(s *api.Service) *http.Request {
		return signedFor(s, func(s *authtest.Signer) { s.Region = "us-west-9" })
	},
	"wrong day": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "20240501", "20240502", 1))
		return r
	},
	"bad date": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("X-Amz-Date", "yesterday")
		return r
	},
	"no date": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Del("X-Amz-Date")
		return r
	},
	"unsigned header": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("X-Amz-Target", "x")
		return r
	},
	"unsigned host": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
		return r
	},
	"no signature": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		h, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature")
		r.Header.Set("Authorization", h)
		return r
	},
	"short credential": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/eu-west-1", "", 1))
		return r
	},
	"wrong terminator": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "aws4_request", "aws5_request", 1))
		return r
	},
	"key with a space": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "Credential=", "Credential= ", 1))
		return r
	},
	"bearer": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", "Bearer token")
		return r
	},
	"version 2": func(s *api.Service) *http.Request {
		r := signedFor(s, nil)
		r.Header.Set("Authorization", "AWS "+knownID+":c2ln")
		return r
	},
}

const (
	clientMismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	invalidToken   = "The security token included in the request is invalid."
	noAccess       = "AWS was not able to validate the provided access credentials"
	notAPair       = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): "
)

// TestErrors holds each family's code, status and beginning of the message.
func TestErrors(t *testing.T) {
	type answer struct {
		code    string
		status  int
		message string
	}
	families := []struct {
		service *api.Service
		answers map[string]answer
	}{
		{dynamodbService, map[string]answer{
			"unsigned":            {"MissingAuthenticationTokenException", 400, "Request is missing Authentication Token"},
			"unknown key":         {"UnrecognizedClientException", 400, invalidToken},
			"wrong secret":        {"InvalidSignatureException", 400, clientMismatch},
			"no token":            {"UnrecognizedClientException", 400, invalidToken},
			"wrong token":         {"UnrecognizedClientException", 400, invalidToken},
			"token not asked for": {"UnrecognizedClientException", 400, invalidToken},
			"old":                 {"InvalidSignatureException", 400, "Signature expired: 20240501T114459Z is now earlier than 20240501T115500Z (20240501T120000Z - 5 min.)"},
			"future":              {"InvalidSignatureException", 400, "Signature not yet current: 20240501T121501Z is still later than 20240501T120500Z (20240501T120000Z + 5 min.)"},
			"wrong service":       {"InvalidSignatureException", 400, "Credential should be scoped to correct service: 'dynamodb'. "},
			"wrong region":        {"InvalidSignatureException", 400, "Credential should be scoped to a valid region, not 'us-west-9'. "},
			"wrong day":           {"InvalidSignatureException", 400, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20240502' != '20240501', from '20240501T120000Z'."},
			"bad date":            {"IncompleteSignatureException", 400, "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601"},
			"no date":             {"IncompleteSignatureException", 400, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
			"unsigned header":     {"InvalidSignatureException", 400, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
			"unsigned host":       {"InvalidSignatureException", 400, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
			"no signature":        {"IncompleteSignatureException", 400, "Authorization header requires 'Signature' parameter."},
			"short credential":    {"IncompleteSignatureException", 400, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIAKNOWN/20240501/dynamodb/aws4_request'"},
			"wrong terminator":    {"InvalidSignatureException", 400, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
			"key with a space":    {"IncompleteSignatureException", 400, notAPair},
			"bearer":              {"IncompleteSignatureException", 400, notAPair},
			"version 2":           {"IncompleteSignatureException", 400, notAPair},
		}},
		{lambdaService, map[string]answer{
			"unsigned":     {"MissingAuthenticationTokenException", 403, "Missing Authentication Token"},
			"unknown key":  {"UnrecognizedClientException", 403, invalidToken},
			"wrong secret": {"InvalidSignatureException", 403, clientMismatch},
			"old":          {"InvalidSignatureException", 403, "Signature expired: 20240501T114459Z is now earlier than 20240501T115500Z (20240501T120000Z - 5 min.)"},
			"no signature": {"IncompleteSignatureException", 403, "Authorization header requires 'Signature' parameter."},
		}},
		{stsService, map[string]answer{
			"unsigned":     {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
			"unknown key":  {"InvalidClientTokenId", 403, invalidToken},
			"wrong token":  {"InvalidClientTokenId", 403, invalidToken},
			"wrong secret": {"SignatureDoesNotMatch", 403, clientMismatch},
			"old":          {"SignatureDoesNotMatch", 403, "Signature expired: 20240501T114459Z is now earlier than 20240501T114500Z (20240501T120000Z - 15 min.)"},
			"no signature": {"IncompleteSignature", 400, "Authorization header requires 'Signature' parameter."},
		}},
		{ec2Service, map[string]answer{
			"unknown key":  {"AuthFailure", 401, noAccess},
			"wrong secret": {"AuthFailure", 401, noAccess},
		}},
		{s3Service, map[string]answer{
			"unsigned":            {"AccessDenied", 403, "Access Denied"},
			"unknown key":         {"InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."},
			"wrong secret":        {"SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
			"no token":            {"InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."},
			"wrong token":         {"InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
			"token not asked for": {"InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
			"old":                 {"RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."},
			"future":              {"RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."},
			"wrong service":       {"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; incorrect service "other". This endpoint belongs to "s3".`},
			"wrong region":        {"AuthorizationHeaderMalformed", 400, "The authorization header is malformed; the region 'us-west-9' is wrong; expecting 'eu-west-1'"},
			"wrong day":           {"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; Invalid credential date "20240502".`},
			"bad date":            {"AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"},
			"no date":             {"AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"},
			"unsigned header":     {"AccessDenied", 403, "There were headers present in the request which were not signed"},
			"no signature":        {"AuthorizationHeaderMalformed", 400, "The authorization header is malformed; missing Signature."},
			"short credential":    {"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
			"wrong terminator":    {"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; incorrect terminal "aws5_request". This endpoint uses "aws4_request".`},
			"bearer":              {"InvalidArgument", 400, "Unsupported Authorization Type"},
			"version 2":           {"InvalidRequest", 400, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."},
		}},
	}
	for _, family := range families {
		for failure, want := range family.answers {
			t.Run(family.service.Name+"/"+failure, func(t *testing.T) {
				target := auth.Target{Service: family.service, Region: "eu-west-1"}
				e := wantError(t, verifier(auth.Enforce), failures[failure](family.service), target, want.code, want.status)
				if !strings.HasPrefix(e.Message, want.message) {
					t.Errorf("message\n%s, want\n%s", e.Message, want.message)
				}
			})
		}
	}
}

// TestQueryCompatibleErrors: SQS has an error's old code beside the new one.
func TestQueryCompatibleErrors(t *testing.T) {
	for failure, want := range map[string][2]string{
		"unsigned":     {"MissingAuthenticationTokenException", "MissingAuthenticationToken;Sender"},
		"unknown key":  {"UnrecognizedClientException", "InvalidClientTokenId;Sender"},
		"wrong secret": {"InvalidSignatureException", "SignatureDoesNotMatch;Sender"},
	} {
		e := wantError(t, verifier(auth.Enforce), failures[failure](sqsService), auth.Target{Service: sqsService}, want[0], 403)
		if e.Header["x-amzn-query-error"] != want[1] {
			t.Errorf("%s: header %v", failure, e.Header)
		}
		e = wantError(t, verifier(auth.Enforce), failures[failure](sqsService), auth.Target{Service: sqsService, Protocol: api.Query}, strings.TrimSuffix(want[1], ";Sender"), 403)
		if e.Header != nil {
			t.Errorf("%s: header %v in the query protocol", failure, e.Header)
		}
	}
}

// TestS3ErrorDetails holds what S3 says beside code and message.
func TestS3ErrorDetails(t *testing.T) {
	for failure, want := range map[string][]api.Field{
		"unknown key":     {{Name: "AWSAccessKeyId", Value: "AKIANOBODY"}},
		"wrong token":     {{Name: "Token-0", Value: "wrong"}},
		"wrong region":    {{Name: "Region", Value: "eu-west-1"}},
		"unsigned header": {{Name: "HeadersNotSigned", Value: "x-amz-target"}},
		"bearer":          {{Name: "ArgumentName", Value: "Authorization"}, {Name: "ArgumentValue", Value: "Bearer token"}},
		"old": {{Name: "RequestTime", Value: "20240501T114459Z"}, {Name: "ServerTime", Value: "2024-05-01T12:00:00Z"},
			{Name: "MaxAllowedSkewMilliseconds", Value: "900000"}},
	} {
		_, err := verifier(auth.Enforce).Authenticate(failures[failure](s3Service), auth.Target{Service: s3Service, Region: "eu-west-1"})
		e, ok := err.(*api.Error)
		if !ok {
			t.Errorf("%s: %v", failure, err)
			continue
		}
		for _, f := range want {
			if got := detail(e, f.Name); got != f.Value {
				t.Errorf("%s: %s is %q, want %q", failure, f.Name, got, f.Value)
			}
		}
	}
}

func TestExpiredToken(t *testing.T) {
	for _, tt := range []struct {
		service *api.Service
		code    string
		status  int
	}{
		{dynamodbService, "ExpiredTokenException", 400},
		{lambdaService, "ExpiredTokenException", 403},
		{stsService, "ExpiredToken", 403},
		{ec2Service, "RequestExpired", 400},
		{s3Service, "ExpiredToken", 400},
	} {
		v := verifier(auth.Off)
		request := func() *http.Request {
			return signedFor(tt.service, func(s *authtest.Signer) { s.ID, s.Token, s.Time = tempID, tempToken, v.Clock.Now() })
		}
		v.Clock.Advance(time.Hour - time.Second)
		if _, err := v.Authenticate(request(), auth.Target{Service: tt.service}); err != nil {
			t.Errorf("%s a second before the end: %v", tt.service.Name, err)
		}
		v.Clock.Advance(time.Second)
		wantError(t, v, request(), auth.Target{Service: tt.service}, tt.code, tt.status)
	}
}

func presigned(service *api.Service, d time.Duration, hash string) *http.Request {
	r := httptest.NewRequest("GET", "http://localhost:4566/bucket/a%20b?versionId=1", nil)
	signer(service).Presign(r, d, hash)
	return r
}

// TestPresignedForm: S3 names what is wrong with a presigned URL.
func TestPresignedForm(t *testing.T) {
	replace := func(from, to string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, from, to, 1) }
	}
	const required = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	for name, tt := range map[string]struct {
		change  func(*http.Request)
		message string
	}{
		"more than a week":   {replace("Expires=60", "Expires=604801"), "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"},
		"negative":           {replace("Expires=60", "Expires=-1"), "X-Amz-Expires must be non-negative"},
		"no number":          {replace("Expires=60", "Expires=soon"), "X-Amz-Expires should be a number"},
		"no expiry":          {replace("X-Amz-Expires", "x"), required},
		"no signature":       {replace("X-Amz-Signature", "x"), required},
		"no signed headers":  {replace("X-Amz-SignedHeaders", "x"), required},
		"no algorithm":       {replace("X-Amz-Algorithm", "x"), required},
		"unknown algorithm":  {replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`},
		"malformed date":     {replace("X-Amz-Date=2024", "X-Amz-Date=x024"), `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`},
		"short credential":   {replace("eu-west-1%2F", ""), `Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		"wrong service":      {replace("%2Fs3%2F", "%2Fsqs%2F"), `Error parsing the X-Amz-Credential parameter; incorrect service "sqs". This endpoint belongs to "s3".`},
		"wrong terminator":   {replace("aws4_request", "aws4"), `Error parsing the X-Amz-Credential parameter; incorrect terminal "aws4". This endpoint uses "aws4_request".`},
		"wrong region":       {replace("eu-west-1", "eu-west-2"), "Error parsing the X-Amz-Credential parameter; the region 'eu-west-2' is wrong; expecting 'eu-west-1'"},
		"day of another":     {replace("%2F20240501%2F", "%2F20240502%2F"), `Invalid credential date "20240502". This date is not the same as X-Amz-Date: "20240501".`},
		"day of another age": {replace("%2F20240501%2F", "%2Fmay%2F"), `Error parsing the X-Amz-Credential parameter; incorrect date format "may". This date in the credential must be in the format "yyyyMMdd".`},
	} {
		r := presigned(s3Service, time.Minute, "UNSIGNED-PAYLOAD")
		tt.change(r)
		e := wantError(t, verifier(auth.Off), r, auth.Target{Service: s3Service, Region: "eu-west-1"}, "AuthorizationQueryParametersError", 400)
		if e.Message != tt.message {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
	r := presigned(s3Service, time.Minute, "UNSIGNED-PAYLOAD")
	signer(s3Service).Sign(r, "UNSIGNED-PAYLOAD")
	wantError(t, verifier(auth.Off), r, s3Target, "InvalidArgument", 400)
}

// TestPresignedLife: the end of a URL of S3 is what X-Amz-Expires says; other
// services leave it the ordinary window at least.
func TestPresignedLife(t *testing.T) {
	for name, tt := range map[string]struct {
		service *api.Service
		expires time.Duration
		hash    string
		life    time.Duration
		code    string
	}{
		"S3":            {s3Service, time.Minute, "UNSIGNED-PAYLOAD", time.Minute, "AccessDenied"},
		"S3, a week":    {s3Service, 7 * 24 * time.Hour, "UNSIGNED-PAYLOAD", 7 * 24 * time.Hour, "AccessDenied"},
		"STS, a minute": {stsService, time.Minute, authtest.Hash(""), 15 * time.Minute, "SignatureDoesNotMatch"},
		"STS, an hour":  {stsService, time.Hour, authtest.Hash(""), time.Hour, "SignatureDoesNotMatch"},
	} {
		v := verifier(auth.Off)
		v.Clock.Advance(tt.life)
		if _, err := v.Authenticate(presigned(tt.service, tt.expires, tt.hash), auth.Target{Service: tt.service}); err != nil {
			t.Errorf("%s at the end: %v", name, err)
		}
		v.Clock.Advance(time.Second)
		wantError(t, v, presigned(tt.service, tt.expires, tt.hash), auth.Target{Service: tt.service}, tt.code, 403)
	}
}

// TestStrangersURLsExpire: the end of a presigned URL needs no secret to be seen.
func TestStrangersURLsExpire(t *testing.T) {
	version4 := func() *http.Request {
		r := presigned(s3Service, time.Minute, "UNSIGNED-PAYLOAD")
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, knownID, "test", 1)
		return r
	}
	version2 := func() *http.Request {
		return httptest.NewRequest("GET", "http://localhost:4566/bucket/key?AWSAccessKeyId=test&Signature=c2ln%3D&Expires=1714564860", nil)
	}
	for name, request := range map[string]func() *http.Request{"version 4": version4, "version 2": version2} {
		v := verifier(auth.Off)
		v.Clock.Advance(time.Minute)
		if who, err := v.Authenticate(request(), s3Target); err != nil || who.AccessKeyID != "test" {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		v.Clock.Advance(time.Second)
		e := wantError(t, v, request(), s3Target, "AccessDenied", 403)
		if e.Message != "Request has expired" || detail(e, "Expires") != "2024-05-01T12:01:00Z" || detail(e, "ServerTime") != "2024-05-01T12:01:01Z" {
			t.Errorf("%s: %s %v", name, e.Message, e.Detail)
		}
	}
}

func TestS3PayloadHashForm(t *testing.T) {
	for value, want := range map[string]string{
		"":    "InvalidRequest",
		"abc": "InvalidArgument",
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD": "InvalidArgument", // with an HMAC signature
	} {
		r := httptest.NewRequest("PUT", "http://localhost:4566/b/k", strings.NewReader("x"))
		if value != "" {
			r.Header.Set("X-Amz-Content-Sha256", value)
		}
		signer(s3Service).Sign(r, authtest.Hash("x"))
		wantError(t, verifier(auth.Off), r, s3Target, want, 400)
	}
}
