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

// visit is a request to a website with its answer; body "*" is any.
type visit struct {
	method, url string
	header      []string
	status      int
	body        string
	location    string
}

// A bucket that is a website: documents, folders, redirections and errors, at
// all forms of its address.
func TestWebsite(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	_, port, _ := strings.Cut(a.Addr, ":")
	dotted := "http://" + *name + ".s3-website.us-east-1.localhost.localstack.cloud:" + port
	dashed := strings.Replace(dotted, "website.us", "website-us", 1)
	local := "http://" + *name + ".s3-website.localhost:" + port
	client := *a.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ask := func(method, url string, header ...string) (*http.Response, string) {
		t.Helper()
		resp, err := client.Do(request(t, method, url, "", header...))
		if err != nil {
			t.Fatal(err)
		}
		return resp, read(t, resp.Body)
	}
	check := func(visits ...visit) {
		t.Helper()
		for _, v := range visits {
			resp, body := ask(v.method, v.url, v.header...)
			if resp.StatusCode != v.status || resp.Header.Get("Location") != v.location || v.body != "*" && body != v.body {
				t.Errorf("%s %s %v: %s to %q: %s", v.method, v.url, v.header, resp.Status, resp.Header.Get("Location"), body)
			}
		}
	}
	site := func(c types.WebsiteConfiguration) {
		t.Helper()
		must(a.S3.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: name, WebsiteConfiguration: &c}))(t)
	}
	put := func(key, body string, redirect *string) {
		t.Helper()
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader(body), ContentType: aws.String("text/html"),
			Metadata: map[string]string{"note": "n"}, WebsiteRedirectLocation: redirect}))(t)
	}

	if resp, body := ask("GET", dotted+"/"); resp.StatusCode != 404 || !strings.Contains(body,
		"<li>Code: NoSuchWebsiteConfiguration</li>\n<li>Message: The specified bucket does not have a website configuration</li>\n<li>BucketName: "+*name+"</li>\n") {
		t.Errorf("no website: %s %s", resp.Status, body)
	}
	if resp, body := ask("GET", strings.Replace(dotted, *name, *name+"-none", 1)); resp.StatusCode != 404 || !strings.Contains(body, "<li>Code: NoSuchBucket</li>") {
		t.Errorf("no bucket: %s %s", resp.Status, body)
	}
	index := &types.IndexDocument{Suffix: aws.String("index.html")}
	site(types.WebsiteConfiguration{IndexDocument: index, ErrorDocument: &types.ErrorDocument{Key: aws.String("error.html")}})
	if _, body := ask("GET", dotted); !strings.Contains(body, "<li>Key: index.html</li>") || !strings.Contains(body,
		"<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n<li>Key: error.html</li>\n</ul>\n<hr/>") {
		t.Errorf("no error document: %s", body)
	}
	put("index.html", "home", nil)
	put("folder/index.html", "folder", nil)
	put("a b//c.html", "odd", nil)
	put("moved.html", "", aws.String("/folder/"))
	put("error.html", "sorry", nil)
	resp, _ := ask("GET", dashed+"/index.html")
	etag := resp.Header.Get("ETag")
	if resp.Header.Get("Content-Type") != "text/html" || resp.Header.Get("x-amz-meta-note") != "n" || etag == "" || resp.Header.Get("Last-Modified") == "" {
		t.Errorf("headers: %v", resp.Header)
	}
	check(
		visit{"GET", dotted, nil, 200, "home", ""},
		visit{"GET", dashed + "/?x=1", nil, 200, "home", ""},
		visit{"GET", local + "/index.html", nil, 200, "home", ""},
		visit{"HEAD", dotted + "/", nil, 200, "", ""},
		visit{"GET", dotted + "/", []string{"Range", "bytes=1-2"}, 206, "om", ""},
		visit{"GET", dotted + "/", []string{"If-None-Match", etag}, 304, "", ""},
		visit{"GET", dotted + "/folder", nil, 302, "", "/folder/"},
		visit{"GET", dotted + "/folder/", nil, 200, "folder", ""},
		visit{"GET", dotted + "/a%20b//c.html", nil, 200, "odd", ""},
		visit{"GET", dotted + "/moved.html", nil, 301, "", "/folder/"},
		visit{"GET", dotted + "/nothing", nil, 404, "sorry", ""},
		visit{"HEAD", dotted + "/nothing/", nil, 404, "", ""},
	)
	for _, method := range []string{"POST", "DELETE", "PUT"} {
		resp, body := ask(method, dotted+"/")
		want := "<html>\n<head><title>405 Method Not Allowed</title></head>\n<body>\n<h1>405 Method Not Allowed</h1>\n<ul>\n<li>Code: MethodNotAllowed</li>\n" +
			"<li>Message: The specified method is not allowed against this resource.</li>\n<li>Method: " + method + "</li>\n<li>ResourceType: OBJECT</li>\n" +
			"<li>RequestId: " + resp.Header.Get("x-amz-request-id") + "</li>\n<li>HostId: " + resp.Header.Get("x-amz-id-2") + "</li>\n</ul>\n<hr/>\n</body>\n</html>\n"
		if resp.StatusCode != 405 || body != want {
			t.Errorf("%s: %s %s", method, resp.Status, body)
		}
	}
	put("error.html", "", aws.String("/folder/"))
	check(visit{"GET", dotted + "/nothing", nil, 301, "", "/folder/"})

	site(types.WebsiteConfiguration{IndexDocument: index, RoutingRules: []types.RoutingRule{
		{Condition: &types.Condition{KeyPrefixEquals: aws.String("docs/")}, Redirect: &types.Redirect{ReplaceKeyPrefixWith: aws.String("")}},
		{Condition: &types.Condition{KeyPrefixEquals: aws.String("moved")}, Redirect: &types.Redirect{HostName: aws.String("other.example"), Protocol: types.ProtocolHttps, HttpRedirectCode: aws.String("307")}},
		{Condition: &types.Condition{HttpErrorCodeReturnedEquals: aws.String("404")}, Redirect: &types.Redirect{ReplaceKeyWith: aws.String("index.html")}},
	}})
	check(
		visit{"GET", dotted + "/docs/folder/", nil, 301, "", dotted + "/folder/"},
		visit{"GET", dotted + "/moved.html", nil, 307, "", "https://other.example/moved.html"},
		visit{"GET", dotted + "/nothing", nil, 301, "", dotted + "/index.html"},
		visit{"GET", dotted + "/folder/", nil, 200, "folder", ""},
	)
	site(types.WebsiteConfiguration{RedirectAllRequestsTo: &types.RedirectAllRequestsTo{HostName: aws.String("all.example")}})
	check(visit{"GET", dotted + "/a/b", nil, 301, "", "http://all.example/a/b"})
}
