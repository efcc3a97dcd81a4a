package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// The crash test works on the versions of one key per worker. What a
// worker does follows from its count of steps, so every child knows what its
// predecessors must have left: what was acknowledged, and of the step that was
// interrupted all or nothing.
const (
	crashRounds  = 25
	crashWorkers = 3
	// crashKept is how many versions a worker's tidying leaves.
	crashKept = 3
)

func TestMain(m *testing.M) {
	storagetest.Main(m, map[string]func(*storagetest.Child) error{"versions": crashChild})
}

// crashing is a service of which nothing is closed in order.
type crashing struct {
	*Service
	ctx    context.Context
	dir    string
	bucket string
}

// noEvents is for buckets that notify nobody.
type noEvents struct{}

func (noEvents) Send(storage.Tx, events.Delivery) error { return errors.New("an event") }

func openCrashing(dir string) (*crashing, storage.DB, *storage.Blobs, error) {
	url := "badger:" + dir
	db, err := storage.Open(url, storage.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	blobs, err := storage.OpenBlobs(url, db, storage.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	now := clock.At(time.Unix(1_000_000_000, 0)) // always the same: sequences go on from the records
	s := New(service.Env{DB: db, Blobs: blobs, Events: noEvents{}, Clock: now, IDs: ids.Random(), Log: slog.New(slog.DiscardHandler)})
	ctx := api.WithCall(context.Background(), &api.Call{
		Account: account, Region: api.DefaultRegion, Principal: api.Root(account), RequestID: "REQUEST", Time: now.Now(), Scheme: "http", Host: "localhost",
	})
	return &crashing{s, ctx, dir, "abc"}, db, blobs, nil
}

func crashChild(child *storagetest.Child) error {
	c, _, _, err := openCrashing(child.Dir)
	if err != nil {
		return err
	}
	counts, err := c.check(child.Acked)
	if err != nil {
		return err
	}
	return child.Work(counts, c.step)
}

func crashKey(w int) string { return "worker " + strconv.Itoa(w) }

// crashContent is the body that step n writes: in its record, in a record of
// its own, or in a file.
func crashContent(w, n int) string {
	text := fmt.Sprintf("%d/%d ", w, n)
	return strings.Repeat(text, []int{1, 1000, 20_000}[n%3])
}

// step does step n of a worker.
func (c *crashing) step(w, n int) error {
	key, content := crashKey(w), crashContent(w, n)
	switch n % 6 {
	case 2: // a multipart upload is several transactions; its object comes with the last
		up, err := c.createMultipartUpload(c.ctx, &s3.CreateMultipartUploadInput{Bucket: c.bucket, Key: key})
		if err != nil {
			return err
		}
		p, err := c.uploadPart(c.ctx, partInput(c.bucket, key, up.UploadId, 1, content))
		if err != nil {
			return err
		}
		if _, err := c.uploadPart(c.ctx, partInput(c.bucket, key, up.UploadId, 2, "left out"+content)); err != nil {
			return err
		}
		_, err = c.completeMultipartUpload(c.ctx, &s3.CompleteMultipartUploadInput{
			Bucket: c.bucket, Key: key, UploadId: up.UploadId,
			MultipartUpload: &s3.CompletedMultipartUpload{Parts: []*s3.CompletedPart{{PartNumber: new(int32(1)), ETag: p.ETag}}},
		})
		return err
	case 4:
		_, err := c.deleteObject(c.ctx, &s3.DeleteObjectInput{Bucket: c.bucket, Key: key})
		return err
	case 5: // one transaction
		versions, err := c.versions(key)
		if err != nil {
			return err
		}
		var old []*s3.ObjectIdentifier
		for _, v := range versions[min(crashKept, len(versions)):] {
			old = append(old, &s3.ObjectIdentifier{Key: key, VersionId: v.id})
		}
		if len(old) == 0 {
			return nil
		}
		_, err = c.deleteObjects(c.ctx, &s3.DeleteObjectsInput{Bucket: c.bucket, Delete: &s3.Delete{Objects: old}})
		return err
	}
	_, err := c.putObject(c.ctx, putInput(c.bucket, key, content))
	return err
}

// versions are those of a key, the newest first.
func (c *crashing) versions(key string) ([]modelVersion, error) {
	out, err := c.listObjectVersions(c.ctx, &s3.ListObjectVersionsInput{Bucket: c.bucket, Prefix: key})
	if err != nil {
		return nil, err
	}
	var versions []modelVersion
	for i, v := range out.Versions {
		latest := false
		if v != nil {
			versions, latest = append(versions, modelVersion{id: v.VersionId}), *v.IsLatest
		} else {
			m := out.DeleteMarkers[i]
			versions, latest = append(versions, modelVersion{id: m.VersionId, marker: true}), *m.IsLatest
		}
		if latest != (i == 0) {
			return nil, fmt.Errorf("%s: the %dth version is the latest: %v", key, i+1, latest)
		}
	}
	return versions, nil
}

// crashModel is what n steps of a worker leave, the newest first: the steps
// that wrote a content, and 0 for delete markers.
func crashModel(n int) []int {
	var left []int
	for i := 1; i <= n; i++ {
		switch i % 6 {
		case 4:
			left = append([]int{0}, left...)
		case 5:
			left = left[:min(crashKept, len(left))]
		default:
			left = append([]int{i}, left...)
		}
	}
	return left
}

// check finds out how far each worker came, that its versions are those of the
// model, whole, and that bodies and records agree. It ends the uploads that
// were interrupted.
func (c *crashing) check(acked []int) (counts []int, err error) {
	counts = slices.Clone(acked)
	if err := c.checkBlobs(); err != nil {
		return counts, err
	}
	if _, err := c.createBucket(c.ctx, &s3.CreateBucketInput{Bucket: c.bucket}); err != nil {
		return counts, err
	}
	if _, err := c.putBucketVersioning(c.ctx, &s3.PutBucketVersioningInput{
		Bucket: c.bucket, VersioningConfiguration: &s3.VersioningConfiguration{Status: s3.BucketVersioningStatusEnabled},
	}); err != nil {
		return counts, err
	}
	for w, n := range acked {
		versions, err := c.versions(crashKey(w))
		if err != nil {
			return counts, err
		}
		whole := c.matches(w, versions, crashModel(n))
		if whole == nil {
			continue
		}
		if err := c.matches(w, versions, crashModel(n+1)); err != nil {
			return counts, fmt.Errorf("worker %d after step %d: %w; and after the next: %w", w, n, whole, err)
		}
		counts[w] = n + 1
	}
	if err := c.sweepAll(c.ctx); err != nil {
		return counts, err
	}
	uploads, err := c.listMultipartUploads(c.ctx, &s3.ListMultipartUploadsInput{Bucket: c.bucket})
	if err != nil {
		return counts, err
	}
	for _, u := range uploads.Uploads {
		if _, err := c.abortMultipartUpload(c.ctx, &s3.AbortMultipartUploadInput{Bucket: c.bucket, Key: u.Key, UploadId: u.UploadId}); err != nil {
			return counts, err
		}
	}
	return counts, c.checkBlobs()
}

func (c *crashing) matches(w int, versions []modelVersion, model []int) error {
	if len(versions) != len(model) {
		return fmt.Errorf("%d versions, want those of steps %v", len(versions), model)
	}
	for i, n := range model {
		v := versions[i]
		if v.marker != (n == 0) {
			return fmt.Errorf("version %d is a delete marker: %v, want those of steps %v", i, v.marker, model)
		}
		if v.marker {
			continue
		}
		out, err := c.getObject(c.ctx, &s3.GetObjectInput{Bucket: c.bucket, Key: crashKey(w), VersionId: v.id})
		if err != nil {
			return err
		}
		got, err := io.ReadAll(out.Body)
		if err := errors.Join(err, out.Body.Close()); err != nil {
			return err
		}
		if string(got) != crashContent(w, n) {
			return fmt.Errorf("version %d is %d bytes, %.20q, want that of step %d", i, len(got), got, n)
		}
	}
	return nil
}

// checkBlobs compares the files with the blobs that records name.
func (c *crashing) checkBlobs() error {
	named := map[string]bool{}
	add := func(blobs ...storage.Blob) {
		for _, blob := range blobs {
			if blob.ID != "" {
				named[blob.ID] = true
			}
		}
	}
	apart := 0
	err := c.env.DB.View(func(tx storage.Tx) error {
		for _, root := range []storage.Key{rootObjects, rootVersions} {
			for o, err := range storage.Records[object](tx, storage.Prefix(root)) {
				if err != nil {
					return err
				}
				b, err := readBody(tx, storage.ReadKey(o.Key).Skip(len(root)).Uint64(), o.Value)
				if err != nil {
					return err
				}
				add(b.Blobs...)
				if o.Value.BodyID != nil {
					apart++
				}
			}
		}
		for _, err := range tx.Scan(keysOnly(rootBodies)) {
			if err != nil {
				return err
			}
			apart--
		}
		for p, err := range storage.Records[part](tx, storage.Prefix(rootParts)) {
			if err != nil {
				return err
			}
			add(p.Value.Blob)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if apart != 0 {
		return fmt.Errorf("%d more bodies are named than there are", apart)
	}
	files, err := filepath.Glob(filepath.Join(c.dir, "blobs", "*", "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if id := filepath.Base(f); !named[id] {
			return fmt.Errorf("file %s belongs to no record", id)
		}
	}
	if len(files) != len(named) {
		return fmt.Errorf("%d files for %d blobs", len(files), len(named))
	}
	return nil
}

func TestKilledAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	acked := storagetest.Killing{Child: "versions", Dir: dir, Workers: crashWorkers, Rounds: crashRounds, Steps: 80, Opening: 8}.Run(t)
	c, db, blobs, err := openCrashing(dir)
	must(t)(nil, err)
	counts, err := c.check(acked)
	if err = errors.Join(err, blobs.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	if slices.Max(counts) == 0 {
		t.Error("no step was done")
	}
	t.Logf("%v steps", counts)
}
