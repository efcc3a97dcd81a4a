package s3

import (
	"context"
	"errors"
	"strings"

	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/replication"
	"github.com/virga-cloud/virga/storage"
)

func (s *Service) getBucketReplication(_ context.Context, in *s3.GetBucketReplicationInput) (*s3.GetBucketReplicationOutput, error) {
	c, err := s.settings.replication.get(s, in.Bucket, in.ExpectedBucketOwner)
	return &s3.GetBucketReplicationOutput{ReplicationConfiguration: c}, err
}

// putBucketReplication says where a bucket's objects are copied to. Both ends keep versions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
func (s *Service) putBucketReplication(_ context.Context, in *s3.PutBucketReplicationInput) (*s3.PutBucketReplicationOutput, error) {
	c := in.ReplicationConfiguration
	if err := replication.Check(c); err != nil {
		return nil, err
	}
	for _, r := range c.Rules {
		if r.ID == "" {
			r.ID = s.env.IDs.String(ids.LowerAlphanumeric, 48)
		}
	}
	return &s3.PutBucketReplicationOutput{}, s.settings.replication.put(s, in.Bucket, in.ExpectedBucketOwner, c, func(tx storage.Tx, b *bucket) error {
		if b.Versioning != enabled {
			return errInvalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
		}
		for _, r := range c.Rules {
			if err := s.checkReplica(tx, b, r.Destination); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkReplica checks the bucket that a rule copies to.
func (s *Service) checkReplica(tx storage.Tx, b *bucket, d *s3.Destination) error {
	name := d.Bucket[strings.LastIndexByte(d.Bucket, ':')+1:]
	target, err := s.buckets.Get(tx, keyBucket(name))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return errInvalidRequest("Destination bucket must exist.")
	case err != nil:
		return err
	case target.ID == b.ID:
		return errInvalidRequest("Destination bucket cannot be the same as the source bucket.")
	case target.Versioning != enabled:
		return errInvalidRequest("Destination bucket must have versioning enabled.")
	}
	return nil
}

func (s *Service) deleteBucketReplication(_ context.Context, in *s3.DeleteBucketReplicationInput) (*s3.DeleteBucketReplicationOutput, error) {
	return &s3.DeleteBucketReplicationOutput{}, s.settings.replication.remove(s, in.Bucket, in.ExpectedBucketOwner)
}
