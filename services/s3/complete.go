package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// lower is an algorithm's name as some messages have it.
func lower(a algorithm) string { return strings.ToLower(a.String()) }

// completeMultipartUpload makes an object of the parts that are listed. The
// parts' blobs become the object's; the rest is swept away.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
func (s *Service) completeMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (*s3.CompleteMultipartUploadOutput, error) {
	call := api.CallFrom(ctx)
	c, err := prepareCompletion(in)
	if err != nil {
		return nil, err
	}
	var o *object
	var id uint64
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, u, err := s.upload(tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		if b == nil {
			return err
		}
		id = b.ID
		old, err2 := head(tx, b, in.Key)
		if err2 != nil {
			return err2
		}
		if err != nil {
			// A client that missed the answer completes again: the same object, the same answer.
			if old != nil && old.Upload == in.UploadId && c.repeats(old) {
				o = old
				return nil
			}
			return err
		}
		if err := c.condition.checkSince(u.Sequence, in.Key, old); err != nil {
			return err
		}
		made, parts, err := s.assemble(tx, b.ID, u, c)
		if err != nil {
			return err
		}
		o = made
		if o.lock, err = b.newLock(u.lock, call.Time); err != nil {
			return err
		}
		for _, number := range parts {
			if err := tx.Delete(keyPart(b.ID, in.UploadId, number)); err != nil {
				return err
			}
		}
		if err := endUpload(tx, b.ID, in.Key, in.UploadId); err != nil {
			return err
		}
		if err := s.replace(tx, b, in.Key, old, o); err != nil {
			return err
		}
		return s.created(ctx, tx, b, eventComplete, in.Key, o)
	})
	if err != nil {
		return nil, err
	}
	s.sweepAfter(s.sweepUpload(ctx, id, in.UploadId))
	out := &s3.CompleteMultipartUploadOutput{
		Location: objectURL(call, in.Bucket, in.Key), Bucket: in.Bucket, Key: in.Key, ETag: quoted(o.ETag),
		ServerSideEncryption: s3.ServerSideEncryptionAes256, ChecksumType: o.Sum.kind(), VersionId: o.Version,
		Expiration: o.expires,
	}
	completeSums(out).set(o.Sum)
	if o.Encryption != nil {
		completeEncryption(out).set(&seal{encryption: *o.Encryption})
	}
	return out, nil
}

// completion is what a client says that an object is to be made of.
type completion struct {
	upload    string
	parts     []*s3.CompletedPart
	condition writeCondition
	sum       checksum // of the whole; the Value of a composite one ends in "-parts"
	kind      s3.ChecksumType
	size      *int64
}

// prepareCompletion finds the errors that need no stored part.
func prepareCompletion(in *s3.CompleteMultipartUploadInput) (*completion, error) {
	// The parts are sealed already; a key is only held to its form.
	if _, err := (customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}).secret(); err != nil {
		return nil, err
	}
	c := &completion{
		upload: in.UploadId, condition: writeCondition{in.IfMatch, in.IfNoneMatch}, kind: in.ChecksumType, size: in.MpuObjectSize,
	}
	if err := c.condition.valid(); err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 || len(in.MultipartUpload.Parts) > maxParts {
		return nil, errMalformedXML()
	}
	c.parts = in.MultipartUpload.Parts
	last := int32(0)
	for _, p := range c.parts {
		if p == nil || p.PartNumber == nil || p.ETag == "" {
			return nil, errMalformedXML()
		}
		if err := checkPartNumber(p.PartNumber); err != nil {
			return nil, err
		}
		if *p.PartNumber <= last {
			return nil, errInvalidPartOrder(in.UploadId)
		}
		last = *p.PartNumber
	}
	for a, field := range completeInputSums(in) {
		if field == nil || *field == "" {
			continue
		}
		if c.sum.Algorithm != noAlgorithm {
			return nil, errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		c.sum = checksum{Algorithm: algorithm(a), Value: *field}
	}
	return c, nil
}

// repeats says whether o is what an earlier request with the same parts made.
func (c *completion) repeats(o *object) bool {
	digests := md5.New()
	for _, p := range c.parts {
		raw, err := hex.DecodeString(unquoted(p.ETag))
		if err != nil {
			return false
		}
		_, _ = digests.Write(raw) // hashes never fail
	}
	return o.ETag == fmt.Sprintf("%x-%d", digests.Sum(nil), len(c.parts))
}

