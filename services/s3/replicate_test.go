package s3

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
)

// copies gives a bucket rules that copy to other buckets.
func (w *world) copies(bucket string, rules ...*s3.ReplicationRule) {
	w.t.Helper()
	for i, r := range rules {
		r.Status, r.ID = s3.ReplicationRuleStatusEnabled, string(rune('a'+i))
		r.Priority = new(int32(i))
		if r.Filter == nil {
			r.Filter = &s3.ReplicationRuleFilter{}
		}
	}
	c := &s3.ReplicationConfiguration{Role: "arn:aws:iam::111122223333:role/copy", Rules: rules}
	if err := w.settings.replication.put(w.Service, bucket, "", c, nil); err != nil {
		w.t.Fatal(err)
	}
}

func copyTo(bucket string) *s3.ReplicationRule {
	return &s3.ReplicationRule{Destination: &s3.Destination{Bucket: "arn:aws:s3:::" + bucket}}
}

// deliver makes the copies that were ordered, and returns what else was sent.
func (w *world) deliver() (others []events.Delivery) {
	w.t.Helper()
	for len(w.sent) > 0 {
		d := w.sent[0]
		w.sent = w.sent[1:]
		if !strings.HasPrefix(d.Target, "arn:aws:s3:::") {
			others = append(others, d)
		} else if err := w.Deliver(w.t.Context(), &d); err != nil {
			w.t.Log(err)
		}
	}
	return others
}

func (w *world) status(bucket, key, version string) s3.ReplicationStatus {
	w.t.Helper()
	out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: bucket, Key: key, VersionId: version})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.ReplicationStatus
}

func (w *world) versionedBucket(name string) string {
	w.t.Helper()
	w.bucketNamed(name)
	w.versions(name)
	return name
}

func TestObjectsAreCopied(t *testing.T) {
	w := newWorld(t)
	from, to := w.versionedBucket("from"), w.versionedBucket("to1")
	w.put(from, "before", "x")
	only := copyTo(to)
	only.Destination.StorageClass = s3.StorageClassStandardIa
	w.copies(from, only)

	large := strings.Repeat("large ", 20000)
	in := putInput(from, "k", large)
	in.Metadata, in.Tagging, in.ContentType = map[string]string{"a": "b"}, "t=1", "text/plain"
	put, err := w.putObject(w.ctx(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.status(from, "k", ""); got != s3.ReplicationStatusPending {
		t.Errorf("before it is copied: %q", got)
	}
	w.deliver()
	if got := w.status(from, "k", ""); got != s3.ReplicationStatusCompleted {
		t.Errorf("when it is copied: %q", got)
	}
	if got := w.status(from, "before", ""); got != "" {
		t.Errorf("what was there before the rules: %q", got)
	}
	copied, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: to, Key: "k", VersionId: put.VersionId})
	if err != nil {
		t.Fatal(err)
	}
	if copied.ReplicationStatus != s3.ReplicationStatusReplica || copied.ETag != put.ETag || copied.Metadata["a"] != "b" ||
		copied.ContentType != "text/plain" || *copied.TagCount != 1 || copied.StorageClass != s3.StorageClassStandardIa {
		t.Errorf("the copy: %+v", copied)
	}
	if got := readAll(t, copied.Body); got != large {
		t.Errorf("%d bytes of %d", len(got), len(large))
	}
	// A copy does not need its source.
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: from, Key: "k", VersionId: put.VersionId}))
	w.deliver()
	if got := w.get(to, "k"); got != large {
		t.Error("deletion of a version was copied")
	}
}

// Copies have the ids and the order of their sources, in whatever order they are made.
func TestVersionsAreCopiedInTheirOrder(t *testing.T) {
	w := newWorld(t)
	from, to := w.versionedBucket("from"), w.versionedBucket("to1")
	r := copyTo(to)
	r.DeleteMarkerReplication = &s3.DeleteMarkerReplication{Status: s3.DeleteMarkerReplicationStatusEnabled}
	w.copies(from, r)
	for _, content := range []string{"1", "2", "3"} {
		w.put(from, "k", content)
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: from, Key: "k"}))
	w.put(from, "k", "4")
	slices.Reverse(w.sent)
	w.sent[0], w.sent[1] = w.sent[1], w.sent[0]
	again := slices.Clone(w.sent)
	w.deliver()
	ids := func(bucket string) (all []string) {
		out, err := w.listObjectVersions(w.ctx(), &s3.ListObjectVersionsInput{Bucket: bucket})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range filled(out.Versions) {
			all = append(all, v.VersionId)
		}
		for _, m := range filled(out.DeleteMarkers) {
			all = append(all, "deleted "+m.VersionId)
		}
		return all
	}
	if got, want := ids(to), ids(from); !slices.Equal(got, want) || len(got) != 5 {
		t.Errorf("%q, want %q", got, want)
	}
	if got := w.get(to, "k"); got != "4" {
		t.Errorf("the current one is %q", got)
	}
	w.sent = again // deliveries come at least once
	w.deliver()
	if got, want := ids(to), ids(from); !slices.Equal(got, want) {
		t.Errorf("again: %q, want %q", got, want)
	}
}

