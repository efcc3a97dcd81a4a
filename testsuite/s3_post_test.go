package testsuite

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// form is a browser's form with the fields, in pairs, and a file.
func form(t *testing.T, to string, fields map[string]string, filename string, content []byte) *http.Request {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file := must(w.CreateFormFile("file", filename))(t)
	must(file.Write(content))(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return request(t, "POST", to, body.String(), "Content-Type", w.FormDataContentType())
}

// with is a form's fields with further ones.
func with(fields map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, value := range fields {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// oldForm are the fields that sign a policy with version 2.
func oldForm(id, secret, policy string) map[string]string {
	encoded := base64.StdEncoding.EncodeToString([]byte(policy))
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(encoded))
	return map[string]string{"AWSAccessKeyId": id, "policy": encoded, "signature": base64.StdEncoding.EncodeToString(h.Sum(nil))}
}

// Who holds a form that was signed for a browser stores what its policy allows,
// and nothing else.
func TestPostObject(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{Args: []string{"--auth", "audit"}})
	ctx, a := t.Context(), server.As("test", "test", "")
	name := bucket(t, a)
	signer := s3.NewPresignClient(a.S3)
	sign := func(conditions ...any) (string, map[string]string) {
		post := must(signer.PresignPostObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("user/ä b.bin")}, func(o *s3.PresignPostOptions) {
			o.Conditions = append(conditions, []any{"content-length-range", 1, 3 << 20})
		}))(t)
		return post.URL, post.Values
	}
	to, fields := sign(map[string]string{"acl": "private"}, []any{"starts-with", "$x-amz-meta-note", "n"}, map[string]string{"Content-Type": "text/plain"},
		[]any{"starts-with", "$success_action_status", ""}, []any{"starts-with", "$success_action_redirect", "http://localhost/"}, []any{"starts-with", "$tagging", ""})
	fields = with(fields, "acl", "private", "x-amz-meta-note", "nöte", "Content-Type", "text/plain",
		"success_action_status", "201", "success_action_redirect", "http://localhost/", "tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>")

	large := make([]byte, 2<<20)
	rand.Read(large)
	client := *server.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(form(t, to, with(fields, "success_action_redirect", "http://localhost/done?x=1"), "ä b.bin", large))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("user/ä b.bin")}))(t)
	if read(t, got.Body) != string(large) || aws.ToString(got.ContentType) != "text/plain" || got.Metadata["note"] != "=?UTF-8?Q?n=C3=B6te?=" || aws.ToInt32(got.TagCount) != 1 {
		t.Errorf("type %v, metadata %v, tags %v", aws.ToString(got.ContentType), got.Metadata, got.TagCount)
	}
	want := "http://localhost/done?x=1&bucket=" + *name + "&key=" + url.QueryEscape("user/ä b.bin") + "&etag=" + url.QueryEscape(*got.ETag)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != want {
		t.Errorf("redirection: %s to %s", resp.Status, resp.Header.Get("Location"))
	}

	for _, c := range []struct {
		name    string
		fields  map[string]string
		size    int
		status  int
		message string
	}{
		{"another redirection", with(fields, "success_action_redirect", "http://localhost/"), 5, http.StatusSeeOther, ""},
		{"another key", with(fields, "key", "other"), 5, http.StatusForbidden, "Invalid according to Policy: Policy Condition failed:"},
		{"another beginning", with(fields, "x-amz-meta-note", "x"), 5, http.StatusForbidden, `["starts-with", "$x-amz-meta-note", "n"]`},
		{"a field too many", with(fields, "x-amz-meta-other", "x"), 5, http.StatusForbidden, "Invalid according to Policy: Extra input fields: x-amz-meta-other"},
		{"an ignored field", with(fields, "x-ignore-other", "x"), 5, http.StatusSeeOther, ""},
		{"too small", fields, 0, http.StatusBadRequest, "<MinSizeAllowed>1</MinSizeAllowed>"},
		{"too large", fields, 3<<20 + 1, http.StatusBadRequest, fmt.Sprintf("<ProposedSize>%d</ProposedSize><MaxSizeAllowed>%d</MaxSizeAllowed>", 3<<20+1, 3<<20)},
		{"another signature", with(fields, "X-Amz-Signature", strings.Repeat("0", 64)), 5, http.StatusForbidden, "<Code>SignatureDoesNotMatch</Code>"},
		{"no signature", with(fields, "X-Amz-Signature", ""), 5, http.StatusBadRequest, "Bucket POST must contain a field named &#39;X-Amz-Signature&#39;."},
		{"no such key id", with(fields, "X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20261123/us-east-1/s3/aws4_request"), 5, http.StatusForbidden, "<Code>InvalidAccessKeyId</Code>"},
	} {
		status, body := exchange(t, &client, form(t, to, c.fields, "f", make([]byte, c.size)))
		plain := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&quot;", `"`, "&apos;", "'")
		if status != c.status || !strings.Contains(plain.Replace(body), plain.Replace(c.message)) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}

	to, fields = sign([]any{"starts-with", "$success_action_status", ""})
	for status, want := range map[string]int{"": 204, "200": 200, "201": 201, "204": 204, "404": 204} {
		got, body := exchange(t, &client, form(t, to, with(fields, "success_action_status", status), "s", []byte("s")))
		if got != want || strings.Contains(body, "<Key>user/ä b.bin</Key><ETag>&#34;03c7c0ace395d80182db07ae2c30f034&#34;</ETag></PostResponse>") != (want == 201) {
			t.Errorf("success_action_status %q: %d %s", status, got, body)
		}
	}
	old := oldForm("test", "test", `{"expiration":"2100-01-01T00:00:00Z","conditions":[{"bucket":"`+*name+`"},["starts-with","$key","user/"]]}`)
	if status, body := exchange(t, &client, form(t, to, with(old, "key", "user/${filename}"), "v2", []byte("s"))); status != http.StatusNoContent {
		t.Errorf("version 2: %d %s", status, body)
	}
	must(a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: aws.String("user/v2")}))(t)
	if status, body := exchange(t, &client, form(t, to, with(old, "key", "${filename}"), "v2", []byte("s"))); status != http.StatusForbidden {
		t.Errorf("version 2, another key: %d %s", status, body)
	}
	// A policy is for one bucket, whatever the form says.
	other := aws.String(*name + "-other")
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: other}))(t)
	if status, body := exchange(t, &client, form(t, server.URL+"/"+*other, with(old, "key", "user/v2", "bucket", *name), "v2", []byte("s"))); status != http.StatusForbidden {
		t.Errorf("another bucket: %d %s", status, body)
	}

	server.Advance(t, 16*60e9)
	if status, body := exchange(t, &client, form(t, to, with(fields, "success_action_status", ""), "s", []byte("s"))); status != http.StatusForbidden || !strings.Contains(body, "Invalid according to Policy: Policy expired.") {
		t.Errorf("after its end: %d %s", status, body)
	}
	if status, body := exchange(t, &client, request(t, "POST", server.URL+"/"+*name, "x", "Content-Type", "text/plain")); status != http.StatusPreconditionFailed ||
		!strings.Contains(body, "<Condition>Bucket POST must be of the enclosure-type multipart/form-data</Condition>") {
		t.Errorf("no form: %d %s", status, body)
	}
}