// assemble checks the parts and makes the object of them. It returns the
// numbers of the parts whose blobs the object has taken over.
func (s *Service) assemble(tx storage.Tx, bucket uint64, u *upload, c *completion) (*object, []int32, error) {
	if err := c.checkKind(u); err != nil {
		return nil, nil, err
	}
	o := &object{attributes: u.attributes, Upload: c.upload, Count: len(c.parts), access: access{writer: u.Initiator, asked: u.ACL}}
	o.Class = u.Class
	o.Modified = u.Initiated // S3 dates an object by when its upload began
	o.Encryption = u.Encryption
	where := &body{Sealed: u.Encryption != nil}
	digests := md5.New()
	sums := summing{algorithm: u.Algorithm, composite: u.Composite}
	var numbers []int32
	for i, listed := range c.parts {
		number := *listed.PartNumber
		p, err := storage.GetRecord[part](tx, keyPart(bucket, c.upload, number))
		if errors.Is(err, storage.ErrNotFound) || err == nil && unquoted(listed.ETag) != p.etag() {
			return nil, nil, errInvalidPart(c.upload, number, listed.ETag)
		}
		if err != nil {
			return nil, nil, err
		}
		if err := checkListedSum(u, c, listed, p, number); err != nil {
			return nil, nil, err
		}
		if i < len(c.parts)-1 && p.size() < minPart {
			return nil, nil, errEntityTooSmall(p.size(), number, p.etag())
		}
		_, _ = digests.Write(p.MD5) // hashes never fail
		sums.add(p.Sum, p.size())
		o.Size += p.size()
		where.Blobs = append(where.Blobs, p.Blob)
		where.Parts = append(where.Parts, piece{Number: number, Sum: p.Sum})
		numbers = append(numbers, number)
	}
	o.ETag = fmt.Sprintf("%x-%d", digests.Sum(nil), len(c.parts))
	o.Sum = sums.sum(len(c.parts))
	if c.size != nil && *c.size != o.Size {
		return nil, nil, errInvalidRequest("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *c.size, o.Size)
	}
	if err := c.checkSum(o.Sum); err != nil {
		return nil, nil, err
	}
	s.setBody(o, where)
	return o, numbers, nil
}

// checkKind holds the request to the kind of checksum that the upload began with.
func (c *completion) checkKind(u *upload) error {
	if c.kind != "" && c.kind != u.checksumType() {
		return errInvalidRequest("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", u.checksumType())
	}
	return nil
}

// checkListedSum compares the checksum that a part is listed with. Where the
// object's is made of them, every part must be listed with its own.
func checkListedSum(u *upload, c *completion, listed *s3.CompletedPart, p *part, number int32) error {
	found := false
	for a, field := range completedPartSums(listed) {
		if field == nil || *field == "" {
			continue
		}
		found = true
		if algorithm(a) == u.Algorithm && *field != p.Sum || algorithm(a) != u.Algorithm && u.Asked {
			return errInvalidPart(c.upload, number, listed.ETag)
		}
	}
	if !found && u.Composite && u.Asked {
		return errInvalidRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.", lower(u.Algorithm), number)
	}
	return nil
}

// checkSum compares the checksum of the whole that the client sent.
func (c *completion) checkSum(made checksum) error {
	if c.sum.Algorithm == noAlgorithm {
		return nil
	}
	if c.sum.Algorithm != made.Algorithm {
		return errInvalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", lower(made.Algorithm), lower(c.sum.Algorithm))
	}
	value := c.sum.Value
	if made.Composite && !strings.Contains(value, "-") {
		made.Value, _, _ = strings.Cut(made.Value, "-")
	}
	if value != made.Value {
		return errBadChecksum(made.Algorithm)
	}
	return nil
}

// summing makes the checksum of an object from those of its parts.
type summing struct {
	algorithm algorithm
	composite bool
	raw       []byte // composite: the parts' checksums, one after the other
	whole     string // full: the checksum of what was added
}

func (m *summing) add(sum string, size int64) {
	switch {
	case m.composite:
		raw, _ := base64.StdEncoding.DecodeString(sum) // the service's own
		m.raw = append(m.raw, raw...)
	case m.whole == "":
		m.whole = sum
	default:
		m.whole = combine(m.algorithm, m.whole, sum, size)
	}
}

func (m *summing) sum(parts int) checksum {
	if !m.composite {
		return checksum{Algorithm: m.algorithm, Value: m.whole}
	}
	h := m.algorithm.new()
	_, _ = h.Write(m.raw) // hashes never fail
	c := checksumOf(m.algorithm, h)
	c.Composite = true
	c.Value = fmt.Sprintf("%s-%d", c.Value, parts)
	return c
}

// objectURL is where an object is found, as the client reached the server.
func objectURL(call *api.Call, bucket, key string) string {
	u := call.Scheme + "://" + call.Host + "/"
	if !call.VirtualHost {
		u += bucket + "/"
	}
	return u + url.PathEscape(key)
}
