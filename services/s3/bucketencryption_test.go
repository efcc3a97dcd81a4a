package s3

import (
	"slices"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// New buckets refuse customers' keys until they are told to take them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
func TestNewBucketsBlockCustomerKeys(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	blocked := func() (types []s3.EncryptionType) {
		t.Helper()
		out, err := w.getBucketEncryption(w.ctx(), &s3.GetBucketEncryptionInput{Bucket: b})
		if err != nil {
			t.Fatal(err)
		}
		if e := out.ServerSideEncryptionConfiguration.Rules[0].BlockedEncryptionTypes; e != nil {
			types = e.EncryptionType
		}
		return types
	}
	ssec, none := []s3.EncryptionType{"SSE-C"}, []s3.EncryptionType{"NONE"}
	for _, step := range []struct {
		name string
		do   func()
		want []s3.EncryptionType
	}{
		{"a new bucket", func() {}, ssec},
		{"another default", func() { w.with(b, kmsRule("", false)) }, ssec},
		{"unblocked", func() {
			w.with(b, &s3.ServerSideEncryptionRule{BlockedEncryptionTypes: &s3.BlockedEncryptionTypes{EncryptionType: none}})
		}, none},
		{"another default, which says nothing of it", func() { w.with(b, kmsRule("", false)) }, none},
		{"the default again", func() {
			must(t)(w.deleteBucketEncryption(w.ctx(), &s3.DeleteBucketEncryptionInput{Bucket: b}))
		}, ssec},
		{"a bucket of an older store", func() {
			must(t)(nil, w.changeBucket(b, "", func(_ storage.Tx, b *bucket) error { b.KeysBlocked = false; return nil }))
		}, nil},
	} {
		step.do()
		if got := blocked(); !slices.Equal(got, step.want) {
			t.Errorf("%s blocks %q, want %q", step.name, got, step.want)
		}
		_, err := w.putObject(w.ctx(), sealedPut(b, "k", "x", customer("a")))
		if slices.Equal(step.want, ssec) {
			refused(t, err, "AccessDenied", 403)
			_, err = w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{
				Bucket: b, Key: "k", SSECustomerAlgorithm: "AES256", SSECustomerKey: customer("a").key, SSECustomerKeyMD5: customer("a").md5,
			})
			refused(t, err, "AccessDenied", 403)
		} else if err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}
