package lifecycle

import (
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

// Plan is a configuration prepared to look at objects: its enabled rules.
type Plan struct {
	rules   []planned
	minimum s3.TransitionDefaultMinimumObjectSize
}

// planned is a rule with the conditions of its filter taken apart.
type planned struct {
	*s3.LifecycleRule
	prefix      string
	tags        []*s3.Tag
	over, under *int64
}

// NewPlan prepares rules that Check has passed. minimum says which objects are
// too small for transitions of rules that do not look at sizes.
func NewPlan(rules []*s3.LifecycleRule, minimum s3.TransitionDefaultMinimumObjectSize) *Plan {
	p := &Plan{minimum: minimum}
	for _, r := range rules {
		if r.Status != s3.ExpirationStatusEnabled {
			continue
		}
		prepared := planned{LifecycleRule: r}
		prepared.prefix, prepared.tags, prepared.over, prepared.under = parts(r.Filter)
		if r.Prefix != nil {
			prepared.prefix = *r.Prefix
		}
		p.rules = append(p.rules, prepared)
	}
	return p
}

// Object is what rules look at.
type Object struct {
	Key  string
	Size int64
	// Class is the storage class that it has, never empty.
	Class s3.StorageClass
	// Tagged says whether it has a tag of that key and value.
	Tagged func(key, value string) bool
}

// Action is what is due to an object; the zero value is nothing. Where both are
// due in a bucket with versions, the transition comes first.
type Action struct {
	// Class is the storage class that it is to be moved to.
	Class s3.TransitionStorageClass
	// Expire says that its time is over: it is deleted.
	Expire bool
}

func (r *planned) covers(o *Object) bool {
	if !strings.HasPrefix(o.Key, r.prefix) || r.over != nil && o.Size <= *r.over || r.under != nil && o.Size >= *r.under {
		return false
	}
	return !slices.ContainsFunc(r.tags, func(t *s3.Tag) bool { return !o.Tagged(t.Key, t.Value) })
}

// Current is what is due to the current version of a key, made at that time.
func (p *Plan) Current(o *Object, made, now time.Time) (due Action) {
	for i := range p.rules {
		r := &p.rules[i]
		if !r.covers(o) {
			continue
		}
		if at, ok := end(r.Expiration, made); ok && !now.Before(at) {
			due.Expire = true
		}
		for _, t := range r.Transitions {
			if !now.Before(dueAt(t.Days, t.Date, made)) && p.moves(r, o, t.StorageClass) {
				due.Class = colder(due.Class, t.StorageClass)
			}
		}
	}
	return due
}

// Noncurrent is what is due to a version that became noncurrent at a time,
// and that has newer noncurrent versions before it.
func (p *Plan) Noncurrent(o *Object, since time.Time, newer int, now time.Time) (due Action) {
	for i := range p.rules {
		r := &p.rules[i]
		if !r.covers(o) {
			continue
		}
		if e := r.NoncurrentVersionExpiration; e != nil && newer >= count(e.NewerNoncurrentVersions) && !now.Before(after(since, count(e.NoncurrentDays))) {
			due.Expire = true
		}
		for _, t := range r.NoncurrentVersionTransitions {
			if newer >= count(t.NewerNoncurrentVersions) && !now.Before(after(since, count(t.NoncurrentDays))) && p.moves(r, o, t.StorageClass) {
				due.Class = colder(due.Class, t.StorageClass)
			}
		}
	}
	return due
}

// Marker says whether a delete marker that is all that is left of its key is
// to be removed: where a rule asks for that, or its time as an object would be over.
func (p *Plan) Marker(key string, made, now time.Time) bool {
	for i := range p.rules {
		r := &p.rules[i]
		e := r.Expiration
		if e == nil || !strings.HasPrefix(key, r.prefix) || len(r.tags) > 0 || r.over != nil || r.under != nil {
			continue
		}
		if e.ExpiredObjectDeleteMarker != nil && *e.ExpiredObjectDeleteMarker {
			return true
		}
		if at, ok := end(e, made); ok && !now.Before(at) {
			return true
		}
	}
	return false
}

// Expiration is when the current version of a key, made at that time, will
// expire first, and by which rule.
func (p *Plan) Expiration(o *Object, made time.Time) (first time.Time, rule string, ok bool) {
	for i := range p.rules {
		r := &p.rules[i]
		if at, expires := end(r.Expiration, made); expires && r.covers(o) && (!ok || at.Before(first)) {
			first, rule, ok = at, r.ID, true
		}
	}
	return first, rule, ok
}

// Abort is when an upload of a key, begun at that time, will be ended first,
// and by which rule.
func (p *Plan) Abort(key string, begun time.Time) (first time.Time, rule string, ok bool) {
	for i := range p.rules {
		r := &p.rules[i]
		a := r.AbortIncompleteMultipartUpload
		if a == nil || !strings.HasPrefix(key, r.prefix) {
			continue
		}
		if at := after(begun, count(a.DaysAfterInitiation)); !ok || at.Before(first) {
			first, rule, ok = at, r.ID, true
		}
	}
	return first, rule, ok
}

// end is when an expiration ends the time of an object made at that time.
func end(e *s3.LifecycleExpiration, made time.Time) (time.Time, bool) {
	if e == nil || e.Days == nil && e.Date.IsZero() {
		return time.Time{}, false
	}
	return dueAt(e.Days, e.Date, made), true
}

func dueAt(days *int32, date, made time.Time) time.Time {
	if !date.IsZero() {
		return date
	}
	return after(made, count(days))
}

// after is the midnight that ends the last of some days.
func after(t time.Time, days int) time.Time {
	t = t.UTC().AddDate(0, 0, days)
	if midnight(t) {
		return t
	}
	return Midnight(t)
}

// Midnight is the next midnight of UTC after t: nothing falls due before it.
func Midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }

// count is a number that need not be given.
func count(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// smallest is the size, in bytes, below which objects are not moved by rules
// that do not look at sizes.
const smallest = 128 << 10

// moves says whether a rule moves an object to a class: to a colder one than it
// has, when it is not too small.
func (p *Plan) moves(r *planned, o *Object, to s3.TransitionStorageClass) bool {
	if rank(string(to)) <= rank(string(o.Class)) {
		return false
	}
	if o.Size >= smallest || r.over != nil || r.under != nil {
		return true
	}
	return p.minimum == s3.TransitionDefaultMinimumObjectSizeVariesByStorageClass &&
		(to == s3.TransitionStorageClassGlacier || to == s3.TransitionStorageClassDeepArchive)
}

// rank is how far down a class is; STANDARD and its like are above all of them.
func rank(class string) int {
	for i := range classes {
		if string(classes[i].name) == class {
			return i
		}
	}
	return -1
}

// colder is the further of two classes on the way down.
func colder(a, b s3.TransitionStorageClass) s3.TransitionStorageClass {
	if rank(string(b)) > rank(string(a)) {
		return b
	}
	return a
}
