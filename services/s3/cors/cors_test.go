package cors

import (
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

// The rules of each case, the crossing and what S3 answers to it.
func TestAllow(t *testing.T) {
	patterns := []*s3.CORSRule{
		{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*suffix"}},
		{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"start*end"}},
		{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"prefix*"}},
		{AllowedMethods: []string{"PUT"}, AllowedOrigins: []string{"*.put"}},
	}
	headers := []*s3.CORSRule{{
		AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"https://a.example"},
		AllowedHeaders: []string{"x-AMZ-server-SIDE-encryption", "x-amz-meta-*"}, MaxAgeSeconds: new(int32(3000)),
	}}
	open := []*s3.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"https://b.example", "*"}, ExposeHeaders: []string{"ETag", "x-amz-id-2"}}}
	for _, c := range []struct {
		name                    string
		rules                   []*s3.CORSRule
		origin, method, request string
		want                    string // "" none
	}{
		{"no rules", nil, "foo", "GET", "", ""},
		{"suffix", patterns, "foo.suffix", "GET", "", "Origin=foo.suffix Methods=GET Credentials=true"},
		{"not a suffix", patterns, "foo.suffix.get", "GET", "", ""},
		{"the asterisk may be nothing", patterns, "startend", "GET", "", "Origin=startend Methods=GET Credentials=true"},
		{"the asterisk may be something", patterns, "start12end", "GET", "", "Origin=start12end Methods=GET Credentials=true"},
		{"what is before the asterisk is a prefix", patterns, "0start12end", "GET", "", ""},
		{"its halves do not overlap", []*s3.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"ab*ba"}}}, "aba", "GET", "", ""},
		{"prefix", patterns, "prefix", "GET", "", "Origin=prefix Methods=GET Credentials=true"},
		{"the first that fits", patterns, "prefix.suffix", "GET", "", "Origin=prefix.suffix Methods=GET Credentials=true"},
		{"another method", patterns, "foo.put", "GET", "", ""},
		{"this method", patterns, "foo.put", "PUT", "", "Origin=foo.put Methods=PUT Credentials=true"},
		{"origins have case", headers, "https://A.example", "GET", "", ""},
		{"no header asked for", headers, "https://a.example", "PUT", "", "Origin=https://a.example Methods=GET,PUT Max-Age=3000 Credentials=true"},
		{"headers have no case", headers, "https://a.example", "GET", "X-Amz-Meta-One,x-amz-server-side-ENCRYPTION",
			"Origin=https://a.example Methods=GET,PUT Headers=x-amz-meta-one,x-amz-server-side-encryption Max-Age=3000 Credentials=true"},
		{"one header too many", headers, "https://a.example", "GET", "x-amz-meta-one, range", ""},
		{"a rule without headers", patterns, "foo.suffix", "GET", "range", ""},
		{"everyone", open, "https://c.example", "GET", "", "Origin=* Methods=GET Expose-Headers=ETag,x-amz-id-2"},
		{"one among everyone", open, "https://b.example", "GET", "", "Origin=https://b.example Methods=GET Expose-Headers=ETag,x-amz-id-2 Credentials=true"},
	} {
		got, granted := Allow(c.rules, Crossing{c.origin, c.method, Names(c.request)})
		var text []string
		for _, f := range got {
			if f.Name == "Vary" {
				continue
			}
			name := strings.TrimPrefix(strings.TrimPrefix(f.Name, "Access-Control-"), "Allow-")
			text = append(text, name+"="+strings.ReplaceAll(f.Value, " ", ""))
		}
		if s := strings.Join(text, " "); s != c.want || granted != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}
