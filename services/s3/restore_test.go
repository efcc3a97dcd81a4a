package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

func (w *world) restore(bucket, key string, days int32, tier s3.Tier) (int32, error) {
	out, err := w.restoreObject(w.ctx(), &s3.RestoreObjectInput{
		Bucket: bucket, Key: key, RestoreRequest: &s3.RestoreRequest{Days: &days, GlacierJobParameters: &s3.GlacierJobParameters{Tier: tier}},
	})
	if err != nil {
		return 0, err
	}
	return *out.StatusCode, nil
}

// passes lets time pass, and happen what falls due.
func (w *world) passes(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	if err := w.Drain(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) restoreHeader(bucket, key string) string {
	w.t.Helper()
	out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Restore
}

// told are the names of the events that were sent since it was asked last.
func (w *world) told() string {
	var names []string
	for _, d := range w.sent {
		_, name, _ := strings.Cut(string(d.Payload), `"eventName":"`)
		name, _, _ = strings.Cut(name, `"`)
		names = append(names, name)
	}
	w.sent = nil
	return strings.Join(names, " ")
}

func (w *world) archive(bucket, key string, class s3.StorageClass) {
	w.t.Helper()
	in := putInput(bucket, key, "cold")
	in.StorageClass = class
	must(w.t)(w.putObject(w.ctx(), in))
}

// restoreStatus is what all three listings show of a key's restoration.
func (w *world) restoreStatus(bucket, key string) string {
	w.t.Helper()
	asked := []s3.OptionalObjectAttributes{s3.OptionalObjectAttributesRestoreStatus}
	one, err := w.listObjects(w.ctx(), &s3.ListObjectsInput{Bucket: bucket, Prefix: key, OptionalObjectAttributes: asked})
	must(w.t)(nil, err)
	two, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: key, OptionalObjectAttributes: asked})
	must(w.t)(nil, err)
	versions, err := w.listObjectVersions(w.ctx(), &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: key, OptionalObjectAttributes: asked})
	must(w.t)(nil, err)
	unasked, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: key})
	must(w.t)(nil, err)
	if unasked.Contents[0].RestoreStatus != nil {
		w.t.Error("the status of a restoration is listed unasked")
	}
	var shown []string
	for _, status := range []*s3.RestoreStatus{one.Contents[0].RestoreStatus, two.Contents[0].RestoreStatus, versions.Versions[0].RestoreStatus} {
		switch {
		case status == nil:
			shown = append(shown, "none")
		case *status.IsRestoreInProgress:
			shown = append(shown, "in progress")
		default:
			shown = append(shown, status.RestoreExpiryDate.Format(time.DateOnly))
		}
	}
	if shown[0] != shown[1] || shown[0] != shown[2] {
		w.t.Errorf("listings differ: %q", shown)
	}
	return shown[0]
}

