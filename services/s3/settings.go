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
