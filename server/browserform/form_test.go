package browserform

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
)

const boundary = "b0undary"

// part is one part of a form, without the boundary before it.
func part(disposition, body string) string {
	return "Content-Disposition: form-data; " + disposition + "\r\n\r\n" + body
}

// post is a request with a form of the parts.
func post(parts ...string) *http.Request {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + p + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	r := httptest.NewRequest("POST", "/bucket", strings.NewReader(b.String()))
	r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	return r
}

var (
	keyPart  = part(`name="key"`, "user/${filename}")
	filePart = part(`name="file"; filename="a.txt"`, "content")
)

// The parts of a form, and the key and content that it stands for.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		name         string
		request      *http.Request
		key, content string
		code         string
	}{
		{"a file", post(keyPart, filePart), "user/a.txt", "content", ""},
		{"names have no case", post(part(`name="KEY"`, "k"), part(`name="FILE"; filename=x`, "content")), "k", "content", ""},
		{"a path for a name", post(keyPart, part(`name="file"; filename="C:\dir\a b.txt"`, "content")), "user/a b.txt", "content", ""},
		{"a name beyond ASCII", post(keyPart, part(`name="file"; filename="ä—🜁.txt"`, "content")), "user/ä—🜁.txt", "content", ""},
		{"a file in a field", post(keyPart, part(`name="file"`, "content")), "user/${filename}", "content", ""},
		{"no content", post(keyPart, part(`name="file"; filename="a"`, "")), "user/a", "", ""},
		{"what is behind the file is not read", post(part(`name="key"`, "k"), filePart, part(`name="key"`, "other")), "k", "content", ""},
		{"the key behind the file", post(filePart, keyPart), "", "", "InvalidArgument"},
		{"an empty key", post(part(`name="key"`, ""), filePart), "", "", "InvalidArgument"},
		{"a field without a name", post(keyPart, part(`filename="a"`, "content")), "", "", "MalformedPOSTRequest"},
		{"no file", post(keyPart), "", "", "InvalidArgument"},
		{"long fields", post(keyPart, part(`name="x-amz-meta-a"`, strings.Repeat("a", 12<<10)), part(`name="x-amz-meta-b"`, strings.Repeat("b", 12<<10)), filePart), "", "", "MaxPostPreDataLengthExceeded"},
		{"a very long field", post(keyPart, part(`name="x-amz-meta-a"`, strings.Repeat("a", 1<<20)), filePart), "", "", "MaxPostPreDataLengthExceeded"},
		{"a long file", post(keyPart, part(`name="file"; filename="l"`, strings.Repeat("l", 1<<20))), "user/l", strings.Repeat("l", 1<<20), ""},
		{"no form", httptest.NewRequest("POST", "/bucket", strings.NewReader("x")), "", "", "PreconditionFailed"},
		{"no boundary", withType(post(keyPart, filePart), "multipart/form-data"), "", "", "MalformedPOSTRequest"},
		{"another boundary", withType(post(keyPart, filePart), "multipart/form-data; boundary=other"), "", "", "MalformedPOSTRequest"},
		{"cut off", withBody(post(), "--"+boundary+"\r\n"+part(`name="key"`, "k")), "", "", "MalformedPOSTRequest"},
	} {
		f, err := Read(c.request)
		if got := codeOf(err); got != c.code {
			t.Errorf("%s: %v, want code %q", c.name, err, c.code)
			continue
		}
		if err != nil {
			continue
		}
		content, err := io.ReadAll(f.File)
		if err != nil || string(content) != c.content || f.Field("key") != c.key {
			t.Errorf("%s: %q with %d bytes, %v", c.name, f.Field("key"), len(content), err)
		}
	}
}

func withType(r *http.Request, contentType string) *http.Request {
	r.Header.Set("Content-Type", contentType)
	return r
}

func withBody(r *http.Request, body string) *http.Request {
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// A file is held to its range, and one that ends too early is an error.
func TestHold(t *testing.T) {
	for _, c := range []struct {
		least, most int64
		code        string
		size        string
	}{
		{0, -1, "", ""}, {7, 7, "", ""}, {0, 6, "EntityTooLarge", "7"}, {8, 10, "EntityTooSmall", "7"}, {0, 0, "EntityTooLarge", "7"},
	} {
		f, err := Read(post(keyPart, filePart))
		if err != nil {
			t.Fatal(err)
		}
		f.File.Hold(c.least, c.most)
		_, err = io.ReadAll(f.File)
		if codeOf(err) != c.code {
			t.Errorf("%d to %d: %v", c.least, c.most, err)
		}
		if e, ok := errors.AsType[*api.Error](err); ok && e.Detail[0].Value != c.size {
			t.Errorf("%d to %d: %v", c.least, c.most, e.Detail)
		}
	}
	f, err := Read(withBody(post(), "--"+boundary+"\r\n"+keyPart+"\r\n--"+boundary+"\r\n"+filePart))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(f.File); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that is cut off: %v", err)
	}
}

// Fields become the headers of the PutObject that the form stands for.
func TestPut(t *testing.T) {
	f, err := Read(post(keyPart, part(`name="acl"`, "private"), part(`name="Content-Type"`, "text/plain"), part(`name="x-amz-meta-Name"`, "v"),
		part(`name="X-Amz-Credential"`, "AKID/..."), part(`name="x-ignore-me"`, "v"), part(`name="x-amz-storage-class"`, "STANDARD_IA"),
		part(`name="tagging"`, "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag><Tag><Key>c</Key><Value/></Tag></TagSet></Tagging>"), filePart))
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Put(post())
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := r.Header.Write(&got); err != nil {
		t.Fatal(err)
	}
	want := "Content-Type: text/plain\r\nX-Amz-Acl: private\r\nX-Amz-Meta-Name: v\r\nX-Amz-Storage-Class: STANDARD_IA\r\nX-Amz-Tagging: a+b=1%262&c=\r\n"
	if got.String() != want || r.Method != "PUT" || r.ContentLength != -1 {
		t.Errorf("%s %d\n%s", r.Method, r.ContentLength, got.String())
	}
	f.Fields["tagging"] = "not xml"
	if _, err := f.Put(post()); codeOf(err) != "MalformedXML" {
		t.Error(err)
	}
}

// Whatever is sent, a form is read within its bounds or refused.
func FuzzRead(f *testing.F) {
	whole, _ := io.ReadAll(post(keyPart, part(`name="acl"`, "private"), filePart).Body)
	f.Add(whole, "multipart/form-data; boundary="+boundary)
	f.Add(whole[:len(whole)-20], "multipart/form-data; boundary="+boundary)
	f.Add([]byte("--"), `multipart/form-data; boundary=""`)
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		r := withType(withBody(httptest.NewRequest("POST", "/bucket", nil), string(body)), contentType)
		form, err := Read(r)
		if err != nil {
			if codeOf(err) == err.Error() {
				t.Fatalf("not an answer: %v", err)
			}
			return
		}
		size := 0
		for name, value := range form.Fields {
			size += len(name) + len(value)
		}
		if size > 2*maxFields || form.Field("key") == "" {
			t.Fatalf("%d bytes of fields, key %q", size, form.Field("key"))
		}
		content, err := io.ReadAll(form.File)
		if err == nil && !bytes.Contains(body, content) {
			t.Fatalf("content that was not sent: %q", content)
		}
	})
}
