package s3

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// objectsPage is a page of either version of ListObjects.
type objectsPage struct {
	page
	contents []*s3.Object
	bucket   *bucket
}

// listObjectsPage reads the page that l asks for. Its root is set here.
func (s *Service) listObjectsPage(name, expectedOwner string, owner bool, optional []s3.OptionalObjectAttributes, encode encoder, l listing, begin func(*listing) error) (*objectsPage, error) {
	restores, now := slices.Contains(optional, s3.OptionalObjectAttributesRestoreStatus), s.env.Clock.Now()
	p := &objectsPage{contents: []*s3.Object{}}
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		l.root = objectsOf(b.ID)
		if err := begin(&l); err != nil {
			return err
		}
		var of *s3.Owner
		if owner {
			of = ownerOf(b.Account)
		}
		p.bucket = b
		p.page, err = list(tx, l, func(key string, _ *storage.KeyReader, o *summary) error {
			shown := &s3.Object{
				Key: encode.string(key), LastModified: o.modified(), ETag: quoted(o.ETag), Size: &o.Size,
				StorageClass: s3.ObjectStorageClass(o.class()), Owner: of, ChecksumType: o.Sum.kind(),
			}
			if owner && o.Owner != "" {
				shown.Owner = b.ownedBy(o.Owner)
			}
			if o.Sum.Algorithm != noAlgorithm {
				shown.ChecksumAlgorithm = []s3.ChecksumAlgorithm{o.Sum.Algorithm.name()}
			}
			if restores {
				shown.RestoreStatus = o.Restore.status(now)
			}
			p.contents = append(p.contents, shown)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// encoder encodes keys as the request wants them.
type encoder s3.EncodingType

func (e encoder) check() error {
	if e != "" && e != encoder(s3.EncodingTypeUrl) {
		return errInvalidArgument("encoding-type", string(e), "Invalid Encoding Method specified in Request")
	}
	return nil
}

func (e encoder) string(s string) string {
	if e == "" {
		return s
	}
	return encodeURL(s)
}

func (e encoder) prefixes(groups []string) []*s3.CommonPrefix {
	out := make([]*s3.CommonPrefix, len(groups))
	for i, g := range groups {
		out[i] = &s3.CommonPrefix{Prefix: e.string(g)}
	}
	return out
}

// listObjects is version 1 of the listing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
func (s *Service) listObjects(_ context.Context, in *s3.ListObjectsInput) (*s3.ListObjectsOutput, error) {
	limit, err := pageSize(in.MaxKeys, "maxKeys")
	if err != nil {
		return nil, err
	}
	encode := encoder(in.EncodingType)
	if err := encode.check(); err != nil {
		return nil, err
	}
	l := listing{prefix: in.Prefix, delimiter: in.Delimiter, limit: int(limit)}
	p, err := s.listObjectsPage(in.Bucket, in.ExpectedBucketOwner, true, in.OptionalObjectAttributes, encode, l, func(l *listing) error {
		if in.Marker != "" {
			l.afterMarker(in.Marker)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &s3.ListObjectsOutput{
		Name: in.Bucket, Prefix: &in.Prefix, Marker: new(encode.string(in.Marker)), Delimiter: encode.string(in.Delimiter),
		MaxKeys: &limit, EncodingType: in.EncodingType, IsTruncated: &p.truncated, Contents: p.contents, CommonPrefixes: encode.prefixes(p.groups),
		BucketRegion: p.bucket.Region,
	}
	// Prefix is the one member that encoding-type leaves as it is.
	if p.truncated && in.Delimiter != "" { // without a delimiter the last key is the next marker
		out.NextMarker = encode.string(p.last)
	}
	return out, nil
}

// Continuation tokens say whether they stand behind a key or behind all that begins
// with a common prefix.
const (
	tokenKey   = "k"
	tokenGroup = "g"
)

func (p *page) token() string {
	kind := tokenKey
	if p.lastGroup {
		kind = tokenGroup
	}
	return base64.RawURLEncoding.EncodeToString([]byte(kind + p.last))
}

func (l *listing) afterToken(token string) error {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	key, group := strings.CutPrefix(string(raw), tokenGroup)
	if !group {
		var ok bool
		if key, ok = strings.CutPrefix(string(raw), tokenKey); !ok || err != nil {
			return errIncorrectToken()
		}
	}
	l.after(key, group)
	return nil
}

// listObjectsV2 is version 2 of the listing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (s *Service) listObjectsV2(_ context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	limit, err := pageSize(in.MaxKeys, "maxKeys")
	if err != nil {
		return nil, err
	}
	encode := encoder(in.EncodingType)
	if err := encode.check(); err != nil {
		return nil, err
	}
	l := listing{prefix: in.Prefix, delimiter: in.Delimiter, limit: int(limit)}
	owner := in.FetchOwner != nil && *in.FetchOwner
	p, err := s.listObjectsPage(in.Bucket, in.ExpectedBucketOwner, owner, in.OptionalObjectAttributes, encode, l, func(l *listing) error {
		switch {
		case in.ContinuationToken != nil:
			return l.afterToken(*in.ContinuationToken)
		case in.StartAfter != "":
			l.after(in.StartAfter, false)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &s3.ListObjectsV2Output{
		Name: in.Bucket, Prefix: new(encode.string(in.Prefix)), Delimiter: encode.string(in.Delimiter), StartAfter: encode.string(in.StartAfter),
		MaxKeys: &limit, EncodingType: in.EncodingType, IsTruncated: &p.truncated, Contents: p.contents, CommonPrefixes: encode.prefixes(p.groups),
		KeyCount: new(int32(len(p.contents) + len(p.groups))), ContinuationToken: in.ContinuationToken, BucketRegion: p.bucket.Region,
	}
	if p.truncated {
		out.NextContinuationToken = p.token()
	}
	return out, nil
}
