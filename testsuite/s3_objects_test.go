package testsuite

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func read(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Objects come back as they were put, with path-style addresses and virtual hosts alike.
func TestObjects(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	name := bucket(t, a)
	for style, client := range map[string]*s3.Client{"path": a.S3, "host": a.VirtualHosts()} {
		t.Run(style, func(t *testing.T) {
			ctx := t.Context()
			for _, key := range []string{"plain", "a//b/../c", "/leading", "with space+plus&amp;%25", "ünï/çødé 🌧", strings.Repeat("k", 1024)} {
				body := "body of " + key
				put := must(client.PutObject(ctx, &s3.PutObjectInput{
					Bucket: name, Key: &key, Body: strings.NewReader(body), ContentType: aws.String("text/plain; charset=utf-8"),
					CacheControl: aws.String("no-store"), Metadata: map[string]string{"colour": "grey blue"},
				}))(t)
				sum := md5.Sum([]byte(body))
				etag := `"` + hex.EncodeToString(sum[:]) + `"`
				if aws.ToString(put.ETag) != etag {
					t.Errorf("%q: ETag %s, want the MD5 %s", key, aws.ToString(put.ETag), etag)
				}
				got := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: &key}))(t)
				if text := read(t, got.Body); text != body {
					t.Errorf("%q: body %q", key, text)
				}
				if *got.ContentType != "text/plain; charset=utf-8" || aws.ToString(got.CacheControl) != "no-store" || aws.ToString(got.ETag) != etag || *got.ContentLength != int64(len(body)) {
					t.Errorf("%q: %v %v %v %v", key, *got.ContentType, aws.ToString(got.CacheControl), aws.ToString(got.ETag), *got.ContentLength)
				}
				if d := cmp.Diff(map[string]string{"colour": "grey blue"}, got.Metadata); d != "" {
					t.Errorf("%q: metadata %s", key, d)
				}
			}
			_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("none")})
			refused(t, err, "NoSuchKey")
			_, err = client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: aws.String("none")})
			refused(t, err, "NotFound")
			_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String(strings.Repeat("k", 1025))})
			refused(t, err, "KeyTooLongError")
			// Deleting what is not there succeeds.
			must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("none")}))(t)
		})
	}
}

func TestObjectRangesAndConditions(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("digits")
	put := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("0123456789")}))(t)
	for _, c := range []struct{ asked, body, content string }{
		{"bytes=2-4", "234", "bytes 2-4/10"},
		{"bytes=7-", "789", "bytes 7-9/10"},
		{"bytes=-3", "789", "bytes 7-9/10"},
		{"bytes=5-100", "56789", "bytes 5-9/10"},
	} {
		got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, Range: &c.asked}))(t)
		if text := read(t, got.Body); text != c.body || aws.ToString(got.ContentRange) != c.content {
			t.Errorf("%s: %q, %s", c.asked, text, aws.ToString(got.ContentRange))
		}
	}
	_, err := a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, Range: aws.String("bytes=10-")})
	refused(t, err, "InvalidRange")
	_, err = a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, IfMatch: aws.String(`"other"`)})
	refused(t, err, "PreconditionFailed")
	_, err = a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, IfNoneMatch: put.ETag})
	refused(t, err, "NotModified")
	_, err = a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, IfModifiedSince: aws.Time(time.Now())})
	refused(t, err, "NotModified")
	// Whoever writes with If-None-Match: * writes first.
	_, err = a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, IfNoneMatch: aws.String("*")})
	refused(t, err, "PreconditionFailed")
}

func TestCopyAndDeleteObjects(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("from a"), Body: strings.NewReader("text"), Metadata: map[string]string{"m": "1"}}))(t)
	must(a.S3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: name, Key: aws.String("to"), CopySource: aws.String(*name + "/from%20a")}))(t)
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("to")}))(t)
	if text := read(t, got.Body); text != "text" || got.Metadata["m"] != "1" {
		t.Errorf("the copy is %q with %v", text, got.Metadata)
	}
	_, err := a.S3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: name, Key: aws.String("to"), CopySource: aws.String(*name + "/to")})
	refused(t, err, "InvalidRequest") // a copy onto itself that changes nothing
	gone := must(a.S3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("from a")}, {Key: aws.String("to")}, {Key: aws.String("never there")}},
	}}))(t)
	if len(gone.Deleted) != 3 || len(gone.Errors) != 0 {
		t.Errorf("deleted %v, errors %v", gone.Deleted, gone.Errors)
	}
}

// Every checksum that the SDK knows is computed by it, sent (in a trailer, since the
// body is a stream), verified, kept, and given back.
func TestObjectChecksums(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	body := bytes.Repeat([]byte("rain "), 50_000)
	for _, algorithm := range []types.ChecksumAlgorithm{
		types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
		types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
	} {
		key := aws.String(string(algorithm))
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm}))(t)
		got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, ChecksumMode: types.ChecksumModeEnabled}))(t)
		if text := read(t, got.Body); text != string(body) {
			t.Errorf("%s: the body changed", algorithm)
		}
		if got.ChecksumType != types.ChecksumTypeFullObject {
			t.Errorf("%s: checksum type %q", algorithm, got.ChecksumType)
		}
	}
	// Clients without these algorithms send values that they have from elsewhere.
	xxhash := must(a.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: name, Key: aws.String("xxhash"), Body: strings.NewReader("abc"), ChecksumXXHASH128: aws.String("BrBatnM6YYV4r1+UiS85UA=="),
	}))(t)
	if aws.ToString(xxhash.ChecksumXXHASH128) != "BrBatnM6YYV4r1+UiS85UA==" {
		t.Errorf("%+v", xxhash)
	}
	_, err := a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("bad"), Body: bytes.NewReader(body), ChecksumCRC32: aws.String("AAAAAA==")})
	refused(t, err, "BadDigest")
	_, err = a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("bad"), Body: bytes.NewReader(body), ContentMD5: aws.String("AAAAAAAAAAAAAAAAAAAAAA==")})
	refused(t, err, "BadDigest")
	_, err = a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: aws.String("bad")})
	refused(t, err, "NotFound")
}

// Metadata beyond ASCII comes back as encoded words: those of text that was sent
// as such, and of the single bytes of what was sent as it is.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
func TestMetadataBeyondASCII(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	key := aws.String("k")
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Metadata: map[string]string{
		"nonascii": "ÄMÄZÕÑ S3", "ascii": "AMAZONS3", "word": "=?utf-8?b?Y2Fmw6k=?=",
	}}))(t)
	want := map[string]string{"nonascii": "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=", "ascii": "AMAZONS3", "word": "=?UTF-8?Q?caf=C3=A9?="}
	head := must(a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: key}))(t)
	if d := cmp.Diff(want, head.Metadata); d != "" {
		t.Error(d)
	}
	must(a.S3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: name, Key: aws.String("copy"), CopySource: aws.String(*name + "/k")}))(t)
	copied := must(a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: aws.String("copy")}))(t)
	if d := cmp.Diff(want, copied.Metadata); d != "" {
		t.Errorf("the copy: %s", d)
	}
}
