package testsuite

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/cors"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// What programs do that were written for MinIO, through its own client and its
// own port, naming buckets in both ways.
func TestMinIOClient(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{
		Args: []string{"--s3-port", "0"}, Env: []string{"MINIO_ROOT_USER=minioadmin", "MINIO_ROOT_PASSWORD=minioadmin"},
	}).Door(t, "s3")
	_, port, _ := strings.Cut(server.Addr, ":")
	for style, o := range map[string]struct {
		endpoint string
		lookup   minio.BucketLookupType
	}{
		"path": {server.Addr, minio.BucketLookupPath},
		"host": {"s3.localhost:" + port, minio.BucketLookupDNS},
	} {
		t.Run(style, func(t *testing.T) {
			c := must(minio.New(o.endpoint, &minio.Options{
				Creds: credentials.NewStaticV4("minioadmin", "minioadmin", ""), BucketLookup: o.lookup, Transport: server.HTTP.Transport,
				Region: "us-east-1", TrailingHeaders: true, MaxRetries: 1,
			}))(t)
			m := &minioClient{t, t.Context(), c, server.HTTP, "minio-" + style}
			if err := c.MakeBucket(m.ctx, m.bucket, minio.MakeBucketOptions{}); err != nil {
				t.Fatal(err)
			}
			m.objects()
			m.checksums()
			m.presigned()
			m.listing()
			m.settings()
			m.versions()
		})
	}
}

// minioClient is MinIO's client at work in one bucket.
type minioClient struct {
	*testing.T
	ctx    context.Context
	c      *minio.Client
	http   *http.Client
	bucket string
}

func (m *minioClient) put(key string, body []byte, o minio.PutObjectOptions) minio.UploadInfo {
	m.Helper()
	return must(m.c.PutObject(m.ctx, m.bucket, key, bytes.NewReader(body), int64(len(body)), o))(m.T)
}

func (m *minioClient) get(key string, o minio.GetObjectOptions) string {
	m.Helper()
	got := must(m.c.GetObject(m.ctx, m.bucket, key, o))(m.T)
	return read(m.T, got)
}

