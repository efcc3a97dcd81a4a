package s3

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/storage"
)

// putObject stores the body first and then, in one transaction, what makes it
// an object. A body that does not arrive whole, or is not what it was said to
// be, is never seen.
func (s *Service) putObject(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	o, promise, asked, err := preparePut(in, api.CallFrom(ctx).Time)
	if err != nil {
		return nil, err
	}
	condition := writeCondition{in.IfMatch, in.IfNoneMatch}
	if err := condition.valid(); err != nil {
		return nil, err
	}
	// Who waits for "100 Continue" is spared sending much that cannot be stored.
	// What is small is received before the bucket is known, and sealed afterwards if it has to be.
	early := promise.length > storage.MaxInline || asked.any()
	if early {
		if promise.seal, err = s.sealFor(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, asked); err != nil {
			return nil, err
		}
	}
	got, err := s.receive(ctx, promise, noAlgorithm)
	if err != nil {
		return nil, err
	}
	err = s.keepObject(ctx, in, o, got, condition, !early)
	if errors.Is(err, errUnsealed) {
		if got, err = s.sealLate(ctx, in, got, asked); err == nil {
			err = s.keepObject(ctx, in, o, got, condition, false)
		}
	}
	if err != nil {
		s.env.Blobs.Discard(got.blob)
		return nil, err
	}
	out := &s3.PutObjectOutput{
		ETag: quoted(o.ETag), ServerSideEncryption: s3.ServerSideEncryptionAes256,
		ChecksumType: o.Sum.kind(), VersionId: o.Version, Expiration: o.expires,
	}
	putSums(out).set(o.Sum)
	putEncryption(out).set(got.seal)
	return out, nil
}

// errUnsealed says that the bucket wants sealed what was received without a seal.
var errUnsealed = errors.New("s3: the bucket seals its objects")

// sealLate seals a body whose bucket turned out to want it. It returns what
// is to be discarded when it fails.
func (s *Service) sealLate(ctx context.Context, in *s3.PutObjectInput, got *received, asked encryptionAsked) (*received, error) {
	l, err := s.sealFor(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, asked)
	if err != nil || l == nil {
		return got, err
	}
	sealed, err := s.sealReceived(ctx, got, l)
	if err != nil {
		return got, err
	}
	return sealed, nil
}

// keepObject makes what was received the object under the key. unsure says that
// the bucket may yet want it sealed.
func (s *Service) keepObject(ctx context.Context, in *s3.PutObjectInput, o *object, got *received, condition writeCondition, unsure bool) error {
	call := api.CallFrom(ctx)
	o.ETag, o.Size, o.Sum, o.Modified = got.etag(), got.size, got.sum, call.Time.UnixMilli()
	o.writer = call.Account
	o.Encryption = got.encryption()
	s.setBody(o, got.body())
	asked := o.lock
	return s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if unsure && b.Settings.has(kindEncryption) {
			if sealed, err := s.seals(tx, b, encryptionAsked{}); err != nil || sealed {
				return cmp.Or(err, errUnsealed)
			}
		}
		if o.lock, err = b.newLock(asked, call.Time); err != nil {
			return err
		}
		if o.lock != (lock{}) && in.ContentMD5 == "" && got.sent.Algorithm == noAlgorithm {
			return errLockUnchecked("Put Object")
		}
		old, err := s.written(tx, b, in.Key)
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
		return s.created(ctx, tx, b, putEvent(in), in.Key, o)
	})
}

// putEvent is the event of a write: an object that came in a form is posted.
func putEvent(in *s3.PutObjectInput) event {
	if _, ok := in.Body.(api.Unmeasured); ok {
		return eventPost
	}
	return eventPut
}

// preparePut finds every error in the input and makes the object of the rest.
func preparePut(in *s3.PutObjectInput, now time.Time) (*object, promise, encryptionAsked, error) {
	asked := encryptionAsked{
		in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled,
		customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5},
	}
	if err := checkKey(in.Key); err != nil {
		return nil, promise{}, asked, err
	}
	if in.WriteOffsetBytes != nil {
		return nil, promise{}, asked, errNotImplemented("x-amz-write-offset-bytes")
	}
	if err := asked.check(); err != nil {
		return nil, promise{}, asked, err
	}
	o := &object{attributes: attributes{
		ContentType: in.ContentType, CacheControl: in.CacheControl, ContentDisposition: in.ContentDisposition,
		ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, Expires: seconds(in.Expires),
		Redirect: in.WebsiteRedirectLocation, Metadata: in.Metadata,
	}}
	if err := o.normalise(); err != nil {
		return nil, promise{}, asked, err
	}
	var err error
	if o.Class, err = storageClass(in.StorageClass); err != nil {
		return nil, promise{}, asked, err
	}
	if o.Tags, err = headerTags(in.Tagging); err != nil {
		return nil, promise{}, asked, err
	}
	o.asked, err = accesscontrol.Headers{
		Canned: string(in.ACL), FullControl: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, WriteACP: in.GrantWriteACP,
	}.Ask()
	if err != nil {
		return nil, promise{}, asked, err
	}
	if o.lock, err = (lockHeaders{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus}).read(now); err != nil {
		return nil, promise{}, asked, err
	}
	p, err := incoming{in.Body, in.ContentLength, in.ContentMD5, putInputSums(in), in.ChecksumAlgorithm}.promised()
	return o, p, asked, err
}
