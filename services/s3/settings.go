package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
)

// What a bucket's settings are while they cannot be changed yet: AWS's
// defaults for a bucket made today. Tools read them all, Terraform first.

func (s *Service) getBucketRequestPayment(_ context.Context, in *s3.GetBucketRequestPaymentInput) (*s3.GetBucketRequestPaymentOutput, error) {
	_, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	return &s3.GetBucketRequestPaymentOutput{Payer: s3.PayerBucketOwner}, err
}

func (s *Service) getBucketAccelerateConfiguration(_ context.Context, in *s3.GetBucketAccelerateConfigurationInput) (*s3.GetBucketAccelerateConfigurationOutput, error) {
	_, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	return &s3.GetBucketAccelerateConfigurationOutput{}, err // never set
}

// none answers for a configuration that no bucket has yet.
func (s *Service) none(bucket, owner, code, message string) error {
	if _, err := s.viewBucket(bucket, owner); err != nil {
		return err
	}
	return errNone(code, message, bucket)
}

func (s *Service) getBucketPolicy(_ context.Context, in *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
	return nil, s.none(in.Bucket, in.ExpectedBucketOwner, "NoSuchBucketPolicy", "The bucket policy does not exist")
}

func (s *Service) getBucketPolicyStatus(_ context.Context, in *s3.GetBucketPolicyStatusInput) (*s3.GetBucketPolicyStatusOutput, error) {
	return nil, s.none(in.Bucket, in.ExpectedBucketOwner, "NoSuchBucketPolicy", "The bucket policy does not exist")
}
