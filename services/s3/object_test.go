package s3

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// random is n bytes that are the same in every run.
func random(n int) string {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return string(b)
}

func TestPutAndGet(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	// In the record, beside it, and in a file.
	for _, n := range []int{0, 1, maxRecordInline, maxRecordInline + 1, 64 << 10, 64<<10 + 1, 3 << 20} {
		content := random(n)
		out := w.put(b, "k", content)
		if want := quoted(hexMD5(content)); out.ETag != want {
			t.Errorf("%d bytes: ETag %s, want %s", n, out.ETag, want)
		}
		got, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if *got.ContentLength != int64(n) || got.ETag != out.ETag || got.AcceptRanges != "bytes" || got.ContentType != "binary/octet-stream" ||
			!got.LastModified.Equal(epoch.Truncate(time.Second)) || got.StorageClass != "" || got.ServerSideEncryption != "AES256" || got.ContentRange != "" {
			t.Errorf("%d bytes: %+v", n, got)
		}
		if readAll(t, got.Body) != content {
			t.Errorf("%d bytes came back different", n)
		}
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
	w.wantLeft("")
}

func TestAttributesComeBack(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	in := putInput(b, "k", "x")
	in.CacheControl, in.ContentDisposition, in.ContentEncoding, in.ContentLanguage = "no-cache", "inline", "aws-chunked, gzip", "de"
	in.ContentType, in.Expires, in.WebsiteRedirectLocation = "text/plain", time.Unix(2e9, 0).UTC(), "/other"
	in.Metadata = map[string]string{"Mixed-Case": "Value", "empty": ""}
	in.StorageClass, in.Tagging = s3.StorageClassStandardIa, "a=1&b=x%20y"
	must(t)(w.putObject(w.ctx(), in))
	out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	want := &s3.HeadObjectOutput{
		AcceptRanges: "bytes", LastModified: epoch.Truncate(time.Second), ContentLength: new(int64(1)), ETag: quoted(hexMD5("x")),
		CacheControl: "no-cache", ContentDisposition: "inline", ContentEncoding: "gzip", ContentLanguage: "de", ContentType: "text/plain",
		Expires: in.Expires, WebsiteRedirectLocation: "/other", ServerSideEncryption: "AES256", StorageClass: "STANDARD_IA",
		Metadata: map[string]string{"mixed-case": "Value", "empty": ""}, TagCount: new(int32(2)),
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}

func TestPutIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	for name, c := range map[string]struct {
		change func(*s3.PutObjectInput)
		code   string
		status int
		detail []string
	}{
		"no bucket":     {func(in *s3.PutObjectInput) { in.Bucket = "nowhere" }, "NoSuchBucket", 404, []string{"BucketName", "nowhere"}},
		"long key":      {func(in *s3.PutObjectInput) { in.Key = strings.Repeat("k", 1025) }, "KeyTooLongError", 400, []string{"Size", "1025", "MaxSizeAllowed", "1024"}},
		"metadata":      {func(in *s3.PutObjectInput) { in.Metadata = map[string]string{"k": strings.Repeat("v", 2048)} }, "MetadataTooLarge", 400, []string{"Size", "2049", "MaxSizeAllowed", "2048"}},
		"no length":     {func(in *s3.PutObjectInput) { in.ContentLength = nil }, "MissingContentLength", 411, nil},
		"too large":     {func(in *s3.PutObjectInput) { in.ContentLength = new(int64(5<<30 + 1)) }, "EntityTooLarge", 400, []string{"MaxSizeAllowed", "5368709120"}},
		"short body":    {func(in *s3.PutObjectInput) { in.ContentLength = new(int64(10)) }, "IncompleteBody", 400, nil},
		"digest form":   {func(in *s3.PutObjectInput) { in.ContentMD5 = "bad" }, "InvalidDigest", 400, []string{"Content-MD5", "bad"}},
		"digest":        {func(in *s3.PutObjectInput) { in.ContentMD5 = "1B2M2Y8AsgTpgAmY7PhCfg==" }, "BadDigest", 400, []string{"ExpectedDigest", "1B2M2Y8AsgTpgAmY7PhCfg=="}},
		"class":         {func(in *s3.PutObjectInput) { in.StorageClass = "GOLD" }, "InvalidStorageClass", 400, nil},
		"acl":           {func(in *s3.PutObjectInput) { in.ACL = s3.ObjectCannedACLPublicRead }, "AccessControlListNotSupported", 400, nil},
		"grants":        {func(in *s3.PutObjectInput) { in.GrantRead = `uri="http://acs.amazonaws.com/groups/global/AllUsers"` }, "AccessControlListNotSupported", 400, nil},
		"encryption":    {func(in *s3.PutObjectInput) { in.ServerSideEncryption = "ROT13" }, "InvalidArgument", 400, nil},
		"redirect":      {func(in *s3.PutObjectInput) { in.WebsiteRedirectLocation = "ftp://x" }, "InvalidRedirectLocation", 400, nil},
		"tags":          {func(in *s3.PutObjectInput) { in.Tagging = "a=1&a=2" }, "InvalidArgument", 400, nil},
		"many tags":     {func(in *s3.PutObjectInput) { in.Tagging = "a&b&c&d&e&f&g&h&i&j&k" }, "BadRequest", 400, nil},
		"if-none-match": {func(in *s3.PutObjectInput) { in.IfNoneMatch = `"etag"` }, "NotImplemented", 501, []string{"Header", "If-None-Match"}},
		"owner":         {func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = "999988887777" }, "AccessDenied", 403, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := putInput(b, "k", "content")
			c.change(in)
			_, err := w.putObject(w.ctx(), in)
			refused(t, err, c.code, c.status, c.detail...)
			w.wantLeft("")
		})
	}
	in := putInput(b, "k", "content")
	in.ContentMD5 = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef"))
	_, err := w.putObject(w.ctx(), in)
	refused(t, err, "BadDigest", 400)
	must(t)(w.putObject(w.ctx(), putInput(b, strings.Repeat("k", 1024), "longest key")))
}

