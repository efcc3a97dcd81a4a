package s3

import (
	"reflect"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

// md5OfX is the Content-MD5 of the body "x".
const md5OfX = "ndTkYSaMgDT1yFZOFVxnpg=="

// lockedBucket makes a bucket with object lock.
func (w *world) lockedBucket(name string) string {
	w.t.Helper()
	must(w.t)(w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: name, ObjectLockEnabledForBucket: new(true)}))
	return name
}

// putLocked puts an object with a digest, as locks demand.
func (w *world) putLocked(bucket, key string, mode s3.ObjectLockMode, until time.Time) (string, error) {
	in := putInput(bucket, key, "x")
	in.ContentMD5, in.ObjectLockMode, in.ObjectLockRetainUntilDate = md5OfX, mode, until
	out, err := w.putObject(w.ctx(), in)
	if err != nil {
		return "", err
	}
	return out.VersionId, nil
}

func (w *world) erase1(bucket, key, version string, bypass bool) error {
	in := &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: version}
	if bypass {
		in.BypassGovernanceRetention = &bypass
	}
	_, err := w.deleteObject(w.ctx(), in)
	return err
}

func TestObjectLockConfiguration(t *testing.T) {
	rule := func(mode s3.ObjectLockRetentionMode, days, years *int32) *s3.ObjectLockConfiguration {
		return &s3.ObjectLockConfiguration{ObjectLockEnabled: "Enabled", Rule: &s3.ObjectLockRule{DefaultRetention: &s3.DefaultRetention{Mode: mode, Days: days, Years: years}}}
	}
	n := func(n int32) *int32 { return &n }
	for _, c := range []struct {
		name   string
		config *s3.ObjectLockConfiguration
		code   string // "" is none
		detail []string
	}{
		{"nothing", nil, "MalformedXML", nil},
		{"not enabled", &s3.ObjectLockConfiguration{}, "MalformedXML", nil},
		{"disabled", &s3.ObjectLockConfiguration{ObjectLockEnabled: "Disabled"}, "MalformedXML", nil},
		{"an empty rule", &s3.ObjectLockConfiguration{ObjectLockEnabled: "Enabled", Rule: &s3.ObjectLockRule{}}, "MalformedXML", nil},
		{"no period", rule("GOVERNANCE", nil, nil), "MalformedXML", nil},
		{"two periods", rule("GOVERNANCE", n(1), n(1)), "MalformedXML", nil},
		{"no mode", rule("", n(1), nil), "MalformedXML", nil},
		{"an unknown mode", rule("governance", n(1), nil), "MalformedXML", nil},
		{"no days", rule("GOVERNANCE", n(0), nil), "InvalidArgument", []string{"ArgumentName", "Days", "ArgumentValue", "0"}},
		{"negative years", rule("COMPLIANCE", nil, n(-1)), "InvalidArgument", []string{"ArgumentName", "Years", "ArgumentValue", "-1"}},
		{"too many days", rule("COMPLIANCE", n(36501), nil), "InvalidArgument", []string{"ArgumentName", "Days", "ArgumentValue", "36501"}},
		{"too many years", rule("COMPLIANCE", nil, n(101)), "InvalidArgument", []string{"ArgumentName", "Years", "ArgumentValue", "101"}},
		{"days", rule("GOVERNANCE", n(36500), nil), "", nil},
		{"years", rule("COMPLIANCE", nil, n(100)), "", nil},
		{"without a default", &s3.ObjectLockConfiguration{ObjectLockEnabled: "Enabled"}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.lockedBucket("abc")
			_, err := w.putObjectLockConfiguration(w.ctx(), &s3.PutObjectLockConfigurationInput{Bucket: b, ObjectLockConfiguration: c.config})
			if c.code != "" {
				refused(t, err, c.code, 400, c.detail...)
				return
			}
			must(t)(nil, err)
			out, err := w.getObjectLockConfiguration(w.ctx(), &s3.GetObjectLockConfigurationInput{Bucket: b})
			must(t)(nil, err)
			if !reflect.DeepEqual(out.ObjectLockConfiguration, c.config) {
				t.Errorf("it became %+v", out.ObjectLockConfiguration)
			}
		})
	}
	w := newWorld(t)
	b := w.bucketNamed("abc")
	put := func() error {
		_, err := w.putObjectLockConfiguration(w.ctx(), &s3.PutObjectLockConfigurationInput{Bucket: b, ObjectLockConfiguration: &s3.ObjectLockConfiguration{ObjectLockEnabled: "Enabled"}})
		return err
	}
	_, err := w.getObjectLockConfiguration(w.ctx(), &s3.GetObjectLockConfigurationInput{Bucket: b})
	refused(t, err, "ObjectLockConfigurationNotFoundError", 404, "BucketName", b)
	refused(t, put(), "InvalidBucketState", 409)
	w.version(b, suspended)
	refused(t, put(), "InvalidBucketState", 409)
	w.version(b, enabled)
	must(t)(nil, put())
	_, err = w.putBucketVersioning(w.ctx(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &s3.VersioningConfiguration{Status: "Suspended"}})
	refused(t, err, "InvalidBucketState", 409)
	w.version(b, enabled)
}

