package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/website"
)

func (s *Service) getBucketWebsite(_ context.Context, in *s3.GetBucketWebsiteInput) (*s3.GetBucketWebsiteOutput, error) {
	c, err := s.settings.website.get(s, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketWebsiteOutput{
		IndexDocument: c.IndexDocument, ErrorDocument: c.ErrorDocument,
		RedirectAllRequestsTo: c.RedirectAllRequestsTo, RoutingRules: c.RoutingRules,
	}, nil
}

func (s *Service) putBucketWebsite(_ context.Context, in *s3.PutBucketWebsiteInput) (*s3.PutBucketWebsiteOutput, error) {
	if err := website.Check(in.WebsiteConfiguration); err != nil {
		return nil, err
	}
	return &s3.PutBucketWebsiteOutput{}, s.settings.website.put(s, in.Bucket, in.ExpectedBucketOwner, in.WebsiteConfiguration, nil)
}

func (s *Service) deleteBucketWebsite(_ context.Context, in *s3.DeleteBucketWebsiteInput) (*s3.DeleteBucketWebsiteOutput, error) {
	return &s3.DeleteBucketWebsiteOutput{}, s.settings.website.remove(s, in.Bucket, in.ExpectedBucketOwner)
}
