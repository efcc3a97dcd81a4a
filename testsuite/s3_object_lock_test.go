package testsuite

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Versions under a retention or a legal hold are not deleted; a bypass passes
// over a retention in governance mode only.
func TestObjectLock(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	setVersioning(t, a, name, types.BucketVersioningStatusEnabled)
	must(a.S3.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{Bucket: name, ObjectLockConfiguration: &types.ObjectLockConfiguration{
		ObjectLockEnabled: types.ObjectLockEnabledEnabled,
		Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1)}},
	}}))(t)
	_, err := a.S3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
	})
	refused(t, err, "InvalidBucketState")

	key, body := aws.String("k"), func() *strings.Reader { return strings.NewReader("locked") }
	byDefault := must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: body()}))(t).VersionId
	until := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	asked := must(a.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: name, Key: key, Body: body(), ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &until,
		ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn,
	}))(t).VersionId

	head := must(a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: key, VersionId: byDefault}))(t)
	if d := head.ObjectLockRetainUntilDate.Sub(*head.LastModified); head.ObjectLockMode != "GOVERNANCE" || d < 24*time.Hour || d > 24*time.Hour+2*time.Minute {
		t.Errorf("the default is %s for %v", head.ObjectLockMode, d)
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))(t)
	if read(t, got.Body) != "locked" || got.ObjectLockMode != "COMPLIANCE" || !got.ObjectLockRetainUntilDate.Equal(until) || got.ObjectLockLegalHoldStatus != "ON" {
		t.Errorf("it is %s until %v, hold %s; want until %v", got.ObjectLockMode, got.ObjectLockRetainUntilDate, got.ObjectLockLegalHoldStatus, until)
	}
	retention := must(a.S3.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: name, Key: key, VersionId: asked}))(t).Retention
	if retention.Mode != "COMPLIANCE" || !retention.RetainUntilDate.Equal(until) {
		t.Errorf("retention %+v", retention)
	}

	remove := func(version *string, bypass bool) error {
		_, err := a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key, VersionId: version, BypassGovernanceRetention: &bypass})
		return err
	}
	refused(t, remove(byDefault, false), "AccessDenied")
	if err := remove(byDefault, true); err != nil {
		t.Error(err)
	}
	refused(t, remove(asked, true), "AccessDenied")
	must(a.S3.PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{
		Bucket: name, Key: key, VersionId: asked, LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOff},
	}))(t)
	if hold := must(a.S3.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: name, Key: key}))(t); hold.LegalHold.Status != "OFF" {
		t.Errorf("legal hold %+v", hold.LegalHold)
	}
	refused(t, remove(asked, true), "AccessDenied")
	shorter := until.Add(-time.Hour)
	_, err = a.S3.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: name, Key: key, Retention: &types.ObjectLockRetention{
		Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &shorter,
	}})
	refused(t, err, "AccessDenied")
	if !aws.ToBool(must(a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key}))(t).DeleteMarker) {
		t.Error("a locked object takes no delete marker")
	}
}

// Object lock can be there from the beginning, with versioning.
func TestBucketWithObjectLock(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := aws.String("locked-" + a.ID)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name, ObjectLockEnabledForBucket: aws.Bool(true)}))(t)
	if v := must(a.S3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: name}))(t); v.Status != "Enabled" {
		t.Errorf("versioning is %q", v.Status)
	}
	c := must(a.S3.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: name}))(t).ObjectLockConfiguration
	if c.ObjectLockEnabled != "Enabled" || c.Rule != nil {
		t.Errorf("%+v", c)
	}
}
