package s3

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/services/s3/replication"
	"github.com/virga-cloud/virga/services/s3/sealing"
	"github.com/virga-cloud/virga/storage"
)

// A rule of replication may name the key of KMS that copies of objects under such
// keys are to be under. Their bytes are sealed anew before the transaction that
// makes the copy, blob by blob, so that the parts of an object stay what they are.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html

// resealed is a version's body under the seal that its copy is to have.
type resealed struct {
	body       *body
	encryption *encryption
	used       bool // a copy has been made of it
}

// begin forgets what an attempt that came to nothing did with it.
func (r *resealed) begin() {
	if r != nil {
		r.used = false
	}
}

// errNotResealed says that a copy turned out to need a body that was not sealed
// for it: what it goes by was changed while it was made. It is tried again.
var errNotResealed = errors.New("s3: the copy is to be under another key")

// resealing is what is needed to seal a version for a copy.
type resealing struct {
	call  context.Context
	from  *object
	body  *body
	seal  *seal // of body
	key   string
	to    *bucket
	asked encryptionAsked
}

// sealCopy seals the bytes of the version that is to be copied under the key that
// the rule names. It returns nil where the copy shares them, or is there already,
// or cannot be made.
func (s *Service) sealCopy(ctx context.Context, order *copyOrder, to string) (*resealed, error) {
	var r *resealing
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		r, err = s.needsSeal(ctx, tx, order, to)
		return err
	})
	if err != nil || r == nil {
		return nil, err
	}
	var l *seal
	err = s.env.DB.Update(func(tx storage.Tx) (err error) {
		l, err = s.newSeal(r.call, tx, r.to, r.key, r.asked)
		return err
	})
	if err != nil {
		return nil, err
	}
	sealed := &resealed{body: &body{Parts: r.body.Parts, Sealed: true}, encryption: &l.encryption}
	for _, blob := range r.body.Blobs {
		again, err := s.sealBlob(r.call, blob, r.seal, l)
		if err != nil {
			s.discardCopy(sealed)
			return nil, err
		}
		sealed.body.Blobs = append(sealed.body.Blobs, again)
	}
	return sealed, nil
}

func (s *Service) needsSeal(ctx context.Context, tx storage.Tx, order *copyOrder, to string) (*resealing, error) {
	o, err := s.ordered(tx, order)
	if err != nil || o == nil || !o.wantsKey() {
		return nil, err
	}
	b, err := s.bucket(tx, to, "")
	if isNoSuchBucket(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if there, err := find(tx, b, order.Key, order.Version); err != nil || there != nil {
		return nil, err
	}
	r := &resealing{call: s.replicating(ctx, o.bucket), from: o.version.object, key: order.Key, to: b}
	if r.seal, err = s.unseal(tx, r.from.Encryption, customerKey{}); err != nil {
		return nil, err
	}
	// A copy has a bucket key where its source has one or its bucket asks for them.
	r.asked = encryptionAsked{method: r.from.Encryption.Method, key: replication.Key(o.rule), context: r.from.Encryption.Context}
	if r.from.Encryption.BucketKey {
		r.asked.bucketKey = new(true)
	}
	r.body, err = readBody(tx, o.bucket.ID, r.from)
	return r, err
}

// sealBlob writes the bytes of a sealed blob under another seal.
func (s *Service) sealBlob(ctx context.Context, blob storage.Blob, from, to *seal) (storage.Blob, error) {
	n := sealing.PlainSize(blob.Size)
	plain, err := s.openSealed(blob, from, 0, n)
	if err != nil {
		return blob, err
	}
	defer func() { _ = plain.Close() }() // it was only read
	w, err := s.env.Blobs.Create(ctx)
	if err != nil {
		return blob, err
	}
	defer w.Abort()
	if err := s.writeSealed(w, plain, n, to); err != nil {
		return blob, err
	}
	return w.Finish()
}

// discardCopy removes a body that no copy was made of.
func (s *Service) discardCopy(r *resealed) {
	if r == nil || r.used {
		return
	}
	for _, blob := range r.body.Blobs {
		s.env.Blobs.Discard(blob)
	}
}
