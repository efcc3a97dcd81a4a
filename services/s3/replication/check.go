package replication

import (
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/filter"
)

// Limits of a configuration; the length of ids is in characters. Replication
// within a time is within fifteen minutes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
const (
	maxRules = 1000
	maxID    = 255
	minutes  = 15
)

// Check finds what is wrong with a configuration. Rules with a Filter are of the
// second version and have priorities; those without are of the first, and a
// configuration is of one version throughout.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
func Check(c *s3.ReplicationConfiguration) error {
	switch {
	case len(c.Rules) == 0:
		return fault.MalformedXML()
	case len(c.Rules) > maxRules:
		return fault.InvalidRequest("The number of replication rules must not exceed the allowed limit of %d rules.", maxRules)
	}
	if err := fault.Schema(c); err != nil {
		return err
	}
	if role, err := api.ParseARN(c.Role); err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/") {
		return fault.InvalidValue("Invalid Role specified in replication configuration")
	}
	ids, priorities := map[string]bool{}, map[int32]bool{}
	for _, r := range c.Rules {
		if (r.Filter == nil) != (c.Rules[0].Filter == nil) {
			return fault.MalformedXML()
		}
		if err := checkRule(r); err != nil {
			return err
		}
		if r.ID != "" && ids[r.ID] {
			return fault.InvalidValue("Rule Id must be unique")
		}
		ids[r.ID] = true
		if r.Priority != nil {
			if priorities[*r.Priority] {
				return fault.InvalidRequest("Found duplicate priority %d. Priority must be unique.", *r.Priority)
			}
			priorities[*r.Priority] = true
		}
	}
	return nil
}

func checkRule(r *s3.ReplicationRule) error {
	if len([]rune(r.ID)) > maxID {
		return fault.InvalidValue("Rule Id should not exceed allowed limit of %d", maxID)
	}
	var tagged bool
	switch f := r.Filter; {
	case f == nil:
		if r.Prefix == nil || r.Priority != nil || r.DeleteMarkerReplication != nil {
			return fault.MalformedXML()
		}
		if err := filter.CheckPrefix(*r.Prefix); err != nil {
			return err
		}
	case r.Prefix != nil, r.Priority == nil:
		return fault.MalformedXML()
	case r.DeleteMarkerReplication == nil:
		return fault.InvalidRequest("DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.")
	case *r.Priority < 0:
		return fault.InvalidRequest("Priority must be zero or a positive integer")
	default:
		if err := filterOf(f).Check(); err != nil {
			return err
		}
		tagged = filterOf(f).Tagged()
	}
	if d := r.DeleteMarkerReplication; tagged && d != nil && d.Status == s3.DeleteMarkerReplicationStatusEnabled {
		return fault.InvalidRequest("Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.")
	}
	if err := checkDestination(r.Destination); err != nil {
		return err
	}
	return checkEncryption(r)
}

// filterOf is a rule's filter in the form that all have.
func filterOf(r *s3.ReplicationRuleFilter) filter.Filter {
	f := filter.Filter{Prefix: r.Prefix, Tag: r.Tag}
	if a := r.And; a != nil {
		f.And = &filter.And{Prefix: a.Prefix, Tags: a.Tags}
	}
	return f
}

func checkDestination(d *s3.Destination) error {
	if arn, err := api.ParseARN(d.Bucket); err != nil || arn.Service != "s3" || arn.Region+arn.Account != "" || strings.Contains(arn.Resource, "/") {
		return fault.InvalidValue("Invalid bucket ARN")
	}
	if d.Account != "" && !api.IsAccount(d.Account) {
		return fault.InvalidRequest("The account specified is not valid")
	}
	if d.AccessControlTranslation != nil && d.Account == "" {
		return fault.InvalidRequest("Destination bucket account must be specified when AccessControlTranslation is specified")
	}
	if t := d.ReplicationTime; t != nil && t.Status == s3.ReplicationTimeStatusEnabled {
		if t.Time.Minutes == nil || *t.Time.Minutes != minutes {
			return fault.InvalidRequest("Replication Time must be %d minutes", minutes)
		}
		if d.Metrics == nil || d.Metrics.Status != s3.MetricsStatusEnabled {
			return fault.InvalidRequest("Replication destination must contain metrics when Replication Time Control is enabled.")
		}
	}
	if m := d.Metrics; m != nil && m.EventThreshold != nil && (m.EventThreshold.Minutes == nil || *m.EventThreshold.Minutes != minutes) {
		return fault.InvalidRequest("Metrics Event Threshold must be %d minutes", minutes)
	}
	return nil
}

// checkEncryption checks that objects encrypted with keys of KMS have a key to go to.
func checkEncryption(r *s3.ReplicationRule) error {
	selected := r.SourceSelectionCriteria != nil && r.SourceSelectionCriteria.SseKmsEncryptedObjects != nil &&
		r.SourceSelectionCriteria.SseKmsEncryptedObjects.Status == s3.SseKmsEncryptedObjectsStatusEnabled
	key := r.Destination.EncryptionConfiguration != nil && r.Destination.EncryptionConfiguration.ReplicaKmsKeyID != ""
	switch {
	case selected && !key:
		return fault.InvalidRequest("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
	case key && !selected:
		return fault.InvalidRequest("SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
	}
	return nil
}
