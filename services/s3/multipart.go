package s3

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/storage"
)

// Limits of multipart uploads.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	maxParts = 10000
	minPart  = 5 << 20
)

// upload is the record of a multipart upload under way.
type upload struct {
	// Initiated is in milliseconds since 1970.
	Initiated int64 `cbor:"1,keyasint"`
	attributes
	Class string `cbor:"2,keyasint,omitempty"`
	// Algorithm is that of the parts' checksums, which make the object's.
	// Asked says that the client chose it.
	Algorithm algorithm `cbor:"3,keyasint"`
	Asked     bool      `cbor:"4,keyasint,omitempty"`
	Composite bool      `cbor:"5,keyasint,omitempty"`
	// Initiator is the account that began the upload.
	Initiator string `cbor:"6,keyasint"`
	// Encryption is that of the parts and the object; nil under S3's own keys.
	Encryption *encryption `cbor:"40,keyasint,omitempty"`
	// ACL is the access control list that the object is to have.
	ACL accesscontrol.Asked `cbor:"50,keyasint"`
	// Sequence is when the upload began, in the order of writes; 0 in old records.
	Sequence uint64 `cbor:"7,keyasint,omitempty"`
	// The lock is what the client asked for; the bucket's default applies when the object is made.
	lock
}

func (u *upload) checksumType() s3.ChecksumType {
	return checksum{Algorithm: u.Algorithm, Composite: u.Composite}.kind()
}

// part is the record of one part of an upload.
type part struct {
	Blob storage.Blob `cbor:"1,keyasint"`
	// MD5 is the digest that makes the ETag; of sealed bytes a random one.
	MD5 []byte `cbor:"2,keyasint"`
	// Sum is a checksum of the upload's algorithm.
	Sum string `cbor:"3,keyasint,omitempty"`
	// Modified is in milliseconds since 1970.
	Modified int64 `cbor:"4,keyasint"`
	// Sealed says that the blob holds sealed bytes.
	Sealed bool `cbor:"40,keyasint,omitempty"`
}

// size is how many bytes of the object it holds.
func (p *part) size() int64 { return plainSize(p.Blob, p.Sealed) }

func (p *part) etag() string { return hex.EncodeToString(p.MD5) }

// newUploadID makes an id that sorts by the time it was made, as uploads of one
// key are listed, and that says whether it is of a key (see uploadOf).
func newUploadID(now time.Time, key string, source *ids.Source) string {
	return fmt.Sprintf("%016x", now.UnixNano()) + source.String(ids.LowerAlphanumeric+"ABCDEFGHIJKLMNOPQRSTUVWXYZ._", 72) + keyMark(key)
}

// uploadOf says whether an id was made for an upload of this key, whatever has
// become of the upload.
func uploadOf(key, id string) bool { return len(id) == 96 && strings.HasSuffix(id, keyMark(key)) }

func keyMark(key string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, key) // never fails
	return fmt.Sprintf("%08x", h.Sum32())
}

func (s *Service) createMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput) (*s3.CreateMultipartUploadOutput, error) {
	call := api.CallFrom(ctx)
	u, asked, err := prepareUpload(in, call.Time)
	if err != nil {
		return nil, err
	}
	u.Initiated, u.Initiator, u.Sequence = call.Time.UnixMilli(), call.Account, s.sequence(nil)
	id := newUploadID(call.Time, in.Key, s.env.IDs)
	out := &s3.CreateMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: id, ServerSideEncryption: s3.ServerSideEncryptionAes256,
	}
	var l *seal
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if l, err = s.newSeal(ctx, tx, b, in.Key, asked); err != nil {
			return err
		}
		if l != nil {
			u.Encryption = &l.encryption
		}
		if _, err := b.newLock(u.lock, call.Time); err != nil {
			return err
		}
		// The list is settled when the object is made; what is refused then is refused now.
		if err := (&object{access: access{writer: u.Initiator, asked: u.ACL}}).settle(b); err != nil {
			return err
		}
		if out.AbortDate, out.AbortRuleId, err = s.ending(tx, b, in.Key, u); err != nil {
			return err
		}
		return storage.PutRecord(tx, keyUpload(b.ID, in.Key, id), u)
	})
	if err != nil {
		return nil, err
	}
	if u.Asked {
		out.ChecksumAlgorithm, out.ChecksumType = u.Algorithm.name(), u.checksumType()
	}
	createEncryption(out).set(l)
	return out, nil
}

// prepareUpload finds every error in the input and makes the record of the rest.
func prepareUpload(in *s3.CreateMultipartUploadInput, now time.Time) (*upload, encryptionAsked, error) {
	asked := encryptionAsked{
		in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled,
		customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5},
	}
	if err := checkKey(in.Key); err != nil {
		return nil, asked, err
	}
	if err := asked.check(); err != nil {
		return nil, asked, err
	}
	u := &upload{attributes: attributes{
		ContentType: in.ContentType, CacheControl: in.CacheControl, ContentDisposition: in.ContentDisposition,
		ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, Expires: seconds(in.Expires),
		Redirect: in.WebsiteRedirectLocation, Metadata: in.Metadata,
	}}
	if err := u.normalise(); err != nil {
		return nil, asked, err
	}
	var err error
	if u.Class, err = storageClass(in.StorageClass); err != nil {
		return nil, asked, err
	}
	if u.Tags, err = headerTags(in.Tagging); err != nil {
		return nil, asked, err
	}
	u.ACL, err = accesscontrol.Headers{
		Canned: string(in.ACL), FullControl: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, WriteACP: in.GrantWriteACP,
	}.Ask()
	if err != nil {
		return nil, asked, err
	}
	if u.lock, err = (lockHeaders{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus}).read(now); err != nil {
		return nil, asked, err
	}
	if u.Algorithm, err = parseAlgorithm(in.ChecksumAlgorithm); err != nil {
		return nil, asked, err
	}
	return u, asked, u.chooseChecksum(in.ChecksumType)
}

