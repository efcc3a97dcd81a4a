package replication

import (
	"errors"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

const role = "arn:aws:iam::111122223333:role/r"

// second is a rule of the second version for everything, changed by change.
func second(change func(*s3.ReplicationRule)) *s3.ReplicationRule {
	r := &s3.ReplicationRule{
		Status: s3.ReplicationRuleStatusEnabled, Priority: new(int32(1)), Filter: &s3.ReplicationRuleFilter{},
		DeleteMarkerReplication: &s3.DeleteMarkerReplication{Status: s3.DeleteMarkerReplicationStatusDisabled},
		Destination:             &s3.Destination{Bucket: "arn:aws:s3:::there"},
	}
	change(r)
	return r
}

func TestCheck(t *testing.T) {
	t.Parallel()
	as := func(*s3.ReplicationRule) {}
	first := &s3.ReplicationRule{Status: s3.ReplicationRuleStatusEnabled, Prefix: new(""), Destination: &s3.Destination{Bucket: "arn:aws:s3:::there"}}
	for name, c := range map[string]struct {
		rules []*s3.ReplicationRule
		code  string
	}{
		"first version":      {[]*s3.ReplicationRule{first}, ""},
		"second version":     {[]*s3.ReplicationRule{second(as)}, ""},
		"no rules":           {nil, "MalformedXML"},
		"both versions":      {[]*s3.ReplicationRule{first, second(as)}, "MalformedXML"},
		"prefix and filter":  {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.Prefix = new("a") })}, "MalformedXML"},
		"neither":            {[]*s3.ReplicationRule{{Status: s3.ReplicationRuleStatusEnabled, Destination: first.Destination}}, "MalformedXML"},
		"no priority":        {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.Priority = nil })}, "MalformedXML"},
		"one priority twice": {[]*s3.ReplicationRule{second(as), second(as)}, "InvalidRequest"},
		"one id twice":       {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.ID = "a" }), second(func(r *s3.ReplicationRule) { r.ID, r.Priority = "a", new(int32(2)) })}, "InvalidArgument"},
		"markers unsaid":     {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.DeleteMarkerReplication = nil })}, "InvalidRequest"},
		"markers of tags": {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) {
			r.Filter.Tag = &s3.Tag{Key: "k"}
			r.DeleteMarkerReplication.Status = s3.DeleteMarkerReplicationStatusEnabled
		})}, "InvalidRequest"},
		"two conditions":    {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.Filter.Tag, r.Filter.Prefix = &s3.Tag{Key: "k"}, new("a") })}, "MalformedXML"},
		"no ARN":            {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.Destination.Bucket = "there" })}, "InvalidArgument"},
		"an unknown status": {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) { r.Status = "On" })}, "MalformedXML"},
		"time without metrics": {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) {
			r.Destination.ReplicationTime = &s3.ReplicationTime{Status: s3.ReplicationTimeStatusEnabled, Time: &s3.ReplicationTimeValue{Minutes: new(int32(15))}}
		})}, "InvalidRequest"},
		"a key nothing is for": {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) {
			r.Destination.EncryptionConfiguration = &s3.EncryptionConfiguration{ReplicaKmsKeyID: "k"}
		})}, "InvalidRequest"},
		"encrypted without a key": {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) {
			r.SourceSelectionCriteria = &s3.SourceSelectionCriteria{SseKmsEncryptedObjects: &s3.SseKmsEncryptedObjects{Status: s3.SseKmsEncryptedObjectsStatusEnabled}}
		})}, "InvalidRequest"},
		"an owner without account": {[]*s3.ReplicationRule{second(func(r *s3.ReplicationRule) {
			r.Destination.AccessControlTranslation = &s3.AccessControlTranslation{Owner: s3.OwnerOverrideDestination}
		})}, "InvalidRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check(&s3.ReplicationConfiguration{Role: role, Rules: c.rules})
			code := ""
			if e, ok := errors.AsType[*api.Error](err); ok {
				code = e.Code
			}
			if code != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
	if err := Check(&s3.ReplicationConfiguration{Role: "r", Rules: []*s3.ReplicationRule{first}}); err == nil {
		t.Error("a role that is no ARN is taken")
	}
}
