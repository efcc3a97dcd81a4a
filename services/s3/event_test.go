package s3

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

// form is a body as a browser's form sends it.
type form struct{ *strings.Reader }

func (form) Close() error { return nil }
func (form) Unmeasured()  {}

var _ api.Unmeasured = form{}

// Every event that can happen has its name, its version, and the members of the object that it has
// on AWS, in records and in what EventBridge is told.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func TestEveryEvent(t *testing.T) {
	const b, key = "abc", "a b"
	created := []string{"eTag", "key", "sequencer", "size"}
	put := func(w *world) { w.put(b, key, "cold") }
	archived := func(w *world) { w.archive(b, key, s3.StorageClassGlacier) }
	restored := func(w *world) {
		archived(w)
		must(w.t)(w.restore(b, key, 1, s3.TierExpedited))
	}
	versioned := func(then func(*world)) func(*world) {
		return func(w *world) {
			w.versions(b)
			then(w)
		}
	}
	for _, c := range []struct {
		name, version string
		before, do    func(*world)
		object        []string // members
		data          string   // the member of the record that only such events have, and its value
		detail        string   // of EventBridge: its type, reason and kind of deletion; "" is nothing
	}{
		{"ObjectCreated:Put", "2.1", nil, put, created, "", "Object Created, PutObject, "},
		{"ObjectCreated:Put", "2.1", versioned(func(*world) {}), put, append([]string{"versionId"}, created...), "", "Object Created, PutObject, "},
		{"ObjectCreated:Post", "2.1", nil, func(w *world) {
			must(w.t)(w.putObject(w.ctx(), &s3.PutObjectInput{Bucket: b, Key: key, Body: form{strings.NewReader("x")}}))
		}, created, "", "Object Created, POST Object, "},
		{"ObjectCreated:Copy", "2.1", put, func(w *world) {
			must(w.t)(w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: key, CopySource: b + "/a%20b", MetadataDirective: s3.MetadataDirectiveReplace}))
		}, created, "", "Object Created, CopyObject, "},
		{"ObjectCreated:CompleteMultipartUpload", "2.1", nil, func(w *world) {
			id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: key})
			must(w.t)(w.complete(b, key, id, w.part(b, key, id, 1, "x")))
		}, created, "", "Object Created, CompleteMultipartUpload, "},
		{"ObjectRemoved:Delete", "2.1", put, func(w *world) {
			must(w.t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: key}))
		}, []string{"key", "sequencer"}, "", "Object Deleted, DeleteObject, Permanently Deleted"},
		{"ObjectRemoved:DeleteMarkerCreated", "2.1", versioned(put), func(w *world) {
			must(w.t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: key}))
		}, []string{"eTag", "key", "sequencer", "versionId"}, "", "Object Deleted, DeleteObject, Delete Marker Created"},
		{"ObjectTagging:Put", "2.3", put, func(w *world) {
			must(w.t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: b, Key: key, Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "a"}}}}))
		}, []string{"eTag", "key"}, "", "Object Tags Added, , "},
		{"ObjectTagging:Delete", "2.3", put, func(w *world) {
			must(w.t)(w.deleteObjectTagging(w.ctx(), &s3.DeleteObjectTaggingInput{Bucket: b, Key: key}))
		}, []string{"eTag", "key"}, "", "Object Tags Deleted, , "},
		{"ObjectAcl:Put", "2.3", func(w *world) {
			must(w.t)(w.putBucketOwnershipControls(w.ctx(), &s3.PutBucketOwnershipControlsInput{
				Bucket: b, OwnershipControls: &s3.OwnershipControls{Rules: []*s3.OwnershipControlsRule{{ObjectOwnership: s3.ObjectOwnershipObjectWriter}}},
			}))
			put(w)
		}, func(w *world) {
			must(w.t)(w.putObjectACL(w.ctx(), &s3.PutObjectAclInput{Bucket: b, Key: key, ACL: s3.ObjectCannedACLBucketOwnerRead}))
		}, []string{"eTag", "key"}, "", "Object ACL Updated, , "},
		{"ObjectRestore:Post", "2.1", archived, func(w *world) {
			must(w.t)(w.restore(b, key, 1, s3.TierExpedited))
		}, created, "", "Object Restore Initiated, , "},
		{"ObjectRestore:Completed", "2.1", restored, func(w *world) { w.passes(time.Minute) }, created,
			`glacierEventData {"restoreEventData":{"lifecycleRestorationExpiryTime":"2026-03-06T00:00:00.000Z","lifecycleRestoreStorageClass":"GLACIER"}}`,
			"Object Restore Completed, , "},
		{"ObjectRestore:Delete", "2.3", func(w *world) {
			restored(w)
			w.passes(time.Minute)
		}, func(w *world) { w.passes(5 * 24 * time.Hour) }, []string{"eTag", "key", "sequencer"}, "", "Object Restore Expired, , "},
		{"LifecycleExpiration:Delete", "2.3", put, func(w *world) {
			w.ages(b, &s3.LifecycleRule{Expiration: expiresAfter(1)})
			w.days(3)
		}, []string{"key", "sequencer"}, "", "Object Deleted, Lifecycle Expiration, Permanently Deleted"},
		{"LifecycleExpiration:DeleteMarkerCreated", "2.3", versioned(put), func(w *world) {
			w.ages(b, &s3.LifecycleRule{Expiration: expiresAfter(1)})
			w.days(3)
		}, []string{"eTag", "key", "sequencer", "versionId"}, "", "Object Deleted, Lifecycle Expiration, Delete Marker Created"},
		{"LifecycleTransition", "2.3", func(w *world) { w.put(b, key, strings.Repeat("x", 200<<10)) }, func(w *world) {
			w.ages(b, &s3.LifecycleRule{Transitions: []*s3.Transition{{Days: new(int32(1)), StorageClass: s3.TransitionStorageClassGlacier}}})
			w.days(3)
		}, []string{"eTag", "key", "sequencer"}, `lifecycleEventData {"transitionEventData":{"destinationStorageClass":"GLACIER"}}`, "Object Storage Class Changed, , "},
		{"Replication:OperationFailedReplication", "2.2", versioned(func(w *world) {
			w.copies(b, copyTo("none"))
			put(w)
		}), func(w *world) { w.sent = w.deliver() }, append([]string{"versionId"}, created...),
			`replicationEventData {"destinationBucket":"arn:aws:s3:::none","failureReason":"DstBucketNotFound","replicationRuleId":"a","requestTime":"2026-03-04T05:06:07.890Z","s3Operation":"OBJECT_PUT"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.bucketNamed(b)
			if c.before != nil {
				c.before(w)
			}
			orders := slices.Clone(w.sent) // of copies
			must(t)(nil, w.notify(b, &s3.NotificationConfiguration{
				QueueConfigurations: []*s3.QueueConfiguration{{
					Id: "all", QueueArn: "arn:aws:sqs:us-east-1:111122223333:q",
					Events: []s3.Event{s3.Event("s3:" + c.name)}, Filter: keyFilter("prefix", "a ", "suffix", " b"),
				}},
				EventBridgeConfiguration: &s3.EventBridgeConfiguration{},
			}, true))
			w.sent = orders
			if c.name != "Replication:OperationFailedReplication" {
				w.sent = nil
			}
			c.do(w)
			var records, bridged []map[string]any
			for _, d := range w.sent {
				var got struct {
					Records []map[string]any
					Detail  map[string]any `json:"detail"`
					Type    string         `json:"detail-type"`
				}
				if err := json.Unmarshal(d.Payload, &got); err != nil {
					t.Fatal(err)
				}
				records = append(records, got.Records...)
				if got.Detail != nil {
					got.Detail["detail-type"] = got.Type
					bridged = append(bridged, got.Detail)
				}
			}
			if len(records) != 1 {
				t.Fatalf("%d records", len(records))
			}
			r := records[0]
			object := r["s3"].(map[string]any)["object"].(map[string]any)
			if r["eventName"] != c.name || r["eventVersion"] != c.version || object["key"] != "a+b" {
				t.Errorf("%s", w.sent[0].Payload)
			}
			if got, want := members(object), slices.Sorted(slices.Values(c.object)); !slices.Equal(got, want) {
				t.Errorf("the object has %q, want %q", got, want)
			}
			data := ""
			for _, name := range members(r) {
				if strings.HasSuffix(name, "EventData") {
					value, _ := json.Marshal(r[name]) // maps of strings
					data += name + " " + string(value)
				}
			}
			if data != c.data {
				t.Errorf("data %s, want %s", data, c.data)
			}
			if c.detail == "" {
				if len(bridged) > 0 {
					t.Errorf("EventBridge is told %v", bridged)
				}
				return
			}
			if len(bridged) != 1 {
				t.Fatalf("EventBridge is told %d times", len(bridged))
			}
			d := bridged[0]
			text := func(name string) string { s, _ := d[name].(string); return s }
			if got := fmt.Sprintf("%s, %s, %s", text("detail-type"), text("reason"), text("deletion-type")); got != c.detail {
				t.Errorf("EventBridge is told %s, want %s", got, c.detail)
			}
			told := d["object"].(map[string]any)
			if _, sequenced := told["sequencer"]; told["key"] != key || sequenced != (text("reason") != "") {
				t.Errorf("EventBridge is told of %v", told)
			}
		})
	}
}

// members are the names of an object's members, sorted.
func members(o map[string]any) []string {
	var names []string
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
