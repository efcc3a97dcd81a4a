package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

func TestCopySourceForms(t *testing.T) {
	for header, want := range map[string]objectRef{
		"b/k": {bucket: "b", key: "k"}, "/b/k": {bucket: "b", key: "k"}, "/b//k": {bucket: "b", key: "/k"},
		"b/a%2Fk": {bucket: "b", key: "a/k"}, "b/a%20k": {bucket: "b", key: "a k"}, "b/a+k": {bucket: "b", key: "a k"},
		"b/a%2Bk": {bucket: "b", key: "a+k"}, "b/k?versionId=v": {bucket: "b", key: "k", version: "v"},
		"b/k%3FversionId=v": {bucket: "b", key: "k?versionId=v"}, "b%2Fk": {bucket: "b", key: "k"},
	} {
		if got, err := parseCopySource(header, ""); err != nil || got != want {
			t.Errorf("%q: %+v, %v", header, got, err)
		}
	}
	for _, header := range []string{"", "b", "/b/", "b/%zz"} {
		_, err := parseCopySource(header, "")
		refused(t, err, "InvalidArgument", 400, "ArgumentName", "x-amz-copy-source")
	}
}

// copied copies an object to bucket/copy.
func (w *world) copied(bucket, source string, change func(*s3.CopyObjectInput)) (*s3.CopyObjectOutput, error) {
	in := &s3.CopyObjectInput{Bucket: bucket, Key: "copy", CopySource: source}
	if change != nil {
		change(in)
	}
	return w.copyObject(w.ctx(), in)
}

func TestCopy(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	for _, content := range []string{"", "small", random(10 << 10), random(200 << 10)} {
		in := putInput(b, "k", content)
		in.ContentType, in.Metadata, in.Tagging, in.WebsiteRedirectLocation, in.StorageClass = "text/plain", map[string]string{"a": "1"}, "t=1", "/x", "STANDARD_IA"
		must(t)(w.putObject(w.ctx(), in))
		w.clock.Advance(time.Minute)
		out, err := w.copied(b, b+"/k", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r := out.CopyObjectResult; r.ETag != quoted(hexMD5(content)) || !r.LastModified.Equal(w.clock.Now().Truncate(time.Second)) || r.ChecksumCRC64NVME != sumOf(crc64nvmeSum, content) {
			t.Errorf("%+v", r)
		}
		// Metadata and tags are copied; the storage class and the redirect are not.
		head, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "copy"})
		if err != nil || head.ContentType != "text/plain" || head.Metadata["a"] != "1" || *head.TagCount != 1 || head.WebsiteRedirectLocation != "" || head.StorageClass != "" {
			t.Errorf("%+v, %v", head, err)
		}
		// The copy lives on when its source is gone.
		must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
		if w.get(b, "copy") != content {
			t.Errorf("a copy of %d bytes is different", len(content))
		}
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "copy"}))
	w.wantLeft("")
}

func TestCopyDirectives(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	in := putInput(b, "k", random(100<<10))
	in.ContentType, in.Metadata, in.Tagging = "text/plain", map[string]string{"a": "1"}, "t=1"
	must(t)(w.putObject(w.ctx(), in))
	head := func() *s3.HeadObjectOutput {
		t.Helper()
		out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "copy"})
		must(t)(out, err)
		return out
	}
	must(t)(w.copied(b, b+"/k", func(in *s3.CopyObjectInput) {
		in.MetadataDirective, in.ContentType, in.Metadata = "REPLACE", "image/png", map[string]string{"b": "2"}
		in.Tagging = "x=1&y=2" // not asked for
	}))
	if h := head(); h.ContentType != "image/png" || h.Metadata["b"] != "2" || len(h.Metadata) != 1 || *h.TagCount != 1 {
		t.Errorf("%+v", h)
	}
	must(t)(w.copied(b, b+"/k", func(in *s3.CopyObjectInput) {
		in.TaggingDirective, in.Tagging = "REPLACE", "x=1&y=2"
		in.ContentType = "image/png" // not asked for
	}))
	if h := head(); h.ContentType != "text/plain" || *h.TagCount != 2 {
		t.Errorf("%+v", h)
	}
	_, err := w.copied(b, b+"/k", func(in *s3.CopyObjectInput) { in.MetadataDirective = "MOVE" })
	refused(t, err, "InvalidArgument", 400)

	// An object is copied to itself only to change it.
	self := func(change func(*s3.CopyObjectInput)) error {
		_, err := w.copied(b, b+"/k", func(in *s3.CopyObjectInput) { in.Key = "k"; change(in) })
		return err
	}
	refused(t, self(func(*s3.CopyObjectInput) {}), "InvalidRequest", 400)
	must(t)(nil, self(func(in *s3.CopyObjectInput) { in.MetadataDirective = "REPLACE" }))
	must(t)(nil, self(func(in *s3.CopyObjectInput) { in.StorageClass = "STANDARD_IA" }))
	if w.get(b, "k") != random(100<<10) {
		t.Error("an object copied to itself is different")
	}
	for _, k := range []string{"k", "copy"} {
		must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: k}))
	}
	w.wantLeft("")
}

