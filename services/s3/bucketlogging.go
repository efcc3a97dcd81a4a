package s3

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/storage"
)

func (s *Service) getBucketLogging(_ context.Context, in *s3.GetBucketLoggingInput) (*s3.GetBucketLoggingOutput, error) {
	l, err := s.settings.logging.view(s, in.Bucket, in.ExpectedBucketOwner)
	return &s3.GetBucketLoggingOutput{LoggingEnabled: l}, err
}

// putBucketLogging says where the log of a bucket goes, or that there is none.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html
func (s *Service) putBucketLogging(_ context.Context, in *s3.PutBucketLoggingInput) (*s3.PutBucketLoggingOutput, error) {
	l := in.BucketLoggingStatus.LoggingEnabled
	if l == nil {
		return &s3.PutBucketLoggingOutput{}, s.settings.logging.remove(s, in.Bucket, in.ExpectedBucketOwner)
	}
	if err := checkLogging(l); err != nil {
		return nil, err
	}
	return &s3.PutBucketLoggingOutput{}, s.settings.logging.put(s, in.Bucket, in.ExpectedBucketOwner, l, func(tx storage.Tx, b *bucket) error {
		target, err := s.buckets.Get(tx, keyBucket(l.TargetBucket))
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return errLoggingTarget(l.TargetBucket, "The target bucket for logging does not exist")
		case err != nil:
			return err
		case target.Account != b.Account:
			return errLoggingTarget(l.TargetBucket, "The owner for the bucket to be logged and the target bucket must be the same.")
		case target.Region != b.Region:
			return errCrossLocationLogging(l.TargetBucket)
		case target.Ownership == ownerEnforced && len(l.TargetGrants) > 0:
			return errACLNotSupported()
		}
		tx.OnCommit(func() { s.logs.any.Store(true) })
		return nil
	})
}

func checkLogging(l *s3.LoggingEnabled) error {
	if f := l.TargetObjectKeyFormat; f != nil && (f.SimplePrefix == nil) == (f.PartitionedPrefix == nil) {
		return errMalformedXML()
	}
	for _, g := range l.TargetGrants {
		if _, err := accesscontrol.ReadGrantee(g.Grantee); err != nil {
			return err
		}
	}
	return fault.Schema(l)
}
