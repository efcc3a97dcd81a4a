package s3

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// maxReopen bounds how often a read begins again because the object was
// replaced meanwhile.
const maxReopen = 10

// getObject reads an object. HeadObject is the same without the body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *Service) getObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	if err := checkRead(ctx, in); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		out, err := s.tryGet(in, true)
		if !again(err, attempt) {
			return out, err
		}
	}
}

func (s *Service) headObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	get := s3.GetObjectInput(*in)
	if err := checkRead(ctx, &get); err != nil {
		return nil, err
	}
	got, err := s.tryGet(&get, false)
	if err != nil {
		return nil, err
	}
	return headOf(got), nil
}

// checkRead finds the errors of a read's input.
func checkRead(ctx context.Context, in *s3.GetObjectInput) error {
	switch {
	case in.Range != "" && in.PartNumber != nil:
		return errInvalidRequest("Cannot specify both Range header and partNumber query parameter")
	case in.PartNumber != nil && (*in.PartNumber < 1 || *in.PartNumber > maxParts):
		return errInvalidArgument("partNumber", strconv.Itoa(int(*in.PartNumber)), "Part number must be an integer between 1 and 10000, inclusive")
	case overrides(in) && api.CallFrom(ctx).Principal.Anonymous:
		return errInvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
	}
	_, err := customerOf(in).secret()
	return err
}

func customerOf(in *s3.GetObjectInput) customerKey {
	return customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
}

func overrides(in *s3.GetObjectInput) bool {
	return in.ResponseCacheControl != "" || in.ResponseContentDisposition != "" || in.ResponseContentEncoding != "" ||
		in.ResponseContentLanguage != "" || in.ResponseContentType != "" || !in.ResponseExpires.IsZero()
}

