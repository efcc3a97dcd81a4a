package s3

import (
	"context"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/filter"
)

func (s *Service) getBucketInventory(_ context.Context, in *s3.GetBucketInventoryConfigurationInput) (*s3.GetBucketInventoryConfigurationOutput, error) {
	c, err := s.settings.inventory.get(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &s3.GetBucketInventoryConfigurationOutput{InventoryConfiguration: c}, err
}

func (s *Service) putBucketInventory(_ context.Context, in *s3.PutBucketInventoryConfigurationInput) (*s3.PutBucketInventoryConfigurationOutput, error) {
	c := in.InventoryConfiguration
	if err := checkConfigurationID(in.Id, c.Id); err != nil {
		return nil, err
	}
	if err := fault.Schema(c); err != nil {
		return nil, err
	}
	if err := checkInventory(c); err != nil {
		return nil, err
	}
	return &s3.PutBucketInventoryConfigurationOutput{}, s.settings.inventory.put(s, in.Bucket, in.ExpectedBucketOwner, in.Id, c)
}

func (s *Service) deleteBucketInventory(_ context.Context, in *s3.DeleteBucketInventoryConfigurationInput) (*s3.DeleteBucketInventoryConfigurationOutput, error) {
	return &s3.DeleteBucketInventoryConfigurationOutput{}, s.settings.inventory.remove(s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

func (s *Service) listBucketInventory(_ context.Context, in *s3.ListBucketInventoryConfigurationsInput) (*s3.ListBucketInventoryConfigurationsOutput, error) {
	p, err := s.settings.inventory.list(s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &s3.ListBucketInventoryConfigurationsOutput{
		InventoryConfigurationList: p.items, IsTruncated: p.truncated(), ContinuationToken: in.ContinuationToken, NextContinuationToken: p.next,
	}, err
}

// checkInventory checks where the lists go, and of which keys they are.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html
func checkInventory(c *s3.InventoryConfiguration) error {
	d := c.Destination.S3BucketDestination
	if !isBucketARN(d.Bucket) {
		return errInvalidDestination()
	}
	if e := d.Encryption; e != nil && (e.SSES3 == nil) == (e.SSEKMS == nil) {
		return errMalformedXML()
	}
	if c.Filter == nil {
		return nil
	}
	return filter.CheckPrefix(c.Filter.Prefix)
}

// isBucketARN says whether s names a bucket, and nothing in it.
func isBucketARN(s string) bool {
	arn, err := api.ParseARN(s)
	return err == nil && arn.Service == "s3" && arn.Region+arn.Account == "" && !strings.Contains(arn.Resource, "/")
}
