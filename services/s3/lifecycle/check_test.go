package lifecycle

import (
	"errors"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

const on = s3.ExpirationStatusEnabled

var day = time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)

// rule is a rule for everything, changed by change.
func rule(change func(*s3.LifecycleRule)) *s3.LifecycleRule {
	r := &s3.LifecycleRule{Status: on, Filter: &s3.LifecycleRuleFilter{Prefix: new("")}}
	change(r)
	return r
}

func expires(days int32) *s3.LifecycleExpiration { return &s3.LifecycleExpiration{Days: &days} }

func moves(days int32, class s3.TransitionStorageClass) *s3.Transition {
	return &s3.Transition{Days: &days, StorageClass: class}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		ia      = s3.TransitionStorageClassStandardIa
		glacier = s3.TransitionStorageClassGlacier
		deep    = s3.TransitionStorageClassDeepArchive
	)
	for name, c := range map[string]struct {
		rules         []*s3.LifecycleRule
		code, message string
	}{
		"no rules":            {nil, "MalformedXML", ""},
		"expiration":          {rules: []*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Expiration = expires(1) })}},
		"an unknown status":   {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Status, r.Expiration = "enabled", expires(1) })}, "MalformedXML", ""},
		"no action":           {[]*s3.LifecycleRule{rule(func(*s3.LifecycleRule) {})}, "InvalidRequest", "At least one action needs to be specified in a rule"},
		"neither filter":      {[]*s3.LifecycleRule{{Status: on, Expiration: expires(1)}}, "MalformedXML", ""},
		"prefix and filter":   {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Prefix, r.Expiration = new("a"), expires(1) })}, "InvalidRequest", "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter."},
		"no days":             {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Expiration = expires(0) })}, "InvalidArgument", "'Days' for Expiration action must be a positive integer"},
		"noon":                {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Expiration = &s3.LifecycleExpiration{Date: day.Add(12 * time.Hour)} })}, "InvalidArgument", "'Date' must be at midnight GMT"},
		"days and a date":     {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Expiration = &s3.LifecycleExpiration{Date: day, Days: new(int32(1))} })}, "MalformedXML", ""},
		"an early transition": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Transitions = []*s3.Transition{moves(29, ia)} })}, "InvalidArgument", "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'"},
		"glacier at once":     {rules: []*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Transitions = []*s3.Transition{moves(0, glacier)} })}},
		"a chain of classes": {rules: []*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Transitions = []*s3.Transition{moves(150, deep), moves(30, ia), moves(60, glacier)}
		})}},
		"too close": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Filter = &s3.LifecycleRuleFilter{}
			r.Transitions = []*s3.Transition{moves(30, glacier), moves(60, deep)}
		})}, "InvalidArgument", "'Days' in the 'Transition' action for StorageClass 'DEEP_ARCHIVE' for filter '()' must be 90 days more than 'filter '()'' in the 'Transition' action for StorageClass 'GLACIER'"},
		"gone before it moves": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Expiration = expires(30); r.Transitions = []*s3.Transition{moves(30, ia)} })}, "InvalidArgument", "'Days' in the Expiration action for filter '(prefix=)' must be greater than 'Days' in the Transition action"},
		"marker with tags": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Filter = &s3.LifecycleRuleFilter{Tag: &s3.Tag{Key: "k"}}
			r.Expiration = &s3.LifecycleExpiration{ExpiredObjectDeleteMarker: new(true)}
		})}, "InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags."},
		"abort with tags": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Filter = &s3.LifecycleRuleFilter{Tag: &s3.Tag{Key: "k"}}
			r.AbortIncompleteMultipartUpload = &s3.AbortIncompleteMultipartUpload{DaysAfterInitiation: new(int32(1))}
		})}, "InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags."},
		"two conditions": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Filter.Tag = &s3.Tag{Key: "k"}; r.Expiration = expires(1) })}, "MalformedXML", ""},
		"a lonely And": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Filter = &s3.LifecycleRuleFilter{And: &s3.LifecycleRuleAndOperator{Prefix: new("a")}}
			r.Expiration = expires(1)
		})}, "MalformedXML", ""},
		"sizes upside down": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Filter = &s3.LifecycleRuleFilter{And: &s3.LifecycleRuleAndOperator{ObjectSizeGreaterThan: new(int64(9)), ObjectSizeLessThan: new(int64(9))}}
			r.Expiration = expires(1)
		})}, "InvalidRequest", "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."},
		"one id twice":         {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.ID, r.Expiration = "a", expires(1) }), rule(func(r *s3.LifecycleRule) { r.ID, r.Expiration = "a", expires(2) })}, "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"},
		"overlapping prefixes": {[]*s3.LifecycleRule{{Status: on, Prefix: new("a"), Expiration: expires(1)}, {Status: on, Prefix: new("ab"), Expiration: expires(1)}}, "InvalidRequest", "Found overlapping prefixes 'a' and 'ab' for same action type 'Expiration'"},
		"overlapping filters":  {rules: []*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) { r.Expiration = expires(1) }), rule(func(r *s3.LifecycleRule) { r.Expiration = expires(2) })}},
		"noncurrent without": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.NoncurrentVersionExpiration = &s3.NoncurrentVersionExpiration{NewerNoncurrentVersions: new(int32(1))}
		})}, "MalformedXML", ""},
		"noncurrent and newest": {rules: []*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.NoncurrentVersionExpiration = &s3.NoncurrentVersionExpiration{NoncurrentDays: new(int32(1)), NewerNoncurrentVersions: new(int32(1))}
		})}},
		"days and dates mixed": {[]*s3.LifecycleRule{rule(func(r *s3.LifecycleRule) {
			r.Expiration = &s3.LifecycleExpiration{Date: day}
			r.Transitions = []*s3.Transition{moves(30, ia)}
		})}, "InvalidRequest", "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '(prefix=)'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check(c.rules)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errors.AsType[*api.Error](err)
			if !ok || e.Code != c.code || e.Status != 400 || c.message != "" && e.Message != c.message {
				t.Fatalf("%v, want %s: %s", err, c.code, c.message)
			}
		})
	}
}
