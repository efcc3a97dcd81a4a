package s3

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// maxDelete is the most objects of one DeleteObjects; deletePiece is how many
// of them one transaction deletes. S3 does not delete them as one.
const (
	maxDelete   = 1000
	deletePiece = 100
)

// deletion is an object that is to be deleted.
type deletion struct {
	key, version string
	condition    writeCondition
}

// delete removes an object in tx. An object that is not there is no error,
// except to who sets a condition.
func (s *Service) delete(ctx context.Context, tx storage.Tx, b *bucket, d deletion) error {
	if err := (objectRef{key: d.key, version: d.version}).checkVersion(); err != nil {
		return err
	}
	old, err := current(tx, b.ID, d.key)
	if err != nil {
		return err
	}
	if err := d.condition.check(d.key, old); err != nil || old == nil {
		return err
	}
	if err := s.dropBody(tx, b.ID, old); err != nil {
		return err
	}
	if err := tx.Delete(keyObject(b.ID, d.key)); err != nil {
		return err
	}
	return s.emit(ctx, tx, b, eventDelete, d.key, &object{Sequence: s.sequence(old)})
}

func (s *Service) deleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	switch {
	case in.IfMatchSize != nil:
		return nil, errNotImplemented("x-amz-if-match-size")
	case !in.IfMatchLastModifiedTime.IsZero():
		return nil, errNotImplemented("x-amz-if-match-last-modified-time")
	}
	d := deletion{in.Key, in.VersionId, writeCondition{match: in.IfMatch}}
	out := &s3.DeleteObjectOutput{}
	err := s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		return s.delete(ctx, tx, b, d)
	})
	if err != nil && !deletedVersion(err) {
		return nil, err
	}
	out.VersionId = in.VersionId
	return out, nil
}

// deletedVersion says that a version could not be deleted because it is not there.
func deletedVersion(err error) bool {
	e, ok := errors.AsType[*api.Error](err)
	return ok && e.Code == "NoSuchVersion"
}

// deleteObjects deletes up to 1,000 objects; what becomes of each is in the answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func (s *Service) deleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (*s3.DeleteObjectsOutput, error) {
	if in.Delete == nil || len(in.Delete.Objects) == 0 || len(in.Delete.Objects) > maxDelete {
		return nil, errMalformedXML()
	}
	for _, o := range in.Delete.Objects {
		switch {
		case o == nil || o.Key == "":
			return nil, errMalformedXML()
		case o.Size != nil:
			return nil, errNotImplemented("Size")
		case !o.LastModifiedTime.IsZero():
			return nil, errNotImplemented("LastModifiedTime")
		}
	}
	if _, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	out := &s3.DeleteObjectsOutput{}
	quiet := in.Delete.Quiet != nil && *in.Delete.Quiet
	for rest := in.Delete.Objects; len(rest) > 0; {
		piece := rest[:min(deletePiece, len(rest))]
		rest = rest[len(piece):]
		failed, err := s.deletePiece(ctx, in, piece)
		if err != nil {
			return nil, err
		}
		for i, o := range piece {
			switch e := failed[i]; {
			case e != nil:
				out.Errors = append(out.Errors, &s3.Error{Key: o.Key, VersionId: o.VersionId, Code: e.Code, Message: e.Message})
			case !quiet:
				out.Deleted = append(out.Deleted, &s3.DeletedObject{Key: o.Key, VersionId: o.VersionId})
			}
		}
	}
	return out, nil
}

// deletePiece deletes some objects and says which of them could not be.
func (s *Service) deletePiece(ctx context.Context, in *s3.DeleteObjectsInput, piece []*s3.ObjectIdentifier) ([]*api.Error, error) {
	var failed []*api.Error
	err := s.env.DB.Update(func(tx storage.Tx) error {
		failed = make([]*api.Error, len(piece))
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		for i, o := range piece {
			err := s.delete(ctx, tx, b, deletion{o.Key, o.VersionId, writeCondition{match: o.ETag}})
			if e, ok := errors.AsType[*api.Error](err); ok && !deletedVersion(err) {
				failed[i] = e
			} else if err != nil && !ok {
				return err
			}
		}
		return nil
	})
	return failed, err
}
