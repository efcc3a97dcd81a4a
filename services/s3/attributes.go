package s3

import (
	"context"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// getObjectAttributes tells what was asked of an object, part by part.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
func (s *Service) getObjectAttributes(_ context.Context, in *s3.GetObjectAttributesInput) (*s3.GetObjectAttributesOutput, error) {
	customer := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if _, err := customer.secret(); err != nil {
		return nil, err
	}
	if len(in.ObjectAttributes) == 0 {
		return nil, errInvalidRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	for _, a := range in.ObjectAttributes {
		if !slices.Contains(a.Values(), string(a)) {
			return nil, errInvalidArgument("x-amz-object-attributes", string(a), "Invalid attribute name specified.")
		}
	}
	limit, err := pageSize(in.MaxParts, "max-parts")
	if err != nil {
		return nil, err
	}
	out := &s3.GetObjectAttributesOutput{}
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, o, err := s.object(tx, objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner})
		if err != nil {
			return err
		}
		if _, err := s.unseal(tx, o.Encryption, customer); err != nil {
			return err
		}
		out.LastModified, out.VersionId = o.modified(), b.shown(o)
		for _, a := range in.ObjectAttributes {
			switch a {
			case s3.ObjectAttributesETag:
				out.ETag = o.ETag // without quotes, unlike everywhere else
			case s3.ObjectAttributesObjectSize:
				out.ObjectSize = &o.Size
			case s3.ObjectAttributesStorageClass:
				out.StorageClass = s3.StorageClass(o.class())
			case s3.ObjectAttributesChecksum:
				if o.Sum.Algorithm != noAlgorithm {
					sum := o.Sum
					sum.Value, _, _ = strings.Cut(sum.Value, "-")
					out.Checksum = &s3.Checksum{ChecksumType: sum.kind()}
					attributeSums(out.Checksum).set(sum)
				}
			case s3.ObjectAttributesObjectParts:
				if o.Count > 0 {
					where, err := readBody(tx, b.ID, o)
					if err != nil {
						return err
					}
					out.ObjectParts = attributeParts(o, where, in.PartNumberMarker, int(limit))
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// attributeParts lists the parts of an object behind a marker. Parts are told
// one by one where their checksums make the object's.
func attributeParts(o *object, where *body, marker *int32, limit int) *s3.GetObjectAttributesParts {
	p := &s3.GetObjectAttributesParts{TotalPartsCount: new(int32(o.Count))}
	if !o.Sum.Composite {
		return p
	}
	after := int32(0)
	if marker != nil {
		after = *marker
	}
	p.PartNumberMarker, p.NextPartNumberMarker = &after, new(after)
	p.MaxParts, p.IsTruncated = new(int32(limit)), new(false)
	for i, part := range where.Parts {
		if part.Number <= after {
			continue
		}
		if len(p.Parts) == limit {
			*p.IsTruncated = true
			break
		}
		shown := &s3.ObjectPart{PartNumber: new(part.Number), Size: new(where.size(i))}
		attributePartSums(shown).set(checksum{Algorithm: o.Sum.Algorithm, Value: part.Sum})
		p.Parts = append(p.Parts, shown)
		*p.NextPartNumberMarker = part.Number
	}
	return p
}
