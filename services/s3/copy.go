package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strconv"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// copyObject copies an object without copying its bytes: the copy lists the
// same blobs.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (s *Service) copyObject(ctx context.Context, in *s3.CopyObjectInput) (*s3.CopyObjectOutput, error) {
	c, err := prepareCopy(in)
	if err != nil {
		return nil, err
	}
	if _, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		o, err := s.tryCopy(ctx, in, c)
		if again(err, attempt) {
			continue
		}
		if err != nil {
			return nil, err
		}
		result := &s3.CopyObjectResult{ETag: quoted(o.ETag), LastModified: o.modified(), ChecksumType: o.Sum.kind()}
		copySums(result).set(o.Sum)
		return &s3.CopyObjectOutput{CopyObjectResult: result, ServerSideEncryption: s3.ServerSideEncryptionAes256}, nil
	}
}

// copying is what a copy request asks for.
type copying struct {
	from            objectRef
	ifSource        readCondition
	ifTarget        writeCondition
	given           attributes
	class           string
	algorithm       algorithm
	replaceMetadata bool
	replaceTags     bool
}

// prepareCopy finds every error in the input.
func prepareCopy(in *s3.CopyObjectInput) (*copying, error) {
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	c := &copying{
		ifSource: readCondition{in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince},
		ifTarget: writeCondition{in.IfMatch, in.IfNoneMatch},
		given: attributes{
			ContentType: in.ContentType, CacheControl: in.CacheControl, ContentDisposition: in.ContentDisposition,
			ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, Expires: seconds(in.Expires),
			Redirect: in.WebsiteRedirectLocation, Metadata: in.Metadata,
		},
	}
	var err error
	if c.from, err = parseCopySource(in.CopySource, in.ExpectedSourceBucketOwner); err != nil {
		return nil, err
	}
	switch in.MetadataDirective {
	case "", s3.MetadataDirectiveCopy:
	case s3.MetadataDirectiveReplace:
		c.replaceMetadata = true
	default:
		return nil, errInvalidArgument("x-amz-metadata-directive", string(in.MetadataDirective), "Unknown metadata directive.")
	}
	switch in.TaggingDirective {
	case "", s3.TaggingDirectiveCopy:
	case s3.TaggingDirectiveReplace:
		c.replaceTags = true
	default:
		return nil, errInvalidArgument("x-amz-tagging-directive", string(in.TaggingDirective), "Unknown tagging directive.")
	}
	err = protection{
		acl: in.ACL, grants: in.GrantFullControl + in.GrantRead + in.GrantReadACP + in.GrantWriteACP,
		encryption: in.ServerSideEncryption, kmsKey: in.SSEKMSKeyId, kmsContext: in.SSEKMSEncryptionContext,
		customerAlgorithm: in.SSECustomerAlgorithm, customerKey: in.SSECustomerKey, sourceAlgorithm: in.CopySourceSSECustomerAlgorithm,
		lockMode: in.ObjectLockMode, lockUntil: in.ObjectLockRetainUntilDate, legalHold: in.ObjectLockLegalHoldStatus,
	}.check()
	if err != nil {
		return nil, err
	}
	if err := c.given.normalise(); err != nil {
		return nil, err
	}
	if c.class, err = storageClass(in.StorageClass); err != nil {
		return nil, err
	}
	if c.given.Tags, err = headerTags(in.Tagging); err != nil {
		return nil, err
	}
	if c.algorithm, err = parseAlgorithm(in.ChecksumAlgorithm, "x-amz-checksum-algorithm"); err != nil {
		return nil, err
	}
	return c, c.ifTarget.valid()
}

