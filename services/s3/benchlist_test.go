//go:build unix

package s3

import (
	"flag"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// benchKeys is how large BenchmarkLargeBucket's bucket is:
//
//	go test -run - -bench LargeBucket ./services/s3 -keys 10000000
var benchKeys = flag.Int("keys", 10_000, "objects in the bucket of BenchmarkLargeBucket")

// fillBucket writes n objects into a bucket, past the operations.
func fillBucket(b *testing.B, w *world, name string, n int, key func(int) string) {
	r, err := w.viewBucket(name, "")
	if err != nil {
		b.Fatal(err)
	}
	o := &object{
		summary:    summary{ETag: hexMD5("x"), Size: 1 << 20, Modified: 1, Sum: checksum{crc64nvmeSum, false, "AAAAAAAAAAA="}},
		attributes: attributes{ContentType: "binary/octet-stream", Metadata: map[string]string{}},
		Body:       &body{Blobs: []storage.Blob{{Size: 1, Inline: []byte("x")}}},
	}
	for i := 0; i < n; {
		end := min(i+10_000, n)
		err := w.db.Update(func(tx storage.Tx) error {
			for j := i; j < end; j++ {
				if err := storage.PutRecord(tx, keyObject(r.ID, key(j)), o); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		i = end
	}
}

// settle waits until the store has sorted what was written: until a second goes
// by in which this process does next to nothing.
func settle(b *testing.B) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for before := used(); ; before = used() {
		if time.Sleep(time.Second); used()-before < 20*time.Millisecond {
			return
		}
	}
}

// BenchmarkLargeBucket reads pages of 1,000 of a bucket on disk, half of whose
// keys are under one common prefix, and a quarter under common prefixes of a
// hundred each. A page is to cost the same however large the bucket is.
func BenchmarkLargeBucket(b *testing.B) {
	n := *benchKeys
	w, dir := newWorld(b), b.TempDir()
	w.db, w.blobs = storagetest.OpenURL(b, "badger:"+dir, storage.Options{})
	w.env.DB, w.env.Blobs = w.db, w.blobs
	w.bucketNamed("abc")
	began := time.Now()
	fillBucket(b, w, "abc", n, func(i int) string {
		switch i % 4 {
		case 0:
			return fmt.Sprintf("flat-%010d", i)
		case 1:
			return fmt.Sprintf("groups/%08d/%02d", i/400, i/4%100)
		default:
			return fmt.Sprintf("hidden/%010d", i)
		}
	})
	written := time.Since(began)
	settle(b)
	b.Logf("%d objects written in %v, sorted in %v", n, written.Round(time.Second), time.Since(began).Round(time.Second))
	at := 0 // pages begin all over the bucket
	next := func() int {
		at = (at + n*5/8 + 4) % (n / 2) / 4 * 4
		return at
	}
	for _, c := range []struct {
		name string
		in   func() *s3.ListObjectsV2Input
	}{
		{"first page", func() *s3.ListObjectsV2Input { return &s3.ListObjectsV2Input{} }},
		{"any page", func() *s3.ListObjectsV2Input {
			return &s3.ListObjectsV2Input{StartAfter: fmt.Sprintf("flat-%010d", next())}
		}},
		{"behind the hidden", func() *s3.ListObjectsV2Input {
			return &s3.ListObjectsV2Input{Delimiter: "/", StartAfter: "flat-9"}
		}},
		{"groups", func() *s3.ListObjectsV2Input {
			return &s3.ListObjectsV2Input{Prefix: "groups/", Delimiter: "/", StartAfter: fmt.Sprintf("groups/%08d/99", next()/400)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				in := c.in()
				in.Bucket = "abc"
				out, err := w.listObjectsV2(w.ctx(), in)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(*out.KeyCount), "items")
			}
		})
	}
}

// BenchmarkEmptiedBucket reads a page of a bucket that had many keys in front
// of the one that is left: what was deleted is in the way until the store has sorted it out.
func BenchmarkEmptiedBucket(b *testing.B) {
	n := *benchKeys
	w := onDisk(b)
	w.bucketNamed("abc")
	fillBucket(b, w, "abc", n, func(i int) string { return fmt.Sprintf("key-%010d", i) })
	w.put("abc", "last", "x")
	began := time.Now()
	for i := 0; i < n; i += maxDelete {
		in := &s3.DeleteObjectsInput{Bucket: "abc", Delete: &s3.Delete{Quiet: new(true)}}
		for j := i; j < min(i+maxDelete, n); j++ {
			in.Delete.Objects = append(in.Delete.Objects, &s3.ObjectIdentifier{Key: fmt.Sprintf("key-%010d", j)})
		}
		if out, err := w.deleteObjects(w.ctx(), in); err != nil || len(out.Errors) > 0 {
			b.Fatal(out, err)
		}
	}
	b.Logf("%d objects deleted in %v", n, time.Since(began).Round(time.Millisecond))
	for _, c := range []string{"at once", "at rest"} {
		b.Run(c, func(b *testing.B) {
			if c == "at rest" {
				settle(b)
			}
			for b.Loop() {
				out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: "abc"})
				if err != nil || *out.KeyCount != 1 {
					b.Fatal(out, err)
				}
			}
		})
	}
}
