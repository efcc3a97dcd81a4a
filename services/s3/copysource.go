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
	bucket *bucket
	object *object
	body   *body
}

// source reads the object that a copy is made of.
func (s *Service) source(ref objectRef, condition readCondition) (*source, error) {
	src := &source{ref: ref}
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		if src.bucket, src.object, err = s.object(tx, ref); err != nil {
			return err
		}
		src.body, err = readBody(tx, src.bucket.ID, src.object)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := condition.checkSource(src.object); err != nil {
		return nil, err
	}
	if src.object.archived() {
		return nil, errInvalidObjectState(src.object.Class)
	}
	return src, nil
}

// unchanged says whether the object is still the one that was read. It is
// asked in the transaction that makes the copy, which then shares its blobs.
func (src *source) unchanged(tx storage.Tx) (bool, error) {
	o, err := current(tx, src.bucket.ID, src.ref.key)
	return o != nil && o.Sequence == src.object.Sequence, err
}

// errChanged makes a copy begin again: its source was replaced meanwhile.
var errChanged = errors.New("s3: the source of a copy has changed")

// again says whether a copy that failed with err is to be begun again.
func again(err error, attempt int) bool {
	return attempt < maxReopen && (errors.Is(err, errChanged) || errors.Is(err, storage.ErrNotFound))
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

// sameObject says that a copy would change nothing.
func sameObject(in *s3.CopyObjectInput, src *source) bool {
	class, _ := storageClass(in.StorageClass) // checked before
	return src.ref.bucket == in.Bucket && src.ref.key == in.Key && src.ref.version == "" &&
		in.MetadataDirective != s3.MetadataDirectiveReplace && class == src.object.Class &&
		in.WebsiteRedirectLocation == src.object.Redirect && in.ServerSideEncryption == "" && in.ChecksumAlgorithm == ""
}