func TestCopyConditions(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	etag := w.put(b, "k", "x").ETag
	at := epoch.Truncate(time.Second)
	for name, c := range map[string]struct {
		change func(*s3.CopyObjectInput)
		code   string
		status int
	}{
		"match":          {func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = etag }, "", 0},
		"no match":       {func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = "other" }, "PreconditionFailed", 412},
		"none match":     {func(in *s3.CopyObjectInput) { in.CopySourceIfNoneMatch = etag }, "PreconditionFailed", 412},
		"modified":       {func(in *s3.CopyObjectInput) { in.CopySourceIfModifiedSince = at.Add(-time.Second) }, "", 0},
		"not modified":   {func(in *s3.CopyObjectInput) { in.CopySourceIfModifiedSince = at }, "PreconditionFailed", 412},
		"unmodified":     {func(in *s3.CopyObjectInput) { in.CopySourceIfUnmodifiedSince = at }, "", 0},
		"not unmodified": {func(in *s3.CopyObjectInput) { in.CopySourceIfUnmodifiedSince = at.Add(-time.Second) }, "PreconditionFailed", 412},
		"target":         {func(in *s3.CopyObjectInput) { in.Key, in.IfNoneMatch = "k2", "*" }, "", 0},
		"target exists":  {func(in *s3.CopyObjectInput) { in.Key, in.IfNoneMatch, in.MetadataDirective = "k", "*", "REPLACE" }, "PreconditionFailed", 412},
		"no source":      {func(in *s3.CopyObjectInput) { in.CopySource = b + "/none" }, "NoSuchKey", 404},
		"no bucket":      {func(in *s3.CopyObjectInput) { in.CopySource = "nowhere/k" }, "NoSuchBucket", 404},
		"source owner":   {func(in *s3.CopyObjectInput) { in.ExpectedSourceBucketOwner = "999988887777" }, "AccessDenied", 403},
		"access point":   {func(in *s3.CopyObjectInput) { in.CopySource = "arn:aws:s3:us-east-1:1:accesspoint/a/object/k" }, "NotImplemented", 501},
		"long key":       {func(in *s3.CopyObjectInput) { in.Key = strings.Repeat("k", 1025) }, "KeyTooLongError", 400},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.copied(b, b+"/k", c.change)
			if c.code == "" {
				must(t)(nil, err)
			} else {
				refused(t, err, c.code, c.status)
			}
		})
	}
}

// A copy is one piece, whatever its source was.
func TestCopyOfMultipart(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	one, two := random(5<<20), "rest"
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k", ChecksumAlgorithm: "CRC32"})
	p1, p2 := w.part(b, "k", id, 1, one), w.part(b, "k", id, 2, two)
	p1.ChecksumCRC32, p2.ChecksumCRC32 = sumOf(crc32Sum, one), sumOf(crc32Sum, two)
	must(t)(w.complete(b, "k", id, p1, p2))
	out, err := w.copied(b, b+"/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := out.CopyObjectResult; r.ETag != quoted(hexMD5(one+two)) || r.ChecksumCRC32 != sumOf(crc32Sum, one+two) || r.ChecksumType != "FULL_OBJECT" {
		t.Errorf("%+v", r)
	}
	out, err = w.copied(b, b+"/k", func(in *s3.CopyObjectInput) { in.ChecksumAlgorithm = "SHA256" })
	if err != nil || out.CopyObjectResult.ChecksumSHA256 != sumOf(sha256Sum, one+two) {
		t.Errorf("%+v, %v", out, err)
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
	if w.get(b, "copy") != one+two {
		t.Error("the copy is different")
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "copy"}))
	w.wantLeft("")
}

func TestUploadPartCopy(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	content := random(6 << 20)
	w.put(b, "source", content)
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	part := func(n int32, span string) (*s3.UploadPartCopyOutput, error) {
		return w.uploadPartCopy(w.ctx(), &s3.UploadPartCopyInput{Bucket: b, Key: "k", UploadId: id, PartNumber: &n, CopySource: b + "/source", CopySourceRange: span})
	}
	one, err := part(1, "")
	if err != nil || one.CopyPartResult.ETag != quoted(hexMD5(content)) {
		t.Fatalf("%+v, %v", one, err)
	}
	two, err := part(2, "bytes=10-19")
	if err != nil || two.CopyPartResult.ETag != quoted(hexMD5(content[10:20])) {
		t.Fatalf("%+v, %v", two, err)
	}
	for _, span := range []string{"bytes=0-6291456", "bytes=5-", "bytes=-5", "0-5", "bytes=5-2", "bytes=a-b"} {
		_, err := part(3, span)
		refused(t, err, "InvalidArgument", 400, "ArgumentName", "x-amz-copy-source-range", "ArgumentValue", span)
	}
	must(t)(w.complete(b, "k", id,
		&s3.CompletedPart{PartNumber: new(int32(1)), ETag: one.CopyPartResult.ETag}, &s3.CompletedPart{PartNumber: new(int32(2)), ETag: two.CopyPartResult.ETag}))
	if w.get(b, "k") != content+content[10:20] {
		t.Error("the object is not its parts")
	}
}