// What a write may say of the lock that it wants.
func TestLockHeaders(t *testing.T) {
	now, later := epoch, epoch.Add(time.Hour)
	for _, c := range []struct {
		name    string
		headers lockHeaders
		locked  bool // the bucket has object lock
		md5     string
		code    string
		detail  []string
	}{
		{"no date", lockHeaders{mode: "GOVERNANCE"}, true, "", "InvalidArgument", []string{"ArgumentName", "x-amz-object-lock-retain-until-date"}},
		{"no mode", lockHeaders{until: later}, true, "", "InvalidArgument", []string{"ArgumentName", "x-amz-object-lock-mode"}},
		{"an unknown mode", lockHeaders{mode: "BAD-VALUE", until: later}, false, "", "InvalidArgument", []string{"ArgumentName", "x-amz-object-lock-mode", "ArgumentValue", "BAD-VALUE"}},
		{"now", lockHeaders{mode: "GOVERNANCE", until: now}, true, "", "InvalidArgument", []string{"ArgumentName", "x-amz-object-lock-retain-until-date"}},
		{"an unknown hold", lockHeaders{hold: "on"}, false, "", "InvalidArgument", []string{"ArgumentName", "x-amz-object-lock-legal-hold", "ArgumentValue", "on"}},
		{"a bucket without object lock", lockHeaders{mode: "GOVERNANCE", until: later}, false, md5OfX, "InvalidRequest", nil},
		{"a hold in such a bucket", lockHeaders{hold: "OFF"}, false, md5OfX, "InvalidRequest", nil},
		{"no digest", lockHeaders{mode: "GOVERNANCE", until: later}, true, "", "InvalidRequest", nil},
		{"a hold and no digest", lockHeaders{hold: "ON"}, true, "", "InvalidRequest", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucketNamed("abc")
			if c.locked {
				b = w.lockedBucket("locked")
			}
			in := putInput(b, "k", "x")
			in.ContentMD5, in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus = c.md5, c.headers.mode, c.headers.until, c.headers.hold
			_, err := w.putObject(w.ctx(), in)
			refused(t, err, c.code, 400, c.detail...)
			w.wantLeft("")
			if c.locked && c.code == "InvalidRequest" {
				return // only bodies need a digest
			}
			_, err = w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{
				Bucket: b, Key: "k", ObjectLockMode: c.headers.mode, ObjectLockRetainUntilDate: c.headers.until, ObjectLockLegalHoldStatus: c.headers.hold,
			})
			refused(t, err, c.code, 400, c.detail...)
			w.put(b, "source", "x")
			_, err = w.copyObject(w.ctx(), &s3.CopyObjectInput{
				Bucket: b, Key: "k", CopySource: b + "/source",
				ObjectLockMode: c.headers.mode, ObjectLockRetainUntilDate: c.headers.until, ObjectLockLegalHoldStatus: c.headers.hold,
			})
			refused(t, err, c.code, 400, c.detail...)
		})
	}
}

