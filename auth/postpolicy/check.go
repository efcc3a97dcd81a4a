package postpolicy

import (
	"slices"
	"strings"
	"time"
)

// Fields are a form's fields by their names in lower case, with the bucket
// that it was sent to under "bucket" and the key as it will be.
type Fields map[string]string

// free are the fields that need no condition: those that carry the signature,
// and the file.
var free = []string{"policy", "x-amz-signature", "awsaccesskeyid", "signature", "file"}

// Check says whether the policy allows the form, but for the file's size,
// which is known when the file has been read.
func (p *Policy) Check(fields Fields, now time.Time) error {
	if !now.Before(p.end) {
		return denied("Policy expired.")
	}
	var extra []string
	for name := range fields {
		named := func(c condition) bool { return c.field == name }
		if !slices.Contains(free, name) && !strings.HasPrefix(name, "x-ignore-") && !slices.ContainsFunc(p.conditions, named) {
			extra = append(extra, name)
		}
	}
	if extra != nil {
		slices.Sort(extra)
		return denied("Extra input fields: " + strings.Join(extra, ", "))
	}
	for _, c := range p.conditions {
		value, there := fields[c.field]
		if !there || !c.holds(value) {
			return errFailed(c.text)
		}
	}
	return nil
}

func (c *condition) holds(value string) bool {
	switch {
	case !c.starts:
		return value == c.value
	case c.field == "content-type":
		// A list, of which every type must begin so.
		for t := range strings.SplitSeq(value, ",") {
			if !strings.HasPrefix(strings.TrimSpace(t), c.value) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(value, c.value)
}