// failing is a body that breaks off.
type failing struct{ err error }

func (f failing) Read(p []byte) (int, error) {
	if f.err == nil {
		return 0, io.ErrUnexpectedEOF
	}
	return 0, f.err
}

func TestBrokenBody(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "k", "old")
	long := random(100 << 10)
	for name, c := range map[string]struct {
		err  error
		want string
	}{"cut": {nil, "IncompleteBody"}, "refused": {api.Errorf("SignatureDoesNotMatch", 403, "no"), "SignatureDoesNotMatch"}} {
		in := putInput(b, "k", "")
		in.Body, in.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(long), failing{c.err})), new(int64(200<<10))
		_, err := w.putObject(w.ctx(), in)
		if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if w.get(b, "k") != "old" {
		t.Error("a broken upload changed the object")
	}
}

func TestOddKeys(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	keys := []string{"/", "//", "a//b", "..", "a/../b", "%2F", "a b", "a+b", "ünï", "日本", "\U0001F600", "a\nb", "\x00", "\x01", "a\xffb", "?", "a&b=c", "<>\"'"}
	for _, k := range keys {
		w.put(b, k, "content of "+k)
	}
	for _, k := range keys {
		if got := w.get(b, k); got != "content of "+k {
			t.Errorf("%q: %q", k, got)
		}
	}
	out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b})
	if err != nil || len(out.Contents) != len(keys) {
		t.Errorf("listed %d of %d keys: %v", len(out.Contents), len(keys), err)
	}
}

func TestConditionalReads(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	etag := w.put(b, "k", "x").ETag
	at := epoch.Truncate(time.Second)
	before, after := at.Add(-time.Second), at.Add(time.Second)
	for _, c := range []struct {
		name string
		in   s3.GetObjectInput
		code string
	}{
		{"match", s3.GetObjectInput{IfMatch: etag}, ""},
		{"match without quotes", s3.GetObjectInput{IfMatch: unquoted(etag)}, ""},
		{"match one of", s3.GetObjectInput{IfMatch: `"a", ` + etag}, ""},
		{"match any", s3.GetObjectInput{IfMatch: "*"}, ""},
		{"match other", s3.GetObjectInput{IfMatch: `"other"`}, "PreconditionFailed"},
		{"unmodified", s3.GetObjectInput{IfUnmodifiedSince: at}, ""},
		{"modified", s3.GetObjectInput{IfUnmodifiedSince: before}, "PreconditionFailed"},
		{"match wins over unmodified", s3.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: before}, ""},
		{"none match", s3.GetObjectInput{IfNoneMatch: `"other"`}, ""},
		{"none match same", s3.GetObjectInput{IfNoneMatch: etag}, "NotModified"},
		{"none match any", s3.GetObjectInput{IfNoneMatch: "*"}, "NotModified"},
		{"modified since", s3.GetObjectInput{IfModifiedSince: before}, ""},
		{"not modified since", s3.GetObjectInput{IfModifiedSince: at}, "NotModified"},
		{"not modified after", s3.GetObjectInput{IfModifiedSince: after}, "NotModified"},
		{"none match wins over modified", s3.GetObjectInput{IfNoneMatch: `"other"`, IfModifiedSince: after}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Bucket, c.in.Key = b, "k"
			out, err := w.GetObject(w.ctx(), &c.in)
			switch c.code {
			case "":
				if err != nil || readAll(t, out.Body) != "x" {
					t.Fatal(err)
				}
			case "NotModified":
				e := refused(t, err, "NotModified", 304)
				if e.Header["ETag"] != etag || e.Header["Last-Modified"] != "Wed, 04 Mar 2026 05:06:07 GMT" {
					t.Errorf("headers %v", e.Header)
				}
			default:
				refused(t, err, c.code, 412)
			}
		})
	}
	_, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "none", IfMatch: "*"})
	refused(t, err, "NoSuchKey", 404, "Key", "none")
}

