package s3

import (
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

func (w *world) updateEncryption(bucket, key, version, kmsKey string) error {
	_, err := w.updateObjectEncryption(w.ctx(), &s3.UpdateObjectEncryptionInput{
		Bucket: bucket, Key: key, VersionId: version,
		ObjectEncryption: &s3.ObjectEncryption{SSEKMS: &s3.SSEKMSEncryption{KMSKeyArn: kmsKey, BucketKeyEnabled: new(true)}},
	})
	return err
}

// An object's encryption changes, and nothing else of it.
func TestUpdateObjectEncryption(t *testing.T) {
	w := newWorld(t)
	b := w.keyed("abc")
	key := func(id string) string {
		return "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-45678900000" + id
	}
	large := random(200 << 10)
	w.put(b, "large", large)
	w.put(b, "small", "content")
	w.put(b, "empty", "")
	one, two := random(minPart), random(1000)
	upload := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "parts"})
	must(t)(w.complete(b, "parts", upload, w.part(b, "parts", upload, 1, one), w.part(b, "parts", upload, 2, two)))
	for name, content := range map[string]string{"large": large, "small": "content", "empty": "", "parts": one + two} {
		get := func() *s3.GetObjectOutput {
			t.Helper()
			out, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: name, ChecksumMode: s3.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		was := get()
		_ = was.Body.Close()
		w.clock.Advance(time.Hour)
		for _, id := range []string{"1", "2"} { // from S3's own key, and from one of KMS
			must(t)(nil, w.updateEncryption(b, name, "", key(id)))
			is := get()
			if readAll(t, is.Body) != content || is.SSEKMSKeyId != key(id) || is.ServerSideEncryption != "aws:kms" || !*is.BucketKeyEnabled {
				t.Errorf("%s: %+v", name, is)
			}
			if is.ETag != was.ETag || is.LastModified != was.LastModified || is.ChecksumCRC64NVME != was.ChecksumCRC64NVME || is.ContentType != was.ContentType {
				t.Errorf("%s: %+v, was %+v", name, is, was)
			}
			if content != "" && w.stored(b, name) == content {
				t.Errorf("%s is not sealed", name)
			}
		}
	}
	if part, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "parts", PartNumber: new(int32(2))}); err != nil || readAll(t, part.Body) != two {
		t.Errorf("%+v, %v", part, err)
	}
	must(t)(w.putObject(w.ctx(), sealedPut(b, "customer", "content", customer("a"))))
	refused(t, w.updateEncryption(b, "customer", "", key("1")), "InvalidRequest", 400)
	refused(t, w.updateEncryption(b, "none", "", key("1")), "NoSuchKey", 404)
	refused(t, w.updateEncryption(b, "small", "", "arn:aws:kms:us-east-1:999999999999:key/01234567-89ab-cdef-0123-456789abcdef"), "AccessDenied", 403)
	_, err := w.updateObjectEncryption(w.ctx(), &s3.UpdateObjectEncryptionInput{Bucket: b, Key: "small", ObjectEncryption: &s3.ObjectEncryption{}})
	refused(t, err, "InvalidRequest", 400)
	for _, k := range []string{"large", "small", "empty", "parts", "customer"} {
		must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: k}))
	}
	w.wantLeft("")
}

// A version that is not the latest may be meant, and a lock keeps one as it is.
func TestUpdateEncryptionOfVersions(t *testing.T) {
	const key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
	w := newWorld(t)
	b := w.lockedBucket("locked")
	first := w.put(b, "k", "first").VersionId
	w.put(b, "k", "second")
	must(t)(nil, w.updateEncryption(b, "k", first, key))
	old, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", VersionId: first})
	if err != nil || readAll(t, old.Body) != "first" || old.SSEKMSKeyId != key || old.VersionId != first {
		t.Errorf("%+v, %v", old, err)
	}
	newest, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k"})
	if err != nil || readAll(t, newest.Body) != "second" || newest.ServerSideEncryption != "AES256" {
		t.Errorf("%+v, %v", newest, err)
	}
	must(t)(w.putObjectLegalHold(w.ctx(), &s3.PutObjectLegalHoldInput{Bucket: b, Key: "k", LegalHold: &s3.ObjectLockLegalHold{Status: "ON"}}))
	refused(t, w.updateEncryption(b, "k", "", key), "AccessDenied", 403)
	version, err := w.putLocked(b, "retained", "COMPLIANCE", w.clock.Now().Add(time.Hour))
	must(t)(nil, err)
	refused(t, w.updateEncryption(b, "retained", version, key), "AccessDenied", 403)
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
	refused(t, w.updateEncryption(b, "k", "", key), "MethodNotAllowed", 405)
}
