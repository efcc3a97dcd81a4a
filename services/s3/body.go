package s3

import (
	"errors"
	"io"

	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/services/s3/sealing"
	"github.com/virga-cloud/virga/storage"
)

// body is where the bytes of an object are. Completing a multipart upload
// lists the blobs of its parts; nothing is rewritten.
type body struct {
	Blobs []storage.Blob `cbor:"1,keyasint,omitempty"`
	// Parts are there for objects that were uploaded in parts, one for each blob.
	Parts []piece `cbor:"2,keyasint,omitempty"`
	// Sealed says that the blobs hold sealed bytes.
	Sealed bool `cbor:"40,keyasint,omitempty"`
}

// bodyOutline is a body without its bytes: the blobs that are not inline.
type bodyOutline struct {
	Blobs []struct {
		ID string `cbor:"1,keyasint,omitempty"`
	} `cbor:"1,keyasint,omitempty"`
}

func (b *bodyOutline) body() *body {
	if b == nil {
		return nil
	}
	of := &body{}
	for _, blob := range b.Blobs {
		if blob.ID != "" {
			of.Blobs = append(of.Blobs, storage.Blob{ID: blob.ID})
		}
	}
	return of
}

// size is how many bytes of the object a blob holds.
func (b *body) size(i int) int64 { return plainSize(b.Blobs[i], b.Sealed) }

func plainSize(blob storage.Blob, isSealed bool) int64 {
	if isSealed {
		return sealing.PlainSize(blob.Size)
	}
	return blob.Size
}

// piece is one part of a complete object.
type piece struct {
	Number int32 `cbor:"1,keyasint"`
	// Sum is its checksum, of the object's algorithm.
	Sum string `cbor:"2,keyasint,omitempty"`
}

// A body is kept in its object's record while it is small, so that a small
// object is read and written as one record, and listings still pass over it
// quickly. Larger ones are records of their own. Where bytes are one inline blob, that
// record is the bytes and nothing else, since encoding is copying, and what is
// to be known of them stays in the object's.
const (
	maxRecordInline = 4 << 10
	maxRecordBlobs  = 8
)

func (b *body) fitsRecord() bool {
	inline := 0
	for i := range b.Blobs {
		inline += len(b.Blobs[i].Inline)
	}
	return inline <= maxRecordInline && len(b.Blobs) <= maxRecordBlobs
}

// bare says that a body has nothing but the bytes of one blob.
func (b *body) bare() bool { return len(b.Blobs) == 1 && b.Blobs[0].Inline != nil && len(b.Parts) == 0 }

// newBodyID makes the id of a body's record.
func newBodyID(source *ids.Source) []byte {
	id := make([]byte, 12)
	_, _ = source.Read(id) // never fails
	return id
}

// setBody gives o its body. When the record is written (replace) the body
// goes inside or beside it.
func (s *Service) setBody(o *object, b *body) {
	o.Body, o.BodyID, o.BareBody = b, nil, false
	if !b.fitsRecord() {
		o.BodyID, o.BareBody = newBodyID(s.env.IDs), b.bare()
	}
}

// writeBody writes the record of a body that has one, and returns what is to be
// the object's record. Bare bytes go to the place of those that they replace,
// if there are any: id is that body's.
func writeBody(tx storage.Tx, bucket uint64, o *object, id []byte) (*object, error) {
	if o.BodyID == nil {
		return o, nil
	}
	record := *o
	if !o.BareBody {
		record.Body = nil
		return &record, storage.PutRecord(tx, keyBody(bucket, o.BodyID), o.Body)
	}
	if id != nil {
		record.BodyID = id
	}
	blob := o.Body.Blobs[0]
	record.Body = &body{Blobs: []storage.Blob{{Size: blob.Size}}, Sealed: o.Body.Sealed}
	return &record, tx.Set(keyBody(bucket, record.BodyID), blob.Inline)
}