func TestRanges(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	for _, size := range []int{10, 100 << 10} { // inline and file
		content := random(size)
		w.put(b, "k", content)
		last := size - 1
		for header, want := range map[string][2]int{
			"bytes=0-0": {0, 1}, "bytes=2-5": {2, 6}, "bytes=7-": {7, size}, "bytes=-3": {size - 3, size},
			"bytes=0-999999": {0, size}, "bytes=-999999": {0, size},
			// What is no single range is ignored.
			"bytes=5-2": {-1, 0}, "bytes=0-1,3-4": {-1, 0}, "bytes=x-y": {-1, 0}, "items=0-1": {-1, 0}, "bytes=": {-1, 0}, "bytes=-": {-1, 0},
		} {
			out, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", Range: header})
			if err != nil {
				t.Fatalf("%s of %d: %v", header, size, err)
			}
			got := readAll(t, out.Body)
			if want[0] < 0 {
				if got != content || out.ContentRange != "" {
					t.Errorf("%s of %d: %d bytes, Content-Range %q", header, size, len(got), out.ContentRange)
				}
				continue
			}
			if got != content[want[0]:want[1]] || *out.ContentLength != int64(want[1]-want[0]) {
				t.Errorf("%s of %d: %d bytes, Content-Length %d", header, size, len(got), *out.ContentLength)
			}
		}
		out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k", Range: "bytes=1-"})
		if err != nil || out.ContentRange != "bytes 1-"+itoa(last)+"/"+itoa(size) {
			t.Errorf("Content-Range %q, %v", out.ContentRange, err)
		}
		for _, header := range []string{"bytes=" + itoa(size) + "-", "bytes=-0", "bytes=999999-"} {
			_, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", Range: header})
			refused(t, err, "InvalidRange", 416, "RangeRequested", header, "ActualObjectSize", itoa(size))
		}
	}
	w.put(b, "empty", "")
	_, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "empty", Range: "bytes=0-0"})
	refused(t, err, "InvalidRange", 416)
	_, err = w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", Range: "bytes=0-0", PartNumber: new(int32(1))})
	refused(t, err, "InvalidRequest", 400)
	_, err = w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", PartNumber: new(int32(2))})
	refused(t, err, "InvalidPartNumber", 416, "PartNumberRequested", "2", "ActualPartCount", "1")
}

func TestResponseOverrides(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "k", "x")
	in := &s3.GetObjectInput{
		Bucket: b, Key: "k", ResponseCacheControl: "a", ResponseContentDisposition: "b", ResponseContentEncoding: "c",
		ResponseContentLanguage: "d", ResponseContentType: "e", ResponseExpires: epoch,
	}
	out, err := w.GetObject(w.ctx(), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.CacheControl+out.ContentDisposition+out.ContentEncoding+out.ContentLanguage+out.ContentType != "abcde" || !out.Expires.Equal(epoch) {
		t.Errorf("%+v", out)
	}
	call := *api.CallFrom(w.ctx())
	call.Principal = api.Principal{Anonymous: true}
	_, err = w.GetObject(api.WithCall(t.Context(), &call), in)
	refused(t, err, "InvalidRequest", 400)
}

func TestConditionalWrites(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	put := func(change func(*s3.PutObjectInput)) error {
		in := putInput(b, "k", "x")
		change(in)
		_, err := w.putObject(w.ctx(), in)
		return err
	}
	refused(t, put(func(in *s3.PutObjectInput) { in.IfMatch = `"etag"` }), "NoSuchKey", 404, "Key", "k")
	if err := put(func(in *s3.PutObjectInput) { in.IfNoneMatch = "*" }); err != nil {
		t.Fatal(err)
	}
	refused(t, put(func(in *s3.PutObjectInput) { in.IfNoneMatch = "*" }), "PreconditionFailed", 412, "Condition", "If-None-Match")
	refused(t, put(func(in *s3.PutObjectInput) { in.IfMatch = `"etag"` }), "PreconditionFailed", 412, "Condition", "If-Match")
	if err := put(func(in *s3.PutObjectInput) { in.IfMatch = quoted(hexMD5("x")) }); err != nil {
		t.Fatal(err)
	}
	_, err := w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", IfMatch: `"etag"`})
	refused(t, err, "PreconditionFailed", 412)
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", IfMatch: quoted(hexMD5("x"))}))
	_, err = w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", IfMatch: "*"})
	refused(t, err, "NoSuchKey", 404)
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
}