func (s *Service) tryCopy(ctx context.Context, in *s3.CopyObjectInput, c *copying) (*object, error) {
	src, err := s.source(c.from, c.ifSource)
	if err != nil {
		return nil, err
	}
	if sameObject(in, src) {
		return nil, errInvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if src.object.Size > maxCopy {
		return nil, errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %s", strconv.Itoa(maxCopy))
	}
	o := &object{attributes: src.object.attributes}
	if c.replaceMetadata {
		o.attributes = c.given
		o.Tags = src.object.Tags
	}
	if c.replaceTags {
		o.Tags = c.given.Tags
	}
	o.Redirect, o.Class = c.given.Redirect, c.class // never copied
	o.Size, o.Modified = src.object.Size, api.CallFrom(ctx).Time.UnixMilli()
	if err := s.digestCopy(ctx, o, src, c.algorithm); err != nil {
		return nil, err
	}
	copied := &body{Blobs: src.body.Blobs}
	s.setBody(o, copied)
	return o, s.env.DB.Update(func(tx storage.Tx) error {
		same, err := src.unchanged(tx)
		if err != nil {
			return err
		}
		if !same {
			return errChanged
		}
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		old, err := current(tx, b.ID, in.Key)
		if err != nil {
			return err
		}
		if err := c.ifTarget.check(in.Key, old); err != nil {
			return err
		}
		// Before the old body is dropped: it can be the same.
		if err := s.linkBody(tx, copied); err != nil {
			return err
		}
		if err := s.replace(tx, b, in.Key, old, o); err != nil {
			return err
		}
		return s.emit(ctx, tx, b, eventCopy, in.Key, o)
	})
}

// digestCopy sets the entity tag and checksum of a copy. Those of an object
// that was uploaded in one piece are the copy's too; a copy is one piece, so
// those of an object in parts are computed from its bytes.
func (s *Service) digestCopy(ctx context.Context, o *object, src *source, a algorithm) error {
	from := src.object
	if a == noAlgorithm {
		a = from.Sum.Algorithm
	}
	if from.Count == 0 && !from.Sum.Composite && a == from.Sum.Algorithm {
		o.ETag, o.Sum = from.ETag, from.Sum
		return nil
	}
	r, err := s.open(src.body, 0, from.Size)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	d := digest{r: r, md5: md5.New(), sum: a.new()}
	for buf := make([]byte, 256<<10); err == nil; {
		if err = ctx.Err(); err == nil {
			_, err = d.Read(buf)
		}
	}
	if err != io.EOF {
		return err
	}
	o.ETag, o.Sum = hex.EncodeToString(d.md5.Sum(nil)), checksumOf(a, d.sum)
	return nil
}

// uploadPartCopy makes a part of (a range of) an object that is there.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
func (s *Service) uploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (*s3.UploadPartCopyOutput, error) {
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	if in.SSECustomerAlgorithm != "" || in.CopySourceSSECustomerAlgorithm != "" {
		return nil, errNotImplemented("x-amz-server-side-encryption-customer-algorithm")
	}
	ref, err := parseCopySource(in.CopySource, in.ExpectedSourceBucketOwner)
	if err != nil {
		return nil, err
	}
	_, u, err := s.viewUpload(in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	condition := readCondition{in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince}
	var got *received
	for attempt := 1; ; attempt++ {
		if got, err = s.receiveRange(ctx, ref, condition, in.CopySourceRange, u.Algorithm); !again(err, attempt) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.keepPart(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId, *in.PartNumber, got); err != nil {
		return nil, err
	}
	at := summary{Modified: api.CallFrom(ctx).Time.UnixMilli()}
	result := &s3.CopyPartResult{ETag: quoted(got.etag()), LastModified: at.modified()}
	if u.Asked {
		copyPartSums(result).set(got.sum)
	}
	return &s3.UploadPartCopyOutput{CopyPartResult: result, ServerSideEncryption: s3.ServerSideEncryptionAes256}, nil
}

// receiveRange stores the bytes of a range of an object as a body of its own.
func (s *Service) receiveRange(ctx context.Context, ref objectRef, condition readCondition, header string, a algorithm) (*received, error) {
	src, err := s.source(ref, condition)
	if err != nil {
		return nil, err
	}
	part, err := sourceRange(header, src.object.Size)
	if err != nil {
		return nil, err
	}
	if part.length > maxCopy {
		return nil, errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %s", strconv.Itoa(maxCopy))
	}
	r, err := s.open(src.body, part.offset, part.length)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	return s.receive(ctx, promise{body: r, length: part.length}, a)
}
