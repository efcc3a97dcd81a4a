package s3

import (
	"strings"
	"time"
)

// readCondition is what a read asks of the object, by RFC 9110 section 13.
type readCondition struct {
	match, noneMatch          string
	modifiedSince, unmodified time.Time
}

// check decides in the order of the RFC: If-Match before If-Unmodified-Since,
// If-None-Match before If-Modified-Since, each pair's first overriding its second.
func (c readCondition) check(o *object) error {
	modified := o.modified()
	switch {
	case c.match != "":
		if !matches(c.match, o.ETag) {
			return errPreconditionFailed("If-Match")
		}
	case !c.unmodified.IsZero() && modified.After(c.unmodified):
		return errPreconditionFailed("If-Unmodified-Since")
	}
	switch {
	case c.noneMatch != "":
		if matches(c.noneMatch, o.ETag) {
			return errNotModified(o)
		}
	case !c.modifiedSince.IsZero() && !modified.After(c.modifiedSince):
		return errNotModified(o)
	}
	return nil
}

// checkSource is check for the source of a copy, which is never "not modified".
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (c readCondition) checkSource(o *object) error {
	modified := o.modified()
	switch {
	case c.match != "":
		if !matches(c.match, o.ETag) {
			return errPreconditionFailed("x-amz-copy-source-If-Match")
		}
	case !c.unmodified.IsZero() && modified.After(c.unmodified):
		return errPreconditionFailed("x-amz-copy-source-If-Unmodified-Since")
	}
	switch {
	case c.noneMatch != "":
		if matches(c.noneMatch, o.ETag) {
			return errPreconditionFailed("x-amz-copy-source-If-None-Match")
		}
	case !c.modifiedSince.IsZero() && !modified.After(c.modifiedSince):
		return errPreconditionFailed("x-amz-copy-source-If-Modified-Since")
	}
	return nil
}

// matches says whether a list of entity tags has this one.
func matches(list, etag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = unquoted(t); t == "*" || t == etag {
			return true
		}
	}
	return false
}

// writeCondition is what a write asks of the object that it would replace.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
type writeCondition struct {
	match, noneMatch string
}

// valid says that S3 takes the condition of a write: of If-None-Match only "*",
// of If-Match only entity tags, and not both. (Deletions take If-Match: *.)
func (c writeCondition) valid() error {
	switch {
	case c.noneMatch != "" && c.match != "":
		return errNotImplemented("If-Match,If-None-Match").With("additionalMessage", "Multiple conditional request headers present in the request")
	case c.noneMatch != "" && c.noneMatch != "*":
		return errNotImplemented("If-None-Match").With("additionalMessage", "We don't accept the provided value of If-None-Match header for this API")
	case c.match == "*":
		return errNotImplemented("If-Match").With("additionalMessage", "We don't accept the provided value of If-Match header for this API")
	}
	return nil
}

// checkSince is check for an upload that began at a sequence (0 is unknown):
// the key must not have been written since, nor got a delete marker. That it was
// deleted without one is not known.
func (c writeCondition) checkSince(began uint64, key string, old *object) error {
	err := c.check(key, old)
	if err != nil || began == 0 || old == nil || old.Sequence < began {
		return err
	}
	switch {
	case c.match != "":
		return errConditionalConflict("If-Match", key)
	case c.noneMatch != "":
		return errConditionalConflict("If-None-Match", key)
	}
	return nil
}

// check is made in the transaction of the write; old is the head of the key,
// and nil when there is nothing. A delete marker is no object.
func (c writeCondition) check(key string, old *object) error {
	if old != nil && old.Marker {
		old = nil
	}
	switch {
	case c.noneMatch != "" && old != nil:
		return errPreconditionFailed("If-None-Match")
	case c.match != "" && old == nil:
		return errNoSuchKey(key)
	case c.match != "" && !matches(c.match, old.ETag):
		return errPreconditionFailed("If-Match")
	}
	return nil
}
