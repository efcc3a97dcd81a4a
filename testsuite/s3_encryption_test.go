package testsuite

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// What was put under a customer's key comes back under that key alone.
func TestCustomerKeys(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key, aes := bucket(t, a), aws.String("sealed"), aws.String("AES256")
	encoded := func(letter string) (secret, sum *string) {
		raw := bytes.Repeat([]byte(letter), 32)
		digest := md5.Sum(raw)
		return aws.String(base64.StdEncoding.EncodeToString(raw)), aws.String(base64.StdEncoding.EncodeToString(digest[:]))
	}
	secret, sum := encoded("a")
	other, otherSum := encoded("b")
	body := strings.Repeat("secret ", 50_000)
	// New buckets do not take them until they are told to.
	_, err := a.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: name, Key: key, Body: strings.NewReader(body), SSECustomerAlgorithm: aes, SSECustomerKey: secret, SSECustomerKeyMD5: sum,
	})
	refused(t, err, "AccessDenied")
	must(a.S3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: name, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			BlockedEncryptionTypes: &types.BlockedEncryptionTypes{EncryptionType: []types.EncryptionType{types.EncryptionTypeNone}},
		}}},
	}))(t)
	put := must(a.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: name, Key: key, Body: strings.NewReader(body), SSECustomerAlgorithm: aes, SSECustomerKey: secret, SSECustomerKeyMD5: sum,
	}))(t)
	if put.ServerSideEncryption != "" || aws.ToString(put.SSECustomerAlgorithm) != "AES256" || aws.ToString(put.SSECustomerKeyMD5) != *sum {
		t.Errorf("put: %+v", put)
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{
		Bucket: name, Key: key, Range: aws.String("bytes=70000-70013"), SSECustomerAlgorithm: aes, SSECustomerKey: secret, SSECustomerKeyMD5: sum,
	}))(t)
	if text := read(t, got.Body); text != "secret secret " {
		t.Errorf("range: %q", text)
	}
	_, err = a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key})
	refused(t, err, "InvalidRequest")
	_, err = a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, SSECustomerAlgorithm: aes, SSECustomerKey: other, SSECustomerKeyMD5: otherSum})
	refused(t, err, "AccessDenied")

	// A copy has a key of its own.
	must(a.S3.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: name, Key: aws.String("copy"), CopySource: aws.String(*name + "/sealed"),
		CopySourceSSECustomerAlgorithm: aes, CopySourceSSECustomerKey: secret, CopySourceSSECustomerKeyMD5: sum,
		SSECustomerAlgorithm: aes, SSECustomerKey: other, SSECustomerKeyMD5: otherSum,
	}))(t)
	got = must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("copy"), SSECustomerAlgorithm: aes, SSECustomerKey: other, SSECustomerKeyMD5: otherSum}))(t)
	if read(t, got.Body) != body {
		t.Error("the copy is different")
	}

	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: name, Key: key, SSECustomerAlgorithm: aes, SSECustomerKey: secret, SSECustomerKeyMD5: sum,
	}))(t)
	_, err = a.S3.UploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part")})
	refused(t, err, "InvalidRequest")
	part := must(a.S3.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: name, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
		SSECustomerAlgorithm: aes, SSECustomerKey: secret, SSECustomerKeyMD5: sum,
	}))(t)
	must(a.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: name, Key: key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}}},
	}))(t)
	got = must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, SSECustomerAlgorithm: aes, SSECustomerKey: secret, SSECustomerKeyMD5: sum}))(t)
	if text := read(t, got.Body); text != "part" {
		t.Errorf("of parts: %q", text)
	}
}

// The key of KMS is told by its ARN; without a name it is the one that AWS manages.
func TestKMSKeys(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("sealed")
	for _, method := range []types.ServerSideEncryption{types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse} {
		put := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("secret"), ServerSideEncryption: method}))(t)
		got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
		if text := read(t, got.Body); text != "secret" || got.ServerSideEncryption != method || *got.SSEKMSKeyId != *put.SSEKMSKeyId || *got.ETag != *put.ETag {
			t.Errorf("%s: %q, %+v", method, text, got)
		}
		if !strings.HasPrefix(*put.SSEKMSKeyId, "arn:aws:kms:us-east-1:") || !strings.Contains(*put.SSEKMSKeyId, ":key/") {
			t.Errorf("key %s", *put.SSEKMSKeyId)
		}
	}
	_, err := a.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: name, Key: key, Body: strings.NewReader("x"), ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("fake-key-id"),
	})
	if text := refused(t, err, "KMS.NotFoundException"); !strings.Contains(text, "Invalid keyId 'fake-key-id'") {
		t.Error(text)
	}
}

// A bucket's default encryption is that of the objects that ask for none.
func TestDefaultEncryption(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("sealed")
	must(a.S3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: name, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String("alias/mine")},
			BucketKeyEnabled:                   aws.Bool(true),
		}}},
	}))(t)
	for _, body := range []string{"small", strings.Repeat("large ", 20_000)} {
		put := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader(body)}))(t)
		got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
		if read(t, got.Body) != body || got.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !aws.ToBool(got.BucketKeyEnabled) {
			t.Errorf("%d bytes: %+v", len(body), got)
		}
		if aws.ToString(got.SSEKMSKeyId) == "" || aws.ToString(put.SSEKMSKeyId) != *got.SSEKMSKeyId {
			t.Errorf("keys %v and %v", put.SSEKMSKeyId, got.SSEKMSKeyId)
		}
	}
}

// An object under S3's own keys is put under one of KMS in place.
func TestUpdateObjectEncryption(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("k")
	body := bytes.Repeat([]byte("virga"), 100_000)
	put := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: bytes.NewReader(body)}))(t)
	kms := "arn:aws:kms:us-east-1:" + a.ID + ":key/01234567-89ab-cdef-0123-456789abcdef"
	must(a.S3.UpdateObjectEncryption(ctx, &s3.UpdateObjectEncryptionInput{Bucket: name, Key: key, ObjectEncryption: &types.ObjectEncryptionMemberSSEKMS{
		Value: types.SSEKMSEncryption{KMSKeyArn: aws.String(kms)},
	}}))(t)
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
	if read(t, got.Body) != string(body) || aws.ToString(got.SSEKMSKeyId) != kms || aws.ToString(got.ETag) != aws.ToString(put.ETag) {
		t.Errorf("%+v", got)
	}
}
