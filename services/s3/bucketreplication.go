package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
)

func (s *Service) getBucketReplication(_ context.Context, in *s3.GetBucketReplicationInput) (*s3.GetBucketReplicationOutput, error) {
	c, err := s.settings.replication.get(s, in.Bucket, in.ExpectedBucketOwner)
	return &s3.GetBucketReplicationOutput{ReplicationConfiguration: c}, err
}

func (s *Service) deleteBucketReplication(_ context.Context, in *s3.DeleteBucketReplicationInput) (*s3.DeleteBucketReplicationOutput, error) {
	return &s3.DeleteBucketReplicationOutput{}, s.settings.replication.remove(s, in.Bucket, in.ExpectedBucketOwner)
}
