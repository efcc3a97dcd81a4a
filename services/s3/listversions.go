package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// listObjectVersions lists the versions of objects. No bucket has versioning
// yet, so every object has one, whose id is "null".
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
	out := &s3.ListObjectVersionsOutput{
		Name: in.Bucket, Prefix: new(encode.string(in.Prefix)), KeyMarker: new(encode.string(in.KeyMarker)), VersionIdMarker: &in.VersionIdMarker,
		Delimiter: encode.string(in.Delimiter), MaxKeys: &limit, EncodingType: in.EncodingType, Versions: []*s3.ObjectVersion{},
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		l := listing{root: objectsOf(b.ID), prefix: in.Prefix, delimiter: in.Delimiter, limit: int(limit)}
		if in.KeyMarker != "" {
			l.afterMarker(in.KeyMarker)
		}
		owner := ownerOf(b.Account)
		p, err := list(tx, l, func(key string, _ *storage.KeyReader, o *summary) error {
			shown := &s3.ObjectVersion{
				Key: encode.string(key), VersionId: nullVersion, IsLatest: new(true), LastModified: o.modified(), ETag: quoted(o.ETag),
				Size: &o.Size, StorageClass: s3.ObjectVersionStorageClass(o.class()), Owner: owner, ChecksumType: o.Sum.kind(),
			}
			if o.Sum.Algorithm != noAlgorithm {
				shown.ChecksumAlgorithm = []s3.ChecksumAlgorithm{o.Sum.Algorithm.name()}
			}
			out.Versions = append(out.Versions, shown)
			return nil
		})
		if err != nil {
			return err
		}
		out.IsTruncated, out.CommonPrefixes = &p.truncated, encode.prefixes(p.groups)
		if p.truncated {
			out.NextKeyMarker = encode.string(p.last)
			if !p.lastGroup {
				out.NextVersionIdMarker = nullVersion
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