// Which changes of a retention are allowed while it lasts, without and with a
// bypass, and afterwards.
func TestRetentionChanges(t *testing.T) {
	const first, hour = 10 * time.Hour, time.Hour
	for _, c := range []struct {
		from, to       s3.ObjectLockRetentionMode
		until          time.Duration // from now on; 0 takes the retention off
		plain, bypassd bool
	}{
		{"GOVERNANCE", "GOVERNANCE", first + hour, true, true},
		{"GOVERNANCE", "GOVERNANCE", first, true, true},
		{"GOVERNANCE", "GOVERNANCE", first - hour, false, true},
		{"GOVERNANCE", "COMPLIANCE", first + hour, false, true},
		{"GOVERNANCE", "", 0, false, true},
		{"COMPLIANCE", "COMPLIANCE", first + hour, true, true},
		{"COMPLIANCE", "COMPLIANCE", first - hour, false, false},
		{"COMPLIANCE", "GOVERNANCE", first + hour, false, false},
		{"COMPLIANCE", "", 0, false, false},
	} {
		for _, state := range []struct {
			name   string
			bypass *bool
			wait   time.Duration
			want   bool
		}{
			{"plain", nil, 0, c.plain},
			{"no bypass", new(false), 0, c.plain},
			{"bypass", new(true), 0, c.bypassd},
			{"afterwards", nil, first, true},
		} {
			t.Run(string(c.from)+" to "+string(c.to)+" "+c.until.String()+", "+state.name, func(t *testing.T) {
				w := newWorld(t)
				b := w.lockedBucket("abc")
				version, err := w.putLocked(b, "k", s3.ObjectLockMode(c.from), w.clock.Now().Add(first))
				must(t)(nil, err)
				w.clock.Advance(state.wait)
				to := &s3.ObjectLockRetention{Mode: c.to}
				if c.until != 0 {
					to.RetainUntilDate = w.clock.Now().Add(c.until)
				}
				_, err = w.putObjectRetention(w.ctx(), &s3.PutObjectRetentionInput{Bucket: b, Key: "k", VersionId: version, Retention: to, BypassGovernanceRetention: state.bypass})
				got, readErr := w.getObjectRetention(w.ctx(), &s3.GetObjectRetentionInput{Bucket: b, Key: "k"})
				switch {
				case !state.want:
					refused(t, err, "AccessDenied", 403)
					if readErr != nil || got.Retention.Mode != c.from {
						t.Errorf("it became %+v, %v", got, readErr)
					}
				case c.to == "":
					must(t)(nil, err)
					refused(t, readErr, "NoSuchObjectLockConfiguration", 404)
				default:
					must(t)(nil, err)
					if readErr != nil || got.Retention.Mode != c.to || !got.Retention.RetainUntilDate.Equal(to.RetainUntilDate) {
						t.Errorf("it became %+v, %v", got, readErr)
					}
				}
			})
		}
	}
}

// What is locked is not deleted; delete markers are not locked.
func TestLockedVersions(t *testing.T) {
	w := newWorld(t)
	b := w.lockedBucket("abc")
	governed, err := w.putLocked(b, "k", "GOVERNANCE", epoch.Add(time.Hour))
	must(t)(nil, err)
	kept, err := w.putLocked(b, "k", "COMPLIANCE", epoch.Add(time.Hour))
	must(t)(nil, err)
	must(t)(nil, w.erase1(b, "k", "", false))
	e := refused(t, w.erase1(b, "k", governed, false), "AccessDenied", 403)
	if e.Message != "Access Denied because object protected by object lock." {
		t.Error(e.Message)
	}
	refused(t, w.erase1(b, "k", kept, true), "AccessDenied", 403)
	out, err := w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Objects: []*s3.ObjectIdentifier{
		{Key: "k", VersionId: governed}, {Key: "k", VersionId: kept}, {Key: "other"},
	}}})
	if err != nil || len(out.Errors) != 2 || out.Errors[0].Code != "AccessDenied" || len(out.Deleted) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	hold := func(version string, status s3.ObjectLockLegalHoldStatus) {
		must(t)(w.putObjectLegalHold(w.ctx(), &s3.PutObjectLegalHoldInput{Bucket: b, Key: "k", VersionId: version, LegalHold: &s3.ObjectLockLegalHold{Status: status}}))
	}
	hold(governed, "ON")
	refused(t, w.erase1(b, "k", governed, true), "AccessDenied", 403)
	hold(governed, "OFF")
	must(t)(nil, w.erase1(b, "k", governed, true))
	hold(kept, "ON")
	w.clock.Advance(time.Hour)
	refused(t, w.erase1(b, "k", kept, false), "AccessDenied", 403)
	hold(kept, "OFF")
	must(t)(nil, w.erase1(b, "k", kept, false))
}

