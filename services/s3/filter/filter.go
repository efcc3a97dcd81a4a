// Package filter holds the rules that the filters of all configurations of S3
// share: a filter has one condition, or several within And.
package filter

import (
	"unicode/utf16"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// maxPrefix is the longest prefix of keys, in bytes; the limits of tags are in
// UTF-16 units.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
const (
	maxPrefix   = 1024
	maxTagKey   = 128
	maxTagValue = 256
)

// Filter is a filter of any configuration.
type Filter struct {
	Prefix *string
	Tag    *s3.Tag
	And    *And
	// Others counts the conditions that only some configurations have.
	Others int
}

// And are conditions that must hold together.
type And struct {
	Prefix *string
	Tags   []*s3.Tag
	Others int
}

// Check finds what is wrong with the filter.
func (f Filter) Check() error {
	if n := f.Others + count(f.Prefix != nil) + count(f.Tag != nil) + count(f.And != nil); n > 1 {
		return fault.MalformedXML()
	}
	if a := f.And; a != nil && a.Others+count(a.Prefix != nil)+len(a.Tags) < 2 {
		return fault.MalformedXML()
	}
	if err := CheckPrefix(f.prefix()); err != nil {
		return err
	}
	return checkTags(f.tags())
}

// Tagged says whether the filter looks at tags.
func (f Filter) Tagged() bool { return len(f.tags()) > 0 }

func (f Filter) prefix() string {
	switch {
	case f.Prefix != nil:
		return *f.Prefix
	case f.And != nil && f.And.Prefix != nil:
		return *f.And.Prefix
	}
	return ""
}

func (f Filter) tags() []*s3.Tag {
	switch {
	case f.Tag != nil:
		return []*s3.Tag{f.Tag}
	case f.And != nil:
		return f.And.Tags
	}
	return nil
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// CheckPrefix checks a prefix that stands without a filter.
func CheckPrefix(prefix string) error {
	if len(prefix) > maxPrefix {
		return fault.InvalidRequest("The maximum size of a prefix is %d.", maxPrefix)
	}
	return nil
}

func checkTags(tags []*s3.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(utf16.Encode([]rune(t.Key))) > maxTagKey:
			return fault.InvalidTag("The TagKey you have provided is invalid")
		case len(utf16.Encode([]rune(t.Value))) > maxTagValue:
			return fault.InvalidTag("The TagValue you have provided is invalid")
		case seen[t.Key]:
			return fault.InvalidRequest("Duplicate Tag Keys are not allowed.")
		}
		seen[t.Key] = true
	}
	return nil
}
