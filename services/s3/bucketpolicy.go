package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/bucketpolicy"
	"github.com/virga-cloud/virga/storage"
)

// policy is the policy of a bucket.
type policy struct {
	// Document is as it was sent.
	Document string `cbor:"1,keyasint"`
	// Public says whether it lets anybody in.
	Public bool `cbor:"2,keyasint,omitempty"`
}

func (s *Service) getBucketPolicy(_ context.Context, in *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
	p, err := s.settings.policy.get(s, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketPolicyOutput{Policy: p.Document}, nil
}

func (s *Service) getBucketPolicyStatus(_ context.Context, in *s3.GetBucketPolicyStatusInput) (*s3.GetBucketPolicyStatusOutput, error) {
	p, err := s.settings.policy.get(s, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketPolicyStatusOutput{PolicyStatus: &s3.PolicyStatus{IsPublic: &p.Public}}, nil
}

func (s *Service) putBucketPolicy(_ context.Context, in *s3.PutBucketPolicyInput) (*s3.PutBucketPolicyOutput, error) {
	parsed, err := bucketpolicy.Parse(in.Policy, in.Bucket)
	if err != nil {
		return nil, err
	}
	p := &policy{in.Policy, parsed.Public()}
	return &s3.PutBucketPolicyOutput{}, s.settings.policy.put(s, in.Bucket, in.ExpectedBucketOwner, p, func(_ storage.Tx, b *bucket) error {
		if p.Public && b.Access.has(blockPolicy) {
			return errAccessDenied()
		}
		return nil
	})
}

func (s *Service) deleteBucketPolicy(_ context.Context, in *s3.DeleteBucketPolicyInput) (*s3.DeleteBucketPolicyOutput, error) {
	return &s3.DeleteBucketPolicyOutput{}, s.settings.policy.remove(s, in.Bucket, in.ExpectedBucketOwner)
}
