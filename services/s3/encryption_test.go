package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// customer is a customer's key of 32 times a letter.
func customer(letter string) customerKey { return customerOfRaw(strings.Repeat(letter, 32)) }

func customerOfRaw(raw string) customerKey {
	sum := md5.Sum([]byte(raw))
	return customerKey{"AES256", base64.StdEncoding.EncodeToString([]byte(raw)), base64.StdEncoding.EncodeToString(sum[:])}
}

func sealedPut(bucket, key, content string, c customerKey) *s3.PutObjectInput {
	in := putInput(bucket, key, content)
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = c.algorithm, c.key, c.md5
	return in
}

func sealedGet(bucket, key string, c customerKey) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: bucket, Key: key, SSECustomerAlgorithm: c.algorithm, SSECustomerKey: c.key, SSECustomerKeyMD5: c.md5}
}

// stored is what the blobs of an object hold.
func (w *world) stored(bucket, key string) string {
	w.t.Helper()
	b, o, err := w.viewObject(objectRef{bucket: bucket, key: key})
	if err != nil {
		w.t.Fatal(err)
	}
	var all bytes.Buffer
	err = w.db.View(func(tx storage.Tx) error {
		where, err := readBody(tx, b.ID, o)
		if err != nil {
			return err
		}
		for _, blob := range where.Blobs {
			r, err := w.blobs.Open(blob)
			if err != nil {
				return err
			}
			if _, err := io.Copy(&all, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all.String()
}

// with sets a bucket's default encryption.
func (w *world) with(name string, rule *s3.ServerSideEncryptionRule) {
	w.t.Helper()
	must(w.t)(w.putBucketEncryption(w.ctx(), &s3.PutBucketEncryptionInput{
		Bucket: name, ServerSideEncryptionConfiguration: &s3.ServerSideEncryptionConfiguration{Rules: []*s3.ServerSideEncryptionRule{rule}},
	}))
}

// keyed makes a bucket that takes customers' keys, which new ones do not.
func (w *world) keyed(name string) string {
	w.t.Helper()
	w.bucketNamed(name)
	w.with(name, &s3.ServerSideEncryptionRule{BlockedEncryptionTypes: &s3.BlockedEncryptionTypes{EncryptionType: []s3.EncryptionType{"NONE"}}})
	return name
}

func kmsRule(key string, bucketKey bool) *s3.ServerSideEncryptionRule {
	return &s3.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: &s3.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms", KMSMasterKeyID: key}, BucketKeyEnabled: &bucketKey,
	}
}

func TestCustomerKeys(t *testing.T) {
	w := newWorld(t)
	b := w.keyed("abc")
	for _, content := range []string{"", "small", random(20 << 10), random(100 << 10), random(300 << 10)} {
		put, err := w.putObject(w.ctx(), sealedPut(b, "k", content, customer("a")))
		if err != nil {
			t.Fatal(err)
		}
		if put.ServerSideEncryption != "" || put.SSECustomerAlgorithm != "AES256" || put.SSECustomerKeyMD5 != customer("a").md5 || put.ETag == quoted(hexMD5(content)) {
			t.Errorf("put: %+v", put)
		}
		if put.ChecksumCRC64NVME != sumOf(crc64nvmeSum, content) {
			t.Error("the checksum is not of the plain bytes")
		}
		got, err := w.getObject(w.ctx(), sealedGet(b, "k", customer("a")))
		if err != nil {
			t.Fatal(err)
		}
		if *got.ContentLength != int64(len(content)) || got.ServerSideEncryption != "" || got.SSECustomerKeyMD5 != put.SSECustomerKeyMD5 || got.ETag != put.ETag {
			t.Errorf("get: %+v", got)
		}
		if readAll(t, got.Body) != content {
			t.Errorf("%d bytes came back different", len(content))
		}
		if stored := w.stored(b, "k"); content != "" && strings.Contains(stored, content[:5]) {
			t.Error("plain bytes are stored")
		}
		if len(content) > 64<<10 {
			in := sealedGet(b, "k", customer("a"))
			in.Range = "bytes=65530-65545"
			part, err := w.getObject(w.ctx(), in)
			if err != nil || readAll(t, part.Body) != content[65530:65546] {
				t.Errorf("range: %v", err)
			}
		}
	}
	w.put(b, "plain", "plain")
	for name, c := range map[string]struct {
		key     string
		c       customerKey
		code    string
		status  int
		message string
	}{
		"no key":       {"k", customerKey{}, "InvalidRequest", 400, "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."},
		"another key":  {"k", customer("b"), "AccessDenied", 403, "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."},
		"not needed":   {"plain", customer("a"), "InvalidRequest", 400, "The encryption parameters are not applicable to this object."},
		"no algorithm": {"k", customerKey{"", customer("a").key, customer("a").md5}, "InvalidArgument", 400, "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm."},
	} {
		_, err := w.getObject(w.ctx(), sealedGet(b, c.key, c.c))
		if e := refused(t, err, c.code, c.status); e.Message != c.message {
			t.Errorf("%s: %s", name, e.Message)
		}
		_, err = w.headObject(w.ctx(), (*s3.HeadObjectInput)(sealedGet(b, c.key, c.c)))
		refused(t, err, c.code, c.status)
		_, err = w.getObjectAttributes(w.ctx(), &s3.GetObjectAttributesInput{
			Bucket: b, Key: c.key, ObjectAttributes: []s3.ObjectAttributes{"ETag"},
			SSECustomerAlgorithm: c.c.algorithm, SSECustomerKey: c.c.key, SSECustomerKeyMD5: c.c.md5,
		})
		refused(t, err, c.code, c.status)
	}
}

func TestEncryptionIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	a := customer("a")
	for name, c := range map[string]struct {
		change  func(*s3.PutObjectInput)
		code    string
		message string
		value   string
	}{
		"algorithm": {func(in *s3.PutObjectInput) { in.SSECustomerAlgorithm = "KMS" }, "InvalidEncryptionAlgorithmError", "The Encryption request you specified is not valid. Supported value: AES256.", "KMS"},
		"no key":    {func(in *s3.PutObjectInput) { in.SSECustomerKey = "" }, "InvalidArgument", "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.", "null"},
		"no md5":    {func(in *s3.PutObjectInput) { in.SSECustomerKeyMD5 = "" }, "InvalidArgument", "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.", "null"},
		"md5":       {func(in *s3.PutObjectInput) { in.SSECustomerKeyMD5 = customer("b").md5 }, "InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.", "null"},
		"short": {func(in *s3.PutObjectInput) {
			c := customerOfRaw("short")
			in.SSECustomerKey, in.SSECustomerKeyMD5 = c.key, c.md5
		}, "InvalidArgument", "The secret key was invalid for the specified algorithm.", "null"},
		"not base64": {func(in *s3.PutObjectInput) { in.SSECustomerKey = "!" }, "InvalidArgument", "The secret key was invalid for the specified algorithm.", "null"},
		"both":       {func(in *s3.PutObjectInput) { in.ServerSideEncryption = "AES256" }, "InvalidArgument", "Server Side Encryption with Customer provided key is incompatible with the encryption method specified", "AES256"},
		"method":     {without(func(in *s3.PutObjectInput) { in.ServerSideEncryption = "rot13" }), "InvalidArgument", "The encryption method specified is not supported", "rot13"},
		"key without method": {without(func(in *s3.PutObjectInput) { in.SSEKMSKeyId = "alias/a" }), "InvalidArgument",
			"Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms", "null"},
		"context": {without(func(in *s3.PutObjectInput) {
			in.ServerSideEncryption, in.SSEKMSEncryptionContext = "aws:kms", base64.StdEncoding.EncodeToString([]byte(`{"a":1}`))
		}), "InvalidArgument", "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map", "eyJhIjoxfQ=="},
	} {
		in := sealedPut(b, "k", "x", a)
		c.change(in)
		_, err := w.putObject(w.ctx(), in)
		if e := refused(t, err, c.code, 400, "ArgumentValue", c.value); e.Message != c.message {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
	w.with(b, &s3.ServerSideEncryptionRule{BlockedEncryptionTypes: &s3.BlockedEncryptionTypes{EncryptionType: []s3.EncryptionType{"SSE-C"}}})
	_, err := w.putObject(w.ctx(), sealedPut(b, "k", "x", a))
	if e := refused(t, err, "AccessDenied", 403); !strings.Contains(e.Message, `resource: "arn:aws:s3:::abc/k" because this bucket has blocked upload requests`) {
		t.Error(e.Message)
	}
	w.wantLeft("")
}

// without takes the customer's key off before a change.
func without(change func(*s3.PutObjectInput)) func(*s3.PutObjectInput) {
	return func(in *s3.PutObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = "", "", ""
		change(in)
	}
}

func TestKMSKeyNames(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	const id, base = "134f2428-cec1-4b25-a1ae-9048164dba47", "arn:aws:kms:us-east-1:" + account + ":key/"
	put := func(key string) (string, error) {
		in := putInput(b, "k", "secret text")
		in.ServerSideEncryption, in.SSEKMSKeyId = "aws:kms", key
		out, err := w.putObject(w.ctx(), in)
		if err != nil {
			return "", err
		}
		if w.get(b, "k") != "secret text" || strings.Contains(w.stored(b, "k"), "secret") {
			t.Errorf("%s: not sealed, or not opened", key)
		}
		return out.SSEKMSKeyId, nil
	}
	for name, want := range map[string]string{
		id: base + id, base + id: base + id, "mrk-1234abcd12ab34cd56ef1234567890ab": base + "mrk-1234abcd12ab34cd56ef1234567890ab",
		"arn:aws:kms:us-east-1:999999999999:key/" + id: "arn:aws:kms:us-east-1:999999999999:key/" + id,
	} {
		if got, err := put(name); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	// An alias stands for one key, whatever it is called by.
	for name, same := range map[string]string{"alias/a": "arn:aws:kms:us-east-1:" + account + ":alias/a", "": "alias/aws/s3"} {
		first, err := put(name)
		second, err2 := put(same)
		if err != nil || err2 != nil || first != second || !strings.HasPrefix(first, base) {
			t.Errorf("%q is %s and %s, %v, %v", name, first, second, err, err2)
		}
	}
	for name, message := range map[string]string{
		"fake-key-id": "Invalid keyId 'fake-key-id'", "aws/s3": "Invalid keyId 'aws/s3'", "alias/": "Invalid keyId 'alias/'",
		"arn:aws:kms:eu-west-1:" + account + ":key/" + id: "Invalid arn eu-west-1",
	} {
		_, err := put(name)
		if e := refused(t, err, "KMS.NotFoundException", 400); e.Message != message {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
}

func TestDefaultEncryption(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "before", "before")
	w.with(b, kmsRule("alias/mine", true))
	for _, content := range []string{"", "small text", random(20 << 10), random(100 << 10)} {
		put := w.put(b, "k", content)
		head, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if put.ServerSideEncryption != "aws:kms" || put.SSEKMSKeyId == "" || put.BucketKeyEnabled == nil || put.ETag == quoted(hexMD5(content)) {
			t.Errorf("put: %+v", put)
		}
		if head.ServerSideEncryption != "aws:kms" || head.SSEKMSKeyId != put.SSEKMSKeyId || head.BucketKeyEnabled == nil || head.ETag != put.ETag || *head.ContentLength != int64(len(content)) {
			t.Errorf("head: %+v", head)
		}
		if w.get(b, "k") != content || content != "" && strings.Contains(w.stored(b, "k"), content[:5]) {
			t.Errorf("%d bytes are not sealed, or not opened", len(content))
		}
	}
	// Who asks for S3's own keys gets them; two layers have no bucket key.
	in := putInput(b, "own", "own keys")
	in.ServerSideEncryption = "AES256"
	if out, err := w.putObject(w.ctx(), in); err != nil || out.ServerSideEncryption != "AES256" || out.BucketKeyEnabled != nil || w.stored(b, "own") != "own keys" {
		t.Errorf("%+v, %v", out, err)
	}
	in = putInput(b, "two", "two layers")
	in.ServerSideEncryption = "aws:kms:dsse"
	if out, err := w.putObject(w.ctx(), in); err != nil || out.ServerSideEncryption != "aws:kms:dsse" || out.BucketKeyEnabled != nil || w.get(b, "two") != "two layers" {
		t.Errorf("%+v, %v", out, err)
	}
	if w.get(b, "before") != "before" {
		t.Error("what was there before is changed")
	}
}

func TestSealedParts(t *testing.T) {
	w := newWorld(t)
	b := w.keyed("abc")
	a := customer("a")
	created, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{
		Bucket: b, Key: "k", SSECustomerAlgorithm: a.algorithm, SSECustomerKey: a.key, SSECustomerKeyMD5: a.md5,
	})
	if err != nil || created.ServerSideEncryption != "" || created.SSECustomerKeyMD5 != a.md5 {
		t.Fatalf("%+v, %v", created, err)
	}
	upload := func(number int32, content string, c customerKey) (*s3.UploadPartOutput, error) {
		return w.uploadPart(w.ctx(), &s3.UploadPartInput{
			Bucket: b, Key: "k", UploadId: created.UploadId, PartNumber: &number, Body: bodyOf(content), ContentLength: new(int64(len(content))),
			SSECustomerAlgorithm: c.algorithm, SSECustomerKey: c.key, SSECustomerKeyMD5: c.md5,
		})
	}
	first, second := random(minPart), random(100<<10)
	whole := first + second
	var parts []*s3.CompletedPart
	for i, content := range []string{first, second} {
		out, err := upload(int32(i+1), content, a)
		if err != nil || out.SSECustomerKeyMD5 != a.md5 || out.ETag == quoted(hexMD5(content)) {
			t.Fatalf("%+v, %v", out, err)
		}
		parts = append(parts, &s3.CompletedPart{PartNumber: new(int32(i + 1)), ETag: out.ETag})
	}
	_, err = upload(3, "x", customerKey{})
	refused(t, err, "InvalidRequest", 400)
	_, err = upload(3, "x", customer("b"))
	if e := refused(t, err, "InvalidRequest", 400); e.Message != "The provided encryption parameters did not match the ones used originally." {
		t.Error(e.Message)
	}
	listed, err := w.listParts(w.ctx(), &s3.ListPartsInput{Bucket: b, Key: "k", UploadId: created.UploadId})
	if err != nil || *listed.Parts[0].Size != minPart || *listed.Parts[1].Size != 100<<10 {
		t.Fatalf("%+v, %v", listed, err)
	}
	done, err := w.completeMultipartUpload(w.ctx(), &s3.CompleteMultipartUploadInput{
		Bucket: b, Key: "k", UploadId: created.UploadId, MultipartUpload: &s3.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil || done.ServerSideEncryption != "" || !strings.HasSuffix(done.ETag, `-2"`) {
		t.Fatalf("%+v, %v", done, err)
	}
	got, err := w.getObject(w.ctx(), sealedGet(b, "k", a))
	if err != nil || readAll(t, got.Body) != whole {
		t.Fatalf("whole: %v", err)
	}
	for header, want := range map[string]string{
		"bytes=5242870-5242890": whole[5242870:5242891], "bytes=-10": whole[len(whole)-10:], "bytes=5242880-": second,
	} {
		in := sealedGet(b, "k", a)
		in.Range = header
		if got, err := w.getObject(w.ctx(), in); err != nil || readAll(t, got.Body) != want {
			t.Errorf("%s: %v", header, err)
		}
	}
	in := sealedGet(b, "k", a)
	in.PartNumber = new(int32(2))
	if got, err := w.getObject(w.ctx(), in); err != nil || *got.ContentLength != 100<<10 || readAll(t, got.Body) != second {
		t.Errorf("part 2: %v", err)
	}
}

// Copies are sealed as their own request and bucket say, whatever their source is.
func TestSealedCopies(t *testing.T) {
	w := newWorld(t)
	from, to := w.keyed("from"), w.keyed("target")
	w.with(to, kmsRule("", false))
	content := random(200 << 10)
	must(t)(w.putObject(w.ctx(), sealedPut(from, "customer", content, customer("a"))))
	w.put(to, "kms", content)
	w.put(from, "plain", content)
	for source, key := range map[string]customerKey{"from/customer": customer("a"), "target/kms": {}, "from/plain": {}} {
		for target, c := range map[string]struct {
			bucket string
			ask    customerKey
			method s3.ServerSideEncryption
		}{
			"plain": {from, customerKey{}, "AES256"}, "default": {to, customerKey{}, "aws:kms"}, "key": {from, customer("b"), ""},
		} {
			out, err := w.copyObject(w.ctx(), &s3.CopyObjectInput{
				Bucket: c.bucket, Key: "copy", CopySource: source,
				SSECustomerAlgorithm: c.ask.algorithm, SSECustomerKey: c.ask.key, SSECustomerKeyMD5: c.ask.md5,
				CopySourceSSECustomerAlgorithm: key.algorithm, CopySourceSSECustomerKey: key.key, CopySourceSSECustomerKeyMD5: key.md5,
			})
			if err != nil {
				t.Fatalf("%s to %s: %v", source, target, err)
			}
			if out.ServerSideEncryption != c.method || (out.CopyObjectResult.ETag == quoted(hexMD5(content))) != (c.method == "AES256") {
				t.Errorf("%s to %s: %+v", source, target, out)
			}
			got, err := w.getObject(w.ctx(), sealedGet(c.bucket, "copy", c.ask))
			if err != nil || readAll(t, got.Body) != content || got.ServerSideEncryption != c.method {
				t.Errorf("%s to %s: %v", source, target, err)
			}
			if (w.stored(c.bucket, "copy") == content) != (c.method == "AES256") {
				t.Errorf("%s to %s: what is stored is wrong", source, target)
			}
		}
	}
	_, err := w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: to, Key: "copy", CopySource: "from/customer"})
	refused(t, err, "InvalidRequest", 400)

	// What gives up a customer's key, and what a bucket's configured default
	// encrypts anew, is changed, so that it may be copied to itself.
	key := customer("a")
	for object, ask := range map[string]customerKey{"from/customer": key, "target/kms": {}} {
		bucket, name, _ := strings.Cut(object, "/")
		out, err := w.copyObject(w.ctx(), &s3.CopyObjectInput{
			Bucket: bucket, Key: name, CopySource: object,
			CopySourceSSECustomerAlgorithm: ask.algorithm, CopySourceSSECustomerKey: ask.key, CopySourceSSECustomerKeyMD5: ask.md5,
		})
		if err != nil || w.get(bucket, name) != content {
			t.Errorf("%s to itself: %+v, %v", object, out, err)
		}
	}
	must(t)(w.putObject(w.ctx(), sealedPut(from, "customer", content, key)))

	created, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: to, Key: "parts"})
	if err != nil || created.ServerSideEncryption != "aws:kms" {
		t.Fatalf("%+v, %v", created, err)
	}
	a := customer("a")
	part, err := w.uploadPartCopy(w.ctx(), &s3.UploadPartCopyInput{
		Bucket: to, Key: "parts", UploadId: created.UploadId, PartNumber: new(int32(1)), CopySource: "from/customer", CopySourceRange: "bytes=100-99999",
		CopySourceSSECustomerAlgorithm: a.algorithm, CopySourceSSECustomerKey: a.key, CopySourceSSECustomerKeyMD5: a.md5,
	})
	if err != nil || part.SSEKMSKeyId != created.SSEKMSKeyId || part.ServerSideEncryption != "aws:kms" {
		t.Fatalf("%+v, %v", part, err)
	}
	must(t)(w.completeMultipartUpload(w.ctx(), &s3.CompleteMultipartUploadInput{
		Bucket: to, Key: "parts", UploadId: created.UploadId,
		MultipartUpload: &s3.CompletedMultipartUpload{Parts: []*s3.CompletedPart{{PartNumber: new(int32(1)), ETag: part.CopyPartResult.ETag}}},
	}))
	if w.get(to, "parts") != content[100:100000] {
		t.Error("a copied part is different")
	}
}
