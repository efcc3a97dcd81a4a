package testsuite

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	awshttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// setVersioning enables or suspends versioning of a bucket.
func setVersioning(t *testing.T, a *harness.Account, bucket *string, status types.BucketVersioningStatus) {
	t.Helper()
	must(a.S3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	}))(t)
}

// answered is the HTTP answer in an error.
func answered(t *testing.T, err error) *http.Response {
	t.Helper()
	e, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok {
		t.Fatalf("%v holds no answer", err)
	}
	return e.Response.Response
}

// Versions of a key are kept until each of them is deleted. Deleting the object
// puts a delete marker on top, and deleting that brings the object back.
func TestVersioning(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("a key/with ünicode")
	put := func(body string) string {
		t.Helper()
		return aws.ToString(must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader(body)}))(t).VersionId)
	}
	get := func(version *string) string {
		t.Helper()
		return read(t, must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, VersionId: version}))(t).Body)
	}
	if put("before") != "" {
		t.Error("a bucket without versioning gives its objects versions")
	}
	setVersioning(t, a, name, types.BucketVersioningStatusEnabled)
	first, second := put("first"), put("second")
	if len(first) != 32 || first == second {
		t.Errorf("versions %q and %q", first, second)
	}
	for version, want := range map[string]string{first: "first", second: "second", "null": "before"} {
		if got := get(&version); got != want {
			t.Errorf("version %q is %q, want %q", version, got, want)
		}
	}
	deleted := must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key}))(t)
	if !aws.ToBool(deleted.DeleteMarker) {
		t.Error("deleting made no delete marker")
	}
	_, err := a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key})
	refused(t, err, "NoSuchKey")
	if h := answered(t, err).Header; h.Get("x-amz-delete-marker") != "true" || h.Get("x-amz-version-id") != *deleted.VersionId {
		t.Errorf("a deleted object answers with %v", h)
	}
	_, err = a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, VersionId: deleted.VersionId})
	refused(t, err, "MethodNotAllowed")
	if r := answered(t, err); r.StatusCode != 405 || r.Header.Get("Allow") != "DELETE" || r.Header.Get("Last-Modified") == "" || r.Header.Get("x-amz-delete-marker") != "true" {
		t.Errorf("a delete marker answers with %d, %v", r.StatusCode, r.Header)
	}
	_, err = a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: key})
	if r := answered(t, err); r.StatusCode != 404 || r.Header.Get("x-amz-delete-marker") != "true" {
		t.Errorf("HEAD of a deleted object answers with %d, %v", r.StatusCode, r.Header)
	}
	if l := must(a.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name}))(t); len(l.Contents) != 0 {
		t.Errorf("a deleted object is listed: %v", l.Contents)
	}
	list := must(a.S3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: name}))(t)
	var versions []string
	for _, v := range list.Versions {
		versions = append(versions, *v.VersionId)
		if *v.IsLatest || *v.Key != *key || aws.ToString(v.Owner.ID) == "" {
			t.Errorf("%+v", v)
		}
	}
	if d := cmp.Diff([]string{second, first, "null"}, versions); d != "" {
		t.Error(d)
	}
	if len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest || *list.DeleteMarkers[0].VersionId != *deleted.VersionId {
		t.Errorf("delete markers %+v", list.DeleteMarkers)
	}
	back := must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key, VersionId: deleted.VersionId}))(t)
	if !aws.ToBool(back.DeleteMarker) || aws.ToString(back.VersionId) != *deleted.VersionId || get(nil) != "second" {
		t.Errorf("deleting the marker: %+v, and the object is %q", back, get(nil))
	}
	must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key, VersionId: &second}))(t)
	if get(nil) != "first" {
		t.Errorf("without the newest version the object is %q", get(nil))
	}
	_, err = a.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name})
	refused(t, err, "BucketNotEmpty")

	// The next page begins behind the version that the last one ended with.
	versions = nil
	pages := s3.NewListObjectVersionsPaginator(a.S3, &s3.ListObjectVersionsInput{Bucket: name, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		for _, v := range must(pages.NextPage(ctx))(t).Versions {
			versions = append(versions, *v.VersionId)
		}
	}
	if d := cmp.Diff([]string{first, "null"}, versions); d != "" {
		t.Error(d)
	}
}

// While versioning is suspended there is one version without an id, which puts
// and deletes replace; the others stay.
func TestSuspendedVersioning(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("k")
	setVersioning(t, a, name, types.BucketVersioningStatusEnabled)
	kept := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("kept")}))(t)
	setVersioning(t, a, name, types.BucketVersioningStatusSuspended)
	for _, body := range []string{"one", "two"} {
		if v := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader(body)}))(t).VersionId; v != nil {
			t.Errorf("PutObject answers version %q", *v)
		}
	}
	shown := func() (out []string) {
		l := must(a.S3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: name}))(t)
		for _, v := range l.Versions {
			out = append(out, *v.VersionId)
		}
		for _, v := range l.DeleteMarkers {
			out = append(out, *v.VersionId+" marker")
		}
		return out
	}
	if d := cmp.Diff([]string{"null", *kept.VersionId}, shown()); d != "" {
		t.Error(d)
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
	if body := read(t, got.Body); body != "two" || aws.ToString(got.VersionId) != "null" {
		t.Errorf("%q of version %q", body, aws.ToString(got.VersionId))
	}
	batch := must(a.S3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key}}}}))(t)
	want := []types.DeletedObject{{Key: key, DeleteMarker: aws.Bool(true), DeleteMarkerVersionId: aws.String("null")}}
	if d := cmp.Diff(want, batch.Deleted, cmp.AllowUnexported(types.DeletedObject{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{*kept.VersionId, "null marker"}, shown()); d != "" {
		t.Error(d)
	}
}
