package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/storage"
)

// copyObject copies an object without copying its bytes: the copy lists the
// same blobs. The source is read in the transaction that makes the copy. Where the
// copy's digests have to be computed from the bytes, or the bytes to be written
// under another seal, that is done outside, and holds as long as the source stays what it was.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (s *Service) copyObject(ctx context.Context, in *s3.CopyObjectInput) (*s3.CopyObjectOutput, error) {
	c, err := prepareCopy(in, api.CallFrom(ctx).Time)
	if err != nil {
		return nil, err
	}
	var made *copied
	for attempt := 1; ; attempt++ {
		err = s.env.DB.Update(func(tx storage.Tx) (err error) {
			made, err = s.copyIn(ctx, tx, in, c)
			return err
		})
		need, ok := errors.AsType[*needsSource](err)
		if !ok {
			break
		}
		s.discard(c.sealed)
		c.sealed = nil
		if attempt == maxReopen {
			return nil, errOperationAborted()
		}
		if need.seal {
			c.sealed, err = s.sealSource(ctx, in, need.source, c)
		} else {
			c.digests, err = s.digestSource(ctx, need.source, c.algorithm)
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
	}
	if err != nil {
		s.discard(c.sealed)
		return nil, err
	}
	o := made.object
	result := &s3.CopyObjectResult{ETag: quoted(o.ETag), LastModified: o.modified(), ChecksumType: o.Sum.kind()}
	copySums(result).set(o.Sum)
	out := &s3.CopyObjectOutput{
		CopyObjectResult: result, ServerSideEncryption: s3.ServerSideEncryptionAes256,
		VersionId: made.version, CopySourceVersionId: made.sourceVersion, Expiration: o.expires,
	}
	if c.sealed != nil {
		copyEncryption(out).set(c.sealed.seal)
	}
	return out, nil
}

// copying is what a copy request asks for.
type copying struct {
	from            objectRef
	ifSource        readCondition
	ifTarget        writeCondition
	given           attributes
	class           string
	lock            lock
	asked           accesscontrol.Asked
	algorithm       algorithm
	replaceMetadata bool
	replaceTags     bool
	encryption      encryptionAsked
	sourceKey       customerKey
	// digests are those of a source that had to be read, and sealed is one that
	// had to be written anew.
	digests *sourceDigests
	sealed  *sealedSource
}

// prepareCopy finds every error in the input.
func prepareCopy(in *s3.CopyObjectInput, now time.Time) (*copying, error) {
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
		encryption: encryptionAsked{
			in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled,
			customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5},
		},
		sourceKey: customerKey{in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5},
	}
	if err := c.encryption.check(); err != nil {
		return nil, err
	}
	_, err := c.sourceKey.secret()
	if err != nil {
		return nil, err
	}
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
	if c.lock, err = (lockHeaders{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus}).read(now); err != nil {
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
	c.asked, err = accesscontrol.Headers{
		Canned: string(in.ACL), FullControl: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, WriteACP: in.GrantWriteACP,
	}.Ask()
	if err != nil {
		return nil, err
	}
	if c.algorithm, err = parseAlgorithm(in.ChecksumAlgorithm); err != nil {
		return nil, err
	}
	return c, c.ifTarget.valid()
}

// copied is what a copy has made. The version is shown in every bucket that has
// had versioning, that of the source only when it is not "null".
type copied struct {
	object                 *object
	version, sourceVersion string
}

