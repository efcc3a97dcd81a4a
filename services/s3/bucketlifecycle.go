package s3

import (
	"context"
	"sync"

	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/lifecycle"
	"github.com/virga-cloud/virga/storage"
)

// lifecycleRules are what a bucket's lifecycle configuration says; every rule has an id.
type lifecycleRules struct {
	Rules []*s3.LifecycleRule `cbor:"1,keyasint"`
	// MinimumSize says which objects are too small for a transition whose rule
	// does not say it.
	MinimumSize s3.TransitionDefaultMinimumObjectSize `cbor:"2,keyasint"`

	once sync.Once
	plan *lifecycle.Plan
}

func (s *Service) getBucketLifecycle(_ context.Context, in *s3.GetBucketLifecycleConfigurationInput) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	c, err := s.settings.lifecycle.get(s, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: c.Rules, TransitionDefaultMinimumObjectSize: c.MinimumSize}, nil
}

func (s *Service) putBucketLifecycle(_ context.Context, in *s3.PutBucketLifecycleConfigurationInput) (*s3.PutBucketLifecycleConfigurationOutput, error) {
	if in.LifecycleConfiguration == nil {
		return nil, errMalformedXML()
	}
	c := &lifecycleRules{Rules: in.LifecycleConfiguration.Rules, MinimumSize: in.TransitionDefaultMinimumObjectSize}
	if c.MinimumSize == "" {
		c.MinimumSize = s3.TransitionDefaultMinimumObjectSizeAllStorageClasses_128k
	} else if fault.Unknown(c.MinimumSize, string(c.MinimumSize)) {
		return nil, errInvalidRequest("Invalid TransitionDefaultMinimumObjectSize found")
	}
	if err := lifecycle.Check(c.Rules); err != nil {
		return nil, err
	}
	for _, r := range c.Rules {
		if r.ID == "" {
			r.ID = s.env.IDs.String(ids.LowerAlphanumeric, 48)
		}
	}
	out := &s3.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: c.MinimumSize}
	return out, s.settings.lifecycle.put(s, in.Bucket, in.ExpectedBucketOwner, c, func(tx storage.Tx, _ *bucket) error {
		tx.OnCommit(s.lifecycleChanged)
		return nil
	})
}

func (s *Service) deleteBucketLifecycle(_ context.Context, in *s3.DeleteBucketLifecycleInput) (*s3.DeleteBucketLifecycleOutput, error) {
	return &s3.DeleteBucketLifecycleOutput{}, s.settings.lifecycle.remove(s, in.Bucket, in.ExpectedBucketOwner)
}
