package s3

import (
	"context"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

func (s *Service) getBucketAccelerateConfiguration(_ context.Context, in *s3.GetBucketAccelerateConfigurationInput) (*s3.GetBucketAccelerateConfigurationOutput, error) {
	a, err := s.settings.accelerate.view(s, in.Bucket, in.ExpectedBucketOwner)
	if a == nil {
		a = &s3.AccelerateConfiguration{} // never set
	}
	return &s3.GetBucketAccelerateConfigurationOutput{Status: a.Status}, err
}

// putBucketAccelerateConfiguration turns acceleration on or off, for which a
// bucket's name has to be a host's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html
func (s *Service) putBucketAccelerateConfiguration(_ context.Context, in *s3.PutBucketAccelerateConfigurationInput) (*s3.PutBucketAccelerateConfigurationOutput, error) {
	a := in.AccelerateConfiguration
	if a.Status == "" {
		return nil, errMalformedXML()
	}
	if err := fault.Schema(a); err != nil {
		return nil, err
	}
	if strings.Contains(in.Bucket, ".") {
		return nil, errInvalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
	}
	return &s3.PutBucketAccelerateConfigurationOutput{}, s.settings.accelerate.put(s, in.Bucket, in.ExpectedBucketOwner, a, nil)
}