// copyIn makes the copy in a transaction.
func (s *Service) copyIn(ctx context.Context, tx storage.Tx, in *s3.CopyObjectInput, c *copying) (*copied, error) {
	b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	src, err := s.source(tx, c.from, c.ifSource, c.sourceKey)
	if err != nil {
		return nil, err
	}
	if sameObject(in, src, b.Settings.has(s.settings.encryption.kind)) {
		return nil, errInvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if src.object.Size > maxCopy {
		return nil, errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %s", strconv.Itoa(maxCopy))
	}
	mustSeal, err := s.seals(tx, b, c.encryption)
	if err != nil {
		return nil, err
	}
	o, err := c.make(src, mustSeal || src.seal != nil)
	if err != nil {
		return nil, err
	}
	call := api.CallFrom(ctx)
	o.Modified, o.writer, o.asked = call.Time.UnixMilli(), call.Account, c.asked
	if o.lock, err = b.newLock(c.lock, call.Time); err != nil {
		return nil, err
	}
	old, err := head(tx, b, in.Key)
	if err != nil {
		return nil, err
	}
	if err := c.ifTarget.check(in.Key, old); err != nil {
		return nil, err
	}
	where := &body{Blobs: src.body.Blobs}
	if c.sealed != nil {
		where = c.sealed.body()
	}
	s.setBody(o, where)
	// Before the old body is dropped: it can be the same.
	if err := s.linkBody(tx, where); err != nil {
		return nil, err
	}
	if err := s.replace(tx, b, in.Key, old, o); err != nil {
		return nil, err
	}
	return &copied{o, b.shown(o), src.object.Version}, s.created(ctx, tx, b, eventCopy, in.Key, o)
}

// make is the copy's record without its body. mustSeal says that the bytes
// cannot be shared, because the source's or the copy's are sealed. The error is a *needsSource
// when the source has to be read first.
func (c *copying) make(src *source, mustSeal bool) (*object, error) {
	from := src.object
	o := &object{attributes: from.attributes}
	if c.replaceMetadata {
		o.attributes = c.given
		o.Tags = from.Tags
	}
	if c.replaceTags {
		o.Tags = c.given.Tags
	}
	o.Redirect, o.Class = c.given.Redirect, c.class // never copied
	o.Size = from.Size
	if mustSeal != (c.sealed != nil) || mustSeal && c.sealed.sequence != from.Sequence {
		return nil, &needsSource{src, mustSeal}
	}
	switch {
	case c.sealed != nil:
		o.ETag, o.Sum, o.Encryption = c.sealed.etag(), c.sealed.sum, c.sealed.encryption()
	case c.digests != nil && c.digests.sequence == from.Sequence:
		o.ETag, o.Sum = c.digests.etag, c.digests.sum
	case from.Count == 0 && (c.algorithm == noAlgorithm || c.algorithm == from.Sum.Algorithm):
		// What was uploaded in one piece keeps its entity tag and checksum.
		o.ETag, o.Sum = from.ETag, from.Sum
	default:
		return nil, &needsSource{src, false}
	}
	return o, nil
}

// needsSource says that a copy cannot be made before its source has been read: a
// copy is one piece, and its source is in parts or has another checksum, or
// one of the two is sealed.
type needsSource struct {
	source *source
	seal   bool
}

func (*needsSource) Error() string { return "s3: the source of the copy has to be read" }

// sourceDigests are the entity tag and checksum of all bytes of an object, as
// it was at a sequence.
type sourceDigests struct {
	sequence uint64
	etag     string
	sum      checksum
}

// digestSource reads an object. noAlgorithm means the object's own.
func (s *Service) digestSource(ctx context.Context, src *source, a algorithm) (*sourceDigests, error) {
	if a == noAlgorithm {
		a = src.object.Sum.Algorithm
	}
	r, err := s.open(src.body, src.seal, 0, src.object.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	d := digest{r: r, md5: md5.New(), sum: a.new()}
	for buf := make([]byte, 256<<10); err == nil; {
		if err = ctx.Err(); err == nil {
			_, err = d.Read(buf)
		}
	}
	if err != io.EOF {
		return nil, err
	}
	return &sourceDigests{src.object.Sequence, hex.EncodeToString(d.md5.Sum(nil)), checksumOf(a, d.sum)}, nil
}

// uploadPartCopy makes a part of (a range of) an object that is there.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
func (s *Service) uploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (*s3.UploadPartCopyOutput, error) {
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	target := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if _, err := target.secret(); err != nil {
		return nil, err
	}
	key := customerKey{in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5}
	if _, err := key.secret(); err != nil {
		return nil, err
	}
	ref, err := parseCopySource(in.CopySource, in.ExpectedSourceBucketOwner)
	if err != nil {
		return nil, err
	}
	_, u, err := s.viewUpload(in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	l, err := s.unsealUpload(u, target)
	if err != nil {
		return nil, err
	}
	from := func(tx storage.Tx) (*source, error) {
		return s.source(tx, ref, readCondition{
			in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince,
		}, key)
	}
	var got *received
	var version string
	for attempt := 1; ; attempt++ {
		if got, version, err = s.receiveRange(ctx, from, in.CopySourceRange, l, u.Algorithm); !again(err, attempt) {
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
	out := &s3.UploadPartCopyOutput{
		CopyPartResult: result, ServerSideEncryption: s3.ServerSideEncryptionAes256, CopySourceVersionId: version,
	}
	copyPartEncryption(out).set(l)
	return out, nil
}

// receiveRange stores the bytes of a range of an object as a body of its own,
// under a seal or none, and says which version they are of.
func (s *Service) receiveRange(ctx context.Context, from func(storage.Tx) (*source, error), header string, l *seal, a algorithm) (*received, string, error) {
	var src *source
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		src, err = from(tx)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	part, err := sourceRange(header, src.object.Size)
	if err != nil {
		return nil, "", err
	}
	if part.length > maxCopy {
		return nil, "", errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %s", strconv.Itoa(maxCopy))
	}
	r, err := s.open(src.body, src.seal, part.offset, part.length)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = r.Close() }() // it was only read
	got, err := s.receive(ctx, promise{body: r, length: part.length, seal: l}, a)
	return got, src.object.Version, err
}
