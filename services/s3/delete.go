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
	// bypass asks to pass over retentions that allow it.
	bypass bool
	// expired says that a lifecycle rule asks for it, not a client.
	expired bool
}

// events are what tells of a deletion: of a version, and of a key by a delete marker.
func (d *deletion) events() (removed, marked event) {
	if d.expired {
		return eventExpired, eventExpiredMarker
	}
	return eventDelete, eventMarker
}

// deleted is what a deletion has done, as answers say it.
type deleted struct {
	// version is the version that was removed, or the delete marker that was
	// made; "" where there are no versions.
	version string
	// marker says that it is a delete marker.
	marker bool
}

// delete removes an object, or a version of it, in tx. Where there are
// versions, removing the object only adds a delete marker. What is not there is no
// error, except to who sets a condition: that looks at the current version.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
func (s *Service) delete(ctx context.Context, tx storage.Tx, b *bucket, d deletion) (deleted, error) {
	if d.version == "" && b.Versioning != unversioned {
		return s.mark(ctx, tx, b, d)
	}
	f, err := find(tx, b, d.key, d.version)
	if err == errNoSuchID {
		return deleted{}, errInvalidVersion(d.version)
	}
	if err != nil {
		return deleted{}, err
	}
	if d.condition != (writeCondition{}) {
		h, err := head(tx, b, d.key)
		if err != nil {
			return deleted{}, err
		}
		if err := d.condition.check(d.key, h); err != nil {
			return deleted{}, err
		}
	}
	done := deleted{version: d.version}
	if f == nil {
		return done, nil
	}
	if err := f.allowsDelete(api.CallFrom(ctx).Time, d.bypass); err != nil {
		return deleted{}, err
	}
	if err := s.erase(tx, b, d.key, f); err != nil {
		return deleted{}, err
	}
	done.marker = f.Marker
	removed, _ := d.events()
	gone := &object{Sequence: s.sequence(f.object), versioned: versioned{Version: f.Version}}
	return done, s.emit(ctx, tx, b, removed, d.key, gone)
}

// mark adds a delete marker.
func (s *Service) mark(ctx context.Context, tx storage.Tx, b *bucket, d deletion) (deleted, error) {
	old, err := head(tx, b, d.key)
	if err != nil {
		return deleted{}, err
	}
	if err := d.condition.check(d.key, old); err != nil {
		return deleted{}, err
	}
	marker := &object{summary: summary{Modified: api.CallFrom(ctx).Time.UnixMilli()}, versioned: versioned{Marker: true}}
	if err := s.replace(tx, b, d.key, old, marker); err != nil {
		return deleted{}, err
	}
	told := *marker
	told.ETag = emptyETag
	_, marked := d.events()
	return deleted{marker.id(), true}, s.emit(ctx, tx, b, marked, d.key, &told)
}

// emptyETag is the entity tag of no bytes, which events have for delete markers.
const emptyETag = "d41d8cd98f00b204e9800998ecf8427e"

func (s *Service) deleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	switch {
	case in.IfMatchSize != nil:
		return nil, errNotImplemented("x-amz-if-match-size")
	case !in.IfMatchLastModifiedTime.IsZero():
		return nil, errNotImplemented("x-amz-if-match-last-modified-time")
	}
	bypass := in.BypassGovernanceRetention
	d := deletion{key: in.Key, version: in.VersionId, condition: writeCondition{match: in.IfMatch}, bypass: bypass != nil && *bypass}
	var done deleted
	err := s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if bypass != nil && b.Lock == nil {
			return errBypassWithoutLock()
		}
		done, err = s.delete(ctx, tx, b, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &s3.DeleteObjectOutput{VersionId: done.version}
	if done.marker {
		out.DeleteMarker = new(true)
	}
	return out, nil
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
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.BypassGovernanceRetention != nil && b.Lock == nil {
		return nil, errBypassWithoutLock()
	}
	out := &s3.DeleteObjectsOutput{}
	quiet := in.Delete.Quiet != nil && *in.Delete.Quiet
	for rest := in.Delete.Objects; len(rest) > 0; {
		piece := rest[:min(deletePiece, len(rest))]
		rest = rest[len(piece):]
		results, err := s.deletePiece(ctx, in, piece)
		if err != nil {
			return nil, err
		}
		for i, o := range piece {
			switch r := results[i]; {
			case r.failed != nil:
				out.Errors = append(out.Errors, &s3.Error{Key: o.Key, VersionId: o.VersionId, Code: r.failed.Code, Message: r.failed.Message})
			case !quiet:
				out.Deleted = append(out.Deleted, r.entry(o))
			}
		}
	}
	return out, nil
}

// deletedEach is what became of one object of DeleteObjects.
type deletedEach struct {
	deleted
	failed *api.Error
}

func (r deletedEach) entry(o *s3.ObjectIdentifier) *s3.DeletedObject {
	e := &s3.DeletedObject{Key: o.Key, VersionId: o.VersionId}
	if r.marker {
		e.DeleteMarker, e.DeleteMarkerVersionId = new(true), r.version
	}
	return e
}

// deletePiece deletes some objects and says which of them could not be.
func (s *Service) deletePiece(ctx context.Context, in *s3.DeleteObjectsInput, piece []*s3.ObjectIdentifier) ([]deletedEach, error) {
	var results []deletedEach
	bypass := in.BypassGovernanceRetention != nil && *in.BypassGovernanceRetention
	err := s.env.DB.Update(func(tx storage.Tx) error {
		results = make([]deletedEach, len(piece))
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		for i, o := range piece {
			if _, ok := versionSequence(o.VersionId); !ok && o.VersionId != "" && o.VersionId != nullVersion {
				results[i].failed = errNoSuchVersion(o.Key, o.VersionId) // not the error that DeleteObject has
				continue
			}
			done, err := s.delete(ctx, tx, b, deletion{key: o.Key, version: o.VersionId, condition: writeCondition{match: o.ETag}, bypass: bypass})
			e, ok := errors.AsType[*api.Error](err)
			if err != nil && !ok {
				return err
			}
			results[i] = deletedEach{done, e}
		}
		return nil
	})
	return results, err
}
