package s3

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// onEngines runs a test in a world on each engine.
func onEngines(t *testing.T, f func(t *testing.T, w *world)) {
	for name, url := range map[string]string{"memory": "memory:", "badger": "badger:" + t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.db, w.blobs = storagetest.OpenURL(t, url, storage.Options{})
			w.env.DB, w.env.Blobs = w.db, w.blobs
			f(t, w)
		})
	}
}

// outcomes runs functions at once and counts how they end, by the error's code.
func outcomes(t *testing.T, fs ...func() error) map[string]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[string]int{}
	for _, f := range fs {
		all.Go(func() {
			err := f()
			e, ok := errors.AsType[*api.Error](err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				got["won"]++
			case ok:
				got[e.Code]++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	return got
}

// Of many writers of all kinds that want to be the first, one is, whether the
// key never was or has a delete marker.
func TestFirstWriterRace(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		b := w.bucketNamed("abc")
		ctx := w.ctx()
		w.put(b, "source", "x")
		for round, state := range []versioning{unversioned, suspended, enabled, enabled} {
			if state != unversioned {
				w.version(b, state)
			}
			must(t)(w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
			var writers []func() error
			for range 6 {
				upload := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
				p := w.part(b, "k", upload, 1, "x")
				writers = append(writers, func() error {
					in := putInput(b, "k", "x")
					in.IfNoneMatch = "*"
					_, err := w.putObject(ctx, in)
					return err
				}, func() error {
					_, err := w.copyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: "k", CopySource: b + "/source", IfNoneMatch: "*"})
					return err
				}, func() error {
					_, err := w.completeMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
						Bucket: b, Key: "k", UploadId: upload, IfNoneMatch: "*", MultipartUpload: &s3.CompletedMultipartUpload{Parts: []*s3.CompletedPart{p}},
					})
					return err
				})
			}
			if got := outcomes(t, writers...); got["won"] != 1 || got["PreconditionFailed"] != 17 {
				t.Errorf("round %d: %v", round, got)
			}
		}
	})
}

// Of many deletions that want the object as it is, one deletes it.
func TestConditionalDeleteRace(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		b := w.bucketNamed("abc")
		for _, state := range []versioning{unversioned, enabled} {
			if state != unversioned {
				w.version(b, state)
			}
			etag := w.put(b, "k", "x").ETag
			got := outcomes(t, slices.Repeat([]func() error{func() error {
				_, err := w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k", IfMatch: etag})
				return err
			}}, 16)...)
			if got["won"] != 1 || got["NoSuchKey"] != 15 {
				t.Errorf("%v", got)
			}
		}
	})
}

// Completing an upload many times at once makes one version, and every answer names it.
func TestCompletionRace(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		b := w.bucketNamed("abc")
		w.version(b, enabled)
		upload := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
		p := w.part(b, "k", upload, 1, "x")
		var mu sync.Mutex
		versions := map[string]int{}
		got := outcomes(t, slices.Repeat([]func() error{func() error {
			out, err := w.complete(b, "k", upload, p)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				versions[out.VersionId]++
			}
			return err
		}}, 16)...)
		if got["won"] != 16 || len(versions) != 1 {
			t.Errorf("%v, versions %v", got, versions)
		}
		w.wantLeft("objects:1")
	})
}

