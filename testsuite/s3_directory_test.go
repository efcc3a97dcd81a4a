package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// There are no directory buckets: what only they have says so, and is never
// taken for what other buckets have. (The SDK does not list them at an endpoint
// that is not AWS's.)
func TestDirectoryBuckets(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	_, err := a.S3.CreateSession(ctx, &s3.CreateSessionInput{Bucket: name})
	refused(t, err, "NotImplemented")
	_, err = a.S3.RenameObject(ctx, &s3.RenameObjectInput{Bucket: name, Key: aws.String("new"), RenameSource: aws.String("old")})
	refused(t, err, "NotImplemented")
}
