package testsuite

import (
	"fmt"
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
	rule.BlockedEncryptionTypes = &types.BlockedEncryptionTypes{EncryptionType: []types.EncryptionType{types.EncryptionTypeSseC}} // as of every new bucket
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
	refused(t, put(&types.LoggingEnabled{TargetBucket: name, TargetPrefix: aws.String(""), TargetGrants: []types.TargetGrant{
		{Grantee: &types.Grantee{Type: types.TypeGroup, URI: aws.String(everybody)}, Permission: types.BucketLogsPermissionRead},
	}}), "AccessControlListNotSupported")
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

func TestReplicationConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, target := bucket(t, a), aws.String("target-"+a.ID)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: target}))(t)
	c := &types.ReplicationConfiguration{Role: aws.String("arn:aws:iam::" + a.ID + ":role/replication"), Rules: []types.ReplicationRule{{
		ID: aws.String("all"), Priority: aws.Int32(0), Status: types.ReplicationRuleStatusEnabled, Filter: &types.ReplicationRuleFilter{Prefix: aws.String("")},
		DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusEnabled},
		Destination:             &types.Destination{Bucket: aws.String("arn:aws:s3:::" + *target), StorageClass: types.StorageClassStandardIa},
	}}}
	put := func() error {
		_, err := a.S3.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: name, ReplicationConfiguration: c})
		return err
	}
	version := func(name *string, status types.BucketVersioningStatus) error {
		_, err := a.S3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
		return err
	}
	for _, b := range []*string{name, target} { // both ends keep versions
		refused(t, put(), "InvalidRequest")
		if err := version(b, types.BucketVersioningStatusEnabled); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	readBack(t, must(a.S3.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: name}))(t).ReplicationConfiguration, c)
	refused(t, version(name, types.BucketVersioningStatusSuspended), "InvalidBucketState")
	must(a.S3.DeleteBucketReplication(ctx, &s3.DeleteBucketReplicationInput{Bucket: name}))(t)
	_, err := a.S3.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: name})
	refused(t, err, "ReplicationConfigurationNotFoundError")
}

func TestPaymentAndAccelerateConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	payer := func() types.Payer {
		return must(a.S3.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: name}))(t).Payer
	}
	readBack(t, payer(), types.PayerBucketOwner)
	must(a.S3.PutBucketRequestPayment(ctx, &s3.PutBucketRequestPaymentInput{Bucket: name, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerRequester}}))(t)
	readBack(t, payer(), types.PayerRequester)
	_, err := a.S3.PutBucketRequestPayment(ctx, &s3.PutBucketRequestPaymentInput{Bucket: name, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: "Nobody"}})
	refused(t, err, "MalformedXML")

	status := func() types.BucketAccelerateStatus {
		return must(a.S3.GetBucketAccelerateConfiguration(ctx, &s3.GetBucketAccelerateConfigurationInput{Bucket: name}))(t).Status
	}
	readBack(t, status(), types.BucketAccelerateStatus(""))
	accelerate := &types.AccelerateConfiguration{Status: types.BucketAccelerateStatusEnabled}
	must(a.S3.PutBucketAccelerateConfiguration(ctx, &s3.PutBucketAccelerateConfigurationInput{Bucket: name, AccelerateConfiguration: accelerate}))(t)
	readBack(t, status(), types.BucketAccelerateStatusEnabled)
	dotted := aws.String("dotted." + a.ID)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: dotted}))(t)
	_, err = a.S3.PutBucketAccelerateConfiguration(ctx, &s3.PutBucketAccelerateConfigurationInput{Bucket: dotted, AccelerateConfiguration: accelerate})
	refused(t, err, "InvalidRequest")
}

