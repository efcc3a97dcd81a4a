package testsuite

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Requests that are wrong before they are anyone's, answered as S3 does.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	name := bucket(t, a)
	must(a.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), Body: strings.NewReader("body")}))(t)
	const notAllowed = "<Error><Code>MethodNotAllowed</Code><Message>The specified method is not allowed against this resource.</Message>"
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"PATCH", "/" + *name + "/k", 405, notAllowed + "<Method>PATCH</Method><ResourceType>OBJECT</ResourceType>"},
		{"POST", "/" + *name + "/k", 405, notAllowed + "<Method>POST</Method><ResourceType>OBJECT</ResourceType>"},
		{"PATCH", "/" + *name, 405, notAllowed + "<Method>PATCH</Method><ResourceType>BUCKET</ResourceType>"},
		{"PUT", "/", 405, notAllowed + "<Method>PUT</Method><ResourceType>SERVICE</ResourceType>"},
		{"HEAD", "/" + *name + "/none", 404, ""},
		{"HEAD", "/" + *name + "-none", 404, ""},
	} {
		status, body := exchange(t, a.HTTP, request(t, c.method, a.URL+c.path, ""))
		if status != c.status || !strings.Contains(body, c.want) || c.want == "" && body != "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
	// What is read is not encrypted, and no digest is not the digest of nothing.
	for _, c := range []struct{ method, path, header, value, want string }{
		{"GET", "/k", "x-amz-server-side-encryption", "AES256", "<Error><Code>InvalidArgument</Code><Message>x-amz-server-side-encryption header is not supported for this operation.</Message><ArgumentName>x-amz-server-side-encryption</ArgumentName><ArgumentValue>AES256</ArgumentValue>"},
		{"HEAD", "/k", "x-amz-server-side-encryption", "aws:kms", ""},
		{"PUT", "/digest", "Content-MD5", "", "<Error><Code>InvalidDigest</Code><Message>The Content-MD5 you specified was invalid.</Message>"},
	} {
		r := request(t, c.method, a.URL+"/"+*name+c.path, "")
		r.Header[http.CanonicalHeaderKey(c.header)] = []string{c.value}
		if status, body := exchange(t, a.HTTP, r); status != 400 || !strings.Contains(body, c.want) {
			t.Errorf("%s with %s: %d %s", c.method, c.header, status, body)
		}
	}
	// No length is not a length of nothing.
	for header, want := range map[string]struct {
		status int
		body   string
	}{
		"":                               {411, "<Code>MissingContentLength</Code>"},
		"Content-Length: 0\r\n":          {200, ""},
		"Transfer-Encoding: chunked\r\n": {501, "<Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message><Header>Transfer-Encoding</Header>"},
	} {
		conn := must(net.Dial("tcp", a.Addr))(t)
		fmt.Fprintf(conn, "PUT /%s/empty HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n0\r\n\r\n", *name, a.Addr, header)
		resp := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
		if body := read(t, resp.Body); resp.StatusCode != want.status || !strings.Contains(body, want.body) {
			t.Errorf("%q: %s %s", header, resp.Status, body)
		}
		conn.Close()
	}
}

// Who offers to pay is told when they did.
func TestRequesterPays(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("k")
	put := func(payer types.RequestPayer) types.RequestCharged {
		t.Helper()
		return must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, RequestPayer: payer}))(t).RequestCharged
	}
	if got := put(types.RequestPayerRequester); got != "" {
		t.Errorf("the owner pays: %q", got)
	}
	must(a.S3.PutBucketRequestPayment(ctx, &s3.PutBucketRequestPaymentInput{Bucket: name, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerRequester}}))(t)
	if got := put(types.RequestPayerRequester); got != types.RequestChargedRequester {
		t.Errorf("the requester pays: %q", got)
	}
	if got := put(""); got != "" {
		t.Errorf("the requester does not offer: %q", got)
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, RequestPayer: types.RequestPayerRequester}))(t)
	if read(t, got.Body); got.RequestCharged != types.RequestChargedRequester {
		t.Errorf("GetObject: %q", got.RequestCharged)
	}
	_, err := a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("none"), RequestPayer: types.RequestPayerRequester})
	refused(t, err, "NoSuchKey")
}