func (s *Service) tryGet(in *s3.GetObjectInput, withBody bool) (*s3.GetObjectOutput, error) {
	var at struct { // together, so that they cost one allocation
		bucket  *bucket
		object  *object
		body    *body
		seal    *seal
		expires string
		length  int64
	}
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, found, err := s.shared(tx, objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner})
		if err != nil {
			return err
		}
		at.bucket, at.object = b, found
		if in.VersionId == "" {
			if at.expires, err = s.expiration(tx, b, in.Key, found); err != nil {
				return err
			}
		}
		if at.seal, err = s.unseal(tx, found.Encryption, customerOf(in)); err != nil {
			return err
		}
		if withBody || in.PartNumber != nil {
			at.body, err = readBody(tx, b.ID, found)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	b, o, where := at.bucket, at.object, at.body
	condition := readCondition{in.IfMatch, in.IfNoneMatch, in.IfModifiedSince, in.IfUnmodifiedSince}
	if err := condition.check(o); err != nil {
		return nil, err
	}
	if withBody && s.unreadable(o) {
		return nil, errInvalidObjectState(o.Class)
	}
	span, err := spanOf(in, o, where)
	if err != nil {
		return nil, err
	}
	out := describe(o)
	getEncryption(out).set(at.seal)
	if o.Restore != nil {
		out.Restore = o.Restore.header(s.env.Clock.Now())
	}
	at.length = span.length
	out.ContentLength = &at.length
	if span.partial {
		out.ContentRange = "bytes " + strconv.FormatInt(span.offset, 10) + "-" +
			strconv.FormatInt(span.offset+span.length-1, 10) + "/" + strconv.FormatInt(o.Size, 10)
		if span.length == 0 { // of an empty object's only part
			out.ContentRange = ""
		}
	}
	if in.PartNumber != nil && o.Count > 0 {
		out.PartsCount = new(int32(o.Count))
	}
	out.VersionId, out.Expiration = b.shown(o), at.expires
	// A checksum is of the whole; of a part it is known when the part was uploaded as such.
	if in.ChecksumMode == s3.ChecksumModeEnabled {
		switch {
		case !span.partial || span.length == o.Size:
			getSums(out).set(o.Sum)
			out.ChecksumType = o.Sum.kind()
		case in.PartNumber != nil && where.Parts[*in.PartNumber-1].Sum != "":
			getSums(out).set(checksum{Algorithm: o.Sum.Algorithm, Value: where.Parts[*in.PartNumber-1].Sum})
			out.ChecksumType = o.Sum.kind()
		}
	}
	override(out, in)
	if withBody {
		if out.Body, err = s.open(where, at.seal, span.offset, span.length); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// describe is the answer for a whole object but for its body.
func describe(o *object) *s3.GetObjectOutput {
	out := &s3.GetObjectOutput{
		AcceptRanges: "bytes", LastModified: o.modified(), ETag: quoted(o.ETag), ServerSideEncryption: s3.ServerSideEncryptionAes256,
		ContentType: o.ContentType, CacheControl: o.CacheControl, ContentDisposition: o.ContentDisposition,
		ContentEncoding: o.ContentEncoding, ContentLanguage: o.ContentLanguage, WebsiteRedirectLocation: o.Redirect,
		Metadata: o.Metadata, StorageClass: s3.StorageClass(o.Class), ReplicationStatus: o.Replication.name(),
		ObjectLockMode: o.mode(), ObjectLockRetainUntilDate: o.retainUntil(), ObjectLockLegalHoldStatus: o.legalHold(),
	}
	if o.Expires != 0 {
		out.Expires = time.Unix(o.Expires, 0).UTC()
	}
	if len(o.Tags) > 0 {
		out.TagCount = new(int32(len(o.Tags)))
	}
	return out
}

// override puts in what the request wants the answer to say.
func override(out *s3.GetObjectOutput, in *s3.GetObjectInput) {
	for _, o := range []struct {
		field *string
		value string
	}{
		{&out.CacheControl, in.ResponseCacheControl},
		{&out.ContentDisposition, in.ResponseContentDisposition},
		{&out.ContentEncoding, in.ResponseContentEncoding},
		{&out.ContentLanguage, in.ResponseContentLanguage},
		{&out.ContentType, in.ResponseContentType},
	} {
		if o.value != "" {
			*o.field = o.value
		}
	}
	if !in.ResponseExpires.IsZero() {
		out.Expires = in.ResponseExpires
	}
}

// span is the part of an object that is read.
type span struct {
	offset, length int64
	partial        bool
}

func spanOf(in *s3.GetObjectInput, o *object, where *body) (span, error) {
	if in.PartNumber == nil {
		return parseRange(in.Range, o.Size)
	}
	n := *in.PartNumber
	if o.Count == 0 { // not uploaded in parts: it is its own first part
		if n != 1 {
			return span{}, errInvalidPartNumber(n, 1)
		}
		return span{0, o.Size, true}, nil
	}
	if int(n) > o.Count {
		return span{}, errInvalidPartNumber(n, o.Count)
	}
	part := span{partial: true}
	for i := range where.Blobs[:n-1] {
		part.offset += where.size(i)
	}
	part.length = where.size(int(n - 1))
	return part, nil
}

// parseRange reads a Range header: one range of bytes. What is no such thing is
// ignored, several ranges among it, as S3 does.
func parseRange(header string, size int64) (span, error) {
	whole := span{0, size, false}
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return whole, nil
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return whole, nil
	}
	if from == "" { // the last bytes
		n, err := strconv.ParseUint(to, 10, 63)
		if err != nil {
			return whole, nil
		}
		if n == 0 || size == 0 {
			return span{}, errInvalidRange(header, size)
		}
		n = min(n, uint64(size))
		return span{size - int64(n), int64(n), true}, nil
	}
	first, err := strconv.ParseUint(from, 10, 63)
	if err != nil {
		return whole, nil
	}
	last := uint64(size) - 1
	if to != "" {
		n, err := strconv.ParseUint(to, 10, 63)
		if err != nil || n < first {
			return whole, nil
		}
		last = min(n, last)
	}
	if int64(first) >= size {
		return span{}, errInvalidRange(header, size)
	}
	return span{int64(first), int64(last-first) + 1, true}, nil
}

// headOf is the answer of HeadObject.
func headOf(g *s3.GetObjectOutput) *s3.HeadObjectOutput {
	return &s3.HeadObjectOutput{
		AcceptRanges: g.AcceptRanges, LastModified: g.LastModified, ContentLength: g.ContentLength, ETag: g.ETag,
		ChecksumCRC32: g.ChecksumCRC32, ChecksumCRC32C: g.ChecksumCRC32C, ChecksumCRC64NVME: g.ChecksumCRC64NVME,
		ChecksumSHA1: g.ChecksumSHA1, ChecksumSHA256: g.ChecksumSHA256, ChecksumSHA512: g.ChecksumSHA512,
		ChecksumMD5: g.ChecksumMD5, ChecksumXXHASH64: g.ChecksumXXHASH64,
		ChecksumXXHASH3: g.ChecksumXXHASH3, ChecksumXXHASH128: g.ChecksumXXHASH128, ChecksumType: g.ChecksumType, VersionId: g.VersionId,
		CacheControl: g.CacheControl, ContentDisposition: g.ContentDisposition, ContentEncoding: g.ContentEncoding,
		ContentLanguage: g.ContentLanguage, ContentType: g.ContentType, ContentRange: g.ContentRange, Expires: g.Expires,
		WebsiteRedirectLocation: g.WebsiteRedirectLocation, ServerSideEncryption: g.ServerSideEncryption,
		SSEKMSKeyId: g.SSEKMSKeyId, BucketKeyEnabled: g.BucketKeyEnabled,
		SSECustomerAlgorithm: g.SSECustomerAlgorithm, SSECustomerKeyMD5: g.SSECustomerKeyMD5,
		Restore:  g.Restore,
		Metadata: g.Metadata, StorageClass: g.StorageClass, PartsCount: g.PartsCount, TagCount: g.TagCount, Expiration: g.Expiration, ReplicationStatus: g.ReplicationStatus,
		ObjectLockMode: g.ObjectLockMode, ObjectLockRetainUntilDate: g.ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus: g.ObjectLockLegalHoldStatus,
	}
}

// seconds is a time as records keep it; 0 is none.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