// An upload that is completed on a condition is refused when the key was
// written since it began, even where the condition holds again.
func TestConditionalCompletion(t *testing.T) {
	for _, c := range []struct {
		name      string
		before    bool // there is an object before the upload begins
		meanwhile func(w *world, b string)
		condition func(*s3.CompleteMultipartUploadInput)
		code      string // "" is success
	}{
		{"nothing, none wanted", false, nil, func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = "*" }, ""},
		{"something, none wanted", true, nil, func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = "*" }, "PreconditionFailed"},
		{"deleted, none wanted", true, del, func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = "*" }, "ConditionalRequestConflict"},
		{"as it was", true, nil, func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = hexMD5("old") }, ""},
		{"another", true, nil, func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = hexMD5("new") }, "PreconditionFailed"},
		{"the same again", true, func(w *world, b string) { w.put(b, "k", "old") }, func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = hexMD5("old") }, "ConditionalRequestConflict"},
		{"deleted, one wanted", true, del, func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = hexMD5("old") }, "NoSuchKey"},
		{"no condition", true, func(w *world, b string) { w.put(b, "k", "new") }, func(*s3.CompleteMultipartUploadInput) {}, ""},
		{"any", true, nil, func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = "*" }, "NotImplemented"},
		{"both", true, nil, func(in *s3.CompleteMultipartUploadInput) { in.IfMatch, in.IfNoneMatch = "x", "*" }, "NotImplemented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucketNamed("abc")
			w.version(b, enabled)
			if c.before {
				w.put(b, "k", "old")
			}
			upload := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
			p := w.part(b, "k", upload, 1, "part")
			if c.meanwhile != nil {
				c.meanwhile(w, b)
			}
			in := &s3.CompleteMultipartUploadInput{Bucket: b, Key: "k", UploadId: upload, MultipartUpload: &s3.CompletedMultipartUpload{Parts: []*s3.CompletedPart{p}}}
			c.condition(in)
			_, err := w.completeMultipartUpload(w.ctx(), in)
			if c.code == "" {
				must(t)(nil, err)
				if w.get(b, "k") != "part" {
					t.Error("the upload is not the object")
				}
				return
			}
			refused(t, err, c.code, map[string]int{"PreconditionFailed": 412, "ConditionalRequestConflict": 409, "NoSuchKey": 404, "NotImplemented": 501}[c.code])
		})
	}
}

func del(w *world, b string) {
	must(w.t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
}

// Writers and deleters of every kind work on the versions of two keys at once.
// What was acknowledged is there afterwards, once, and what was deleted is not.
func TestConcurrentVersions(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		b := w.bucketNamed("abc")
		w.version(b, enabled)
		ctx := w.ctx()
		keys := []string{"a", "b"}
		var mu sync.Mutex
		alive := map[string]bool{} // "key id"
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				r := rand.New(rand.NewPCG(2, uint64(worker)))
				for n := range 40 {
					key := keys[r.IntN(len(keys))]
					var id string
					var err error
					switch r.IntN(6) {
					case 0, 1:
						var out *s3.PutObjectOutput
						if out, err = w.putObject(ctx, putInput(b, key, fmt.Sprint(worker, n))); err == nil {
							id = out.VersionId
						}
					case 2:
						var out *s3.DeleteObjectOutput
						if out, err = w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: key}); err == nil {
							id = out.VersionId
						}
					default:
						mu.Lock()
						for v := range alive { // any one, which is nobody else's from now on
							id = v
							delete(alive, v)
							break
						}
						mu.Unlock()
						if id != "" {
							_, err = w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: id[:1], VersionId: id[2:]})
						}
						if err != nil {
							t.Error(err)
						}
						continue
					}
					if err != nil {
						t.Error(err)
						continue
					}
					mu.Lock()
					alive[key+" "+id] = true
					mu.Unlock()
				}
			})
		}
		all.Wait()
		out, err := w.listObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b})
		must(t)(nil, err)
		latest := map[string]int{}
		seen := 0
		check := func(key, id string, isLatest bool) {
			seen++
			if !alive[key+" "+id] {
				t.Errorf("%s %s is there", key, id)
			}
			if isLatest {
				latest[key]++
			}
		}
		for _, v := range filled(out.Versions) {
			check(v.Key, v.VersionId, *v.IsLatest)
		}
		for _, v := range filled(out.DeleteMarkers) {
			check(v.Key, v.VersionId, *v.IsLatest)
		}
		if seen != len(alive) {
			t.Errorf("%d versions are listed, %d are there", seen, len(alive))
		}
		for key, n := range latest {
			if n != 1 {
				t.Errorf("%s has %d latest versions", key, n)
			}
		}
		for v := range alive {
			must(t)(w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: v[:1], VersionId: v[2:]}))
		}
		w.wantLeft("")
	})
}