// A multipart upload of which every step was signed beforehand, by one who
// knows the key, for one who does not; and signatures that do not hold.
func TestPresignedRequests(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{Args: []string{"--auth", "audit"}})
	ctx, a := t.Context(), server.As("test", "test", "")
	name, key := bucket(t, a), aws.String("a//b c+d/ü🜁")
	signer := s3.NewPresignClient(a.VirtualHosts(), s3.WithPresignExpires(time.Hour))
	do := func(signed *v4.PresignedHTTPRequest, body string) (*http.Response, string) {
		t.Helper()
		r := request(t, signed.Method, signed.URL, body)
		for header, values := range signed.SignedHeader {
			if header != "Host" && header != "Content-Length" {
				r.Header[header] = values
			}
		}
		resp := must(a.HTTP.Do(r))(t)
		return resp, read(t, resp.Body)
	}
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: key}))(t).UploadId
	resp, body := do(must(signer.PresignUploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: key, UploadId: upload, PartNumber: aws.Int32(1)}))(t), "part")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("UploadPart: %s %s", resp.Status, body)
	}
	must(a.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: name, Key: key, UploadId: upload,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String(resp.Header.Get("ETag"))}}}}))(t)
	get := must(signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, ResponseContentType: aws.String("text/css"), ResponseCacheControl: aws.String("no-cache"),
		ResponseContentDisposition: aws.String("attachment; filename=a"), ResponseContentEncoding: aws.String("x"), ResponseContentLanguage: aws.String("de")}))(t)
	resp, body = do(get, "")
	h := resp.Header
	if got := strings.Join([]string{h.Get("Content-Type"), h.Get("Cache-Control"), h.Get("Content-Disposition"), h.Get("Content-Encoding"), h.Get("Content-Language")}, "|"); body != "part" || got != "text/css|no-cache|attachment; filename=a|x|de" {
		t.Errorf("GetObject: %s %q %s", resp.Status, got, body)
	}
	put := must(signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("tagged"), Tagging: aws.String("a=b"), Metadata: map[string]string{"note": "n"}, StorageClass: types.StorageClassStandardIa}))(t)
	if resp, body := do(put, "x"); resp.StatusCode != http.StatusOK {
		t.Errorf("PutObject: %s %s", resp.Status, body)
	}
	head := must(a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: aws.String("tagged")}))(t)
	if head.Metadata["note"] != "n" || head.StorageClass != types.StorageClassStandardIa || aws.ToInt32(head.TagCount) != 1 {
		t.Errorf("what the address said: %v %v %v", head.Metadata, head.StorageClass, head.TagCount)
	}

	path := s3.NewPresignClient(a.S3, s3.WithPresignExpires(time.Hour))
	url := must(path.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("tagged")}))(t).URL
	_, port, _ := strings.Cut(server.Addr, ":")
	for _, c := range []struct {
		url    string
		header []string
		status int
		want   string
	}{
		{strings.Replace(url, "X-Amz-Expires=3600", "X-Amz-Expires=604801", 1), nil, 400, "<Code>AuthorizationQueryParametersError</Code><Message>X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds</Message>"},
		{strings.Replace(url, "X-Amz-Expires=3600", "X-Amz-Expires=-1", 1), nil, 400, "<Message>X-Amz-Expires must be non-negative</Message>"},
		{strings.Replace(url, "X-Amz-Expires=3600", "X-Amz-Expires=3601", 1), nil, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{url, []string{"X-Amz-Acl", "private"}, 403, "<HeadersNotSigned>x-amz-acl</HeadersNotSigned>"},
		{url, []string{"Authorization", "AWS test:c2lnbmF0dXJl"}, 400, "<Code>InvalidArgument</Code><Message>Only one auth mechanism allowed;"},
		{server.URL + "/" + *name, []string{"Authorization", "AWS test:c2lnbmF0dXJl", "Date", time.Now().UTC().Format(http.TimeFormat)}, 400,
			"<Code>InvalidRequest</Code><Message>The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.</Message>"},
		{server.URL + "/" + *name + "/k?AWSAccessKeyId=test&Signature=c2ln&Expires=4102444800", nil, 400, "Please use AWS4-HMAC-SHA256."},
		{strings.Replace(url, server.Addr, "s3.eu-west-1.localhost.localstack.cloud:"+port, 1), nil, 400,
			"<Message>Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region>"},
	} {
		status, body := exchange(t, a.HTTP, request(t, "GET", c.url, "", c.header...))
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %v: %d %s", c.url, c.header, status, body)
		}
	}
}

// Two settings are put with an answer of no content.
func TestNoContent(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	policy := must(a.S3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny",
		"Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::` + *name + `/*"}]}`)}))(t)
	tags := must(a.S3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: name, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}))(t)
	versioning := must(a.S3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	for _, c := range []struct {
		operation string
		metadata  middleware.Metadata
		want      int
	}{{"PutBucketPolicy", policy.ResultMetadata, 204}, {"PutBucketTagging", tags.ResultMetadata, 204}, {"PutBucketVersioning", versioning.ResultMetadata, 200}} {
		if got := awsmiddleware.GetRawResponse(c.metadata).(*smithyhttp.Response).StatusCode; got != c.want {
			t.Errorf("%s: %d, want %d", c.operation, got, c.want)
		}
	}
}
