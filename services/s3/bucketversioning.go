package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// putBucketVersioning enables versioning, or suspends it; it never goes away.
// There are no MFA devices, so MFA delete cannot be enabled.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
func (s *Service) putBucketVersioning(_ context.Context, in *s3.PutBucketVersioningInput) (*s3.PutBucketVersioningOutput, error) {
	c := in.VersioningConfiguration
	if c == nil {
		return nil, errMalformedXML()
	}
	var state versioning
	switch c.Status {
	case s3.BucketVersioningStatusEnabled:
		state = enabled
	case s3.BucketVersioningStatusSuspended:
		state = suspended
	case "":
		return nil, errIllegalVersioning()
	default:
		return nil, errMalformedXML()
	}
	switch c.MFADelete {
	case "", s3.MFADeleteDisabled:
	case s3.MFADeleteEnabled:
		return nil, errMFARequired()
	default:
		return nil, errMalformedXML()
	}
	err := s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(_ storage.Tx, b *bucket) error {
		if b.Lock != nil && state != enabled {
			return errInvalidBucketState("An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
		}
		if b.Settings.has(kindReplication) && state != enabled {
			return errInvalidBucketState("A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration.")
		}
		b.Versioning = state
		return nil
	})
	return &s3.PutBucketVersioningOutput{}, err
}

func (s *Service) getBucketVersioning(_ context.Context, in *s3.GetBucketVersioningInput) (*s3.GetBucketVersioningOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketVersioningOutput{}
	switch b.Versioning {
	case enabled:
		out.Status = s3.BucketVersioningStatusEnabled
	case suspended:
		out.Status = s3.BucketVersioningStatusSuspended
	}
	return out, nil
}
