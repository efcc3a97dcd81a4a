package testsuite

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Archived objects are not read before they are restored, which takes its time.
func TestRestore(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("archived")
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("cold"), StorageClass: types.StorageClassDeepArchive}))(t)
	_, err := a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key})
	refused(t, err, "InvalidObjectState")
	if state, ok := errors.AsType[*types.InvalidObjectState](err); !ok || state.StorageClass != types.StorageClassDeepArchive {
		t.Errorf("%#v", err)
	}
	request := &s3.RestoreObjectInput{Bucket: name, Key: key, RestoreRequest: &types.RestoreRequest{
		Days: aws.Int32(1), GlacierJobParameters: &types.GlacierJobParameters{Tier: types.TierBulk},
	}}
	must(a.S3.RestoreObject(ctx, request))(t)
	head := must(a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: key}))(t)
	if restore := aws.ToString(head.Restore); restore != `ongoing-request="true"` {
		t.Errorf("restore %q", restore)
	}
	_, err = a.S3.RestoreObject(ctx, request)
	refused(t, err, "RestoreAlreadyInProgress")
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("warm")}))(t)
	_, err = a.S3.RestoreObject(ctx, request)
	refused(t, err, "InvalidObjectState")
}