// Of some kinds a bucket has many configurations, listed a hundred at a time.
func TestNumberedConfiguration(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	here := aws.String("arn:aws:s3:::" + *name)

	inventory := &types.InventoryConfiguration{
		Id: aws.String("weekly"), IsEnabled: aws.Bool(true), IncludedObjectVersions: types.InventoryIncludedObjectVersionsAll,
		Schedule:       &types.InventorySchedule{Frequency: types.InventoryFrequencyWeekly},
		OptionalFields: []types.InventoryOptionalField{types.InventoryOptionalFieldSize},
		Filter:         &types.InventoryFilter{Prefix: aws.String("a/")},
		Destination:    &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{Bucket: here, Format: types.InventoryFormatCsv, Encryption: &types.InventoryEncryption{SSES3: &types.SSES3{}}}},
	}
	must(a.S3.PutBucketInventoryConfiguration(ctx, &s3.PutBucketInventoryConfigurationInput{Bucket: name, Id: inventory.Id, InventoryConfiguration: inventory}))(t)
	readBack(t, must(a.S3.GetBucketInventoryConfiguration(ctx, &s3.GetBucketInventoryConfigurationInput{Bucket: name, Id: inventory.Id}))(t).InventoryConfiguration, inventory)
	_, err := a.S3.PutBucketInventoryConfiguration(ctx, &s3.PutBucketInventoryConfigurationInput{Bucket: name, Id: aws.String("other"), InventoryConfiguration: inventory})
	refused(t, err, "InvalidConfigurationId")

	analytics := &types.AnalyticsConfiguration{
		Id: aws.String("all"), Filter: &types.AnalyticsFilterMemberPrefix{Value: "a/"},
		StorageClassAnalysis: &types.StorageClassAnalysis{DataExport: &types.StorageClassAnalysisDataExport{
			OutputSchemaVersion: types.StorageClassAnalysisSchemaVersionV1,
			Destination:         &types.AnalyticsExportDestination{S3BucketDestination: &types.AnalyticsS3BucketDestination{Bucket: here, Format: types.AnalyticsS3ExportFileFormatCsv}},
		}},
	}
	must(a.S3.PutBucketAnalyticsConfiguration(ctx, &s3.PutBucketAnalyticsConfigurationInput{Bucket: name, Id: analytics.Id, AnalyticsConfiguration: analytics}))(t)
	readBack(t, must(a.S3.GetBucketAnalyticsConfiguration(ctx, &s3.GetBucketAnalyticsConfigurationInput{Bucket: name, Id: analytics.Id}))(t).AnalyticsConfiguration, analytics)

	tiering := &types.IntelligentTieringConfiguration{
		Id: aws.String("archive"), Status: types.IntelligentTieringStatusEnabled,
		Filter: &types.IntelligentTieringFilter{And: &types.IntelligentTieringAndOperator{Prefix: aws.String(""), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}},
		Tierings: []types.Tiering{
			{AccessTier: types.IntelligentTieringAccessTierArchiveAccess, Days: aws.Int32(90)},
			{AccessTier: types.IntelligentTieringAccessTierDeepArchiveAccess, Days: aws.Int32(180)},
		},
	}
	must(a.S3.PutBucketIntelligentTieringConfiguration(ctx, &s3.PutBucketIntelligentTieringConfigurationInput{Bucket: name, Id: tiering.Id, IntelligentTieringConfiguration: tiering}))(t)
	list := must(a.S3.ListBucketIntelligentTieringConfigurations(ctx, &s3.ListBucketIntelligentTieringConfigurationsInput{Bucket: name}))(t)
	readBack(t, list.IntelligentTieringConfigurationList, []types.IntelligentTieringConfiguration{*tiering})

	ids := map[string]bool{}
	for i := range 101 {
		id := aws.String(fmt.Sprintf("m%03d", i))
		must(a.S3.PutBucketMetricsConfiguration(ctx, &s3.PutBucketMetricsConfigurationInput{Bucket: name, Id: id, MetricsConfiguration: &types.MetricsConfiguration{Id: id}}))(t)
	}
	in := &s3.ListBucketMetricsConfigurationsInput{Bucket: name}
	for want := range []int{100, 1} {
		page := must(a.S3.ListBucketMetricsConfigurations(ctx, in))(t)
		if more := want == 0; *page.IsTruncated != more {
			t.Errorf("page %d is truncated: %v", want, *page.IsTruncated)
		}
		for _, m := range page.MetricsConfigurationList {
			ids[*m.Id] = true
		}
		in.ContinuationToken = page.NextContinuationToken
	}
	if len(ids) != 101 {
		t.Errorf("%d configurations are listed", len(ids))
	}
	_, err = a.S3.ListBucketMetricsConfigurations(ctx, &s3.ListBucketMetricsConfigurationsInput{Bucket: name, ContinuationToken: aws.String("garbage!")})
	refused(t, err, "MalformedContinuationToken")
	must(a.S3.DeleteBucketMetricsConfiguration(ctx, &s3.DeleteBucketMetricsConfigurationInput{Bucket: name, Id: aws.String("m000")}))(t)
	_, err = a.S3.GetBucketMetricsConfiguration(ctx, &s3.GetBucketMetricsConfigurationInput{Bucket: name, Id: aws.String("m000")})
	refused(t, err, "NoSuchConfiguration")
}
