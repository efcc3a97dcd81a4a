package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/storage"
)

// plainEncryption is how a bucket encrypts that was never told, and blockingEncryption
// how one does that refuses customers' keys, as new buckets do since April 2026.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
var (
	plainEncryption = &s3.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: &s3.ServerSideEncryptionByDefault{SSEAlgorithm: s3.ServerSideEncryptionAes256},
		BucketKeyEnabled:                   new(false),
	}
	blockingEncryption = &s3.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: plainEncryption.ApplyServerSideEncryptionByDefault,
		BucketKeyEnabled:                   plainEncryption.BucketKeyEnabled,
		BlockedEncryptionTypes:             &s3.BlockedEncryptionTypes{EncryptionType: []s3.EncryptionType{s3.EncryptionTypeSseC}},
	}
)

// encryption is how a bucket encrypts what no request says otherwise of. It is
// shared and must not be modified.
func (s *Service) encryption(tx storage.Tx, b *bucket) (*s3.ServerSideEncryptionRule, error) {
	rule, err := s.settings.encryption.of(tx, b)
	if rule == nil && err == nil {
		if rule = plainEncryption; b.KeysBlocked {
			rule = blockingEncryption
		}
	}
	return rule, err
}

func (s *Service) getBucketEncryption(_ context.Context, in *s3.GetBucketEncryptionInput) (*s3.GetBucketEncryptionOutput, error) {
	var rule *s3.ServerSideEncryptionRule
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		rule, err = s.encryption(tx, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &s3.ServerSideEncryptionConfiguration{
		Rules: []*s3.ServerSideEncryptionRule{rule},
	}}, nil
}

func (s *Service) putBucketEncryption(_ context.Context, in *s3.PutBucketEncryptionInput) (*s3.PutBucketEncryptionOutput, error) {
	rule, err := encryptionRule(in.ServerSideEncryptionConfiguration)
	if err != nil {
		return nil, err
	}
	// What is blocked stays so until a request says otherwise.
	silent := rule.BlockedEncryptionTypes == nil
	return &s3.PutBucketEncryptionOutput{}, s.settings.encryption.put(s, in.Bucket, in.ExpectedBucketOwner, rule, func(tx storage.Tx, b *bucket) error {
		if !silent {
			return nil
		}
		old, err := s.encryption(tx, b)
		if err == nil {
			rule.BlockedEncryptionTypes = old.BlockedEncryptionTypes
		}
		return err
	})
}

func (s *Service) deleteBucketEncryption(_ context.Context, in *s3.DeleteBucketEncryptionInput) (*s3.DeleteBucketEncryptionOutput, error) {
	return &s3.DeleteBucketEncryptionOutput{}, s.settings.encryption.remove(s, in.Bucket, in.ExpectedBucketOwner)
}

// encryptionRule reads the one rule that a configuration has, and completes it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
func encryptionRule(c *s3.ServerSideEncryptionConfiguration) (*s3.ServerSideEncryptionRule, error) {
	if len(c.Rules) != 1 {
		return nil, errMalformedXML()
	}
	if err := fault.Schema(c); err != nil {
		return nil, err
	}
	rule := *c.Rules[0]
	if rule.BucketKeyEnabled == nil {
		rule.BucketKeyEnabled = plainEncryption.BucketKeyEnabled
	}
	if rule.ApplyServerSideEncryptionByDefault == nil {
		rule.ApplyServerSideEncryptionByDefault = plainEncryption.ApplyServerSideEncryptionByDefault
	}
	switch by := rule.ApplyServerSideEncryptionByDefault; by.SSEAlgorithm {
	case s3.ServerSideEncryptionAwsKms, s3.ServerSideEncryptionAwsKmsDsse:
	case s3.ServerSideEncryptionAes256:
		if by.KMSMasterKeyID != "" {
			return nil, errInvalidArgument("ApplyServerSideEncryptionByDefault", "", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
		}
	default:
		return nil, errMalformedXML()
	}
	return &rule, nil
}
