package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// bucket creates a bucket whose name nobody else has.
func bucket(t *testing.T, a *harness.Account) *string {
	t.Helper()
	name := aws.String("bucket-" + a.ID)
	must(a.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name}))(t)
	return name
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)

	list := must(a.S3.ListBuckets(ctx, &s3.ListBucketsInput{}))(t)
	if len(list.Buckets) != 1 || *list.Buckets[0].Name != *name {
		t.Errorf("an account sees %v, want its own bucket alone", list.Buckets)
	}
	head := must(a.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: name}))(t)
	if got := aws.ToString(head.BucketRegion); got != harness.Region {
		t.Errorf("x-amz-bucket-region is %q", got)
	}
	// us-east-1 is the null location.
	if location := must(a.S3.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: name}))(t); location.LocationConstraint != "" {
		t.Errorf("location %q, want none", location.LocationConstraint)
	}

	// Names are shared by all accounts. In us-east-1, creating one's own again succeeds.
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}))(t)
	_, err := harness.New(t).S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name})
	refused(t, err, "BucketAlreadyExists")
	_, err = a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("Not_A_Name")})
	refused(t, err, "InvalidBucketName")

	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("a")}))(t)
	_, err = a.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name})
	refused(t, err, "BucketNotEmpty")
	must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("a")}))(t)
	must(a.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name}))(t)
	_, err = a.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: name})
	refused(t, err, "NotFound")
	_, err = a.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name})
	refused(t, err, "NoSuchBucket")
}

// A bucket elsewhere is named with its region, and its location says so.
func TestBucketsOfOtherRegions(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	elsewhere := func(o *s3.Options) { o.Region = "eu-central-1" }
	name := aws.String("elsewhere-" + a.ID)
	_, err := a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}, elsewhere)
	refused(t, err, "IllegalLocationConstraintException")
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"},
	}, elsewhere))(t)
	location := must(a.S3.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: name}))(t)
	if location.LocationConstraint != "eu-central-1" {
		t.Errorf("location %q", location.LocationConstraint)
	}
}
