package lifecycle

import (
	"strings"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// Limits of a configuration; the length of ids is in characters, sizes are in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
const (
	maxRules = 1000
	maxID    = 255
	maxSize  = 1 << 40 * 1000
)

// Check finds what is wrong with the rules of a configuration. A configuration whose first
// rule has a Filter is one of "Lifecycle V2", in which the rules' own prefixes have no place.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
func Check(rules []*s3.LifecycleRule) error {
	switch {
	case len(rules) == 0:
		return fault.MalformedXML()
	case len(rules) > maxRules:
		return fault.InvalidRequest("The number of lifecycle rules must not exceed the allowed limit of %d rules.", maxRules)
	}
	if err := fault.Schema(rules); err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, r := range rules {
		switch {
		case len([]rune(r.ID)) > maxID:
			return fault.InvalidValue("ID length should not exceed allowed limit of %d", maxID)
		case r.ID != "" && ids[r.ID]:
			return fault.InvalidValue("Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[r.ID] = true
	}
	filtered := rules[0].Filter != nil
	for _, r := range rules {
		switch {
		case r.Prefix == nil && r.Filter == nil:
			return fault.MalformedXML()
		case filtered && r.Prefix != nil:
			return fault.InvalidRequest("Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.")
		case !filtered && r.Filter != nil:
			return fault.InvalidRequest("Filter element can only be used in Lifecycle V2.")
		}
		if err := checkRule(r); err != nil {
			return err
		}
	}
	if !filtered {
		return checkOverlap(rules)
	}
	return nil
}

func checkRule(r *s3.LifecycleRule) error {
	if err := checkScope(r); err != nil {
		return err
	}
	if r.Expiration == nil && len(r.Transitions) == 0 && len(r.NoncurrentVersionTransitions) == 0 &&
		r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil {
		return fault.InvalidRequest("At least one action needs to be specified in a rule")
	}
	for _, check := range []func(*s3.LifecycleRule) error{
		checkExpiration, checkTransitions, checkNoncurrentExpiration, checkNoncurrentTransitions, checkAbort,
	} {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func checkExpiration(r *s3.LifecycleRule) error {
	e := r.Expiration
	if e == nil {
		return nil
	}
	marker := e.ExpiredObjectDeleteMarker != nil
	switch dated, counted := !e.Date.IsZero(), e.Days != nil; {
	case dated && counted, marker && (dated || counted), !dated && !counted && !marker:
		return fault.MalformedXML()
	case counted && *e.Days < 1:
		return fault.InvalidValue("'Days' for Expiration action must be a positive integer")
	case dated && !midnight(e.Date):
		return fault.InvalidValue("'Date' must be at midnight GMT")
	}
	if tags, sizes := narrowed(r.Filter); marker && tags {
		return fault.InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags.")
	} else if marker && sizes {
		return fault.InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with Object Size.")
	}
	return nil
}

func checkNoncurrentExpiration(r *s3.LifecycleRule) error {
	e := r.NoncurrentVersionExpiration
	switch {
	case e == nil:
		return nil
	case e.NoncurrentDays == nil:
		return fault.MalformedXML()
	case *e.NoncurrentDays < 1:
		return fault.InvalidValue("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
	}
	return checkNewer(r, e.NewerNoncurrentVersions)
}

func checkNewer(r *s3.LifecycleRule, n *int32) error {
	switch {
	case n == nil:
		return nil
	case r.Filter == nil:
		return fault.InvalidRequest("NewerNoncurrentVersions element can only be used in Lifecycle V2.")
	case *n < 1:
		return fault.InvalidValue("'NewerNoncurrentVersions' must be a positive integer")
	}
	return nil
}

func checkAbort(r *s3.LifecycleRule) error {
	a := r.AbortIncompleteMultipartUpload
	switch {
	case a == nil:
		return nil
	case a.DaysAfterInitiation == nil:
		return fault.MalformedXML()
	case *a.DaysAfterInitiation < 1:
		return fault.InvalidValue("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
	}
	if tags, sizes := narrowed(r.Filter); tags {
		return fault.InvalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.")
	} else if sizes {
		return fault.InvalidRequest("AbortIncompleteMultipartUpload cannot be specified with Object Size.")
	}
	return nil
}

// midnight says whether a day begins with t.
func midnight(t time.Time) bool { return t.UTC().Equal(t.UTC().Truncate(24 * time.Hour)) }

// actions are the kinds of actions that two rules of one object must not share
// where rules have no filter.
var actions = []struct {
	name string
	in   func(*s3.LifecycleRule) bool
}{
	{"Expiration", func(r *s3.LifecycleRule) bool { return r.Expiration != nil }},
	{"Transition", func(r *s3.LifecycleRule) bool { return len(r.Transitions) > 0 }},
	{"NoncurrentVersionExpiration", func(r *s3.LifecycleRule) bool { return r.NoncurrentVersionExpiration != nil }},
	{"NoncurrentVersionTransition", func(r *s3.LifecycleRule) bool { return len(r.NoncurrentVersionTransitions) > 0 }},
	{"AbortIncompleteMultipartUpload", func(r *s3.LifecycleRule) bool { return r.AbortIncompleteMultipartUpload != nil }},
}

func checkOverlap(rules []*s3.LifecycleRule) error {
	for i, r := range rules {
		for _, other := range rules[:i] {
			a, b := *other.Prefix, *r.Prefix
			if !strings.HasPrefix(a, b) && !strings.HasPrefix(b, a) {
				continue
			}
			for _, action := range actions {
				if action.in(r) && action.in(other) {
					return fault.InvalidRequest("Found overlapping prefixes '%s' and '%s' for same action type '%s'", a, b, action.name)
				}
			}
		}
	}
	return nil
}