// The bucket's default is for writers that ask for no retention of their own,
// and a copy does not inherit its source's lock.
func TestDefaultRetention(t *testing.T) {
	w := newWorld(t)
	b := w.lockedBucket("abc")
	must(t)(w.putObjectLockConfiguration(w.ctx(), &s3.PutObjectLockConfigurationInput{Bucket: b, ObjectLockConfiguration: &s3.ObjectLockConfiguration{
		ObjectLockEnabled: "Enabled", Rule: &s3.ObjectLockRule{DefaultRetention: &s3.DefaultRetention{Mode: "GOVERNANCE", Days: new(int32(2))}},
	}}))
	day := 24 * time.Hour
	check := func(key string, mode s3.ObjectLockMode, until time.Time) {
		t.Helper()
		out, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: key})
		if err != nil || out.ObjectLockMode != mode || !out.ObjectLockRetainUntilDate.Equal(until) || out.ObjectLockLegalHoldStatus != "" {
			t.Errorf("%s: %+v, %v; want %s until %s", key, out, err, mode, until)
		}
	}
	_, err := w.putObject(w.ctx(), putInput(b, "bare", "x"))
	refused(t, err, "InvalidRequest", 400)
	_, err = w.putLocked(b, "default", "", time.Time{})
	must(t)(nil, err)
	check("default", "GOVERNANCE", epoch.Add(2*day))
	_, err = w.putLocked(b, "own", "COMPLIANCE", epoch.Add(9*day))
	must(t)(nil, err)
	check("own", "COMPLIANCE", epoch.Add(9*day))
	w.clock.Advance(day)
	must(t)(w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: "copy", CopySource: b + "/own"}))
	check("copy", "GOVERNANCE", epoch.Add(3*day))

	up, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: b, Key: "parts", ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: epoch.Add(5 * day)})
	must(t)(nil, err)
	part := partInput(b, "parts", up.UploadId, 1, "x")
	_, err = w.uploadPart(w.ctx(), part)
	refused(t, err, "InvalidRequest", 400)
	part = partInput(b, "parts", up.UploadId, 1, "x")
	part.ContentMD5 = md5OfX
	p, err := w.uploadPart(w.ctx(), part)
	must(t)(nil, err)
	must(t)(w.complete(b, "parts", up.UploadId, &s3.CompletedPart{PartNumber: new(int32(1)), ETag: p.ETag}))
	check("parts", "COMPLIANCE", epoch.Add(5*day))
}