func TestRulesOfReplication(t *testing.T) {
	w := newWorld(t)
	from := w.versionedBucket("from")
	to1, to2, to3 := w.versionedBucket("to1"), w.versionedBucket("to2"), w.versionedBucket("to3")
	logs := copyTo(to1)
	logs.Filter = &s3.ReplicationRuleFilter{Prefix: new("logs/")}
	tagged := copyTo(to2)
	tagged.Filter = &s3.ReplicationRuleFilter{Tag: &s3.Tag{Key: "copy", Value: "yes"}}
	w.copies(from, logs, tagged)
	w.copies(to1, copyTo(to3))

	w.put(from, "logs/1", "x")
	in := putInput(from, "other", "y")
	in.Tagging = "copy=yes"
	must(t)(w.putObject(w.ctx(), in))
	w.put(from, "neither", "z")
	w.deliver()
	for bucket, want := range map[string]string{to1: "logs/1*", to2: "other*", to3: ""} { // copies are not copied on
		if got := w.listed(bucket); strings.ReplaceAll(got, " (STANDARD)", "") != want {
			t.Errorf("%s: %s, want %s", bucket, got, want)
		}
	}
	if got := w.status(from, "neither", ""); got != "" {
		t.Errorf("what no rule is for: %q", got)
	}
	// Changes of what was copied follow; delete markers do not, unless a rule says so.
	must(t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: from, Key: "other", Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "copy", Value: "yes"}, {Key: "new"}}}}))
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: from, Key: "logs/1"}))
	w.deliver()
	tags, err := w.getObjectTagging(w.ctx(), &s3.GetObjectTaggingInput{Bucket: to2, Key: "other"})
	if err != nil || len(tags.TagSet) != 2 {
		t.Errorf("tags of the copy: %+v, %v", tags, err)
	}
	if got := w.listed(to1); got != "logs/1*" {
		t.Errorf("after a delete marker: %s", got)
	}
}

func TestCopiesFail(t *testing.T) {
	w := newWorld(t)
	from, to := w.versionedBucket("from"), w.versionedBucket("to1")
	elsewhere := copyTo("none")
	w.copies(from, copyTo(to), elsewhere)
	must(t)(w.putBucketNotificationConfiguration(w.ctx(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: from, SkipDestinationValidation: new(true),
		NotificationConfiguration: &s3.NotificationConfiguration{QueueConfigurations: []*s3.QueueConfiguration{{
			QueueArn: "arn:aws:sqs:us-east-1:111122223333:q", Events: []s3.Event{"s3:Replication:*"},
		}}},
	}))
	w.sent = nil
	w.put(from, "k", "x")
	told := w.deliver()
	if got := w.status(from, "k", ""); got != s3.ReplicationStatusFailed {
		t.Errorf("%q", got)
	}
	if got := w.get(to, "k"); got != "x" {
		t.Errorf("the copy that could be made: %q", got)
	}
	if len(told) != 1 {
		t.Fatalf("%d events", len(told))
	}
	var n notification
	if err := json.Unmarshal(told[0].Payload, &n); err != nil {
		t.Fatal(err)
	}
	want := copyFailure{"b", "arn:aws:s3:::none", "OBJECT_PUT", epoch.Format("2006-01-02T15:04:05.000Z"), errNoDestination.Error()}
	if r := n.Records[0]; r.EventName != "Replication:OperationFailedReplication" || *r.Replication != want {
		t.Errorf("%+v %+v", r, r.Replication)
	}
}