func (m *minioClient) ok(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// objects: keys as they are, metadata, ranges, parts, copies and errors.
func (m *minioClient) objects() {
	for _, key := range []string{"a", "a b+c", "a//b", "x/../y", "50%2F", "ünï/—/🜁𐍈", "~!*'()"} {
		m.put(key, []byte(key), minio.PutObjectOptions{ContentType: "text/plain", UserMetadata: map[string]string{"Note": "n"}, UserTags: map[string]string{"k": "v"}})
		if got := m.get(key, minio.GetObjectOptions{}); got != key {
			m.Errorf("%q holds %q", key, got)
		}
		info := must(m.c.StatObject(m.ctx, m.bucket, key, minio.StatObjectOptions{}))(m.T)
		if info.ContentType != "text/plain" || info.UserMetadata["Note"] != "n" || info.UserTagCount != 1 {
			m.Errorf("%q: %+v", key, info)
		}
		m.ok(m.c.RemoveObject(m.ctx, m.bucket, key, minio.RemoveObjectOptions{}))
	}
	m.put("empty", nil, minio.PutObjectOptions{})
	if got := m.get("empty", minio.GetObjectOptions{}); got != "" {
		m.Errorf("nothing: %q", got)
	}
	large := make([]byte, 11<<20)
	rand.Read(large)
	info := must(m.c.PutObject(m.ctx, m.bucket, "large", onlyReader{bytes.NewReader(large)}, -1, minio.PutObjectOptions{PartSize: 5 << 20}))(m.T)
	if !strings.HasSuffix(info.ETag, "-3") || m.get("large", minio.GetObjectOptions{}) != string(large) {
		m.Errorf("in parts: %+v", info)
	}
	info = must(m.c.PutObject(m.ctx, m.bucket, "encrypted", bytes.NewReader(large), int64(len(large)), minio.PutObjectOptions{PartSize: 5 << 20, ServerSideEncryption: encrypt.NewSSE()}))(m.T)
	if !strings.HasSuffix(info.ETag, "-3") || m.get("encrypted", minio.GetObjectOptions{}) != string(large) {
		m.Errorf("in parts, encrypted: %+v", info)
	}
	m.ok(m.c.RemoveObject(m.ctx, m.bucket, "encrypted", minio.RemoveObjectOptions{}))
	var o minio.GetObjectOptions
	m.ok(o.SetRange(5<<20-1, 5<<20))
	if got := m.get("large", o); got != string(large[5<<20-1:5<<20+1]) {
		m.Errorf("range: %q", got)
	}
	must(m.c.ComposeObject(m.ctx, minio.CopyDestOptions{Bucket: m.bucket, Object: "twice"},
		minio.CopySrcOptions{Bucket: m.bucket, Object: "large"}, minio.CopySrcOptions{Bucket: m.bucket, Object: "large"}))(m.T)
	if got := m.get("twice", minio.GetObjectOptions{}); got != string(large)+string(large) {
		m.Errorf("composed: %d bytes", len(got))
	}
	_, err := m.c.StatObject(m.ctx, m.bucket, "none", minio.StatObjectOptions{})
	if e := minio.ToErrorResponse(err); e.Code != "NoSuchKey" || e.StatusCode != http.StatusNotFound {
		m.Errorf("no such key: %v", err)
	}
}

// checksums: in headers, and behind bodies that are signed in chunks, or not.
func (m *minioClient) checksums() {
	body := make([]byte, 100<<10)
	rand.Read(body)
	for _, kind := range []minio.ChecksumType{minio.ChecksumCRC32, minio.ChecksumCRC32C, minio.ChecksumSHA1, minio.ChecksumSHA256, minio.ChecksumCRC64NVME} {
		for _, unsigned := range []bool{false, true} {
			m.put("sum", body, minio.PutObjectOptions{Checksum: kind, DisableContentSha256: unsigned})
			info := must(m.c.StatObject(m.ctx, m.bucket, "sum", minio.StatObjectOptions{Checksum: true}))(m.T)
			if got := info.ChecksumCRC32 + info.ChecksumCRC32C + info.ChecksumSHA1 + info.ChecksumSHA256 + info.ChecksumCRC64NVME; got != kind.EncodeToString(body) {
				m.Errorf("%v: %q", kind, got)
			}
		}
	}
}

// presigned: addresses and forms.
func (m *minioClient) presigned() {
	put := must(m.c.PresignedPutObject(m.ctx, m.bucket, "signed", time.Hour))(m.T)
	if status, body := exchange(m.T, m.http, request(m.T, "PUT", put.String(), "signed")); status != http.StatusOK {
		m.Errorf("PUT: %d %s", status, body)
	}
	get := must(m.c.PresignedGetObject(m.ctx, m.bucket, "signed", time.Hour, url.Values{"response-content-type": {"text/css"}}))(m.T)
	resp := must(m.http.Do(request(m.T, "GET", get.String(), "")))(m.T)
	if body := read(m.T, resp.Body); resp.StatusCode != http.StatusOK || body != "signed" || resp.Header.Get("Content-Type") != "text/css" {
		m.Errorf("GET: %s %v %s", resp.Status, resp.Header, body)
	}
	policy := minio.NewPostPolicy()
	for _, err := range []error{
		policy.SetBucket(m.bucket), policy.SetKeyStartsWith("posted/"), policy.SetExpires(time.Now().Add(time.Hour)),
		policy.SetContentType("text/plain"), policy.SetContentLengthRange(1, 100), policy.SetUserMetadata("note", "n"),
	} {
		m.ok(err)
	}
	to, fields, err := m.c.PresignedPostPolicy(m.ctx, policy)
	m.ok(err)
	fields["key"] = "posted/${filename}"
	if status, body := exchange(m.T, m.http, form(m.T, to.String(), fields, "a.txt", []byte("posted"))); status != http.StatusNoContent {
		m.Errorf("POST: %d %s", status, body)
	}
	if got := m.get("posted/a.txt", minio.GetObjectOptions{}); got != "posted" {
		m.Errorf("posted: %q", got)
	}
}

// listing: by both interfaces, whole and by folder, and removal of many.
func (m *minioClient) listing() {
	want := []string{"list/a", "list/b c", "list/d/e", "list/ü"}
	for _, key := range want {
		m.put(key, []byte("x"), minio.PutObjectOptions{})
	}
	for _, old := range []bool{false, true} {
		var all, folders []string
		for o := range m.c.ListObjects(m.ctx, m.bucket, minio.ListObjectsOptions{Prefix: "list/", Recursive: true, MaxKeys: 2, UseV1: old}) {
			m.ok(o.Err)
			all = append(all, o.Key)
		}
		for o := range m.c.ListObjects(m.ctx, m.bucket, minio.ListObjectsOptions{Prefix: "list/", UseV1: old}) {
			m.ok(o.Err)
			folders = append(folders, o.Key)
		}
		slices.Sort(folders)
		if !slices.Equal(all, want) || !slices.Equal(folders, []string{"list/a", "list/b c", "list/d/", "list/ü"}) {
			m.Errorf("V1 %v: %q, by folder %q", old, all, folders)
		}
	}
	for e := range m.c.RemoveObjects(m.ctx, m.bucket, m.c.ListObjects(m.ctx, m.bucket, minio.ListObjectsOptions{Prefix: "list/", Recursive: true}), minio.RemoveObjectsOptions{}) {
		m.Error(e.Err)
	}
}

// settings: what is put is what is got.
func (m *minioClient) settings() {
	m.ok(m.c.SetBucketCors(m.ctx, m.bucket, cors.NewConfig([]cors.Rule{{AllowedOrigin: []string{"https://*.example"}, AllowedMethod: []string{"GET"}}})))
	if got := must(m.c.GetBucketCors(m.ctx, m.bucket))(m.T); len(got.CORSRules) != 1 || got.CORSRules[0].AllowedOrigin[0] != "https://*.example" {
		m.Errorf("CORS: %+v", got)
	}
	m.ok(m.c.SetBucketLifecycle(m.ctx, m.bucket, &lifecycle.Configuration{Rules: []lifecycle.Rule{{
		ID: "old", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "old/"}, Expiration: lifecycle.Expiration{Days: 3},
	}}}))
	if got := must(m.c.GetBucketLifecycle(m.ctx, m.bucket))(m.T); len(got.Rules) != 1 || got.Rules[0].Expiration.Days != 3 {
		m.Errorf("lifecycle: %+v", got)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + m.bucket + `/*"}]}`
	m.ok(m.c.SetBucketPolicy(m.ctx, m.bucket, policy))
	if got := must(m.c.GetBucketPolicy(m.ctx, m.bucket))(m.T); !strings.Contains(got, "s3:GetObject") {
		m.Errorf("policy: %s", got)
	}
	m.ok(m.c.SetBucketTagging(m.ctx, m.bucket, must(tags.NewTags(map[string]string{"a": "b"}, false))(m.T)))
	if got := must(m.c.GetBucketTagging(m.ctx, m.bucket))(m.T); got.ToMap()["a"] != "b" {
		m.Errorf("tags: %v", got)
	}
}

// versions: each is kept, and read by its id.
func (m *minioClient) versions() {
	m.ok(m.c.EnableVersioning(m.ctx, m.bucket))
	first := m.put("versioned", []byte("first"), minio.PutObjectOptions{})
	m.put("versioned", []byte("second"), minio.PutObjectOptions{})
	if got := m.get("versioned", minio.GetObjectOptions{VersionID: first.VersionID}); first.VersionID == "" || got != "first" {
		m.Errorf("version %q: %q", first.VersionID, got)
	}
	_, err := io.Copy(io.Discard, must(m.c.GetObject(m.ctx, m.bucket, "versioned", minio.GetObjectOptions{}))(m.T))
	m.ok(err)
}
