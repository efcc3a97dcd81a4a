package s3

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// maxCopy is the largest object that is copied in one request: 5 GiB.
const maxCopy = 5 << 30

const copySourceHeader = "x-amz-copy-source"

// parseCopySource reads x-amz-copy-source: "[/]bucket/key[?versionId=id]", URL-encoded.
func parseCopySource(header, owner string) (objectRef, error) {
	path, version := header, ""
	if i := strings.LastIndex(header, "?versionId="); i >= 0 {
		path, version = header[:i], header[i+len("?versionId="):]
	}
	path, err := url.QueryUnescape(path) // S3 reads "+" as a space here
	if err != nil {
		return objectRef{}, errInvalidArgument(copySourceHeader, header, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if strings.HasPrefix(path, "arn:") {
		return objectRef{}, errNotImplemented(copySourceHeader) // access points
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if bucket == "" || key == "" {
		return objectRef{}, errInvalidArgument(copySourceHeader, header, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return objectRef{bucket, key, version, owner}, checkKey(key)
}

// source is an object that is being copied.
type source struct {
	ref    objectRef
	object *object
	body   *body
	seal   *seal // nil is none
}

// source reads the object that a copy is made of.
func (s *Service) source(tx storage.Tx, ref objectRef, condition readCondition, key customerKey) (*source, error) {
	b, f, err := s.version(tx, ref)
	if err != nil {
		return nil, err
	}
	o := f.object
	switch {
	case o.Marker && ref.version == "":
		return nil, errDeleted(ref.key, o)
	case o.Marker:
		return nil, errInvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err := condition.checkSource(o); err != nil {
		return nil, err
	}
	if s.unreadable(o) {
		return nil, errInvalidObjectState(o.Class)
	}
	l, err := s.unseal(tx, o.Encryption, key)
	if err != nil {
		return nil, err
	}
	where, err := readBody(tx, b.ID, o)
	return &source{ref, o, where, l}, err
}

// again says whether what read a body is to begin again: the object was
// replaced between reading its record and opening its body.
func again(err error, attempt int) bool {
	return attempt < maxReopen && errors.Is(err, storage.ErrNotFound)
}

// sourceRange reads x-amz-copy-source-range, which is stricter than Range.
func sourceRange(header string, size int64) (span, error) {
	if header == "" {
		return span{0, size, false}, nil
	}
	malformed := errInvalidArgument("x-amz-copy-source-range", header, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return span{}, malformed
	}
	from, to, _ := strings.Cut(spec, "-")
	first, err := strconv.ParseUint(from, 10, 63)
	last, err2 := strconv.ParseUint(to, 10, 62)
	if err != nil || err2 != nil || first > last {
		return span{}, malformed
	}
	if int64(last) >= size {
		return span{}, errInvalidArgument("x-amz-copy-source-range", header, "Range specified is not valid for source object of size: "+strconv.FormatInt(size, 10))
	}
	return span{int64(first), int64(last-first) + 1, true}, nil
}

// sameObject says that a copy would change nothing. S3 takes it for a change of the
// encryption when the source has a customer's key, or the bucket a configured default.
func sameObject(in *s3.CopyObjectInput, src *source, defaultEncryption bool) bool {
	class, _ := storageClass(in.StorageClass) // checked before
	return src.ref.bucket == in.Bucket && src.ref.key == in.Key && src.ref.version == "" &&
		in.MetadataDirective != s3.MetadataDirectiveReplace && class == src.object.Class &&
		in.WebsiteRedirectLocation == src.object.Redirect && in.ServerSideEncryption == "" && in.SSECustomerAlgorithm == "" && in.ChecksumAlgorithm == "" &&
		in.CopySourceSSECustomerAlgorithm == "" && !defaultEncryption
}