// readBody is the body of an object.
func readBody(tx storage.Tx, bucket uint64, o *object) (*body, error) {
	switch {
	case o.BareBody:
		bytes, err := tx.Get(keyBody(bucket, o.BodyID))
		if err != nil {
			return nil, err
		}
		b := *o.Body
		b.Blobs = []storage.Blob{{Size: o.Body.Blobs[0].Size, Inline: bytes}}
		return &b, nil
	case o.BodyID != nil:
		return storage.GetRecord[body](tx, keyBody(bucket, o.BodyID))
	case o.Body == nil:
		return &body{}, nil
	}
	return o.Body, nil
}

// dropBody removes the body of an object that is replaced or deleted.
func (s *Service) dropBody(tx storage.Tx, bucket uint64, o *object) error {
	if o.BareBody {
		return tx.Delete(keyBody(bucket, o.BodyID))
	}
	b, err := readBody(tx, bucket, o)
	if err != nil {
		return err
	}
	for _, blob := range b.Blobs {
		if err := s.env.Blobs.Unlink(tx, blob); err != nil {
			return err
		}
	}
	if o.BodyID == nil {
		return nil
	}
	return tx.Delete(keyBody(bucket, o.BodyID))
}

// linkBody makes the blobs of a body live.
func (s *Service) linkBody(tx storage.Tx, b *body) error {
	for _, blob := range b.Blobs {
		if err := s.env.Blobs.Link(tx, blob); err != nil {
			return err
		}
	}
	return nil
}

// open opens n bytes of a body from offset off; l is the seal of a sealed one.
// All blobs are opened at once: who has them open reads them to their end,
// whatever becomes of the object.
// It returns storage.ErrNotFound when the object has been removed meanwhile.
func (s *Service) open(b *body, l *seal, off, n int64) (io.ReadCloser, error) {
	if len(b.Blobs) == 1 && n > 0 {
		return s.openBlob(b, 0, l, off, n) // nearly always: no chain around it
	}
	var open chain
	for i := range b.Blobs {
		if n == 0 {
			break
		}
		size := b.size(i)
		if off >= size {
			off -= size
			continue
		}
		take := min(n, size-off)
		r, err := s.openBlob(b, i, l, off, take)
		if err != nil {
			return nil, errors.Join(err, open.Close())
		}
		open = append(open, r)
		off, n = 0, n-take
	}
	if len(open) == 1 {
		return open[0], nil
	}
	return &open, nil
}

// openBlob opens n bytes of a blob from offset off.
func (s *Service) openBlob(b *body, i int, l *seal, off, n int64) (piecewise, error) {
	if b.Sealed {
		return s.openSealed(b.Blobs[i], l, off, n)
	}
	return s.env.Blobs.OpenRange(b.Blobs[i], off, n)
}

// piecewise is an open blob, plain or sealed.
type piecewise interface {
	io.ReadCloser
	io.WriterTo
}

// sealedBlob reads the plain bytes of a sealed blob.
type sealedBlob struct {
	*sealing.Opener
	io.Closer
}

func (s *Service) openSealed(blob storage.Blob, l *seal, off, n int64) (piecewise, error) {
	r, err := s.env.Blobs.Open(blob)
	if err != nil {
		return nil, err
	}
	o, err := sealing.NewOpener(r, blob.Size, l.key, off, n)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return sealedBlob{o, r}, nil
}

// chain reads blobs one after the other.
type chain []piecewise

// Read implements io.Reader.
func (c *chain) Read(p []byte) (int, error) {
	for len(*c) > 0 {
		n, err := (*c)[0].Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// WriteTo implements io.WriterTo, which lets each blob go as it goes best: see storage.BlobReader.
func (c *chain) WriteTo(w io.Writer) (written int64, err error) {
	for len(*c) > 0 {
		n, err := (*c)[0].WriteTo(w)
		written += n
		if err != nil {
			return written, err
		}
		if err := c.next(); err != nil {
			return written, err
		}
	}
	return written, nil
}

func (c *chain) next() error {
	first := (*c)[0]
	*c = (*c)[1:]
	return first.Close()
}

// Close implements io.Closer.
func (c *chain) Close() (err error) {
	for len(*c) > 0 {
		err = errors.Join(err, c.next())
	}
	return err
}
