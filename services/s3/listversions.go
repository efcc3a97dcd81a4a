package s3

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// versionSummary is what listings show of a version: the first members of an object's record.
type versionSummary struct {
	summary
	Sequence uint64 `cbor:"6,keyasint"`
	versioned
}

// listObjectVersions lists the versions of objects and the delete markers: by
// key, and of a key the newest first.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (s *Service) listObjectVersions(_ context.Context, in *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
	limit, err := pageSize(in.MaxKeys, "maxKeys")
	if err != nil {
		return nil, err
	}
	encode := encoder(in.EncodingType)
	if err := encode.check(); err != nil {
		return nil, err
	}
	if in.VersionIdMarker != "" && in.KeyMarker == "" {
		return nil, errInvalidArgument("version-id-marker", in.VersionIdMarker, "A version-id marker cannot be specified without a key marker.")
	}
	if _, ok := versionSequence(in.VersionIdMarker); !ok && in.VersionIdMarker != "" && in.VersionIdMarker != nullVersion {
		return nil, errInvalidArgument("version-id-marker", in.VersionIdMarker, "Invalid version id specified")
	}
	out := &s3.ListObjectVersionsOutput{
		Name: in.Bucket, Prefix: new(encode.string(in.Prefix)), KeyMarker: new(encode.string(in.KeyMarker)), VersionIdMarker: &in.VersionIdMarker,
		Delimiter: encode.string(in.Delimiter), MaxKeys: &limit, EncodingType: in.EncodingType, Versions: []*s3.ObjectVersion{},
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		l := newVersionListing(b, in.Prefix, in.Delimiter, int(limit))
		if in.KeyMarker != "" {
			if err := l.after(tx, b, in.KeyMarker, in.VersionIdMarker); err != nil {
				return err
			}
		}
		owner := ownerOf(b.Account)
		restores, now := slices.Contains(in.OptionalObjectAttributes, s3.OptionalObjectAttributesRestoreStatus), s.env.Clock.Now()
		var last *versionSummary
		// Versions and delete markers are in one order.
		p, err := l.list(tx, func(key string, latest bool, v *versionSummary) {
			last = v
			if v.Marker {
				out.Versions = append(out.Versions, nil)
				out.DeleteMarkers = append(out.DeleteMarkers, &s3.DeleteMarkerEntry{
					Key: encode.string(key), VersionId: v.id(), IsLatest: &latest, LastModified: v.modified(), Owner: owner,
				})
				return
			}
			shown := &s3.ObjectVersion{
				Key: encode.string(key), VersionId: v.id(), IsLatest: &latest, LastModified: v.modified(), ETag: quoted(v.ETag),
				Size: &v.Size, StorageClass: s3.ObjectVersionStorageClass(v.class()), Owner: owner, ChecksumType: v.Sum.kind(),
			}
			if v.Owner != "" {
				shown.Owner = b.ownedBy(v.Owner)
			}
			if v.Sum.Algorithm != noAlgorithm {
				shown.ChecksumAlgorithm = []s3.ChecksumAlgorithm{v.Sum.Algorithm.name()}
			}
			if restores {
				shown.RestoreStatus = v.Restore.status(now)
			}
			out.Versions = append(out.Versions, shown)
			out.DeleteMarkers = append(out.DeleteMarkers, nil)
		})
		if err != nil {
			return err
		}
		out.IsTruncated, out.CommonPrefixes = &p.truncated, encode.prefixes(p.groups)
		if p.truncated {
			out.NextKeyMarker = encode.string(p.last)
			if !p.lastGroup {
				out.NextVersionIdMarker = last.id()
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// versionListing asks for a page of the versions of a bucket's objects. They
// are in two places, which have the same order of keys.
type versionListing struct {
	listing                // of the heads that are objects
	versions   storage.Key // the root of the others
	versionsAt []byte      // where the page begins among them; nil is the beginning

	skipObjects, skipVersions storage.Skip // of the scans of both
}

func newVersionListing(b *bucket, prefix, delimiter string, limit int) *versionListing {
	return &versionListing{
		listing:  listing{root: objectsOf(b.ID), prefix: prefix, delimiter: delimiter, limit: limit},
		versions: versionsOf(b.ID),
	}
}

// pass makes the page begin behind all versions of a key or, for a group, of
// all keys that begin with it.
func (l *versionListing) pass(key string, group bool) {
	l.listing.after(key, group)
	l.versionsAt = afterKey(l.versions, key, group)
}

// after makes the page begin behind a version of a key. Where that has been
// removed since it was listed, nothing that is left is passed over.
func (l *versionListing) after(tx storage.Tx, b *bucket, key, id string) error {
	if group, ok := l.group(key); ok {
		l.pass(group, true)
		return nil
	}
	l.pass(key, false)
	if id == "" {
		return nil
	}
	h, err := head(tx, b, key)
	if err != nil || h == nil {
		return err
	}
	sequence, ok := versionSequence(id)
	switch {
	case ok:
	case h.Version == "":
		sequence = h.Sequence
	case h.Null != 0:
		sequence = h.Null
	default:
		sequence = h.Sequence + 1 // the null version is no more
	}
	if h.Sequence < sequence {
		l.start, l.versionsAt = keyObject(b.ID, key), keyMarker(b.ID, key)
	} else {
		l.versionsAt = keyVersion(b.ID, key, sequence-1)
	}
	return nil
}

// groupSteps is how many versions of one common prefix a listing steps over
// before it skips the others.
const groupSteps = 4

// list gives the versions of a page to visit. The last of the page it returns
// is a key or a group.
func (l *versionListing) list(tx storage.Tx, visit func(key string, latest bool, v *versionSummary)) (page, error) {
	var p page
	if l.limit <= 0 {
		return p, nil
	}
	count, steps := 0, 0
	for e, err := range l.scan(tx) {
		if err != nil {
			return p, err
		}
		rest := storage.ReadKey(e.Key)
		key := rest.String()
		if err := rest.Err(); err != nil {
			return p, err
		}
		group, grouped := l.group(key)
		if grouped && p.lastGroup && group == p.last {
			if steps++; steps == groupSteps {
				l.skipObjects.To(afterKey(l.root, group, true))
				l.skipVersions.To(afterKey(l.versions, group, true))
			}
			continue
		}
		if count == l.limit {
			p.truncated = true
			return p, nil
		}
		count++
		if p.lastGroup = grouped; grouped {
			p.last, steps = group, 0
			p.groups = append(p.groups, group)
			continue
		}
		p.last = key
		v, err := storage.Decode[versionSummary](e)
		if err != nil {
			return p, err
		}
		visit(key, len(rest.Rest()) == 0, v)
	}
	return p, nil
}

// scan yields the records of both places in one order. Their keys are without
// roots: what an object has there sorts as it does among the versions.
func (l *versionListing) scan(tx storage.Tx) iter.Seq2[storage.Entry, error] {
	from := func(root storage.Key, start []byte) storage.Range {
		r := storage.Prefix(root.StringPrefix(l.prefix))
		if string(start) > string(r.Start) {
			r.Start = start
		}
		return r
	}
	objects, versions := from(l.root, l.start), from(l.versions, l.versionsAt)
	objects.Skip, versions.Skip = &l.skipObjects, &l.skipVersions
	return func(yield func(storage.Entry, error) bool) {
		next, stop := iter.Pull2(tx.Scan(versions))
		defer stop()
		version, err, more := next()
		version.Key = version.Key[min(len(l.versions), len(version.Key)):]
		until := func(key []byte) bool { // yields the versions before key, or all
			for more && (err != nil || key == nil || bytes.Compare(version.Key, key) < 0) {
				if !yield(version, err) || err != nil {
					return false
				}
				if version, err, more = next(); more && err == nil {
					version.Key = version.Key[len(l.versions):]
				}
			}
			return true
		}
		for o, err := range tx.Scan(objects) {
			if err != nil {
				yield(o, err)
				return
			}
			o.Key = o.Key[len(l.root):]
			if !until(o.Key) || !yield(o, nil) {
				return
			}
		}
		until(nil)
	}
}
