package auth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
)

// The key of all examples in the S3 API reference.
var s3Example = credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

var s3Target = auth.Target{Service: s3Service}

func example(method, target, body string, headers map[string]string, signedHeaders, signature string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if r.Header.Get("X-Amz-Date") == "" && r.Header.Get("Date") == "" {
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="+signedHeaders+",Signature="+signature)
	return r
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// TestS3HeaderExamples verifies the examples of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestS3HeaderExamples(t *testing.T) {
	const host = "http://examplebucket.s3.amazonaws.com"
	tests := map[string]func() *http.Request{
		"GET object": func() *http.Request {
			return example("GET", host+"/test.txt", "", map[string]string{"Range": "bytes=0-9", "X-Amz-Content-Sha256": emptyHash},
				"host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
		},
		"PUT object": func() *http.Request {
			return example("PUT", host+"/test$file.text", "Welcome to Amazon S3.", map[string]string{
				"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Date": "20130524T000000Z",
				"X-Amz-Storage-Class":  "REDUCED_REDUNDANCY",
				"X-Amz-Content-Sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			}, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
		},
		"GET lifecycle": func() *http.Request {
			return example("GET", host+"/?lifecycle", "", map[string]string{"X-Amz-Content-Sha256": emptyHash},
				"host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
		},
		"list objects": func() *http.Request {
			return example("GET", host+"/?max-keys=2&prefix=J", "", map[string]string{"X-Amz-Content-Sha256": emptyHash},
				"host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
		},
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []auth.Mode{auth.Off, auth.Audit, auth.Enforce} {
				v := verifierAt("20130524T000000Z", mode, s3Example)
				r := request()
				who, err := v.Authenticate(r, s3Target)
				if err != nil {
					t.Fatal(err)
				}
				if !who.Verified || who.Principal != api.Root("123456789012") {
					t.Errorf("identity %+v", who)
				}
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					t.Error(err)
				}
				v = verifierAt("20130524T000000Z", mode, credentials("AKIAIOSFODNN7EXAMPLE", "another secret"))
				wantError(t, v, request(), s3Target, "SignatureDoesNotMatch", 403)
			}
		})
	}
}

// TestS3PresignedExample verifies the example of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
// from the moment it was signed to the moment it ends.
func TestS3PresignedExample(t *testing.T) {
	const url = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
	const signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	for _, at := range []string{"20130523T234500Z", "20130524T000000Z", "20130525T000000Z"} {
		if _, err := verifierAt(at, auth.Enforce, s3Example).Authenticate(httptest.NewRequest("GET", url+signature, nil), s3Target); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
	}

	e := wantError(t, verifierAt("20130525T000001Z", auth.Enforce, s3Example), httptest.NewRequest("GET", url+signature, nil), s3Target, "AccessDenied", 403)
	if e.Message != "Request has expired" || detail(e, "X-Amz-Expires") != "86400" ||
		detail(e, "Expires") != "2013-05-25T00:00:00Z" || detail(e, "ServerTime") != "2013-05-25T00:00:01Z" {
		t.Errorf("expired: %s %v", e.Message, e.Detail)
	}

	e = wantError(t, verifierAt("20130523T234459Z", auth.Enforce, s3Example), httptest.NewRequest("GET", url+signature, nil), s3Target, "AccessDenied", 403)
	if e.Message != "Request is not yet valid" || detail(e, "X-Amz-Date") != "1369353600000" {
		t.Errorf("early: %s %v", e.Message, e.Detail)
	}

	e = wantError(t, verifierAt("20130524T000000Z", auth.Enforce, s3Example), httptest.NewRequest("GET", url+"b"+signature[1:], nil), s3Target, "SignatureDoesNotMatch", 403)
	if got, want := detail(e, "StringToSign"), "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04"; got != want {
		t.Errorf("string to sign %q, want %q", got, want)
	}
	if got, want := detail(e, "CanonicalRequest"), "GET\n/test.txt\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\nhost:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD"; got != want {
		t.Errorf("canonical request %q, want %q", got, want)
	}
	if detail(e, "AWSAccessKeyId") != s3Example.AccessKeyID || detail(e, "SignatureProvided") != "b"+signature[1:] ||
		!strings.HasPrefix(detail(e, "StringToSignBytes"), "41 57 53 34 2d 48") || !strings.HasPrefix(detail(e, "CanonicalRequestBytes"), "47 45 54 0a 2f 74") {
		t.Errorf("details %v", e.Detail)
	}
}

// chunkedExample is the upload of 65 KiB in two chunks of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func chunkedExample(framing string) *http.Request {
	r := example("PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", framing, map[string]string{
		"X-Amz-Storage-Class":          "REDUCED_REDUNDANCY",
		"X-Amz-Content-Sha256":         "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		"Content-Encoding":             "aws-chunked",
		"X-Amz-Decoded-Content-Length": "66560",
		"Content-Length":               "66824",
	}, "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
	return r
}

var chunkedExampleBody = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) +
	"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) +
	"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"

func TestS3ChunkedExample(t *testing.T) {
	r := chunkedExample(chunkedExampleBody)
	if r.ContentLength != 66824 {
		t.Fatalf("the body has %d bytes, AWS's example 66824", r.ContentLength)
	}
	if _, err := verifierAt("20130524T000000Z", auth.Enforce, s3Example).Authenticate(r, s3Target); err != nil {
		t.Fatal(err)
	}
	if r.ContentLength != 66560 || r.Header.Get("Content-Length") != "66560" || r.Header.Values("Content-Encoding") != nil {
		t.Errorf("Content-Length %d and %v, Content-Encoding %v", r.ContentLength, r.Header["Content-Length"], r.Header["Content-Encoding"])
	}
	got, err := io.ReadAll(r.Body)
	if err != nil || string(got) != strings.Repeat("a", 66560) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestS3TrailerExample is the example of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
// in the form it is given there, with an empty line before the trailer's
// signature, and in the form that SDKs send.
func TestS3TrailerExample(t *testing.T) {
	const chunks = "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n%a" +
		"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n%b" +
		"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
	const signature = "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
	data := strings.NewReplacer("%a", strings.Repeat("a", 65536), "%b", strings.Repeat("a", 1024)).Replace(chunks)
	for _, trailer := range []string{
		"x-amz-checksum-crc32c:sOO8/Q==\n\r\n" + signature + "\r\n",
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" + signature + "\r\n",
	} {
		r := example("PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", data+trailer, map[string]string{
			"X-Amz-Storage-Class":          "REDUCED_REDUNDANCY",
			"X-Amz-Content-Sha256":         "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			"Content-Encoding":             "aws-chunked",
			"X-Amz-Decoded-Content-Length": "66560",
			"X-Amz-Trailer":                "x-amz-checksum-crc32c",
		}, "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
			"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")
		if _, err := verifierAt("20130524T000000Z", auth.Enforce, s3Example).Authenticate(r, s3Target); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		if err != nil || len(got) != 66560 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if got := r.Body.(api.Trailers).Trailer("x-amz-checksum-crc32c"); got != "sOO8/Q==" {
			t.Errorf("trailer %q", got)
		}
	}
}
