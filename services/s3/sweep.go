package s3

import (
	"context"

	"github.com/virga-cloud/virga/storage"
)

// A multipart upload can have 10,000 parts, and a bucket any number of uploads:
// more than one transaction removes. So the transaction that ends an upload
// removes its record, after which no part can be added, and leaves a note; the
// parts are removed in pieces behind it. Run does what a crash left undone.

// sweepPiece is how many records one transaction removes.
const sweepPiece = 500

// sweepAfter logs what a sweep could not do: its caller has succeeded, and the
// note that it left makes Run try again.
func (s *Service) sweepAfter(err error) {
	if err != nil {
		s.env.Log.Warn("parts of ended uploads are left to be removed later", "error", err)
	}
}

// sweepUpload removes the parts of an upload that has ended, and the note.
func (s *Service) sweepUpload(ctx context.Context, bucket uint64, upload string) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.env.DB.Update(func(tx storage.Tx) error {
			keys, err := storage.FirstKeys(tx, storage.Prefix(partsOf(bucket, upload)), sweepPiece)
			if err != nil {
				return err
			}
			for _, key := range keys {
				// Reading the record makes two sweeps of one upload conflict.
				p, err := storage.GetRecord[part](tx, key)
				if err != nil {
					return err
				}
				if err := s.env.Blobs.Unlink(tx, p.Blob); err != nil {
					return err
				}
				if err := tx.Delete(key); err != nil {
					return err
				}
			}
			if more = len(keys) == sweepPiece; more {
				return nil
			}
			return tx.Delete(keyEnded(bucket, upload))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepBucket removes the settings of a bucket that was deleted, ends its
// uploads, and removes the note.
func (s *Service) sweepBucket(ctx context.Context, bucket uint64) error {
	if err := storage.DeleteAll(ctx, s.env.DB, storage.Prefix(settingsOf(bucket))); err != nil {
		return err
	}
	root := uploadsOf(bucket)
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var ended []string
		err := s.env.DB.Update(func(tx storage.Tx) error {
			ended = nil
			keys, err := storage.FirstKeys(tx, storage.Prefix(root), sweepPiece)
			if err != nil {
				return err
			}
			for _, key := range keys {
				k := storage.ReadKey(key).Skip(len(root))
				_, id := k.String(), k.String()
				if err := k.Err(); err != nil {
					return err
				}
				ended = append(ended, id)
				if err := tx.Set(keyEnded(bucket, id), nil); err != nil {
					return err
				}
				if err := tx.Delete(key); err != nil {
					return err
				}
			}
			if more = len(keys) == sweepPiece; more {
				return nil
			}
			return tx.Delete(keyDeleted(bucket))
		})
		if err != nil {
			return err
		}
		for _, id := range ended {
			if err := s.sweepUpload(ctx, bucket, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// keysOnly is the range of all keys under root, without values.
func keysOnly(root storage.Key) storage.Range {
	r := storage.Prefix(root)
	r.KeysOnly = true
	return r
}

func (s *Service) sweepAll(ctx context.Context) error {
	type note struct {
		bucket uint64
		upload string
	}
	var notes []note
	err := s.env.DB.View(func(tx storage.Tx) error {
		for _, root := range []storage.Key{rootDeleted, rootEnded} {
			for e, err := range tx.Scan(keysOnly(root)) {
				if err != nil {
					return err
				}
				k := storage.ReadKey(e.Key).Skip(len(root))
				n := note{bucket: k.Uint64()}
				if len(k.Rest()) > 0 {
					n.upload = k.String()
				}
				if err := k.Err(); err != nil {
					return err
				}
				notes = append(notes, n)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range notes {
		if n.upload == "" {
			err = s.sweepBucket(ctx, n.bucket)
		} else {
			err = s.sweepUpload(ctx, n.bucket, n.upload)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
