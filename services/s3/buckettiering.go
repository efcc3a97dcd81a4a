package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/filter"
)

func (s *Service) getBucketTiering(_ context.Context, in *s3.GetBucketIntelligentTieringConfigurationInput) (*s3.GetBucketIntelligentTieringConfigurationOutput, error) {
	c, err := s.settings.tiering.get(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &s3.GetBucketIntelligentTieringConfigurationOutput{IntelligentTieringConfiguration: c}, err
}

func (s *Service) putBucketTiering(_ context.Context, in *s3.PutBucketIntelligentTieringConfigurationInput) (*s3.PutBucketIntelligentTieringConfigurationOutput, error) {
	c := in.IntelligentTieringConfiguration
	if err := checkConfigurationID(in.Id, c.Id); err != nil {
		return nil, err
	}
	if err := fault.Schema(c); err != nil {
		return nil, err
	}
	if err := checkTiering(c); err != nil {
		return nil, err
	}
	return &s3.PutBucketIntelligentTieringConfigurationOutput{}, s.settings.tiering.put(s, in.Bucket, in.ExpectedBucketOwner, in.Id, c)
}

func (s *Service) deleteBucketTiering(_ context.Context, in *s3.DeleteBucketIntelligentTieringConfigurationInput) (*s3.DeleteBucketIntelligentTieringConfigurationOutput, error) {
	return &s3.DeleteBucketIntelligentTieringConfigurationOutput{}, s.settings.tiering.remove(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

func (s *Service) listBucketTiering(_ context.Context, in *s3.ListBucketIntelligentTieringConfigurationsInput) (*s3.ListBucketIntelligentTieringConfigurationsOutput, error) {
	p, err := s.settings.tiering.list(s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &s3.ListBucketIntelligentTieringConfigurationsOutput{
		IntelligentTieringConfigurationList: p.items, IsTruncated: p.truncated(), ContinuationToken: in.ContinuationToken, NextContinuationToken: p.next,
	}, err
}

// leastDays is how long nobody has read what an access tier takes, at least; at
// most it is maxTieringDays.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tiering.html
var leastDays = map[s3.IntelligentTieringAccessTier]int32{
	s3.IntelligentTieringAccessTierArchiveAccess:     90,
	s3.IntelligentTieringAccessTierDeepArchiveAccess: 180,
}

const maxTieringDays = 730

func checkTiering(c *s3.IntelligentTieringConfiguration) error {
	seen := map[s3.IntelligentTieringAccessTier]bool{}
	for _, t := range c.Tierings {
		if least := leastDays[t.AccessTier]; *t.Days < least || *t.Days > maxTieringDays {
			return fault.InvalidValue("'Days' for the %s tier must be between %d and %d", t.AccessTier, least, maxTieringDays)
		}
		if seen[t.AccessTier] {
			return errMalformedXML()
		}
		seen[t.AccessTier] = true
	}
	if len(c.Tierings) == 0 {
		return errMalformedXML()
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
