package s3

import (
	"bytes"
	"context"
	"errors"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// updateObjectEncryption puts an object under another key of KMS; nothing else of it
// changes, neither its entity tag nor when it was modified. S3 encrypts the object's own
// key anew; here, where that comes of the key of KMS, it is the bytes that are.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html
func (s *Service) updateObjectEncryption(ctx context.Context, in *s3.UpdateObjectEncryptionInput) (*s3.UpdateObjectEncryptionOutput, error) {
	if in.ObjectEncryption == nil || in.ObjectEncryption.SSEKMS == nil {
		return nil, errInvalidRequest("Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.")
	}
	kms := in.ObjectEncryption.SSEKMS
	asked := encryptionAsked{method: s3.ServerSideEncryptionAwsKms, key: kms.KMSKeyArn, bucketKey: kms.BucketKeyEnabled}
	if asked.bucketKey == nil {
		asked.bucketKey = new(false)
	}
	ref := objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}
	for range maxReopen {
		from, err := s.updatable(ctx, ref, asked.key)
		if err != nil {
			return nil, err
		}
		l, err := s.sealFor(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, asked)
		if err != nil {
			return nil, err
		}
		to, err := s.reseal(ctx, from, l)
		done := false
		if err == nil {
			done, err = s.exchangeBody(ctx, from, to, l)
		}
		switch {
		case done && err == nil:
			return &s3.UpdateObjectEncryptionOutput{}, nil
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return nil, err
		}
	}
	return nil, errOperationAborted()
}

// updatable is an object whose encryption may be changed to a key of KMS.
func (s *Service) updatable(ctx context.Context, ref objectRef, key string) (from *source, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, f, err := s.version(tx, ref)
		if err != nil {
			return err
		}
		o := f.object
		if o.Marker {
			return errDeleteMarker("PUT", o)
		}
		if err := mayUpdate(b, o, key, api.CallFrom(ctx)); err != nil {
			return err
		}
		l, err := s.unseal(tx, o.Encryption, customerKey{})
		if err != nil {
			return err
		}
		where, err := readBody(tx, b.ID, o)
		from = &source{ref, o, where, l}
		return err
	})
	return from, err
}

// mayUpdate refuses what S3 does not do.
func mayUpdate(b *bucket, o *object, key string, call *api.Call) error {
	if e := o.Encryption; e != nil && e.Method != s3.ServerSideEncryptionAwsKms {
		return errInvalidRequest("The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.")
	}
	if arn, err := api.ParseARN(key); err != nil || arn.Account != b.Account {
		return api.Errorf("AccessDenied", 403, "The Amazon Web Services KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same account, and then try again.")
	}
	if o.lock.Hold == holdOn || o.retained(call.Time) {
		return api.Errorf("AccessDenied", 403, "The encryption type for the specified object can't be updated because that object is protected by S3 Object Lock. If the object has a governance-mode retention period or a legal hold, you must first remove the Object Lock status on the object before you issue your UpdateObjectEncryption request. You can't use the UpdateObjectEncryption operation with objects that have an Object Lock compliance mode retention period applied to them.")
	}
	return nil
}

// reseal writes each blob of an object under another seal.
func (s *Service) reseal(ctx context.Context, from *source, l *seal) (*body, error) {
	to := &body{Parts: from.body.Parts, Sealed: true}
	for i := range from.body.Blobs {
		one := &body{Blobs: from.body.Blobs[i : i+1], Sealed: from.body.Sealed}
		got, err := s.resealBlob(ctx, one, from.seal, l)
		if err != nil {
			s.discardBody(to)
			return nil, err
		}
		to.Blobs = append(to.Blobs, got.blob)
	}
	return to, nil
}

func (s *Service) resealBlob(ctx context.Context, one *body, from, to *seal) (*received, error) {
	r, err := s.open(one, from, 0, one.size(0))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	return s.receive(ctx, promise{body: r, length: one.size(0), seal: to}, noAlgorithm)
}

func (s *Service) discardBody(b *body) {
	for _, blob := range b.Blobs {
		s.env.Blobs.Discard(blob)
	}
}

// exchangeBody gives an object its new bytes, unless it has others than those that they
// were made of by now. What is not used is discarded.
func (s *Service) exchangeBody(ctx context.Context, from *source, to *body, l *seal) (done bool, err error) {
	err = s.env.DB.Update(func(tx storage.Tx) error {
		done = false
		b, f, err := s.version(tx, from.ref)
		if err != nil {
			return err
		}
		o := f.object
		if o.Marker || o.Sequence != from.object.Sequence || !sameSalt(o.Encryption, from.object.Encryption) {
			return nil
		}
		if err := mayUpdate(b, o, l.Key, api.CallFrom(ctx)); err != nil {
			return err
		}
		if err := s.linkBody(tx, to); err != nil {
			return err
		}
		if err := s.dropBody(tx, b.ID, o); err != nil {
			return err
		}
		s.setBody(o, to)
		o.Encryption = &l.encryption
		record, err := writeBody(tx, b.ID, o, nil)
		if err != nil {
			return err
		}
		done = true
		return storage.PutRecord(tx, f.at, record)
	})
	if err != nil || !done {
		s.discardBody(to)
	}
	return done, err
}

func sameSalt(a, b *encryption) bool {
	if a == nil || b == nil {
		return a == b
	}
	return bytes.Equal(a.Salt, b.Salt)
}
