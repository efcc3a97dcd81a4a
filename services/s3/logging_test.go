package s3

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/service"
)

// asked is a request for an object.
func (w *world) asked(bucket, key string) service.Witnessed {
	call := *api.CallFrom(w.ctx())
	call.Operation, call.AccessKeyID = s3.GetObject.Spec(), "AKIAEXAMPLE"
	return service.Witnessed{
		Call: &call, Input: &s3.GetObjectInput{Bucket: bucket, Key: key},
		Method: "GET", URI: "/" + bucket + "/" + key, Version: "HTTP/1.1", Status: 404, Code: "NoSuchKey", Sent: 300,
	}
}

func (w *world) logs(from, to string) {
	w.t.Helper()
	must(w.t)(w.putBucketLogging(w.ctx(), &s3.PutBucketLoggingInput{Bucket: from, BucketLoggingStatus: &s3.BucketLoggingStatus{
		LoggingEnabled: &s3.LoggingEnabled{TargetBucket: to, TargetPrefix: "log/"},
	}}))
}

// delivered are the lines of the logs in a bucket.
func (w *world) delivered(bucket string) (objects int, lines []string) {
	w.t.Helper()
	out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range out.Contents {
		if !strings.HasPrefix(o.Key, "log/2026-03-04-05-") {
			w.t.Errorf("a log under %q", o.Key)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(w.get(bucket, o.Key), "\n"), "\n")...)
	}
	return len(out.Contents), lines
}

func TestLogsAreDelivered(t *testing.T) {
	w := newWorld(t)
	from, to, other := w.bucketNamed("from"), w.bucketNamed("to1"), w.bucketNamed("other")
	w.Witness(w.asked(from, "before"))
	w.logs(from, to)
	for range logLines + 1 {
		w.Witness(w.asked(from, "key"))
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.Witness(w.asked(other, "key")); w.Service.logs.waiting.Load() {
		t.Error("a bucket without a log wakes who delivers logs")
	}
	objects, lines := w.delivered(to)
	if objects != 2 || len(lines) != logLines+1 {
		t.Fatalf("%d lines in %d objects", len(lines), objects)
	}
	want := ownerID(account) + " from [04/Mar/2026:05:06:07 +0000] 192.0.2.1 " + ownerID(account) +
		` REQUEST REST.GET.OBJECT key "GET /from/key HTTP/1.1" 404 NoSuchKey 300 - 0 0 "-" "-" - REQUEST SigV4 - AuthHeader localhost:4566 - - -`
	if lines[0] != want {
		t.Errorf("%s\nwant %s", lines[0], want)
	}
	w.wantLeft("objects:2")

	// What has nowhere to go does not stay either.
	w.Witness(w.asked(from, "key"))
	must(t)(w.putBucketLogging(w.ctx(), &s3.PutBucketLoggingInput{Bucket: from, BucketLoggingStatus: &s3.BucketLoggingStatus{}}))
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantLeft("objects:2")
}

// A log that is partitioned by when things happened has an object for each day, named by
// it, and the objects grant what the configuration does.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html
func TestLogsByDay(t *testing.T) {
	w := newWorld(t)
	from := w.bucketNamed("from")
	must(t)(w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "to1", ObjectOwnership: s3.ObjectOwnershipBucketOwnerPreferred}))
	reader, owner := ownerID("444455556666"), ownerID(account)
	must(t)(w.putBucketLogging(w.ctx(), &s3.PutBucketLoggingInput{Bucket: from, BucketLoggingStatus: &s3.BucketLoggingStatus{
		LoggingEnabled: &s3.LoggingEnabled{
			TargetBucket: "to1", TargetPrefix: "log/",
			TargetObjectKeyFormat: &s3.TargetObjectKeyFormat{PartitionedPrefix: &s3.PartitionedPrefix{PartitionDateSource: s3.PartitionDateSourceEventTime}},
			TargetGrants:          []*s3.TargetGrant{{Grantee: &s3.Grantee{Type: s3.TypeCanonicalUser, ID: reader}, Permission: s3.BucketLogsPermissionRead}},
		},
	}}))
	for range 2 {
		w.Witness(w.asked(from, "key"))
		w.Witness(w.asked(from, "key"))
		w.clock.Advance(24 * time.Hour)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: "to1"})
	if err != nil || len(out.Contents) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	for i, day := range []string{"04", "05"} {
		key := out.Contents[i].Key
		if want := "log/" + account + "/us-east-1/from/2026/03/" + day + "/2026-03-" + day + "-00-00-00-"; !strings.HasPrefix(key, want) {
			t.Errorf("%q, want %q", key, want)
		}
		if lines := strings.Split(w.get("to1", key), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "["+day+"/Mar/2026") {
			t.Errorf("%q", lines)
		}
		acl, err := w.getObjectACL(w.ctx(), &s3.GetObjectAclInput{Bucket: "to1", Key: key})
		if err != nil || len(acl.Grants) != 2 || acl.Owner.ID != owner || acl.Grants[0].Grantee.ID != owner || acl.Grants[1].Grantee.ID != reader {
			t.Errorf("%+v, %v", acl, err)
		}
	}
}

// Without a drain, Run delivers lines some minutes after the first of them.
func TestRunDeliversLogs(t *testing.T) {
	w := newWorld(t)
	from, to := w.bucketNamed("from"), w.bucketNamed("to1")
	w.logs(from, to)
	w.clock.Freeze()
	w.Witness(w.asked(from, "key"))
	now := w.clock.Now()
	for _, c := range []struct {
		at   time.Time
		want int
	}{{now.Add(logDelay - 1), 0}, {now.Add(logDelay), 1}} {
		if _, err := w.deliverLogs(t.Context(), c.at, false); err != nil {
			t.Fatal(err)
		}
		if got, _ := w.delivered(to); got != c.want {
			t.Errorf("after %v: %d logs", c.at.Sub(now), got)
		}
	}
	w.Witness(w.asked(from, "key"))
	if next, err := w.work(t.Context(), false); err != nil || !next.Equal(now.Add(logDelay)) {
		t.Errorf("the next are due at %v, %v", next, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
}
