package testsuite

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A bucket's rules decide what pages of other origins may do, by path and by
// host, before the request and with it.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	key := aws.String("k")
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("body")}))(t)
	_, port, _ := strings.Cut(a.Addr, ":")
	path, host := a.URL+"/"+*name, "http://"+*name+".s3.localhost.localstack.cloud:"+port

	ask := func(method, url, body string, header ...string) (*http.Response, string) {
		t.Helper()
		r := request(t, method, url, body, header...)
		resp, err := a.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp, read(t, resp.Body)
	}
	refusals := func(when string, cases []refusal) {
		t.Helper()
		for _, c := range cases {
			resp, body := ask("OPTIONS", c.url, "", c.header...)
			if resp.StatusCode != c.status || !strings.Contains(body, "<Message>"+c.message) || !strings.Contains(body, c.detail) || resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s, OPTIONS %s %v: %s %s", when, c.url, c.header, resp.Status, body)
			}
		}
	}
	const evil, good = "https://evil.example", "https://good.example"
	refusals("without rules", []refusal{
		{path, nil, 400, "Insufficient information. Origin request header needed.", "<Code>BadRequest</Code>"},
		{path + "/k", []string{"Origin", good, "Access-Control-Request-Method", "PUT"}, 403, "CORSResponse: CORS is not enabled for this bucket.", "<Method>PUT</Method><ResourceType>BUCKET</ResourceType>"},
		{host + "/k", []string{"Origin", good}, 403, "CORSResponse: CORS is not enabled for this bucket.", "<Method>OPTIONS</Method><ResourceType>BUCKET</ResourceType>"},
		{path + "-none/k", []string{"Origin", good}, 403, "CORSResponse: Bucket not found", "<Code>AccessForbidden</Code>"},
	})
	if resp, _ := ask("GET", path+"/k", "", "Origin", good); resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without rules: %v", resp.Header)
	}
	must(a.S3.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: name, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{
		{AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"https://*.example"}, AllowedHeaders: []string{"x-amz-*"}, MaxAgeSeconds: aws.Int32(3000), ExposeHeaders: []string{"ETag"}},
		{AllowedMethods: []string{"HEAD"}, AllowedOrigins: []string{"*"}},
	}}}))(t)
	refusals("with rules", []refusal{
		{path + "/k", nil, 400, "Insufficient information. Origin request header needed.", ""},
		{path, []string{"Origin", good}, 400, "Invalid Access-Control-Request-Method: null", "<Code>BadRequest</Code>"},
		{path, []string{"Origin", "http://good.example", "Access-Control-Request-Method", "GET"}, 403, "CORSResponse: This CORS request is not allowed.", "<Method>GET</Method><ResourceType>BUCKET</ResourceType>"},
		{host + "/k", []string{"Origin", good, "Access-Control-Request-Method", "DELETE"}, 403, "CORSResponse: This CORS request is not allowed.", "<Method>DELETE</Method><ResourceType>OBJECT</ResourceType>"},
		{host + "/k", []string{"Origin", good, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-amz-date, range"}, 403, "CORSResponse: This CORS request is not allowed.", ""},
	})
	const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
	for _, c := range []struct {
		method, url string
		header      []string
		status      int
		want        string // origin|methods|headers|expose|age|credentials
	}{
		{"OPTIONS", path + "/k", []string{"Origin", good, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "X-Amz-Date,x-amz-acl"}, 200, good + "|GET, PUT|x-amz-date, x-amz-acl|ETag|3000|true"},
		{"OPTIONS", host + "/", []string{"Origin", evil, "Access-Control-Request-Method", "HEAD"}, 200, "*|HEAD||||"},
		{"GET", host + "/k", []string{"Origin", good}, 200, good + "|GET, PUT||ETag|3000|true"},
		{"GET", path + "/none", []string{"Origin", good}, 404, good + "|GET, PUT||ETag|3000|true"},
		{"HEAD", path + "/k", []string{"Origin", evil}, 200, "*|HEAD||||"},
		{"GET", path + "/k", []string{"Origin", "null"}, 200, "|||||"},
		{"DELETE", path + "/other", []string{"Origin", good}, 204, "|||||"},
		{"PUT", path + "/other", []string{"Origin", good, "Access-Control-Request-Method", "DELETE"}, 200, "|||||"},
		{"GET", path + "/k", []string{"Origin", good, "Access-Control-Request-Headers", "range"}, 200, "|||||"},
	} {
		resp, body := ask(c.method, c.url, "", c.header...)
		var got []string
		for _, h := range []string{"Allow-Origin", "Allow-Methods", "Allow-Headers", "Expose-Headers", "Max-Age", "Allow-Credentials"} {
			got = append(got, resp.Header.Get("Access-Control-"+h))
		}
		if s := strings.Join(got, "|"); s != c.want || resp.StatusCode != c.status || (resp.Header.Get("Vary") == vary) != (got[0] != "") || c.method == "OPTIONS" && body != "" {
			t.Errorf("%s %s %v: %s %q %q", c.method, c.url, c.header, resp.Status, s, body)
		}
	}
}

// refusal is a preflight with its refusal.
type refusal struct {
	url             string
	header          []string
	status          int
	message, detail string
}