// What other services send becomes an object, where it says which; nothing else
// counts as delivered.
func TestDeliveriesBecomeObjects(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	d := events.Delivery{
		Target: "arn:aws:s3:::" + b, Payload: []byte(`{"version":"1.0"}`), Attributes: map[string]string{"key": "a/b"},
		Principal: api.ServicePrincipal("lambda.amazonaws.com", "arn:aws:lambda:us-east-1:"+account+":function:f", account),
	}
	for range 2 {
		if err := w.Deliver(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.get(b, "a/b"); got != string(d.Payload) {
		t.Errorf("%q", got)
	}
	w.wantLeft("objects:1")
	for name, d := range map[string]events.Delivery{
		"no order":  {Target: d.Target, Payload: []byte("no order")},
		"no key":    {Target: d.Target, Payload: d.Payload},
		"no bucket": {Target: "arn:aws:s3:::none", Payload: d.Payload, Attributes: d.Attributes, Principal: d.Principal},
	} {
		if err := w.Deliver(t.Context(), &d); err == nil {
			t.Errorf("%s: it counts as delivered", name)
		}
	}
}

// What is restored is one object, not its copies; and where a copy has been moved to
// is not changed by what is told of its source later.
func TestCopiesAreArchivedForThemselves(t *testing.T) {
	w := newWorld(t)
	from, to := w.versionedBucket("from"), w.versionedBucket("to1")
	only := copyTo(to)
	only.Destination.StorageClass = s3.StorageClassDeepArchive
	w.copies(from, only)
	w.archive(from, "k", s3.StorageClassGlacier)
	w.deliver()
	if _, err := w.restore(from, "k", 10, s3.TierStandard); err != nil {
		t.Fatal(err)
	}
	w.passes(24 * time.Hour)
	if got := w.status(from, "k", ""); got != s3.ReplicationStatusCompleted {
		t.Errorf("being restored is nothing to copy: %q", got)
	}
	must(t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: from, Key: "k", Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "t", Value: "1"}}}}))
	w.deliver()
	if got := w.get(from, "k"); got != "cold" {
		t.Errorf("the source: %q", got)
	}
	head, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: to, Key: "k"})
	if err != nil || head.StorageClass != s3.StorageClassDeepArchive || head.Restore != "" || head.TagCount == nil {
		t.Errorf("the copy: %+v, %v", head, err)
	}
	_, err = w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: to, Key: "k"})
	refused(t, err, "InvalidObjectState", 403)
}

// A copy in another account's bucket belongs to the source's account, unless the
// rule or the bucket gives it to the bucket's.
func TestCopiesHaveOwners(t *testing.T) {
	w := newWorld(t)
	from := w.versionedBucket("from")
	for name, c := range map[string]struct {
		ownership s3.ObjectOwnership
		override  bool
		want      string
	}{
		"enforced": {s3.ObjectOwnershipBucketOwnerEnforced, false, "444455556666"},
		"writer":   {s3.ObjectOwnershipObjectWriter, false, account},
		"override": {s3.ObjectOwnershipObjectWriter, true, "444455556666"},
	} {
		other := w.as("444455556666", "us-east-1")
		must(t)(w.createBucket(other, &s3.CreateBucketInput{Bucket: name, ObjectOwnership: c.ownership}))
		must(t)(w.putBucketVersioning(other, &s3.PutBucketVersioningInput{
			Bucket: name, VersioningConfiguration: &s3.VersioningConfiguration{Status: s3.BucketVersioningStatusEnabled},
		}))
		r := copyTo(name)
		if r.Destination.Account = "444455556666"; c.override {
			r.Destination.AccessControlTranslation = &s3.AccessControlTranslation{Owner: s3.OwnerOverrideDestination}
		}
		w.copies(from, r)
		w.clock.Advance(time.Second)
		w.put(from, "k", "x")
		w.deliver()
		acl, err := w.getObjectACL(other, &s3.GetObjectAclInput{Bucket: name, Key: "k"})
		if err != nil || acl.Owner.ID != ownerID(c.want) {
			t.Errorf("%s: %+v, %v", name, acl, err)
		}
	}
}

