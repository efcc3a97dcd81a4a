package replication

import (
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
)

// For are the rules by which an object is copied: of those that are enabled and
// cover it, the one of the highest priority for each destination. tagged says
// whether the object has a tag of that key and value.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
func For(rules []*s3.ReplicationRule, key string, tagged func(key, value string) bool) []*s3.ReplicationRule {
	var chosen []*s3.ReplicationRule
	for _, r := range rules {
		if r.Status != s3.ReplicationRuleStatusEnabled || !covers(r, key, tagged) {
			continue
		}
		i := slices.IndexFunc(chosen, func(c *s3.ReplicationRule) bool { return c.Destination.Bucket == r.Destination.Bucket })
		switch {
		case i < 0:
			chosen = append(chosen, r)
		case priority(r) > priority(chosen[i]):
			chosen[i] = r
		}
	}
	return chosen
}

func covers(r *s3.ReplicationRule, key string, tagged func(key, value string) bool) bool {
	prefix, tags := "", []*s3.Tag(nil)
	switch f := r.Filter; {
	case f == nil:
		prefix = text(r.Prefix)
	case f.And != nil:
		prefix, tags = text(f.And.Prefix), f.And.Tags
	default:
		prefix = text(f.Prefix)
		if f.Tag != nil {
			tags = []*s3.Tag{f.Tag}
		}
	}
	return strings.HasPrefix(key, prefix) && !slices.ContainsFunc(tags, func(t *s3.Tag) bool { return !tagged(t.Key, t.Value) })
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func priority(r *s3.ReplicationRule) int32 {
	if r.Priority == nil {
		return 0
	}
	return *r.Priority
}

// Markers says whether a rule copies delete markers too: rules of the first
// version do, those with a filter when they are asked to.
func Markers(r *s3.ReplicationRule) bool {
	m := r.DeleteMarkerReplication
	return r.Filter == nil || m != nil && m.Status == s3.DeleteMarkerReplicationStatusEnabled
}

// Encrypted says whether a rule copies objects under keys of KMS.
func Encrypted(r *s3.ReplicationRule) bool {
	c := r.SourceSelectionCriteria
	return c != nil && c.SseKmsEncryptedObjects != nil && c.SseKmsEncryptedObjects.Status == s3.SseKmsEncryptedObjectsStatusEnabled
}

// Key is the key of KMS that a rule's copies of such objects are under; "" is none.
func Key(r *s3.ReplicationRule) string {
	if c := r.Destination.EncryptionConfiguration; c != nil {
		return c.ReplicaKmsKeyID
	}
	return ""
}

// Modifications says whether a rule copies changes of what is itself a copy.
func Modifications(r *s3.ReplicationRule) bool {
	c := r.SourceSelectionCriteria
	return c != nil && c.ReplicaModifications != nil && c.ReplicaModifications.Status == s3.ReplicaModificationsStatusEnabled
}