// Of many writers that want to be the first, one is.
func TestConditionalWritesRace(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	var wins, losses int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			in := putInput(b, "k", "x")
			in.IfNoneMatch = "*"
			_, err := w.putObject(w.ctx(), in)
			mu.Lock()
			defer mu.Unlock()
			if e, ok := errors.AsType[*api.Error](err); err == nil {
				wins++
			} else if ok && e.Code == "PreconditionFailed" {
				losses++
			} else {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if wins != 1 || losses != 15 {
		t.Errorf("%d writers won and %d lost", wins, losses)
	}
}

func TestDeleteObjects(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	var ids []*s3.ObjectIdentifier
	for i := range 250 {
		k := "k" + itoa(i)
		w.put(b, k, "x")
		ids = append(ids, &s3.ObjectIdentifier{Key: k})
	}
	w.put(b, "kept", "x")
	ids = append(ids, &s3.ObjectIdentifier{Key: "never was"}, &s3.ObjectIdentifier{Key: "kept", ETag: `"other"`})
	out, err := w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Objects: ids}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 251 || out.Deleted[250].Key != "never was" {
		t.Errorf("%d deleted", len(out.Deleted))
	}
	if len(out.Errors) != 1 || out.Errors[0].Key != "kept" || out.Errors[0].Code != "PreconditionFailed" {
		t.Errorf("errors %+v", out.Errors)
	}
	w.wantLeft("objects:1")
	out, err = w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Quiet: new(true), Objects: []*s3.ObjectIdentifier{{Key: "kept"}}}})
	if err != nil || len(out.Deleted) != 0 || len(out.Errors) != 0 {
		t.Errorf("quiet: %+v, %v", out, err)
	}
	w.wantLeft("")
	_, err = w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{}})
	refused(t, err, "MalformedXML", 400)
	_, err = w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Objects: make([]*s3.ObjectIdentifier, 1001)}})
	refused(t, err, "MalformedXML", 400)
}

func TestVersionsOfUnversionedBucket(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "k", "x")
	must(t)(w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k", VersionId: "null"}))
	_, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k", VersionId: "bad"})
	refused(t, err, "InvalidArgument", 400, "ArgumentName", "versionId")
	_, err = w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k", VersionId: strings.Repeat("v", 32)})
	refused(t, err, "InvalidArgument", 400, "ArgumentName", "versionId") // has the form of an id, and was never one
	out, err := w.listObjectVersions(w.ctx(), &s3.ListObjectVersionsInput{Bucket: b})
	if err != nil || len(out.Versions) != 1 || out.Versions[0].VersionId != "null" || !*out.Versions[0].IsLatest {
		t.Errorf("ListObjectVersions: %+v, %v", out, err)
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", VersionId: "null"}))
	w.wantLeft("")
}

func TestArchivedObjects(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	in := putInput(b, "k", "x")
	in.StorageClass = s3.StorageClassGlacier
	must(t)(w.putObject(w.ctx(), in))
	_, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k"})
	refused(t, err, "InvalidObjectState", 403, "StorageClass", "GLACIER")
	head, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k"})
	if err != nil || head.StorageClass != "GLACIER" {
		t.Errorf("%+v, %v", head, err)
	}
}

func TestObjectTagging(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "k", "x")
	must(t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: b, Key: "k", Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "a", Value: "1"}}}}))
	out, err := w.getObjectTagging(w.ctx(), &s3.GetObjectTaggingInput{Bucket: b, Key: "k"})
	if err != nil || len(out.TagSet) != 1 || out.TagSet[0].Value != "1" {
		t.Errorf("%+v, %v", out, err)
	}
	must(t)(w.deleteObjectTagging(w.ctx(), &s3.DeleteObjectTaggingInput{Bucket: b, Key: "k"}))
	out, err = w.getObjectTagging(w.ctx(), &s3.GetObjectTaggingInput{Bucket: b, Key: "k"})
	if err != nil || len(out.TagSet) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if w.get(b, "k") != "x" {
		t.Error("tagging changed the content")
	}
	_, err = w.getObjectTagging(w.ctx(), &s3.GetObjectTaggingInput{Bucket: b, Key: "none"})
	refused(t, err, "NoSuchKey", 404)
}