// chooseChecksum settles how the object's checksum is made of the parts'.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func (u *upload) chooseChecksum(kind s3.ChecksumType) error {
	u.Asked = u.Algorithm != noAlgorithm
	switch {
	case !u.Asked && kind != "":
		return errInvalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case !u.Asked:
		u.Algorithm = crc64nvmeSum
	case kind == s3.ChecksumTypeFullObject && !u.Algorithm.linear(), kind == s3.ChecksumTypeComposite && u.Algorithm == crc64nvmeSum:
		return errInvalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, u.Algorithm)
	case kind != "" && kind != s3.ChecksumTypeFullObject && kind != s3.ChecksumTypeComposite:
		return errInvalidRequest("Value for x-amz-checksum-type header is invalid.")
	case kind == "":
		u.Composite = u.Algorithm != crc64nvmeSum
	default:
		u.Composite = kind == s3.ChecksumTypeComposite
	}
	return nil
}

// upload reads the record of an upload, with its bucket.
func (s *Service) upload(tx storage.Tx, bucket, owner, key, id string) (*bucket, *upload, error) {
	b, err := s.bucket(tx, bucket, owner)
	if err != nil {
		return nil, nil, err
	}
	u, err := storage.GetRecord[upload](tx, keyUpload(b.ID, key, id))
	if errors.Is(err, storage.ErrNotFound) {
		return b, nil, errNoSuchUpload(id)
	}
	return b, u, err
}

func (s *Service) viewUpload(bucket, owner, key, id string) (b *bucket, u *upload, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, u, err = s.upload(tx, bucket, owner, key, id)
		return err
	})
	return b, u, err
}

func checkPartNumber(n *int32) error {
	if n == nil || *n < 1 || *n > maxParts {
		value := ""
		if n != nil {
			value = strconv.Itoa(int(*n))
		}
		return errInvalidArgument("partNumber", value, "Part number must be an integer between 1 and 10000, inclusive")
	}
	return nil
}

func (s *Service) uploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	customer := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if _, err := customer.secret(); err != nil {
		return nil, err
	}
	promise, err := incoming{in.Body, in.ContentLength, in.ContentMD5, partInputSums(in), in.ChecksumAlgorithm}.promised()
	if err != nil {
		return nil, err
	}
	_, u, err := s.viewUpload(in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	if u.lock != (lock{}) && !promise.guarded() {
		return nil, errLockUnchecked("Put Part")
	}
	if sent := promise.sum.Algorithm; u.Asked && sent != noAlgorithm && sent != u.Algorithm {
		return nil, errInvalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", lower(u.Algorithm), lower(sent))
	}
	if promise.seal, err = s.unsealUpload(u, customer); err != nil {
		return nil, err
	}
	got, err := s.receive(ctx, promise, u.Algorithm)
	if err != nil {
		return nil, err
	}
	if err := s.keepPart(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId, *in.PartNumber, got); err != nil {
		return nil, err
	}
	out := &s3.UploadPartOutput{ETag: quoted(got.etag()), ServerSideEncryption: s3.ServerSideEncryptionAes256}
	if got.sent.Algorithm == noAlgorithm {
		got.sent = got.sum
	}
	partSums(out).set(got.sent)
	partEncryption(out).set(got.seal)
	return out, nil
}

// keepPart makes what was received a part of an upload, in the place of one
// that had its number. It discards the blob when it cannot.
func (s *Service) keepPart(ctx context.Context, bucket, owner, key, id string, number int32, got *received) error {
	p := &part{Blob: got.blob, MD5: got.md5[:], Sum: got.sum.Value, Modified: api.CallFrom(ctx).Time.UnixMilli(), Sealed: got.seal != nil}
	err := s.env.DB.Update(func(tx storage.Tx) error {
		// Who ends the upload removes its record, so that this conflicts.
		b, _, err := s.upload(tx, bucket, owner, key, id)
		if err != nil {
			return err
		}
		at := keyPart(b.ID, id, number)
		old, err := storage.GetRecord[part](tx, at)
		if err == nil {
			err = s.env.Blobs.Unlink(tx, old.Blob)
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if err := s.env.Blobs.Link(tx, p.Blob); err != nil {
			return err
		}
		return storage.PutRecord(tx, at, p)
	})
	if err != nil {
		s.env.Blobs.Discard(got.blob)
	}
	return err
}

func (s *Service) abortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput) (*s3.AbortMultipartUploadOutput, error) {
	if !in.IfMatchInitiatedTime.IsZero() {
		return nil, errNotImplemented("x-amz-if-match-initiated-time")
	}
	var id uint64
	err := s.env.DB.Update(func(tx storage.Tx) error {
		b, _, err := s.upload(tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		id = b.ID
		return endUpload(tx, b.ID, in.Key, in.UploadId)
	})
	if err != nil {
		return nil, err
	}
	s.sweepAfter(s.sweepUpload(ctx, id, in.UploadId))
	return &s3.AbortMultipartUploadOutput{}, nil
}

// endUpload removes the record of an upload and notes that parts may be left.
func endUpload(tx storage.Tx, bucket uint64, key, id string) error {
	if err := tx.Set(keyEnded(bucket, id), nil); err != nil {
		return err
	}
	return tx.Delete(keyUpload(bucket, key, id))
}
