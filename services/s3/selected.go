package s3

import (
	"errors"
	"io"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/sealing"
	"github.com/virga-cloud/virga/storage"
)

// selectedObject is the object of a query. Columns are read from all over it, for as
// long as the query takes, so all its blobs are held open: what has been begun on an
// object goes on with it when it is replaced or deleted.
type selectedObject struct {
	size int64
	body *body
	seal *seal
	held []*storage.BlobReader
}

// selected opens the object that is queried. It returns storage.ErrNotFound
// when the object has been removed meanwhile.
func (s *Service) selected(in *s3.SelectObjectContentInput) (*selectedObject, error) {
	found := &selectedObject{}
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, o, err := s.object(tx, objectRef{in.Bucket, in.Key, "", in.ExpectedBucketOwner})
		if err != nil {
			return err
		}
		switch s3.StorageClass(o.class()) {
		case s3.StorageClassStandard, s3.StorageClassStandardIa, s3.StorageClassOnezoneIa, s3.StorageClassIntelligentTiering:
		default:
			return errUnsupportedStorageClass(o.class())
		}
		key := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
		if found.seal, err = s.unseal(tx, o.Encryption, key); err != nil {
			return err
		}
		found.size = o.Size
		found.body, err = readBody(tx, b.ID, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, blob := range found.body.Blobs {
		r, err := s.env.Blobs.Open(blob)
		if err != nil {
			return nil, errors.Join(err, found.Close())
		}
		found.held = append(found.held, r)
	}
	return found, nil
}

// Size implements selecting.Object.
func (o *selectedObject) Size() int64 { return o.size }

// Open implements selecting.Object.
func (o *selectedObject) Open(off, n int64) (io.ReadCloser, error) {
	var parts []io.Reader
	for i, blob := range o.held {
		size := o.body.size(i)
		if off >= size {
			off -= size
			continue
		}
		take := min(n, size-off)
		if take == 0 {
			break
		}
		if o.body.Sealed {
			r, err := sealing.NewOpener(blob, blob.Size(), o.seal.key, off, take)
			if err != nil {
				return nil, err
			}
			parts = append(parts, r)
		} else {
			parts = append(parts, io.NewSectionReader(blob, off, take))
		}
		off, n = 0, n-take
	}
	return io.NopCloser(io.MultiReader(parts...)), nil
}

// Close implements selecting.Object.
func (o *selectedObject) Close() (err error) {
	for _, r := range o.held {
		err = errors.Join(err, r.Close())
	}
	o.held = nil
	return err
}
