package s3

import (
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// Bodies are in their object's record, in one of their own that is nothing but
// their bytes, or in files; whatever takes the place of what, nothing is left over.
func TestBodiesOfAllSizesReplaceEachOther(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		b := w.bucketNamed("abc")
		sizes := []int{0, 1, maxRecordInline, maxRecordInline + 1, 10_000, storage.MaxInline, storage.MaxInline + 1, 100_000}
		for _, before := range sizes {
			for i, after := range sizes {
				w.put(b, "k", strings.Repeat("a", before))
				want := strings.Repeat(string(rune('b'+i)), after)
				w.put(b, "k", want)
				if got := w.get(b, "k"); got != want {
					t.Fatalf("%d bytes in the place of %d come back as %d: %.20q", after, before, len(got), got)
				}
				if after > maxRecordInline && after <= storage.MaxInline {
					w.wantLeft("bodies:1 objects:1")
				} else {
					w.wantLeft("objects:1")
				}
			}
		}
		must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
		w.wantLeft("")
	})
}

// A body's place is not lent while a version still needs it.
func TestBodiesOfVersionsKeepTheirPlaces(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	content := func(c string) string { return strings.Repeat(c, maxRecordInline+1) }
	w.put(b, "k", content("1")) // the null version
	versioning := func(status s3.BucketVersioningStatus) {
		must(t)(w.putBucketVersioning(w.ctx(), &s3.PutBucketVersioningInput{
			Bucket: b, VersioningConfiguration: &s3.VersioningConfiguration{Status: status},
		}))
	}
	versioning(s3.BucketVersioningStatusEnabled)
	second := w.put(b, "k", content("2")).VersionId
	versioning(s3.BucketVersioningStatusSuspended)
	w.put(b, "k", content("3")) // in the place of the null version
	for version, want := range map[string]string{"": "3", nullVersion: "3", second: "2"} {
		out, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", VersionId: version})
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, out.Body); got != content(want) {
			t.Errorf("version %q is %.10q, want %q", version, got, want)
		}
	}
}