// The operations on locks, where there is nothing to lock.
func TestLockErrors(t *testing.T) {
	w := newWorld(t)
	plain, locked := w.bucketNamed("plain"), w.lockedBucket("locked")
	w.put(plain, "k", "x")
	w.put(locked, "k", "x")
	del, err := w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: locked, Key: "gone"})
	must(t)(nil, err)
	retention := &s3.ObjectLockRetention{Mode: "GOVERNANCE", RetainUntilDate: epoch.Add(time.Hour)}
	retain := func(bucket, key, version string, r *s3.ObjectLockRetention) error {
		_, err := w.putObjectRetention(w.ctx(), &s3.PutObjectRetentionInput{Bucket: bucket, Key: key, VersionId: version, Retention: r})
		return err
	}
	read := func(bucket, key, version string) error {
		_, err := w.getObjectRetention(w.ctx(), &s3.GetObjectRetentionInput{Bucket: bucket, Key: key, VersionId: version})
		return err
	}
	hold := func(bucket, key string, h *s3.ObjectLockLegalHold) error {
		_, err := w.putObjectLegalHold(w.ctx(), &s3.PutObjectLegalHoldInput{Bucket: bucket, Key: key, LegalHold: h})
		return err
	}
	held := func(bucket, key string) error {
		_, err := w.getObjectLegalHold(w.ctx(), &s3.GetObjectLegalHoldInput{Bucket: bucket, Key: key})
		return err
	}
	on := &s3.ObjectLockLegalHold{Status: "ON"}
	bypassing := func(bucket string) error {
		_, err := w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: bucket, Key: "k", BypassGovernanceRetention: new(false)})
		return err
	}
	bypassingAll := func(bucket string) error {
		_, err := w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: bucket, BypassGovernanceRetention: new(true), Delete: &s3.Delete{Objects: []*s3.ObjectIdentifier{{Key: "k"}}}})
		return err
	}
	for _, c := range []struct {
		name   string
		err    error
		code   string
		status int
		detail []string
	}{
		{"retention, no bucket", retain("none", "k", "", retention), "NoSuchBucket", 404, nil},
		{"retention, no key", retain(locked, "none", "", retention), "NoSuchKey", 404, nil},
		{"retention, no lock", retain(plain, "k", "", retention), "InvalidRequest", 400, nil},
		{"retention, nothing sent", retain(locked, "k", "", nil), "MalformedXML", 400, nil},
		{"retention, no date", retain(locked, "k", "", &s3.ObjectLockRetention{Mode: "GOVERNANCE"}), "MalformedXML", 400, nil},
		{"retention, no mode", retain(locked, "k", "", &s3.ObjectLockRetention{RetainUntilDate: epoch.Add(1)}), "MalformedXML", 400, nil},
		{"retention, unknown mode", retain(locked, "k", "", &s3.ObjectLockRetention{Mode: "governance", RetainUntilDate: epoch.Add(1)}), "MalformedXML", 400, nil},
		{"retention, past", retain(locked, "k", "", &s3.ObjectLockRetention{Mode: "GOVERNANCE", RetainUntilDate: epoch.Add(-1)}), "InvalidArgument", 400, []string{"ArgumentName", "RetainUntilDate"}},
		{"retention of a delete marker", retain(locked, "gone", del.VersionId, retention), "MethodNotAllowed", 405, []string{"Method", "PUT", "ResourceType", "DeleteMarker"}},
		{"reading it", read(locked, "gone", del.VersionId), "MethodNotAllowed", 405, []string{"Method", "GET", "ResourceType", "DeleteMarker"}},
		{"reading none", read(locked, "k", ""), "NoSuchObjectLockConfiguration", 404, nil},
		{"reading without lock", read(plain, "k", ""), "InvalidRequest", 400, nil},
		{"hold, no bucket", hold("none", "k", on), "NoSuchBucket", 404, nil},
		{"hold, no key", hold(locked, "none", on), "NoSuchKey", 404, nil},
		{"hold, no lock", hold(plain, "k", on), "InvalidRequest", 400, nil},
		{"hold, nothing sent", hold(locked, "k", nil), "MalformedXML", 400, nil},
		{"hold, empty", hold(locked, "k", &s3.ObjectLockLegalHold{}), "MalformedXML", 400, nil},
		{"hold, unknown", hold(locked, "k", &s3.ObjectLockLegalHold{Status: "abc"}), "MalformedXML", 400, nil},
		{"reading no hold", held(locked, "k"), "NoSuchObjectLockConfiguration", 404, nil},
		{"reading a hold without lock", held(plain, "k"), "InvalidRequest", 400, nil},
		{"bypass without lock", bypassing(plain), "InvalidArgument", 400, []string{"ArgumentName", "x-amz-bypass-governance-retention"}},
		{"bypass of many without lock", bypassingAll(plain), "InvalidArgument", 400, []string{"ArgumentName", "x-amz-bypass-governance-retention"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := refused(t, c.err, c.code, c.status, c.detail...)
			if e.Message == "" {
				t.Error("no message")
			}
		})
	}
}
