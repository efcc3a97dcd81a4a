package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/cors"
)

func (s *Service) getBucketCORS(_ context.Context, in *s3.GetBucketCorsInput) (*s3.GetBucketCorsOutput, error) {
	c, err := s.settings.cors.get(s, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketCorsOutput{CORSRules: c.CORSRules}, nil
}

func (s *Service) putBucketCORS(_ context.Context, in *s3.PutBucketCorsInput) (*s3.PutBucketCorsOutput, error) {
	if err := cors.Check(in.CORSConfiguration); err != nil {
		return nil, err
	}
	return &s3.PutBucketCorsOutput{}, s.settings.cors.put(s, in.Bucket, in.ExpectedBucketOwner, in.CORSConfiguration, nil)
}

func (s *Service) deleteBucketCORS(_ context.Context, in *s3.DeleteBucketCorsInput) (*s3.DeleteBucketCorsOutput, error) {
	return &s3.DeleteBucketCorsOutput{}, s.settings.cors.remove(s, in.Bucket, in.ExpectedBucketOwner)
}
