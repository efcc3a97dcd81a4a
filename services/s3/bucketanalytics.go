package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/filter"
)

func (s *Service) getBucketAnalytics(_ context.Context, in *s3.GetBucketAnalyticsConfigurationInput) (*s3.GetBucketAnalyticsConfigurationOutput, error) {
	c, err := s.settings.analytics.get(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &s3.GetBucketAnalyticsConfigurationOutput{AnalyticsConfiguration: c}, err
}

func (s *Service) putBucketAnalytics(_ context.Context, in *s3.PutBucketAnalyticsConfigurationInput) (*s3.PutBucketAnalyticsConfigurationOutput, error) {
	c := in.AnalyticsConfiguration
	if err := checkConfigurationID(in.Id, c.Id); err != nil {
		return nil, err
	}
	if err := fault.Schema(c); err != nil {
		return nil, err
	}
	if err := checkAnalytics(c); err != nil {
		return nil, err
	}
	return &s3.PutBucketAnalyticsConfigurationOutput{}, s.settings.analytics.put(s, in.Bucket, in.ExpectedBucketOwner, in.Id, c)
}

func (s *Service) deleteBucketAnalytics(_ context.Context, in *s3.DeleteBucketAnalyticsConfigurationInput) (*s3.DeleteBucketAnalyticsConfigurationOutput, error) {
	return &s3.DeleteBucketAnalyticsConfigurationOutput{}, s.settings.analytics.remove(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

func (s *Service) listBucketAnalytics(_ context.Context, in *s3.ListBucketAnalyticsConfigurationsInput) (*s3.ListBucketAnalyticsConfigurationsOutput, error) {
	p, err := s.settings.analytics.list(s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &s3.ListBucketAnalyticsConfigurationsOutput{
		AnalyticsConfigurationList: p.items, IsTruncated: p.truncated(), ContinuationToken: in.ContinuationToken, NextContinuationToken: p.next,
	}, err
}

// checkAnalytics checks what is analysed, and where the results go.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/analytics-storage-class.html
func checkAnalytics(c *s3.AnalyticsConfiguration) error {
	if e := c.StorageClassAnalysis.DataExport; e != nil && !isBucketARN(e.Destination.S3BucketDestination.Bucket) {
		return errInvalidDestination()
	}
	if c.Filter == nil {
		return nil
	}
	f := filter.Filter{Prefix: c.Filter.Prefix, Tag: c.Filter.Tag}
	if a := c.Filter.And; a != nil {
		f.And = &filter.And{Prefix: a.Prefix, Tags: a.Tags}
	}
	return f.Check()
}
