package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/sealing"
	"github.com/virga-cloud/virga/storage"
)

// maxPut is the largest body of one request: 5 GiB.
const maxPut = 5 << 30

// incoming is the body of a request with what the request says of it.
type incoming struct {
	body   io.Reader
	length *int64
	md5    string // Content-MD5
	sums   checksumFields
	// named is x-amz-sdk-checksum-algorithm: the algorithm of the checksum that is sent.
	named s3.ChecksumAlgorithm
}

// promise is what an incoming body is to be held to.
type promise struct {
	body     io.Reader
	length   int64 // unmeasured when nobody has said it
	md5      string
	sum      checksum     // its Value is empty when it comes in a trailer
	trailers api.Trailers // not nil when the checksum comes in a trailer
	seal     *seal        // what the bytes are stored under; nil is none
}

// unmeasured is the length of a body that ends where it ends, and is held to
// its limit by who sends it on (api.Unmeasured).
const unmeasured = -1

// guarded says that the request sends a digest of the body.
func (p promise) guarded() bool { return p.md5 != "" || p.sum.Algorithm != noAlgorithm }

// promised finds what is wrong with what a request says of its body, before
// the body is read.
func (in incoming) promised() (promise, error) {
	p := promise{body: in.body, md5: in.md5}
	if p.body == nil {
		p.body = eof{}
	}
	if _, ok := in.body.(api.Unmeasured); ok && in.length == nil {
		p.length = unmeasured
	} else if in.length == nil {
		return p, errMissingContentLength()
	} else if p.length = *in.length; p.length > maxPut {
		return p, errEntityTooLarge(p.length, maxPut)
	}
	if in.md5 != "" {
		if raw, err := base64.StdEncoding.DecodeString(in.md5); err != nil || len(raw) != md5.Size {
			return p, errInvalidDigest(in.md5)
		}
	}
	var err error
	if p.sum, err = given(in.sums); err != nil {
		return p, err
	}
	if t, ok := in.body.(api.Trailers); ok && p.sum.Algorithm == noAlgorithm {
		if p.sum.Algorithm, err = announced(t); err != nil {
			return p, err
		}
		if p.sum.Algorithm != noAlgorithm {
			p.trailers = t
		}
	}
	named, err := parseAlgorithm(in.named)
	switch {
	case err != nil:
		return p, err
	case named == noAlgorithm:
	case p.sum.Algorithm == noAlgorithm:
		return p, errInvalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case named != p.sum.Algorithm:
		return p, errInvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return p, nil
}

// received is a body that has been stored and is what it was promised to be,
// but not linked to any record.
type received struct {
	blob storage.Blob
	size int64 // before it was sealed
	seal *seal // nil is none
	// md5 makes the entity tag. Of sealed bytes the digest would tell something:
	// they have a random one.
	md5 [md5.Size]byte
	// sum is of the algorithm that was asked for, sent the checksum that the
	// client sent (none when it sent none).
	sum, sent checksum
}

// etag is the entity tag of a body that was sent in one piece.
func (r *received) etag() string { return hex.EncodeToString(r.md5[:]) }

func (r *received) body() *body {
	return &body{Blobs: []storage.Blob{r.blob}, Sealed: r.seal != nil}
}

// encryption is what records say of the seal.
func (r *received) encryption() *encryption {
	if r.seal == nil {
		return nil
	}
	return &r.seal.encryption
}

// receive stores a body, computing its MD5 and checksums as it passes. The
// checksum of algorithm a is computed besides the one that the client sent;
// noAlgorithm means the client's, or CRC64NVME when it sent none. The caller links
// or discards the blob.
func (s *Service) receive(ctx context.Context, p promise, a algorithm) (*received, error) {
	if a == noAlgorithm {
		if a = p.sum.Algorithm; a == noAlgorithm {
			a = crc64nvmeSum
		}
	}
	w, err := s.env.Blobs.Create(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	d := digest{r: p.body, md5: md5.New(), sum: a.new()}
	if p.sum.Algorithm != noAlgorithm && p.sum.Algorithm != a {
		d.sent = p.sum.Algorithm.new()
	}
	if p.seal == nil {
		w.Expect(p.length)
		_, err = w.ReadFrom(&d)
	} else {
		err = s.writeSealed(w, &d, p.length, p.seal)
	}
	if err != nil {
		return nil, bodyError(&d, err)
	}
	if p.length != unmeasured && d.n != p.length {
		return nil, errIncompleteBody()
	}
	r := &received{size: d.n, seal: p.seal, sum: checksumOf(a, d.sum)}
	d.md5.Sum(r.md5[:0])
	if p.sum.Algorithm == a {
		r.sent = r.sum
	} else if d.sent != nil {
		r.sent = checksumOf(p.sum.Algorithm, d.sent)
	}
	if err := p.verify(r); err != nil {
		return nil, err
	}
	if r.seal != nil {
		_, _ = s.env.IDs.Read(r.md5[:]) // never fails
	}
	if r.blob, err = w.Finish(); err != nil {
		return nil, err
	}
	return r, nil
}

// writeSealed seals n bytes on their way to a blob.
func (s *Service) writeSealed(w *storage.BlobWriter, r io.Reader, n int64, l *seal) error {
	sealer, err := sealing.NewSealer(r, l.key, s.env.IDs)
	if err != nil {
		return err
	}
	if n != unmeasured {
		w.Expect(sealing.Size(n))
	}
	_, err = w.ReadFrom(sealer)
	return err
}

// sealReceived seals what was received without a seal, in a new blob.
func (s *Service) sealReceived(ctx context.Context, r *received, l *seal) (*received, error) {
	plain, err := s.env.Blobs.Open(r.blob)
	if err != nil {
		return nil, err
	}
	defer func() { _ = plain.Close() }() // it was only read
	sealed, err := s.receive(ctx, promise{body: plain, length: r.size, seal: l}, r.sum.Algorithm)
	if err != nil {
		return nil, err
	}
	sealed.sent = r.sent
	s.env.Blobs.Discard(r.blob)
	return sealed, nil
}

// verify compares what came with what was promised.
func (p promise) verify(r *received) error {
	if p.md5 != "" {
		if calculated := base64.StdEncoding.EncodeToString(r.md5[:]); calculated != p.md5 {
			return errBadDigestMD5(p.md5, calculated)
		}
	}
	if p.trailers != nil {
		p.sum.Value = p.trailers.Trailer(p.sum.Algorithm.header())
		if err := p.sum.check(); err != nil {
			return err
		}
	}
	if p.sum.Algorithm != noAlgorithm && p.sum.Value != r.sent.Value {
		return errBadChecksum(p.sum.Algorithm)
	}
	return nil
}

// bodyError is the error of a body that could not be stored: the client's when
// reading failed, and the store's otherwise.
func bodyError(d *digest, err error) error {
	if d.err == nil {
		return err
	}
	if errors.Is(d.err, io.ErrUnexpectedEOF) {
		return errIncompleteBody()
	}
	return d.err
}

// digest computes the digests of what is read through it.
type digest struct {
	r              io.Reader
	md5, sum, sent hash.Hash // sent may be nil
	n              int64
	err            error // of r, but for io.EOF
}

func (d *digest) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if n > 0 {
		d.n += int64(n)
		// Hashes never fail. The order is that of the bytes' way through the
		// processor's caches: the block was just written by Read.
		_, _ = d.md5.Write(p[:n])
		_, _ = d.sum.Write(p[:n])
		if d.sent != nil {
			_, _ = d.sent.Write(p[:n])
		}
	}
	if err != nil && err != io.EOF {
		d.err = err
	}
	return n, err
}

// eof is an empty body.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
