package s3

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

func TestVersionIDs(t *testing.T) {
	source := ids.Random()
	form := regexp.MustCompile(`^[A-Za-z0-9._]{32}$`)
	seen := map[string]bool{}
	for _, sequence := range []uint64{0, 1, 1 << 40, 1<<64 - 1, 1} {
		id := newVersionID(sequence, source)
		got, ok := versionSequence(id)
		if !form.MatchString(id) || !ok || got != sequence || seen[id] {
			t.Errorf("%d has the id %q, which is of %d, %v", sequence, id, got, ok)
		}
		seen[id] = true
	}
	id := newVersionID(7, source)
	for _, bad := range []string{"", "null", "bad", id[:31], id + "A", id[1:] + id[:1], strings.Repeat("v", 32), id[:31] + "-"} {
		if _, ok := versionSequence(bad); ok {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

func TestPutBucketVersioning(t *testing.T) {
	for _, c := range []struct {
		name   string
		config *s3.VersioningConfiguration
		code   string
		status int
	}{
		{"nothing", nil, "MalformedXML", 400},
		{"no status", &s3.VersioningConfiguration{}, "IllegalVersioningConfigurationException", 400},
		{"another case", &s3.VersioningConfiguration{Status: "enabled"}, "MalformedXML", 400},
		{"disabled", &s3.VersioningConfiguration{Status: "Disabled"}, "MalformedXML", 400},
		{"MFA delete", &s3.VersioningConfiguration{Status: "Enabled", MFADelete: "Enabled"}, "AccessDenied", 403},
		{"unknown MFA delete", &s3.VersioningConfiguration{Status: "Enabled", MFADelete: "Maybe"}, "MalformedXML", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucketNamed("abc")
			_, err := w.putBucketVersioning(w.ctx(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: c.config})
			refused(t, err, c.code, c.status)
			out, err := w.getBucketVersioning(w.ctx(), &s3.GetBucketVersioningInput{Bucket: b})
			if err != nil || out.Status != "" {
				t.Errorf("it left %+v, %v", out, err)
			}
		})
	}
	w := newWorld(t)
	b := w.bucketNamed("abc")
	for _, status := range []s3.BucketVersioningStatus{"Suspended", "Enabled", "Enabled", "Suspended"} {
		must(t)(w.putBucketVersioning(w.ctx(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &s3.VersioningConfiguration{
			Status: status, MFADelete: s3.MFADeleteDisabled,
		}}))
		out, err := w.getBucketVersioning(w.ctx(), &s3.GetBucketVersioningInput{Bucket: b})
		if err != nil || out.Status != status {
			t.Errorf("%+v, %v, want %s", out, err, status)
		}
	}
}

// Which errors name versions that are not there.
func TestMissingVersions(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.version(b, enabled)
	gone := w.put(b, "k", "1").VersionId
	other := w.put(b, "other", "2").VersionId
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", VersionId: gone}))
	never := strings.Repeat("v", 32)
	for _, c := range []struct {
		version, read, deletion, batch string
	}{
		{gone, "NoSuchVersion", "", ""},
		{other, "NoSuchVersion", "", ""},
		{"null", "NoSuchVersion", "", ""},
		{never, "InvalidArgument", "InvalidArgument", "NoSuchVersion"},
		{"bad", "InvalidArgument", "InvalidArgument", "NoSuchVersion"},
	} {
		t.Run(c.version, func(t *testing.T) {
			_, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", VersionId: c.version})
			refused(t, err, c.read, map[string]int{"NoSuchVersion": 404, "InvalidArgument": 400}[c.read])
			_, err = w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: "copy", CopySource: b + "/k?versionId=" + c.version})
			refused(t, err, c.read, map[string]int{"NoSuchVersion": 404, "InvalidArgument": 400}[c.read])
			if _, err = w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", VersionId: c.version}); c.deletion != "" {
				refused(t, err, c.deletion, 400, "ArgumentName", "versionId", "ArgumentValue", c.version)
			} else if err != nil {
				t.Error(err)
			}
			out, err := w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Objects: []*s3.ObjectIdentifier{{Key: "k", VersionId: c.version}}}})
			if err != nil || c.batch == "" && len(out.Errors) > 0 || c.batch != "" && (len(out.Errors) != 1 || out.Errors[0].Code != c.batch) {
				t.Errorf("%+v, %v, want %q", out, err, c.batch)
			}
		})
	}
	_, err := w.listObjectVersions(w.ctx(), &s3.ListObjectVersionsInput{Bucket: b, KeyMarker: "k", VersionIdMarker: "bad"})
	refused(t, err, "InvalidArgument", 400, "ArgumentName", "version-id-marker", "ArgumentValue", "bad")
}