func TestRestore(t *testing.T) {
	w := newWorld(t) // at 2026-03-04 05:06:07
	b := w.bucketNamed("abc")
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{QueueConfigurations: []*s3.QueueConfiguration{{
		QueueArn: "arn:aws:sqs:us-east-1:111122223333:q", Events: []s3.Event{"s3:ObjectRestore:*"},
	}}}, true))
	w.archive(b, "k", s3.StorageClassGlacier)
	_, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k"})
	refused(t, err, "InvalidObjectState", 403, "StorageClass", "GLACIER")
	w.told()

	if status, err := w.restore(b, "k", 2, s3.TierStandard); err != nil || status != 202 || w.restoreHeader(b, "k") != `ongoing-request="true"` {
		t.Fatalf("%d, %v, %s", status, err, w.restoreHeader(b, "k"))
	}
	if got := w.restoreStatus(b, "k"); got != "in progress" {
		t.Errorf("listed as %s", got)
	}
	if told := w.told(); told != "ObjectRestore:Post" {
		t.Errorf("told %q", told)
	}
	_, err = w.restore(b, "k", 2, s3.TierStandard)
	refused(t, err, "RestoreAlreadyInProgress", 409)
	_, err = w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k"})
	refused(t, err, "InvalidObjectState", 403)
	// A faster tier takes the place of what is under way.
	if status, err := w.restore(b, "k", 2, s3.TierExpedited); err != nil || status != 202 {
		t.Fatalf("%d, %v", status, err)
	}
	w.told()
	w.passes(time.Minute)
	const until = `ongoing-request="false", expiry-date="Sat, 07 Mar 2026 00:00:00 GMT"`
	if got := w.restoreHeader(b, "k"); got != until || w.get(b, "k") != "cold" {
		t.Errorf("ready: %s", got)
	}
	if got := w.restoreStatus(b, "k"); got != "2026-03-07" {
		t.Errorf("listed as %s", got)
	}
	sent := w.sent
	if told := w.told(); told != "ObjectRestore:Completed" || !strings.Contains(string(sent[0].Payload), `"glacierEventData":{"restoreEventData":{"lifecycleRestorationExpiryTime":"2026-03-07T00:00:00.000Z","lifecycleRestoreStorageClass":"GLACIER"}}`) {
		t.Errorf("told %q: %s", told, sent[0].Payload)
	}
	w.passes(4 * time.Hour) // when the slower one would have been ready
	if told := w.told(); told != "" {
		t.Errorf("told %q", told)
	}
	if _, err := w.copied(b, b+"/k", nil); err != nil {
		t.Errorf("copy of a restored object: %v", err)
	}
	// Asked for again, the copy stays longer.
	if status, err := w.restore(b, "k", 5, s3.TierStandard); err != nil || status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
	if got := w.restoreHeader(b, "k"); !strings.Contains(got, "Tue, 10 Mar 2026") {
		t.Errorf("longer: %s", got)
	}
	w.passes(5 * 24 * time.Hour)
	w.told()
	w.passes(24 * time.Hour)
	if told := w.told(); told != "ObjectRestore:Delete" || w.restoreHeader(b, "k") != "" || w.restoreStatus(b, "k") != "none" {
		t.Errorf("gone: told %q, %s", told, w.restoreHeader(b, "k"))
	}
	_, err = w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k"})
	refused(t, err, "InvalidObjectState", 403)
}

func TestRestoreIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "warm", "x")
	w.archive(b, "deep", s3.StorageClassDeepArchive)
	_, err := w.restore(b, "warm", 1, s3.TierStandard)
	if e := refused(t, err, "InvalidObjectState", 403); e.Message != "Restore is not allowed for the object's current storage class" {
		t.Error(e.Message)
	}
	_, err = w.restore(b, "deep", 1, s3.TierExpedited)
	refused(t, err, "InvalidArgument", 400)
	_, err = w.restore(b, "none", 1, s3.TierStandard)
	refused(t, err, "NoSuchKey", 404)
	_, err = w.restore(b, "deep", 0, s3.TierStandard)
	refused(t, err, "InvalidArgument", 400)
	_, err = w.restore(b, "deep", 1, "x")
	refused(t, err, "MalformedXML", 400)
	for code, r := range map[string]*s3.RestoreRequest{"MalformedXML": {}, "NotImplemented": {Type: s3.RestoreRequestTypeSelect, Days: new(int32(1))}} {
		_, err := w.restoreObject(w.ctx(), &s3.RestoreObjectInput{Bucket: b, Key: "deep", RestoreRequest: r})
		refused(t, err, code, map[string]int{"MalformedXML": 400, "NotImplemented": 501}[code])
	}
	// What becomes of the object meanwhile ends its restoration.
	if _, err := w.restore(b, "deep", 1, s3.TierBulk); err != nil {
		t.Fatal(err)
	}
	w.passes(47 * time.Hour)
	if got := w.restoreHeader(b, "deep"); got != `ongoing-request="true"` {
		t.Errorf("after 47 hours: %s", got)
	}
	w.put(b, "deep", "warm again")
	w.passes(10 * 24 * time.Hour)
	if got := w.restoreHeader(b, "deep"); got != "" || w.get(b, "deep") != "warm again" {
		t.Errorf("replaced: %s", got)
	}
}
