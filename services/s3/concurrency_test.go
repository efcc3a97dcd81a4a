package s3

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// TestConcurrentWrites lets writers of every kind loose on a few keys. Readers
// see whole objects only, and what is left in the end has no record and no file.
func TestConcurrentWrites(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	w.db, w.blobs = storagetest.OpenURL(t, "badger:"+dir, storage.Options{})
	w.env.DB, w.env.Blobs = w.db, w.blobs
	b := w.bucketNamed("abc")
	ctx := w.ctx()
	keys := []string{"a", "b", "c"}
	// An object is one letter, again and again; small ones are in their records.
	content := func(r *rand.Rand) string {
		return strings.Repeat(string(rune('a'+r.IntN(26))), []int{10, 10_000, 100_000}[r.IntN(3)])
	}
	tolerate := func(err error, codes ...string) {
		if e, ok := errors.AsType[*api.Error](err); err != nil && !(ok && strings.Contains(strings.Join(codes, " "), e.Code)) {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 60 {
				key, other := keys[r.IntN(len(keys))], keys[r.IntN(len(keys))]
				switch r.IntN(6) {
				case 0, 1:
					_, err := w.putObject(ctx, putInput(b, key, content(r)))
					tolerate(err)
				case 2:
					_, err := w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: key})
					tolerate(err)
				case 3:
					_, err := w.copyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: key, CopySource: b + "/" + other, MetadataDirective: "REPLACE"})
					tolerate(err, "NoSuchKey")
				case 4:
					multipart(t, w, b, key, content(r), r.IntN(2) == 0, tolerate)
				case 5:
					out, err := w.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: key})
					tolerate(err, "NoSuchKey")
					if err != nil {
						continue
					}
					got, err := io.ReadAll(out.Body)
					if err != nil || int64(len(got)) != *out.ContentLength || strings.Trim(string(got), string(got[:1])) != "" {
						t.Errorf("%d bytes of %d, %v", len(got), *out.ContentLength, err)
					}
					_ = out.Body.Close() // it was only read
				}
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		must(t)(w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: key}))
	}
	w.wantLeft("")
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "dirty" { // the store's mark that it is open
			t.Errorf("%s is left", path)
		}
		return err
	})
	must(t)(nil, err)
}

// multipart uploads an object in one part, twice and at once, and completes or
// aborts the upload while that goes on.
func multipart(t *testing.T, w *world, bucket, key, content string, complete bool, tolerate func(error, ...string)) {
	ctx := w.ctx()
	out, err := w.createMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Error(err)
		return
	}
	var late sync.WaitGroup
	defer late.Wait()
	p, err := w.uploadPart(ctx, partInput(bucket, key, out.UploadId, 1, content))
	tolerate(err)
	for n := range int32(2) {
		late.Go(func() {
			_, err := w.uploadPart(ctx, partInput(bucket, key, out.UploadId, n+1, content))
			tolerate(err, "NoSuchUpload")
		})
	}
	if complete {
		_, err = w.complete(bucket, key, out.UploadId, &s3.CompletedPart{PartNumber: new(int32(1)), ETag: p.ETag})
	} else {
		_, err = w.abortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: out.UploadId})
	}
	tolerate(err)
}