// A delete marker is no source of a copy, and conditions do not see it.
func TestDeleteMarkers(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.version(b, enabled)
	old := w.put(b, "k", "1")
	del, err := w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"})
	must(t)(nil, err)
	_, err = w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: "copy", CopySource: b + "/k"})
	refused(t, err, "NoSuchKey", 404, "Key", "k")
	_, err = w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: "copy", CopySource: b + "/k?versionId=" + del.VersionId})
	refused(t, err, "InvalidRequest", 400)
	_, err = w.getObjectTagging(w.ctx(), &s3.GetObjectTaggingInput{Bucket: b, Key: "k"})
	refused(t, err, "MethodNotAllowed", 405, "Method", "GET")
	_, err = w.getObjectACL(w.ctx(), &s3.GetObjectAclInput{Bucket: b, Key: "k"})
	refused(t, err, "NoSuchKey", 404)

	in := putInput(b, "k", "2")
	in.IfMatch = old.ETag
	_, err = w.putObject(w.ctx(), in)
	refused(t, err, "NoSuchKey", 404)
	_, err = w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", IfMatch: old.ETag})
	refused(t, err, "NoSuchKey", 404)
	in = putInput(b, "k", "2")
	in.IfNoneMatch = "*"
	must(t)(w.putObject(w.ctx(), in))
	_, err = w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", VersionId: old.VersionId, IfMatch: old.ETag})
	refused(t, err, "PreconditionFailed", 412) // the condition is on the current version

	_, err = w.deleteBucket(w.ctx(), &s3.DeleteBucketInput{Bucket: b})
	e := refused(t, err, "BucketNotEmpty", 409, "BucketName", b)
	if e.Message != "The bucket you tried to delete is not empty. You must delete all versions in the bucket." {
		t.Error(e.Message)
	}
}

// An old version is brought back by copying it over the newest.
func TestRestoreOldVersion(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.version(b, enabled)
	old := w.put(b, "k", "1")
	w.put(b, "k", "2")
	out, err := w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: "k", CopySource: b + "/k?versionId=" + old.VersionId})
	if err != nil || out.CopySourceVersionId != old.VersionId || out.VersionId == "" || w.get(b, "k") != "1" {
		t.Errorf("%+v, %v", out, err)
	}
	up, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: b, Key: "parts"})
	must(t)(nil, err)
	part, err := w.uploadPartCopy(w.ctx(), &s3.UploadPartCopyInput{
		Bucket: b, Key: "parts", UploadId: up.UploadId, PartNumber: new(int32(1)), CopySource: b + "/k?versionId=" + old.VersionId,
	})
	if err != nil || part.CopySourceVersionId != old.VersionId {
		t.Errorf("%+v, %v", part, err)
	}
}

