package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/filter"
)

func (s *Service) getBucketMetrics(_ context.Context, in *s3.GetBucketMetricsConfigurationInput) (*s3.GetBucketMetricsConfigurationOutput, error) {
	c, err := s.settings.metrics.get(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &s3.GetBucketMetricsConfigurationOutput{MetricsConfiguration: c}, err
}

func (s *Service) putBucketMetrics(_ context.Context, in *s3.PutBucketMetricsConfigurationInput) (*s3.PutBucketMetricsConfigurationOutput, error) {
	c := in.MetricsConfiguration
	if err := checkConfigurationID(in.Id, c.Id); err != nil {
		return nil, err
	}
	if err := fault.Schema(c); err != nil {
		return nil, err
	}
	if err := checkMetrics(c); err != nil {
		return nil, err
	}
	return &s3.PutBucketMetricsConfigurationOutput{}, s.settings.metrics.put(s, in.Bucket, in.ExpectedBucketOwner, in.Id, c)
}

func (s *Service) deleteBucketMetrics(_ context.Context, in *s3.DeleteBucketMetricsConfigurationInput) (*s3.DeleteBucketMetricsConfigurationOutput, error) {
	return &s3.DeleteBucketMetricsConfigurationOutput{}, s.settings.metrics.remove(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

func (s *Service) listBucketMetrics(_ context.Context, in *s3.ListBucketMetricsConfigurationsInput) (*s3.ListBucketMetricsConfigurationsOutput, error) {
	p, err := s.settings.metrics.list(s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &s3.ListBucketMetricsConfigurationsOutput{
		MetricsConfigurationList: p.items, IsTruncated: p.truncated(), ContinuationToken: in.ContinuationToken, NextContinuationToken: p.next,
	}, err
}

// checkMetrics checks what is measured.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-configurations.html
func checkMetrics(c *s3.MetricsConfiguration) error {
	if c.Filter == nil {
		return nil
	}
	f := filter.Filter{Prefix: c.Filter.Prefix, Tag: c.Filter.Tag}
	if c.Filter.AccessPointArn != "" {
		f.Others = 1
	}
	if a := c.Filter.And; a != nil {
		f.And = &filter.And{Prefix: a.Prefix, Tags: a.Tags}
		if a.AccessPointArn != "" {
			f.And.Others = 1
		}
	}
	return f.Check()
}