// Copies of objects under keys of KMS are under the key that the rule names, with
// the same kind of encryption; parts stay parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
func TestCopiesHaveKeysOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	from, to := w.versionedBucket("from"), w.versionedBucket("to1")
	const key = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"
	rule := func(key string) *s3.ReplicationRule {
		r := copyTo(to)
		r.SourceSelectionCriteria = &s3.SourceSelectionCriteria{SseKmsEncryptedObjects: &s3.SseKmsEncryptedObjects{Status: s3.SseKmsEncryptedObjectsStatusEnabled}}
		r.Destination.EncryptionConfiguration = &s3.EncryptionConfiguration{ReplicaKmsKeyID: key}
		return r
	}
	w.copies(from, rule(key))
	head := func(bucket, key string) *s3.HeadObjectOutput {
		t.Helper()
		out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	large := strings.Repeat("secret ", 30000)
	for name, method := range map[string]s3.ServerSideEncryption{"small": s3.ServerSideEncryptionAwsKms, "large": s3.ServerSideEncryptionAwsKmsDsse} {
		content := map[string]string{"small": "secret", "large": large}[name]
		in := putInput(from, name, content)
		in.ServerSideEncryption, in.BucketKeyEnabled = method, new(name == "small")
		must(t)(w.putObject(w.ctx(), in))
		again := slices.Clone(w.sent)
		w.deliver()
		w.sent = again // deliveries come at least once
		w.deliver()
		source, replica := head(from, name), head(to, name)
		if replica.ServerSideEncryption != method || replica.SSEKMSKeyId != key || source.SSEKMSKeyId == key ||
			source.ReplicationStatus != s3.ReplicationStatusCompleted || (replica.BucketKeyEnabled != nil) != (name == "small") {
			t.Errorf("%s: of %+v the copy is %+v", name, source, replica)
		}
		if got := w.get(to, name); got != content {
			t.Errorf("%s: %d bytes of %d", name, len(got), len(content))
		}
	}
	must(t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: from, Key: "large", Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "a", Value: "b"}}}}))
	w.deliver()
	if replica := head(to, "large"); replica.SSEKMSKeyId != key || w.get(to, "large") != large {
		t.Errorf("with new tags: %+v", replica)
	}

	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: from, Key: "parts", ServerSideEncryption: s3.ServerSideEncryptionAwsKms})
	first := strings.Repeat("x", minPart)
	must(t)(w.complete(from, "parts", id, w.part(from, "parts", id, 1, first), w.part(from, "parts", id, 2, "rest")))
	w.deliver()
	part, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: to, Key: "parts", PartNumber: new(int32(2))})
	if err != nil || *part.PartsCount != 2 || part.SSEKMSKeyId != key || readAll(t, part.Body) != "rest" {
		t.Errorf("the second part: %+v, %v", part, err)
	}
	if got := w.get(to, "parts"); got != first+"rest" {
		t.Errorf("%d bytes", len(got))
	}

	w.copies(from, rule("arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"))
	in := putInput(from, "elsewhere", "x")
	in.ServerSideEncryption = s3.ServerSideEncryptionAwsKms
	must(t)(w.putObject(w.ctx(), in))
	w.deliver()
	if got := w.status(from, "elsewhere", ""); got != s3.ReplicationStatusFailed {
		t.Errorf("with a key of another region: %q", got)
	}
}

// A copy is archived as its source is, however that is restored.
func TestRestorationsAreNotCopied(t *testing.T) {
	w := newWorld(t)
	from, to := w.versionedBucket("from"), w.versionedBucket("to1")
	w.copies(from, copyTo(to))
	w.archive(from, "k", s3.StorageClassGlacier)
	w.deliver()
	must(t)(w.restore(from, "k", 2, s3.TierExpedited))
	w.passes(time.Minute)
	w.deliver()
	if got := w.restoreHeader(to, "k"); got != "" || w.restoreHeader(from, "k") == "" {
		t.Errorf("the copy has %q", got)
	}
	_, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: to, Key: "k"})
	refused(t, err, "InvalidObjectState", 403)
	// What it was restored for is the copy's own affair.
	must(t)(w.restore(to, "k", 2, s3.TierExpedited))
	w.passes(time.Minute)
	must(t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: from, Key: "k", Tagging: &s3.Tagging{}}))
	w.deliver()
	if got := w.get(to, "k"); got != "cold" {
		t.Errorf("%q", got)
	}
}

// A copy has its source's access control list where lists are in force in both buckets.
func TestCopiesHaveLists(t *testing.T) {
	w := newWorld(t)
	from, to, closed := w.versionedBucket("from"), w.versionedBucket("to1"), w.versionedBucket("closed")
	own := func(bucket string, o s3.ObjectOwnership) {
		must(t)(w.putBucketOwnershipControls(w.ctx(), &s3.PutBucketOwnershipControlsInput{
			Bucket: bucket, OwnershipControls: &s3.OwnershipControls{Rules: []*s3.OwnershipControlsRule{{ObjectOwnership: o}}},
		}))
	}
	own(from, s3.ObjectOwnershipObjectWriter)
	own(to, s3.ObjectOwnershipObjectWriter)
	w.copies(from, copyTo(to), copyTo(closed))
	grants := func(bucket, key string) int {
		t.Helper()
		acl, err := w.getObjectACL(w.ctx(), &s3.GetObjectAclInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return len(acl.Grants)
	}
	in := putInput(from, "k", "x")
	in.ACL = s3.ObjectCannedACLAuthenticatedRead
	must(t)(w.deletePublicAccessBlock(w.ctx(), &s3.DeletePublicAccessBlockInput{Bucket: from}))
	must(t)(w.putObject(w.ctx(), in))
	w.deliver()
	if got := grants(to, "k"); got != 2 {
		t.Errorf("%d grants", got)
	}
	own(closed, s3.ObjectOwnershipObjectWriter) // there was no list to copy
	if got := grants(closed, "k"); got != 1 {
		t.Errorf("%d grants of a copy in a bucket without lists", got)
	}
	own(from, s3.ObjectOwnershipBucketOwnerEnforced)
	must(t)(w.putObjectTagging(w.ctx(), &s3.PutObjectTaggingInput{Bucket: from, Key: "k", Tagging: &s3.Tagging{}}))
	w.deliver()
	if got := grants(to, "k"); got != 1 {
		t.Errorf("%d grants when the source's are not in force", got)
	}
}
