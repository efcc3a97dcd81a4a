package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
)

// sealedSource is the source of a copy, as it was at a sequence, written anew
// under the copy's seal.
type sealedSource struct {
	sequence uint64
	*received
}

// sealSource writes the bytes of an object under the seal that its copy is to
// have. The copy's checksum is of the algorithm that is asked for, or of the source's.
func (s *Service) sealSource(ctx context.Context, in *s3.CopyObjectInput, src *source, c *copying) (*sealedSource, error) {
	l, err := s.sealFor(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, c.encryption)
	if err != nil {
		return nil, err
	}
	a := c.algorithm
	if a == noAlgorithm {
		a = src.object.Sum.Algorithm
	}
	r, err := s.open(src.body, src.seal, 0, src.object.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	got, err := s.receive(ctx, promise{body: r, length: src.object.Size, seal: l}, a)
	if err != nil {
		return nil, err
	}
	return &sealedSource{src.object.Sequence, got}, nil
}

// discard removes a written source that no copy was made of.
func (s *Service) discard(c *sealedSource) {
	if c != nil {
		s.env.Blobs.Discard(c.blob)
	}
}
