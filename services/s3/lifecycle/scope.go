package lifecycle

import (
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/services/s3/filter"
)

// checkScope checks what says which objects a rule is for: its own prefix, or a filter.
func checkScope(r *s3.LifecycleRule) error {
	if r.Prefix != nil {
		return filter.CheckPrefix(*r.Prefix)
	}
	f := filter.Filter{Prefix: r.Filter.Prefix, Tag: r.Filter.Tag, Others: sizes(r.Filter.ObjectSizeGreaterThan, r.Filter.ObjectSizeLessThan)}
	if a := r.Filter.And; a != nil {
		f.And = &filter.And{Prefix: a.Prefix, Tags: a.Tags, Others: sizes(a.ObjectSizeGreaterThan, a.ObjectSizeLessThan)}
	}
	if err := f.Check(); err != nil {
		return err
	}
	switch _, _, over, under := parts(r.Filter); {
	case over != nil && (*over < 0 || *over > maxSize):
		return fault.InvalidRequest("'ObjectSizeGreaterThan' should be between 0 and %d.", int64(maxSize))
	case under != nil && (*under < 1 || *under > maxSize):
		return fault.InvalidRequest("'ObjectSizeLessThan' should be between 1 and %d.", int64(maxSize))
	case over != nil && under != nil && *under <= *over:
		return fault.InvalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
	}
	return nil
}

// sizes counts the bounds that are given.
func sizes(bounds ...*int64) (n int) {
	for _, b := range bounds {
		if b != nil {
			n++
		}
	}
	return n
}

// parts are the conditions of a filter, wherever in it they stand.
func parts(f *s3.LifecycleRuleFilter) (prefix string, tags []*s3.Tag, over, under *int64) {
	switch {
	case f == nil:
	case f.And != nil:
		if f.And.Prefix != nil {
			prefix = *f.And.Prefix
		}
		return prefix, f.And.Tags, f.And.ObjectSizeGreaterThan, f.And.ObjectSizeLessThan
	default:
		if f.Prefix != nil {
			prefix = *f.Prefix
		}
		if f.Tag != nil {
			tags = []*s3.Tag{f.Tag}
		}
		return prefix, tags, f.ObjectSizeGreaterThan, f.ObjectSizeLessThan
	}
	return "", nil, nil, nil
}

// narrowed says whether a filter looks at more of an object than its key.
func narrowed(f *s3.LifecycleRuleFilter) (tags, sizes bool) {
	_, t, over, under := parts(f)
	return len(t) > 0, over != nil || under != nil
}

// shown is how errors name what a rule is for.
func shown(r *s3.LifecycleRule) string {
	switch prefix, tags, _, _ := parts(r.Filter); {
	case r.Prefix != nil:
		return "prefix '" + *r.Prefix + "'"
	case len(tags) > 0:
		return "filter '(prefix=" + prefix + " and tags)'"
	case r.Filter.Prefix != nil || prefix != "":
		return "filter '(prefix=" + prefix + ")'"
	}
	return "filter '()'"
}
