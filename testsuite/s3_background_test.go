package testsuite

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// What S3 does by itself: it expires objects, copies them, and delivers logs.
func TestS3Background(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	api := server.Account(t).S3
	ctx := t.Context()
	const replicaKey = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"
	for _, name := range []string{"source", "copies", "logs"} {
		must(api.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}))(t)
	}
	for _, name := range []string{"source", "copies"} {
		must(api.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		}))(t)
	}
	must(api.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{
		Bucket: new("source"), ReplicationConfiguration: &types.ReplicationConfiguration{
			Role: new("arn:aws:iam::000000000000:role/copy"),
			Rules: []types.ReplicationRule{{
				ID: new("all"), Priority: new(int32(1)), Status: types.ReplicationRuleStatusEnabled, Filter: &types.ReplicationRuleFilter{Prefix: new("")},
				DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusDisabled},
				SourceSelectionCriteria: &types.SourceSelectionCriteria{SseKmsEncryptedObjects: &types.SseKmsEncryptedObjects{Status: types.SseKmsEncryptedObjectsStatusEnabled}},
				Destination: &types.Destination{
					Bucket: new("arn:aws:s3:::copies"), EncryptionConfiguration: &types.EncryptionConfiguration{ReplicaKmsKeyID: new(replicaKey)},
				},
			}},
		},
	}))(t)
	must(api.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: new("source"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: new("short"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: new("tmp/")},
			Expiration: &types.LifecycleExpiration{Days: new(int32(1))},
		}}},
	}))(t)
	must(api.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{
		Bucket: new("source"), BucketLoggingStatus: &types.BucketLoggingStatus{
			LoggingEnabled: &types.LoggingEnabled{TargetBucket: new("logs"), TargetPrefix: new("")},
		},
	}))(t)

	put, err := api.PutObject(ctx, &s3.PutObjectInput{Bucket: new("source"), Key: new("tmp/photo"), Body: strings.NewReader("photo")})
	if err != nil {
		t.Fatal(err)
	}
	if put.Expiration == nil || !strings.Contains(*put.Expiration, `rule-id="short"`) {
		t.Errorf("x-amz-expiration: %v", put.Expiration)
	}
	must(api.PutObject(ctx, &s3.PutObjectInput{Bucket: new("source"), Key: new("sealed"), Body: strings.NewReader("secret"), ServerSideEncryption: types.ServerSideEncryptionAwsKms}))(t)
	server.Drain(t)
	sealed := must(api.GetObject(ctx, &s3.GetObjectInput{Bucket: new("copies"), Key: new("sealed")}))(t)
	if got := read(t, sealed.Body); got != "secret" || *sealed.SSEKMSKeyId != replicaKey {
		t.Errorf("the copy of a sealed object is %q under %s", got, *sealed.SSEKMSKeyId)
	}
	copied, err := api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: new("copies"), Key: new("tmp/photo")})
	if err != nil || copied.ReplicationStatus != types.ReplicationStatusReplica || *copied.VersionId != *put.VersionId {
		t.Fatalf("the copy: %+v, %v", copied, err)
	}
	source, err := api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: new("source"), Key: new("tmp/photo")})
	if err != nil || source.ReplicationStatus != "COMPLETED" {
		t.Errorf("its source: %+v, %v", source, err)
	}

	server.Advance(t, 48*time.Hour)
	server.Drain(t)
	if _, err := api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: new("source"), Key: new("tmp/photo")}); err == nil {
		t.Error("an object whose time is over is still there")
	}
	versions, err := api.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: new("source")})
	if err != nil || len(versions.Versions) != 2 || len(versions.DeleteMarkers) != 1 {
		t.Errorf("behind its delete marker: %+v, %v", versions, err)
	}

	logs, err := api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: new("logs")})
	if err != nil || len(logs.Contents) == 0 {
		t.Fatalf("%+v, %v", logs, err)
	}
	log, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: new("logs"), Key: logs.Contents[0].Key})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(log.Body)
	if err != nil || !strings.Contains(string(text), ` REST.PUT.OBJECT tmp%2Fphoto "PUT /source/tmp/photo?x-id=PutObject HTTP/1.1" 200 `) {
		t.Errorf("the log: %s, %v", text, err)
	}
}
