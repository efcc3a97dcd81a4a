package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// An object is answered alike from the record that was kept when it was written
// and from the one that is read.
func TestKeptRecordsAreThoseThatAreRead(t *testing.T) {
	w := newWorld(t)
	bucket := w.bucketNamed("kept")
	plain := putInput(bucket, "plain", "content")
	rich := putInput(bucket, "rich", strings.Repeat("r", 4096))
	rich.ContentType, rich.CacheControl, rich.ContentEncoding, rich.Tagging = "text/plain", "no-cache", "identity", "a=1&b=2"
	rich.Metadata, rich.StorageClass = map[string]string{"Name": "value"}, s3.StorageClassStandardIa
	rich.Expires, rich.WebsiteRedirectLocation = epoch.Add(time.Hour), "/there"
	for _, in := range []*s3.PutObjectInput{
		plain, putInput(bucket, "empty", ""), putInput(bucket, "beside", strings.Repeat("b", 5000)),
		putInput(bucket, "file", strings.Repeat("f", storage.MaxInline+1)), rich,
	} {
		t.Run(in.Key, func(t *testing.T) {
			if _, err := w.putObject(w.ctx(), in); err != nil {
				t.Fatal(err)
			}
			read := func() (*s3.GetObjectOutput, string) {
				t.Helper()
				out, err := w.getObject(w.ctx(), &s3.GetObjectInput{Bucket: bucket, Key: in.Key, ChecksumMode: s3.ChecksumModeEnabled})
				if err != nil {
					t.Fatal(err)
				}
				return out, readAll(t, out.Body)
			}
			kept, keptBody := read()
			w.objects = storage.NewCache[object](1)
			decoded, decodedBody := read()
			ignored := cmpopts.IgnoreFields(s3.GetObjectOutput{}, "Body")
			if diff := cmp.Diff(decoded, kept, ignored, cmpopts.EquateEmpty()); diff != "" || keptBody != decodedBody {
				t.Errorf("-read +kept\n%s", diff)
			}
			if _, err := w.putObject(w.ctx(), putInput(bucket, in.Key, "again")); err != nil {
				t.Fatal(err)
			}
			if got := w.get(bucket, in.Key); got != "again" {
				t.Errorf("after it was written over: %q", got)
			}
		})
	}
	w.wantLeft("objects:5")
}
