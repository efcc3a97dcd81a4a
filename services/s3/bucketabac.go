package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

func (s *Service) getBucketABAC(_ context.Context, in *s3.GetBucketAbacInput) (*s3.GetBucketAbacOutput, error) {
	a, err := s.settings.abac.view(s, in.Bucket, in.ExpectedBucketOwner)
	if a == nil {
		a = &s3.AbacStatus{Status: s3.BucketAbacStatusDisabled}
	}
	return &s3.GetBucketAbacOutput{AbacStatus: a}, err
}

// putBucketABAC says whether the tags of a bucket decide who may do what with it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAbac.html
func (s *Service) putBucketABAC(_ context.Context, in *s3.PutBucketAbacInput) (*s3.PutBucketAbacOutput, error) {
	if in.AbacStatus.Status == "" {
		return nil, errMalformedXML()
	}
	if err := fault.Schema(in.AbacStatus); err != nil {
		return nil, err
	}
	return &s3.PutBucketAbacOutput{}, s.settings.abac.put(s, in.Bucket, in.ExpectedBucketOwner, in.AbacStatus, nil)
}
