package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/document"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// readBack checks that what was read is what was put.
func readBack(t *testing.T, read, put any) {
	t.Helper()
	if diff := cmp.Diff(put, read, cmpopts.IgnoreTypes(document.NoSerde{})); diff != "" {
		t.Errorf("read (+) is not what was put (-):\n%s", diff)
	}
}

func TestCORSConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	_, err := a.S3.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: name})
	refused(t, err, "NoSuchCORSConfiguration")
	rules := []types.CORSRule{
		{ID: aws.String("one"), AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"https://*.example.com"}, AllowedHeaders: []string{"*"}, ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: aws.Int32(0)},
		{AllowedMethods: []string{"HEAD"}, AllowedOrigins: []string{"*"}},
	}
	put := func(rules []types.CORSRule) error {
		_, err := a.S3.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: name, CORSConfiguration: &types.CORSConfiguration{CORSRules: rules}})
		return err
	}
	if err := put(rules); err != nil {
		t.Fatal(err)
	}
	readBack(t, must(a.S3.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: name}))(t).CORSRules, rules)
	message := refused(t, put([]types.CORSRule{{AllowedMethods: []string{"PATCH"}, AllowedOrigins: []string{"*"}}}), "InvalidRequest")
	if message != "Found unsupported HTTP method in CORS config. Unsupported method is PATCH" {
		t.Error(message)
	}
	refused(t, put([]types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*.*"}}}), "InvalidRequest")
	must(a.S3.DeleteBucketCors(ctx, &s3.DeleteBucketCorsInput{Bucket: name}))(t)
	_, err = a.S3.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: name})
	refused(t, err, "NoSuchCORSConfiguration")
}

func TestWebsiteConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	c := &types.WebsiteConfiguration{
		IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")},
		ErrorDocument: &types.ErrorDocument{Key: aws.String("error.html")},
		RoutingRules: []types.RoutingRule{{
			Condition: &types.Condition{KeyPrefixEquals: aws.String("docs/")},
			Redirect:  &types.Redirect{ReplaceKeyPrefixWith: aws.String("")},
		}},
	}
	must(a.S3.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: name, WebsiteConfiguration: c}))(t)
	got := must(a.S3.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: name}))(t)
	readBack(t, &types.WebsiteConfiguration{IndexDocument: got.IndexDocument, ErrorDocument: got.ErrorDocument, RoutingRules: got.RoutingRules}, c)
	_, err := a.S3.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: name, WebsiteConfiguration: &types.WebsiteConfiguration{}})
	refused(t, err, "InvalidArgument")
	must(a.S3.DeleteBucketWebsite(ctx, &s3.DeleteBucketWebsiteInput{Bucket: name}))(t)
	_, err = a.S3.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: name})
	refused(t, err, "NoSuchWebsiteConfiguration")
}

// What Terraform puts is read back as it was, to the empty prefix.
func TestLifecycleConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	rules := []types.LifecycleRule{
		{
			ID: aws.String("all"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			Transitions: []types.Transition{
				{Days: aws.Int32(30), StorageClass: types.TransitionStorageClassStandardIa},
				{Days: aws.Int32(60), StorageClass: types.TransitionStorageClassGlacier},
			},
			Expiration:                  &types.LifecycleExpiration{Days: aws.Int32(365)},
			NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(9), NewerNoncurrentVersions: aws.Int32(3)},
		},
		{
			ID: aws.String("some"), Status: types.ExpirationStatusDisabled,
			Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
				Prefix: aws.String("a/"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}, ObjectSizeLessThan: aws.Int64(10),
			}},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)},
		},
		{
			ID: aws.String("empty"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)},
		},
	}
	put := must(a.S3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
	}))(t)
	got := must(a.S3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: name}))(t)
	readBack(t, got.Rules, rules)
	if put.TransitionDefaultMinimumObjectSize != "all_storage_classes_128K" || got.TransitionDefaultMinimumObjectSize != "all_storage_classes_128K" {
		t.Errorf("least sizes %q and %q", put.TransitionDefaultMinimumObjectSize, got.TransitionDefaultMinimumObjectSize)
	}
	must(a.S3.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: name}))(t)
	_, err := a.S3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: name})
	refused(t, err, "NoSuchLifecycleConfiguration")
}

func TestEncryptionConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	get := func() types.ServerSideEncryptionRule {
		t.Helper()
		return must(a.S3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: name}))(t).ServerSideEncryptionConfiguration.Rules[0]
	}
	if rule := get(); rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("a new bucket encrypts with %q", rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm)
	}
	rule := types.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String("alias/aws/s3")},
		BucketKeyEnabled:                   aws.Bool(true),
	}
	must(a.S3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: name, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
		Rules: []types.ServerSideEncryptionRule{rule},
	}}))(t)
	readBack(t, get(), rule)
	must(a.S3.DeleteBucketEncryption(ctx, &s3.DeleteBucketEncryptionInput{Bucket: name}))(t)
	if rule := get(); rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("a bucket without a configuration encrypts with %q", rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm)
	}
}

func TestLoggingConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	put := func(l *types.LoggingEnabled) error {
		_, err := a.S3.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: name, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: l}})
		return err
	}
	get := func() *types.LoggingEnabled {
		return must(a.S3.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: name}))(t).LoggingEnabled
	}
	l := &types.LoggingEnabled{TargetBucket: name, TargetPrefix: aws.String(""), TargetObjectKeyFormat: &types.TargetObjectKeyFormat{
		PartitionedPrefix: &types.PartitionedPrefix{PartitionDateSource: types.PartitionDateSourceEventTime},
	}}
	if err := put(l); err != nil {
		t.Fatal(err)
	}
	readBack(t, get(), l)
	refused(t, put(&types.LoggingEnabled{TargetBucket: aws.String("none-" + a.ID), TargetPrefix: aws.String("")}), "InvalidTargetBucketForLogging")
	other := harness.New(t)
	refused(t, put(&types.LoggingEnabled{TargetBucket: bucket(t, other), TargetPrefix: aws.String("")}), "InvalidTargetBucketForLogging")
	if err := put(nil); err != nil {
		t.Fatal(err)
	}
	if l := get(); l != nil {
		t.Errorf("logging is still on: %v", l)
	}
}

// A document that is not what its digests say is refused, and changes nothing.
func TestDocumentsAreCheckedAgainstTheirDigests(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	tags := &s3.PutBucketTaggingInput{Bucket: name, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}}
	for header, value := range map[string]string{"Content-Md5": "1B2M2Y8AsgTpgAmY7PhCfg==", "X-Amz-Checksum-Crc32": "AAAAAA=="} {
		_, err := a.S3.PutBucketTagging(ctx, tags, s3.WithAPIOptions(smithyhttp.SetHeaderValue(header, value)))
		refused(t, err, "BadDigest")
	}
	_, err := a.S3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: name})
	refused(t, err, "NoSuchTagSet")
	must(a.S3.PutBucketTagging(ctx, tags))(t)
}
