package s3

import (
	"context"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// listMultipartUploads lists uploads under way by key and, for one key, by the
// time they began.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
func (s *Service) listMultipartUploads(_ context.Context, in *s3.ListMultipartUploadsInput) (*s3.ListMultipartUploadsOutput, error) {
	limit, err := pageSize(in.MaxUploads, "max-uploads")
	if err != nil {
		return nil, err
	}
	encode := encoder(in.EncodingType)
	if err := encode.check(); err != nil {
		return nil, err
	}
	if in.KeyMarker != "" && in.UploadIdMarker != "" && !uploadOf(in.KeyMarker, in.UploadIdMarker) {
		return nil, errInvalidArgument("upload-id-marker", in.UploadIdMarker, "Invalid uploadId marker")
	}
	out := &s3.ListMultipartUploadsOutput{
		Bucket: in.Bucket, KeyMarker: new(encode.string(in.KeyMarker)), UploadIdMarker: &in.UploadIdMarker, Prefix: encode.string(in.Prefix),
		Delimiter: encode.string(in.Delimiter), MaxUploads: &limit, EncodingType: in.EncodingType, Uploads: []*s3.MultipartUpload{},
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		l := listing{root: uploadsOf(b.ID), prefix: in.Prefix, delimiter: in.Delimiter, limit: int(limit)}
		if in.KeyMarker != "" { // an upload-id-marker alone means nothing
			l.afterMarker(in.KeyMarker)
			if _, grouped := l.group(in.KeyMarker); !grouped && in.UploadIdMarker != "" {
				l.start = storage.PrefixEnd(l.root.String(in.KeyMarker).String(in.UploadIdMarker))
			}
		}
		p, err := list(tx, l, func(key string, rest *storage.KeyReader, u *upload) error {
			shown := &s3.MultipartUpload{
				UploadId: rest.String(), Key: encode.string(key), Initiated: time.UnixMilli(u.Initiated).UTC().Truncate(time.Second),
				StorageClass: u.class(), Owner: b.ownedBy(b.owns(u.Initiator, u.ACL.Canned)), Initiator: &s3.Initiator{ID: ownerID(u.Initiator)},
			}
			if u.Asked {
				shown.ChecksumAlgorithm, shown.ChecksumType = u.Algorithm.name(), u.checksumType()
			}
			out.Uploads = append(out.Uploads, shown)
			return rest.Err()
		})
		if err != nil {
			return err
		}
		out.IsTruncated, out.CommonPrefixes = &p.truncated, encode.prefixes(p.groups)
		// The next markers are those of the last upload, whether there are more or not.
		// Behind a group S3 leaves them empty, so that nobody can go on from there; here one can.
		out.NextKeyMarker, out.NextUploadIdMarker = new(""), new("")
		if n := len(out.Uploads); p.truncated && p.lastGroup {
			out.NextKeyMarker = new(encode.string(p.last))
		} else if n > 0 {
			out.NextKeyMarker, out.NextUploadIdMarker = &out.Uploads[n-1].Key, &out.Uploads[n-1].UploadId
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (u *upload) class() s3.StorageClass {
	if u.Class == "" {
		return s3.StorageClassStandard
	}
	return s3.StorageClass(u.Class)
}

// listParts lists the parts of an upload by their numbers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
func (s *Service) listParts(_ context.Context, in *s3.ListPartsInput) (*s3.ListPartsOutput, error) {
	limit, err := pageSize(in.MaxParts, "max-parts")
	if err != nil {
		return nil, err
	}
	marker := int32(0)
	if in.PartNumberMarker != nil {
		if marker = *in.PartNumberMarker; marker < 0 {
			_, err := pageSize(in.PartNumberMarker, "part-number-marker")
			return nil, err
		}
	}
	out := &s3.ListPartsOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, PartNumberMarker: &marker, MaxParts: &limit,
		NextPartNumberMarker: new(int32(0)), IsTruncated: new(false), Parts: []*s3.Part{},
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, u, err := s.upload(tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		out.Owner, out.Initiator, out.StorageClass = b.ownedBy(b.owns(u.Initiator, u.ACL.Canned)), &s3.Initiator{ID: ownerID(u.Initiator)}, u.class()
		if out.AbortDate, out.AbortRuleId, err = s.ending(tx, b, in.Key, u); err != nil {
			return err
		}
		if u.Asked {
			out.ChecksumAlgorithm, out.ChecksumType = u.Algorithm.name(), u.checksumType()
		}
		root := partsOf(b.ID, in.UploadId)
		r := storage.Prefix(root)
		r.Start = storage.PrefixEnd(root.Uint64(uint64(marker)))
		for item, err := range storage.Records[part](tx, r) {
			if err != nil {
				return err
			}
			if len(out.Parts) == int(limit) {
				*out.IsTruncated = limit > 0
				return nil
			}
			k := storage.ReadKey(item.Key).Skip(len(root))
			number := int32(k.Uint64())
			if err := k.Err(); err != nil {
				return err
			}
			p := item.Value
			shown := &s3.Part{
				PartNumber: &number, ETag: quoted(p.etag()), Size: new(p.size()),
				LastModified: time.UnixMilli(p.Modified).UTC().Truncate(time.Second),
			}
			if u.Asked {
				listedPartSums(shown).set(checksum{Algorithm: u.Algorithm, Value: p.Sum})
			}
			out.Parts = append(out.Parts, shown)
			out.NextPartNumberMarker = &number
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
