package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// publicAccess says what of Block Public Access a bucket does without: new
// buckets block everything, so that is zero. Buckets hold the bits.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type publicAccess uint8

const (
	blockACLs publicAccess = 1 << iota
	ignoreACLs
	blockPolicy
	restrictBuckets
	accessUnset // there is no configuration, and nothing is blocked

	nothingBlocked = blockACLs | ignoreACLs | blockPolicy | restrictBuckets
)

// has says whether a block is on.
func (p publicAccess) has(block publicAccess) bool { return p&block == 0 }

func (s *Service) getPublicAccessBlock(_ context.Context, in *s3.GetPublicAccessBlockInput) (*s3.GetPublicAccessBlockOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if !b.Access.has(accessUnset) {
		return nil, errNone("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", in.Bucket)
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3.PublicAccessBlockConfiguration{
		BlockPublicAcls: new(b.Access.has(blockACLs)), IgnorePublicAcls: new(b.Access.has(ignoreACLs)),
		BlockPublicPolicy: new(b.Access.has(blockPolicy)), RestrictPublicBuckets: new(b.Access.has(restrictBuckets)),
	}}, nil
}

func (s *Service) putPublicAccessBlock(_ context.Context, in *s3.PutPublicAccessBlockInput) (*s3.PutPublicAccessBlockOutput, error) {
	c, access := in.PublicAccessBlockConfiguration, nothingBlocked
	for _, of := range []struct {
		on    *bool
		block publicAccess
	}{
		{c.BlockPublicAcls, blockACLs}, {c.IgnorePublicAcls, ignoreACLs}, {c.BlockPublicPolicy, blockPolicy}, {c.RestrictPublicBuckets, restrictBuckets},
	} {
		if of.on != nil && *of.on {
			access &^= of.block
		}
	}
	return &s3.PutPublicAccessBlockOutput{}, s.setPublicAccess(in.Bucket, in.ExpectedBucketOwner, access)
}

func (s *Service) deletePublicAccessBlock(_ context.Context, in *s3.DeletePublicAccessBlockInput) (*s3.DeletePublicAccessBlockOutput, error) {
	return &s3.DeletePublicAccessBlockOutput{}, s.setPublicAccess(in.Bucket, in.ExpectedBucketOwner, nothingBlocked|accessUnset)
}

func (s *Service) setPublicAccess(name, owner string, access publicAccess) error {
	return s.changeBucket(name, owner, func(_ storage.Tx, b *bucket) error {
		b.Access = access
		return nil
	})
}
