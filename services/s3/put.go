package s3

import (
	"context"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// putObject stores the body first and then, in one transaction, what makes it
// an object. A body that does not arrive whole, or is not what it was said to
// be, is never seen.
func (s *Service) putObject(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	call := api.CallFrom(ctx)
	o, promise, err := preparePut(in)
	if err != nil {
		return nil, err
	}
	condition := writeCondition{in.IfMatch, in.IfNoneMatch}
	if err := condition.valid(); err != nil {
		return nil, err
	}
	// Who waits for "100 Continue" is spared sending much that cannot be stored.
	if promise.length > storage.MaxInline {
		if _, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner); err != nil {
			return nil, err
		}
	}
	got, err := s.receive(ctx, promise, noAlgorithm)
	if err != nil {
		return nil, err
	}
	o.ETag, o.Size, o.Sum, o.Modified = got.etag(), got.blob.Size, got.sum, call.Time.UnixMilli()
	s.setBody(o, &body{Blobs: []storage.Blob{got.blob}})
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		old, err := head(tx, b, in.Key)
		if err != nil {
			return err
		}
		if err := condition.check(in.Key, old); err != nil {
			return err
		}
		if err := s.env.Blobs.Link(tx, got.blob); err != nil {
			return err
		}
		if err := s.replace(tx, b, in.Key, old, o); err != nil {
			return err
		}
		return s.emit(ctx, tx, b, eventPut, in.Key, o)
	})
	if err != nil {
		s.env.Blobs.Discard(got.blob)
		return nil, err
	}
	out := &s3.PutObjectOutput{
		ETag: quoted(o.ETag), ServerSideEncryption: s3.ServerSideEncryptionAes256,
		ChecksumType: o.Sum.kind(), VersionId: o.Version,
	}
	putSums(out).set(o.Sum)
	return out, nil
}

// preparePut finds every error in the input and makes the object of the rest.
func preparePut(in *s3.PutObjectInput) (*object, promise, error) {
	if err := checkKey(in.Key); err != nil {
		return nil, promise{}, err
	}
	if in.WriteOffsetBytes != nil {
		return nil, promise{}, errNotImplemented("x-amz-write-offset-bytes")
	}
	err := protection{
		acl: in.ACL, grants: in.GrantFullControl + in.GrantRead + in.GrantReadACP + in.GrantWriteACP,
		encryption: in.ServerSideEncryption, kmsKey: in.SSEKMSKeyId, kmsContext: in.SSEKMSEncryptionContext,
		customerAlgorithm: in.SSECustomerAlgorithm, customerKey: in.SSECustomerKey,
		lockMode: in.ObjectLockMode, lockUntil: in.ObjectLockRetainUntilDate, legalHold: in.ObjectLockLegalHoldStatus,
	}.check()
	if err != nil {
		return nil, promise{}, err
	}
	o := &object{attributes: attributes{
		ContentType: in.ContentType, CacheControl: in.CacheControl, ContentDisposition: in.ContentDisposition,
		ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, Expires: seconds(in.Expires),
		Redirect: in.WebsiteRedirectLocation, Metadata: in.Metadata,
	}}
	if err := o.normalise(); err != nil {
		return nil, promise{}, err
	}
	if o.Class, err = storageClass(in.StorageClass); err != nil {
		return nil, promise{}, err
	}
	if o.Tags, err = headerTags(in.Tagging); err != nil {
		return nil, promise{}, err
	}
	p, err := incoming{in.Body, in.ContentLength, in.ContentMD5, putInputSums(in), in.ChecksumAlgorithm}.promised()
	return o, p, err
}
