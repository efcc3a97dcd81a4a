package lifecycle

import (
	"unicode/utf16"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// checkScope checks what says which objects a rule is for: its own prefix, or a
// filter, which has one condition, or several within And.
func checkScope(r *s3.LifecycleRule) error {
	if r.Prefix != nil {
		return checkPrefix(*r.Prefix)
	}
	f := r.Filter
	conditions := 0
	for _, has := range []bool{f.Prefix != nil, f.Tag != nil, f.ObjectSizeGreaterThan != nil, f.ObjectSizeLessThan != nil, f.And != nil} {
		if has {
			conditions++
		}
	}
	if conditions > 1 {
		return fault.MalformedXML()
	}
	prefix, tags, over, under := parts(f)
	if a := f.And; a != nil {
		conditions := len(tags)
		for _, has := range []bool{prefix != "" || a.Prefix != nil, over != nil, under != nil} {
			if has {
				conditions++
			}
		}
		if conditions < 2 {
			return fault.MalformedXML()
		}
	}
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	if err := checkTags(tags); err != nil {
		return err
	}
	switch {
	case over != nil && (*over < 0 || *over > maxSize):
		return fault.InvalidRequest("'ObjectSizeGreaterThan' should be between 0 and %d.", int64(maxSize))
	case under != nil && (*under < 1 || *under > maxSize):
		return fault.InvalidRequest("'ObjectSizeLessThan' should be between 1 and %d.", int64(maxSize))
	case over != nil && under != nil && *under <= *over:
		return fault.InvalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
	}
	return nil
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

func checkPrefix(prefix string) error {
	if len(prefix) > maxPrefix {
		return fault.InvalidRequest("The maximum size of a prefix is %d.", maxPrefix)
	}
	return nil
}

// checkTags checks the tags of a filter, which are such as an object can have.
func checkTags(tags []*s3.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(utf16.Encode([]rune(t.Key))) > 128:
			return fault.InvalidTag("The TagKey you have provided is invalid")
		case len(utf16.Encode([]rune(t.Value))) > 256:
			return fault.InvalidTag("The TagValue you have provided is invalid")
		case seen[t.Key]:
			return fault.InvalidRequest("Duplicate Tag Keys are not allowed.")
		}
		seen[t.Key] = true
	}
	return nil
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