func TestVersionEvents(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{
		QueueConfigurations: []*s3.QueueConfiguration{{
			QueueArn: "arn:aws:sqs:us-east-1:111122223333:q",
			Events:   []s3.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectRemoved:Delete"},
		}},
		EventBridgeConfiguration: &s3.EventBridgeConfiguration{},
	}, true))
	w.sent = nil
	w.version(b, enabled)
	put := w.put(b, "k", "1")
	del, err := w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"})
	must(t)(nil, err)
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", VersionId: del.VersionId}))
	w.version(b, suspended)
	w.put(b, "k", "2")
	want := []string{
		"ObjectCreated:Put " + put.ETag + " " + put.VersionId,
		`ObjectRemoved:DeleteMarkerCreated "d41d8cd98f00b204e9800998ecf8427e" ` + del.VersionId,
		`ObjectRemoved:Delete "" ` + del.VersionId,
		`ObjectCreated:Put "c81e728d9d4c2f636f067f89cc14862c" `,
	}
	if len(w.sent) != 2*len(want) {
		t.Fatalf("%d deliveries", len(w.sent))
	}
	last := ""
	for i, want := range want {
		var n notification
		must(t)(nil, json.Unmarshal(w.sent[2*i].Payload, &n))
		o := n.Records[0].S3.Object
		if got := fmt.Sprintf("%s %q %s", n.Records[0].EventName, o.ETag, o.VersionID); got != want || o.Sequencer <= last {
			t.Errorf("event %d: %s (%s after %s), want %s", i, got, o.Sequencer, last, want)
		}
		last = o.Sequencer
		var e bridgeEvent
		must(t)(nil, json.Unmarshal(w.sent[2*i+1].Payload, &e))
		if e.Detail.Object.VersionID != o.VersionID || strings.Contains(want, "Marker") != (e.Detail.Deletion == "Delete Marker Created") {
			t.Errorf("event %d: %+v", i, e)
		}
	}
}

// Cleaning up page by page removes everything: what was removed is not where
// the next page begins, and yet nothing is passed over.
func TestVersionsAreRemovedWhileListed(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "k", "null")
	w.version(b, enabled)
	for i := range 7 {
		w.put(b, "k", fmt.Sprint(i))
		must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
	}
	w.version(b, suspended)
	w.put(b, "k", "null again")
	in := &s3.ListObjectVersionsInput{Bucket: b, MaxKeys: new(int32(2))}
	for more := true; more; {
		out, err := w.listObjectVersions(w.ctx(), in)
		must(t)(nil, err)
		for _, v := range filled(out.Versions) {
			must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: v.Key, VersionId: v.VersionId}))
		}
		for _, v := range filled(out.DeleteMarkers) {
			must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: v.Key, VersionId: v.VersionId}))
		}
		more, in.KeyMarker, in.VersionIdMarker = *out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker
	}
	w.wantLeft("")
}

// However many versions a common prefix hides, a page steps over a few of them;
// and a put, a read and a deletion of a key step over none of its versions.
func TestHiddenVersionsCostNothing(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.version(b, enabled)
	record := &bucket{}
	err := w.db.Update(func(tx storage.Tx) (err error) {
		if record, err = w.bucket(tx, b, ""); err != nil {
			return err
		}
		for i := range 5000 {
			o := &object{Sequence: uint64(i + 1), versioned: versioned{Version: newVersionID(uint64(i+1), w.env.IDs)}}
			if err := storage.PutRecord(tx, keyVersion(record.ID, "hidden/k", o.Sequence), o); err != nil {
				return err
			}
		}
		return nil
	})
	must(t)(nil, err)
	w.put(b, "hidden/k", "x")
	w.put(b, "seen", "x")
	err = w.db.View(func(tx storage.Tx) error {
		c := &counting{Tx: tx}
		var seen []string
		p, err := newVersionListing(record, "", "/", 10).list(c, func(key string, _ bool, _ *versionSummary) { seen = append(seen, key) })
		if err != nil || !slices.Equal(seen, []string{"seen"}) || !slices.Equal(p.groups, []string{"hidden/"}) || p.truncated {
			t.Errorf("%v, %+v, %v", seen, p, err)
		}
		if c.steps > 2*groupSteps {
			t.Errorf("a page takes %d steps", c.steps)
		}
		return nil
	})
	must(t)(nil, err)
	err = w.db.Update(func(tx storage.Tx) error {
		c := &counting{Tx: tx}
		old, err := head(c, record, "hidden/k")
		must(t)(nil, err)
		must(t)(nil, w.replace(c, record, "hidden/k", old, &object{}))
		f, err := find(c, record, "hidden/k", old.Version)
		if err != nil || f.head {
			t.Errorf("%+v, %v", f, err)
		}
		if c.steps != 0 {
			t.Errorf("writing and finding take %d steps", c.steps)
		}
		f, err = find(c, record, "hidden/k", "")
		must(t)(nil, err)
		must(t)(nil, w.erase(c, record, "hidden/k", f))
		if c.steps > 1 {
			t.Errorf("deleting takes %d steps", c.steps)
		}
		return nil
	})
	must(t)(nil, err)
}
