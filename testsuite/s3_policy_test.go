package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func TestBucketPolicy(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	_, err := a.S3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: name})
	refused(t, err, "NoSuchBucketPolicy")
	put := func(principal, resource string) error {
		_, err := a.S3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(
			`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": ` + principal + `, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::` + resource + `/*"}]}`,
		)})
		return err
	}
	if message := refused(t, put(`"*"`, "another-bucket"), "MalformedPolicy"); message != "Policy has invalid resource" {
		t.Error(message)
	}
	if err := put(`{"AWS": "`+a.ID+`"}`, *name); err != nil {
		t.Fatal(err)
	}
	status := func() bool {
		t.Helper()
		return *must(a.S3.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: name}))(t).PolicyStatus.IsPublic
	}
	if status() {
		t.Error("a policy for one account is public")
	}
	// New buckets do not take public policies.
	refused(t, put(`"*"`, *name), "AccessDenied")
	must(a.S3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: name}))(t)
	if err := put(`"*"`, *name); err != nil {
		t.Fatal(err)
	}
	if !status() {
		t.Error("a policy for everybody is not public")
	}
	must(a.S3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: name}))(t)
	must(a.S3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: name}))(t)
	_, err = a.S3.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: name})
	refused(t, err, "NoSuchBucketPolicy")
}
