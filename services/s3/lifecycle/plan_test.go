package lifecycle

import (
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

// made is in the middle of a day.
var made = time.Date(2030, 1, 15, 10, 30, 0, 0, time.UTC)

// on day n after made, at midnight.
func midnightOf(n int) time.Time { return time.Date(2030, 1, 15+n, 0, 0, 0, 0, time.UTC) }

func small() *Object {
	return &Object{Key: "logs/a", Size: 10, Class: s3.StorageClassStandard, Tagged: func(k, v string) bool { return k == "keep" && v == "no" }}
}

func large() *Object {
	o := small()
	o.Size = 128 << 10
	return o
}

func planOf(rules ...*s3.LifecycleRule) *Plan {
	return NewPlan(rules, s3.TransitionDefaultMinimumObjectSizeAllStorageClasses_128k)
}

// From the guide: an object made on 15 January at 10:30 with a rule of 3 days
// expires on 19 January at 00:00.
func TestExpirationIsRoundedToMidnight(t *testing.T) {
	t.Parallel()
	p := planOf(
		rule(func(r *s3.LifecycleRule) { r.ID, r.Expiration = "later", expires(5) }),
		rule(func(r *s3.LifecycleRule) { r.ID, r.Expiration = "first", expires(3) }),
		rule(func(r *s3.LifecycleRule) {
			r.ID, r.Expiration, r.Status = "off", expires(1), s3.ExpirationStatusDisabled
		}),
	)
	at, id, ok := p.Expiration(small(), made)
	if want := midnightOf(4); !at.Equal(want) || id != "first" || !ok {
		t.Errorf("%v by %q, want %v by \"first\"", at, id, want)
	}
	for now, want := range map[time.Time]bool{midnightOf(4).Add(-time.Second): false, midnightOf(4): true} {
		if got := p.Current(small(), made, now); got.Expire != want {
			t.Errorf("at %v: %+v", now, got)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter *s3.LifecycleRuleFilter
		want   bool
	}{
		"everything":   {&s3.LifecycleRuleFilter{}, true},
		"prefix":       {&s3.LifecycleRuleFilter{Prefix: new("logs/")}, true},
		"other prefix": {&s3.LifecycleRuleFilter{Prefix: new("log/")}, false},
		"tag":          {&s3.LifecycleRuleFilter{Tag: &s3.Tag{Key: "keep", Value: "no"}}, true},
		"other value":  {&s3.LifecycleRuleFilter{Tag: &s3.Tag{Key: "keep", Value: "yes"}}, false},
		"larger":       {&s3.LifecycleRuleFilter{ObjectSizeGreaterThan: new(int64(9))}, true},
		"not larger":   {&s3.LifecycleRuleFilter{ObjectSizeGreaterThan: new(int64(10))}, false},
		"smaller":      {&s3.LifecycleRuleFilter{ObjectSizeLessThan: new(int64(11))}, true},
		"not smaller":  {&s3.LifecycleRuleFilter{ObjectSizeLessThan: new(int64(10))}, false},
		"all of them": {&s3.LifecycleRuleFilter{And: &s3.LifecycleRuleAndOperator{
			Prefix: new("logs/"), Tags: []*s3.Tag{{Key: "keep", Value: "no"}}, ObjectSizeGreaterThan: new(int64(1)),
		}}, true},
		"all but one": {&s3.LifecycleRuleFilter{And: &s3.LifecycleRuleAndOperator{
			Prefix: new("logs/"), Tags: []*s3.Tag{{Key: "keep", Value: "no"}, {Key: "other"}},
		}}, false},
	} {
		p := planOf(rule(func(r *s3.LifecycleRule) { r.Filter, r.Expiration = c.filter, expires(1) }))
		if got := p.Current(small(), made, midnightOf(2)).Expire; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	const (
		ia      = s3.TransitionStorageClassStandardIa
		glacier = s3.TransitionStorageClassGlacier
		deep    = s3.TransitionStorageClassDeepArchive
	)
	falls := rule(func(r *s3.LifecycleRule) {
		r.Transitions = []*s3.Transition{moves(30, ia), moves(60, glacier), moves(150, deep)}
	})
	archived := large()
	archived.Class = s3.StorageClassGlacier
	sized := rule(func(r *s3.LifecycleRule) {
		r.Filter = &s3.LifecycleRuleFilter{ObjectSizeLessThan: new(int64(100))}
		r.Transitions = []*s3.Transition{moves(0, glacier)}
	})
	varies := s3.TransitionDefaultMinimumObjectSizeVariesByStorageClass
	for name, c := range map[string]struct {
		plan   *Plan
		object *Object
		day    int
		want   s3.TransitionStorageClass
	}{
		"not yet":                            {planOf(falls), large(), 30, ""},
		"first":                              {planOf(falls), large(), 31, ia},
		"the coldest of those that are due":  {planOf(falls), large(), 151, deep},
		"never up":                           {planOf(falls), archived, 61, ""},
		"further down":                       {planOf(falls), archived, 151, deep},
		"too small":                          {planOf(falls), small(), 151, ""},
		"small ones where the rule says so":  {planOf(sized), small(), 1, glacier},
		"small ones to archives, of old":     {NewPlan([]*s3.LifecycleRule{falls}, varies), small(), 61, glacier},
		"small ones to other classes: never": {NewPlan([]*s3.LifecycleRule{falls}, varies), small(), 31, ""},
	} {
		if got := c.plan.Current(c.object, made, midnightOf(c.day)).Class; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestNoncurrent(t *testing.T) {
	t.Parallel()
	p := planOf(rule(func(r *s3.LifecycleRule) {
		r.Filter = &s3.LifecycleRuleFilter{}
		r.NoncurrentVersionExpiration = &s3.NoncurrentVersionExpiration{NoncurrentDays: new(int32(10)), NewerNoncurrentVersions: new(int32(2))}
		r.NoncurrentVersionTransitions = []*s3.NoncurrentVersionTransition{{NoncurrentDays: new(int32(1)), StorageClass: s3.TransitionStorageClassGlacier}}
	}))
	for _, c := range []struct {
		newer, day int
		want       Action
	}{
		{5, 1, Action{}},
		{0, 2, Action{Class: s3.TransitionStorageClassGlacier}},
		{1, 11, Action{Class: s3.TransitionStorageClassGlacier}},
		{2, 10, Action{Class: s3.TransitionStorageClassGlacier}},
		{2, 11, Action{Class: s3.TransitionStorageClassGlacier, Expire: true}},
	} {
		if got := p.Noncurrent(large(), made, c.newer, midnightOf(c.day)); got != c.want {
			t.Errorf("%d newer, day %d: %+v", c.newer, c.day, got)
		}
	}
}

func TestMarkersAndUploads(t *testing.T) {
	t.Parallel()
	cleaned := rule(func(r *s3.LifecycleRule) {
		r.Expiration = &s3.LifecycleExpiration{ExpiredObjectDeleteMarker: new(true)}
		r.AbortIncompleteMultipartUpload = &s3.AbortIncompleteMultipartUpload{DaysAfterInitiation: new(int32(2))}
	})
	tagged := rule(func(r *s3.LifecycleRule) {
		r.Filter = &s3.LifecycleRuleFilter{Tag: &s3.Tag{Key: "keep", Value: "no"}}
		r.Expiration = expires(1)
	})
	if !planOf(cleaned).Marker("a", made, made) {
		t.Error("a rule for delete markers leaves one")
	}
	if p := planOf(rule(func(r *s3.LifecycleRule) { r.Expiration = expires(1) })); p.Marker("a", made, midnightOf(1)) || !p.Marker("a", made, midnightOf(2)) {
		t.Error("a delete marker is removed when an object would have expired")
	}
	if planOf(tagged).Marker("a", made, midnightOf(9)) {
		t.Error("a rule for tags removes a delete marker, which has none")
	}
	if at, _, ok := planOf(cleaned).Abort("a", made); !ok || !at.Equal(midnightOf(3)) {
		t.Errorf("an upload is ended at %v, %v", at, ok)
	}
	if _, _, ok := planOf(tagged).Abort("a", made); ok {
		t.Error("a rule that ends no uploads ends one")
	}
}
