package testsuite

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func TestMultipartUpload(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("large")
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: key, ContentType: aws.String("video/mp4")}))(t)
	chunks := [][]byte{bytes.Repeat([]byte("a"), 5<<20), bytes.Repeat([]byte("b"), 5<<20), []byte("the end")}
	var parts []types.CompletedPart
	for i, chunk := range chunks {
		part := must(a.S3.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: name, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(chunk),
		}))(t)
		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32})
	}
	listed := must(a.S3.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: key, UploadId: upload.UploadId}))(t)
	if len(listed.Parts) != 3 || *listed.Parts[2].Size != 7 {
		t.Errorf("parts %v", listed.Parts)
	}
	// Until it is complete there is no object.
	_, err := a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: key})
	refused(t, err, "NotFound")

	done := must(a.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: name, Key: key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}))(t)
	if !strings.HasSuffix(*done.ETag, `-3"`) {
		t.Errorf("ETag %s does not say that there were three parts", *done.ETag)
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
	if text := read(t, got.Body); text != string(bytes.Join(chunks, nil)) || *got.ContentType != "video/mp4" {
		t.Errorf("%d bytes of %s", len(text), *got.ContentType)
	}
	part := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, PartNumber: aws.Int32(3)}))(t)
	if text := read(t, part.Body); text != "the end" || *part.PartsCount != 3 {
		t.Errorf("part 3 is %q of %d", text, *part.PartsCount)
	}
	_, err = a.S3.UploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(4), Body: strings.NewReader("late")})
	refused(t, err, "NoSuchUpload")
}

func TestMultipartUploadsAreChecked(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("large")
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: key}))(t)
	etags := map[int32]*string{}
	for n := range int32(2) {
		out := must(a.S3.UploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(n + 1), Body: strings.NewReader("small")}))(t)
		etags[n+1] = out.ETag
	}
	for _, c := range []struct {
		name, code string
		parts      []types.CompletedPart
	}{
		{"every part but the last has five megabytes", "EntityTooSmall", []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: etags[1]}, {PartNumber: aws.Int32(2), ETag: etags[2]}}},
		{"parts come in order", "InvalidPartOrder", []types.CompletedPart{{PartNumber: aws.Int32(2), ETag: etags[2]}, {PartNumber: aws.Int32(1), ETag: etags[1]}}},
		{"parts have been uploaded", "InvalidPart", []types.CompletedPart{{PartNumber: aws.Int32(3), ETag: etags[1]}}},
	} {
		_, err := a.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: name, Key: key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: c.parts},
		})
		if got := code(t, err); got != c.code {
			t.Errorf("%s: %s, want %s", c.name, got, c.code)
		}
	}
	uploads := must(a.S3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: name}))(t)
	if len(uploads.Uploads) != 1 || *uploads.Uploads[0].Key != *key {
		t.Errorf("uploads %v", uploads.Uploads)
	}
	must(a.S3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: name, Key: key, UploadId: upload.UploadId}))(t)
	_, err := a.S3.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: key, UploadId: upload.UploadId})
	refused(t, err, "NoSuchUpload")
}
