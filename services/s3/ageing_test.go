package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
)

// ages gives a bucket a lifecycle configuration.
func (w *world) ages(bucket string, rules ...*s3.LifecycleRule) {
	w.t.Helper()
	for i, r := range rules {
		r.Status = s3.ExpirationStatusEnabled
		if r.ID == "" {
			r.ID = fmt.Sprint("rule ", i)
		}
		if r.Filter == nil {
			r.Filter = &s3.LifecycleRuleFilter{}
		}
	}
	must(w.t)(w.putBucketLifecycle(w.ctx(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: bucket, LifecycleConfiguration: &s3.BucketLifecycleConfiguration{Rules: rules},
	}))
}

// days passes, and lets happen what falls due.
func (w *world) days(n int) {
	w.t.Helper()
	w.clock.Advance(time.Duration(n) * 24 * time.Hour)
	if err := w.Drain(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// listed are the versions of a bucket, as "key", "key (class)" or "key deleted",
// the current ones with a star.
func (w *world) listed(bucket string) string {
	w.t.Helper()
	out, err := w.listObjectVersions(w.ctx(), &s3.ListObjectVersionsInput{Bucket: bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, v := range filled(out.Versions) {
		shown := v.Key
		if v.StorageClass != s3.ObjectVersionStorageClassStandard {
			shown += " (" + string(v.StorageClass) + ")"
		}
		if *v.IsLatest {
			shown += "*"
		}
		all = append(all, shown)
	}
	for _, m := range filled(out.DeleteMarkers) {
		shown := m.Key + " deleted"
		if *m.IsLatest {
			shown += "*"
		}
		all = append(all, shown)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (w *world) versions(bucket string) {
	w.t.Helper()
	must(w.t)(w.putBucketVersioning(w.ctx(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &s3.VersioningConfiguration{Status: s3.BucketVersioningStatusEnabled},
	}))
}

func expiresAfter(days int32) *s3.LifecycleExpiration { return &s3.LifecycleExpiration{Days: &days} }

func TestObjectsExpire(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "logs/1", "a")
	w.put(b, "kept", "b")
	w.ages(b, &s3.LifecycleRule{ID: "old logs", Filter: &s3.LifecycleRuleFilter{Prefix: new("logs/")}, Expiration: expiresAfter(3)})

	// epoch is 4 March 2026, 05:06.
	const header = `expiry-date="Sun, 08 Mar 2026 00:00:00 GMT", rule-id="old+logs"`
	if out := w.put(b, "logs/2", strings.Repeat("x", 5000)); out.Expiration != header {
		t.Errorf("PutObject: %q", out.Expiration)
	}
	head, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "logs/1"})
	if err != nil || head.Expiration != header {
		t.Errorf("HeadObject: %+v, %v", head, err)
	}
	if out := w.put(b, "other", "c"); out.Expiration != "" {
		t.Errorf("an object that no rule is for: %q", out.Expiration)
	}
	w.days(3)
	if got, want := w.listed(b), "kept*, logs/1*, logs/2*, other*"; got != want {
		t.Errorf("too early: %s", got)
	}
	w.days(1)
	if got, want := w.listed(b), "kept*, other*"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	w.wantLeft("objects:2")
}

func TestVersionsExpire(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.versions(b)
	w.ages(b,
		&s3.LifecycleRule{
			Filter:                      &s3.LifecycleRuleFilter{Prefix: new("")},
			Expiration:                  &s3.LifecycleExpiration{ExpiredObjectDeleteMarker: new(true)},
			NoncurrentVersionExpiration: &s3.NoncurrentVersionExpiration{NoncurrentDays: new(int32(10)), NewerNoncurrentVersions: new(int32(1))},
		},
		&s3.LifecycleRule{Filter: &s3.LifecycleRuleFilter{Prefix: new("tmp/")}, Expiration: expiresAfter(1), NoncurrentVersionExpiration: &s3.NoncurrentVersionExpiration{NoncurrentDays: new(int32(1))}},
	)
	for range 4 {
		w.put(b, "a", "x")
	}
	w.put(b, "tmp/1", "x")
	w.days(2)
	if got, want := w.listed(b), "a, a, a, a*, tmp/1, tmp/1 deleted*"; got != want {
		t.Errorf("a current version that expires is kept behind a delete marker: %s, want %s", got, want)
	}
	w.days(9) // of the noncurrent versions of a, the newest stays
	if got, want := w.listed(b), "a, a*"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLockedVersionsDoNotExpire(t *testing.T) {
	w := newWorld(t)
	b := w.lockedBucket("abc")
	w.ages(b, &s3.LifecycleRule{NoncurrentVersionExpiration: &s3.NoncurrentVersionExpiration{NoncurrentDays: new(int32(1))}})
	must(t)(w.putLocked(b, "k", s3.ObjectLockModeGovernance, w.clock.Now().Add(9*24*time.Hour)))
	w.days(1)
	w.put(b, "k", "y")
	w.days(5)
	if got, want := w.listed(b), "k, k*"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	w.days(5)
	if got, want := w.listed(b), "k*"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestObjectsChangeTheirClass(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	big := strings.Repeat("x", 128<<10)
	w.put(b, "big", big)
	w.put(b, "small", "x")
	w.ages(b, &s3.LifecycleRule{Transitions: []*s3.Transition{
		{Days: new(int32(30)), StorageClass: s3.TransitionStorageClassStandardIa},
		{Days: new(int32(60)), StorageClass: s3.TransitionStorageClassGlacier},
	}})
	w.days(31)
	if got, want := w.listed(b), "big (STANDARD_IA)*, small*"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := w.get(b, "big"); got != big {
		t.Errorf("its %d bytes have become %d", len(big), len(got))
	}
	w.days(30)
	_, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "big"})
	refused(t, err, "InvalidObjectState", 403)
}

func TestUploadsEnd(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.ages(b, &s3.LifecycleRule{ID: "slow", AbortIncompleteMultipartUpload: &s3.AbortIncompleteMultipartUpload{DaysAfterInitiation: new(int32(2))}})
	up, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC); !up.AbortDate.Equal(want) || up.AbortRuleId != "slow" {
		t.Errorf("ends at %v by %q", up.AbortDate, up.AbortRuleId)
	}
	must(t)(w.uploadPart(w.ctx(), &s3.UploadPartInput{Bucket: b, Key: "k", UploadId: up.UploadId, PartNumber: new(int32(1)), Body: bodyOf("x"), ContentLength: new(int64(1))}))
	w.days(2)
	must(t)(w.listParts(w.ctx(), &s3.ListPartsInput{Bucket: b, Key: "k", UploadId: up.UploadId}))
	w.days(1)
	_, err = w.listParts(w.ctx(), &s3.ListPartsInput{Bucket: b, Key: "k", UploadId: up.UploadId})
	refused(t, err, "NoSuchUpload", 404)
	w.wantLeft("")
}

// What lifecycle rules do is told in events of their own, by S3 itself.
func TestAgeingIsTold(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.versions(b)
	must(t)(w.putBucketNotificationConfiguration(w.ctx(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: b, NotificationConfiguration: &s3.NotificationConfiguration{EventBridgeConfiguration: &s3.EventBridgeConfiguration{}},
	}))
	must(t)(w.putObject(w.ctx(), putInput(b, "k", strings.Repeat("x", 128<<10))))
	w.ages(b, &s3.LifecycleRule{
		Expiration:                  expiresAfter(2),
		Transitions:                 []*s3.Transition{{Days: new(int32(1)), StorageClass: s3.TransitionStorageClassGlacier}},
		NoncurrentVersionExpiration: &s3.NoncurrentVersionExpiration{NoncurrentDays: new(int32(1))},
	})
	w.sent = nil
	for range 3 { // the marker's own days are counted from when it was made
		w.days(6)
	}
	var got []string
	for _, d := range w.sent {
		var e bridgeEvent
		if err := json.Unmarshal(d.Payload, &e); err != nil {
			t.Fatal(err)
		}
		if e.Detail.Who != "s3.amazonaws.com" || e.Detail.SourceIP != "" {
			t.Errorf("by %q from %q", e.Detail.Who, e.Detail.SourceIP)
		}
		got = append(got, strings.Join([]string{e.DetailType, e.Detail.Reason, e.Detail.Deletion, e.Detail.Class}, "|"))
	}
	want := []string{
		"Object Storage Class Changed|||GLACIER",
		"Object Deleted|Lifecycle Expiration|Delete Marker Created|",
		"Object Deleted|Lifecycle Expiration|Permanently Deleted|",
		"Object Deleted|Lifecycle Expiration|Permanently Deleted|", // the marker, which is alone
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// told hands on what is sent.
type told chan events.Delivery

func (c told) Send(tx storage.Tx, d events.Delivery) error {
	tx.OnCommit(func() { c <- d })
	return nil
}

// Run waits for midnights, and wakes when a configuration is changed.
func TestRunAges(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "1", "x")
	must(t)(w.putBucketNotificationConfiguration(w.ctx(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: b, NotificationConfiguration: &s3.NotificationConfiguration{EventBridgeConfiguration: &s3.EventBridgeConfiguration{}},
	}))
	sent := make(told, 10)
	w.env.Events = sent
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	rule := &s3.LifecycleRule{Expiration: expiresAfter(1)}
	w.ages(b, rule)
	w.clock.Advance(48 * time.Hour)
	<-sent
	must(t)(w.putObject(w.ctx(), putInput(b, "2", "x")))
	<-sent // it was put
	w.clock.Advance(48 * time.Hour)
	<-sent
	w.clock.Freeze()
	must(t)(w.putObject(w.ctx(), putInput(b, "3", "x")))
	<-sent
	yesterday := w.clock.Now().UTC().Truncate(24 * time.Hour)
	w.ages(b, &s3.LifecycleRule{Expiration: &s3.LifecycleExpiration{Date: yesterday}})
	<-sent
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.wantLeft("")
}
