package website

import (
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

func rule(prefix, code string, r s3.Redirect) *s3.RoutingRule {
	return &s3.RoutingRule{Condition: &s3.Condition{KeyPrefixEquals: &prefix, HttpErrorCodeReturnedEquals: code}, Redirect: &r}
}

// A site's rules, the key that is asked for, the status it failed with (0 not
// yet), and where the request is sent.
func TestRedirections(t *testing.T) {
	routed := &s3.WebsiteConfiguration{IndexDocument: &s3.IndexDocument{Suffix: "index.html"}, RoutingRules: []*s3.RoutingRule{
		rule("both/", "404", s3.Redirect{ReplaceKeyWith: new("both.html")}),
		rule("page", "", s3.Redirect{ReplaceKeyWith: new("first.html")}),
		rule("page/two", "", s3.Redirect{ReplaceKeyWith: new("second.html")}),
		rule("docs/", "", s3.Redirect{ReplaceKeyPrefixWith: new("documents/")}),
		rule("gone/", "", s3.Redirect{ReplaceKeyPrefixWith: new("")}),
		rule("host/", "", s3.Redirect{HostName: "other.example"}),
		rule("secure/", "", s3.Redirect{Protocol: "https", HttpRedirectCode: "307"}),
		rule("", "403", s3.Redirect{HostName: "other.example", ReplaceKeyPrefixWith: new("report-404/"), HttpRedirectCode: "302"}),
		rule("", "404", s3.Redirect{ReplaceKeyWith: new("any.html")}),
	}}
	all := &s3.WebsiteConfiguration{RedirectAllRequestsTo: &s3.RedirectAllRequestsTo{HostName: "all.example", Protocol: "https"}}
	for _, c := range []struct {
		site   *s3.WebsiteConfiguration
		key    string
		status int
		want   Redirection
	}{
		{routed, "", 0, Redirection{}},
		{routed, "other", 0, Redirection{}},
		{routed, "page/two", 0, Redirection{301, "http://site/first.html"}},
		{routed, "docs/a b", 0, Redirection{301, "http://site/documents/a%20b"}},
		{routed, "gone/a", 0, Redirection{301, "http://site/a"}},
		{routed, "host/a", 0, Redirection{301, "http://other.example/host/a"}},
		{routed, "secure/a", 0, Redirection{307, "https://site/secure/a"}},
		{routed, "both/a", 0, Redirection{}},
		{routed, "both/a", 404, Redirection{301, "http://site/both.html"}},
		{routed, "a", 404, Redirection{301, "http://site/any.html"}},
		{routed, "a", 403, Redirection{302, "http://other.example/report-404/a"}},
		{routed, "a", 416, Redirection{}},
		{all, "a/b", 0, Redirection{301, "https://all.example/a/b"}},
		{all, "", 0, Redirection{301, "https://all.example/"}},
	} {
		s := Site{Configuration: c.site, Scheme: "http", Host: "site", Key: c.key}
		find := s.Before
		if c.status != 0 {
			find = func() (Redirection, bool) { return s.After(c.status) }
		}
		if got, ok := find(); got != c.want || ok != (c.want.Status != 0) {
			t.Errorf("%q after %d: %v, want %v", c.key, c.status, got, c.want)
		}
	}
}

func TestDocuments(t *testing.T) {
	for _, c := range []struct{ key, document, folder, to string }{
		{"", "index.html", "", ""},
		{"a", "a", "a/index.html", "/a/"},
		{"a/", "a/index.html", "", ""},
		{"a b/c", "a b/c", "a b/c/index.html", "/a%20b/c/"},
	} {
		s := Site{Configuration: &s3.WebsiteConfiguration{IndexDocument: &s3.IndexDocument{Suffix: "index.html"}}, Key: c.key}
		folder, to, _ := s.Folder()
		if s.Document() != c.document || folder != c.folder || to.Location != c.to {
			t.Errorf("%q: %q, folder %q to %q", c.key, s.Document(), folder, to.Location)
		}
	}
}

func TestPage(t *testing.T) {
	missing := func(key string) *api.Error {
		return api.Errorf("NoSuchKey", 404, "The specified key does not exist.").With("Key", key)
	}
	got := Page(missing("<a>"), missing("error.html"), "R", "H")
	want := `<html>
<head><title>404 Not Found</title></head>
<body>
<h1>404 Not Found</h1>
<ul>
<li>Code: NoSuchKey</li>
<li>Message: The specified key does not exist.</li>
<li>Key: &lt;a&gt;</li>
<li>RequestId: R</li>
<li>HostId: H</li>
</ul>
<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>
<ul>
<li>Code: NoSuchKey</li>
<li>Message: The specified key does not exist.</li>
<li>Key: error.html</li>
</ul>
<hr/>
</body>
</html>
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}
