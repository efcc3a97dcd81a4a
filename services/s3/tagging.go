package s3

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// tag is a tag of a bucket or object.
type tag struct {
	Key   string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint,omitempty"`
}

// Limits of tags; lengths are in UTF-16 units.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
const (
	maxObjectTags = 10
	maxBucketTags = 50
	maxTagKey     = 128
	maxTagValue   = 256
)

// checkTags holds tags to the rules that buckets and objects share.
func checkTags(tags []tag) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		switch {
		case t.Key == "" || len(utf16.Encode([]rune(t.Key))) > maxTagKey:
			return errInvalidTag("The TagKey you have provided is invalid", t.Key)
		case len(utf16.Encode([]rune(t.Value))) > maxTagValue:
			return errInvalidTag("The TagValue you have provided is invalid", t.Key)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return errInvalidTag("System tags cannot be added/updated by requester", t.Key)
		case seen[t.Key]:
			return errInvalidTag("Cannot provide multiple Tags with the same key", t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

func readTags(from []*s3.Tag) []tag {
	var tags []tag
	for _, t := range from {
		if t != nil {
			tags = append(tags, tag{t.Key, t.Value})
		}
	}
	return tags
}

func writeTags(tags []tag) []*s3.Tag {
	out := make([]*s3.Tag, len(tags))
	for i, t := range tags {
		out[i] = &s3.Tag{Key: t.Key, Value: t.Value}
	}
	return out
}

func bucketTags(from []*s3.Tag) ([]tag, error) {
	tags := readTags(from)
	if len(tags) > maxBucketTags {
		return nil, errBadRequest("Bucket tag count cannot be greater than 50")
	}
	return tags, checkTags(tags)
}

func objectTags(tags []tag) ([]tag, error) {
	if len(tags) > maxObjectTags {
		return nil, errBadRequest("Object tags cannot be greater than 10")
	}
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	slices.SortFunc(tags, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	return tags, nil
}

// headerTags reads x-amz-tagging, which has the form of a query string.
func headerTags(header string) ([]tag, error) {
	if header == "" {
		return nil, nil
	}
	var tags []tag
	for pair := range strings.SplitSeq(header, "&") {
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err != nil || err2 != nil {
			return nil, errInvalidArgument("x-amz-tagging", header, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, tag{key, value})
	}
	if len(tags) <= maxObjectTags && checkTags(tags) != nil {
		seen := map[string]bool{}
		for _, t := range tags {
			if seen[t.Key] {
				return nil, errInvalidArgument("x-amz-tagging", header, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
			}
			seen[t.Key] = true
		}
	}
	return objectTags(tags)
}

func (s *Service) getBucketTagging(_ context.Context, in *s3.GetBucketTaggingInput) (*s3.GetBucketTaggingOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.Tags) == 0 {
		return nil, errNone("NoSuchTagSet", "The TagSet does not exist", in.Bucket)
	}
	return &s3.GetBucketTaggingOutput{TagSet: writeTags(b.Tags)}, nil
}

func (s *Service) putBucketTagging(_ context.Context, in *s3.PutBucketTaggingInput) (*s3.PutBucketTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, errMalformedXML()
	}
	tags, err := bucketTags(in.Tagging.TagSet)
	if err != nil {
		return nil, err
	}
	err = s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(_ storage.Tx, b *bucket) error {
		b.Tags = tags
		return nil
	})
	return &s3.PutBucketTaggingOutput{}, err
}

func (s *Service) deleteBucketTagging(_ context.Context, in *s3.DeleteBucketTaggingInput) (*s3.DeleteBucketTaggingOutput, error) {
	err := s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(_ storage.Tx, b *bucket) error {
		b.Tags = nil
		return nil
	})
	return &s3.DeleteBucketTaggingOutput{}, err
}

func (s *Service) getObjectTagging(_ context.Context, in *s3.GetObjectTaggingInput) (*s3.GetObjectTaggingOutput, error) {
	b, o, err := s.viewVersion("GET", objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectTaggingOutput{TagSet: writeTags(o.Tags), VersionId: b.shown(o)}, nil
}

func (s *Service) putObjectTagging(ctx context.Context, in *s3.PutObjectTaggingInput) (*s3.PutObjectTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, errMalformedXML()
	}
	tags, err := objectTags(readTags(in.Tagging.TagSet))
	if err != nil {
		return nil, err
	}
	version, err := s.changeObject("PUT", objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}, func(tx storage.Tx, b *bucket, o *object) error {
		o.Tags = tags
		return s.emit(ctx, tx, b, eventTaggingPut, in.Key, o)
	})
	return &s3.PutObjectTaggingOutput{VersionId: version}, err
}

func (s *Service) deleteObjectTagging(ctx context.Context, in *s3.DeleteObjectTaggingInput) (*s3.DeleteObjectTaggingOutput, error) {
	version, err := s.changeObject("DELETE", objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}, func(tx storage.Tx, b *bucket, o *object) error {
		o.Tags = nil
		return s.emit(ctx, tx, b, eventTaggingDelete, in.Key, o)
	})
	return &s3.DeleteObjectTaggingOutput{VersionId: version}, err
}
