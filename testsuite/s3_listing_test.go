package testsuite

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Keys are listed in the order of their bytes; what has a delimiter after the
// prefix is rolled up, and counts as one.
func TestListing(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "B", "é", "z z"} {
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader(key)}))(t)
	}
	for _, c := range []struct {
		name              string
		prefix, delimiter string
		page              int32
		want              string
	}{
		{"all", "", "", 1000, "B a b/1 b/2 b/c/3 z z é"},
		{"all, by twos", "", "", 2, "B a b/1 b/2 b/c/3 z z é"},
		{"folders", "", "/", 1000, "B a z z é [b/]"},
		{"folders, one at a time", "", "/", 1, "B a z z é [b/]"},
		{"below a folder", "b/", "/", 1000, "b/1 b/2 [b/c/]"},
		{"a prefix that is no folder", "b", "", 1000, "b/1 b/2 b/c/3"},
		{"nothing", "nothing", "/", 1000, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var keys, prefixes []string
			pages := s3.NewListObjectsV2Paginator(a.S3, &s3.ListObjectsV2Input{Bucket: name, Prefix: &c.prefix, Delimiter: &c.delimiter, MaxKeys: &c.page})
			for pages.HasMorePages() {
				page := must(pages.NextPage(ctx))(t)
				if n := int32(len(page.Contents) + len(page.CommonPrefixes)); n != *page.KeyCount || n > c.page {
					t.Errorf("a page of %d has %d entries and says %d", c.page, n, *page.KeyCount)
				}
				for _, o := range page.Contents {
					keys = append(keys, *o.Key)
				}
				for _, p := range page.CommonPrefixes {
					prefixes = append(prefixes, "["+*p.Prefix+"]")
				}
			}
			if d := cmp.Diff(c.want, strings.Join(append(keys, prefixes...), " ")); d != "" {
				t.Error(d)
			}
		})
	}
	after := must(a.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name, StartAfter: aws.String("b/2")}))(t)
	if len(after.Contents) != 3 || *after.Contents[0].Key != "b/c/3" {
		t.Errorf("after b/2 come %d, the first %s", len(after.Contents), *after.Contents[0].Key)
	}
	first := must(a.S3.ListObjects(ctx, &s3.ListObjectsInput{Bucket: name, Delimiter: aws.String("/"), MaxKeys: aws.Int32(3)}))(t)
	if !*first.IsTruncated || aws.ToString(first.NextMarker) != "b/" {
		t.Errorf("version 1: truncated %v, next marker %q", *first.IsTruncated, aws.ToString(first.NextMarker))
	}
}
