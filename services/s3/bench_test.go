package s3

import (
	"fmt"
	"io"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// onDisk is a world whose store is in files.
func onDisk(b testing.TB) *world {
	w := newWorld(b)
	w.db, w.blobs = storagetest.OpenURL(b, "badger:"+b.TempDir(), storage.Options{})
	w.env.DB, w.env.Blobs = w.db, w.blobs
	return w
}

// BenchmarkGet reads objects without a network: what the service adds to it.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := onDisk(b)
			w.put(w.bucketNamed("abc"), "k", random(size))
			ctx, in := w.ctx(), &s3.GetObjectInput{Bucket: "abc", Key: "k"}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				out, err := w.GetObject(ctx, in)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, out.Body); err != nil {
					b.Fatal(err)
				}
				_ = out.Body.Close() // it was only read
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 16 << 10, 32 << 10, 48 << 10, 64 << 10, 96 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := onDisk(b)
			w.bucketNamed("abc")
			ctx, content := w.ctx(), random(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.putObject(ctx, putInput("abc", "k", content)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkList reads a page of 1,000 keys; with a delimiter, of as many
// prefixes that hide one key or a hundred each.
func BenchmarkList(b *testing.B) {
	w := onDisk(b)
	w.bucketNamed("abc")
	r, err := w.viewBucket("abc", "")
	if err != nil {
		b.Fatal(err)
	}
	fill := func(key func(int) string, n int) {
		for i := 0; i < n; i += 1000 {
			err := w.db.Update(func(tx storage.Tx) error {
				for j := i; j < i+1000; j++ {
					o := &object{summary: summary{ETag: hexMD5("x"), Size: 1, Modified: 1, Sum: checksum{crc64nvmeSum, false, "AAAAAAAAAAA="}}, attributes: attributes{ContentType: "text/plain"}}
					o.Body = &body{Blobs: []storage.Blob{{Size: 1, Inline: []byte("x")}}}
					if err := storage.PutRecord(tx, keyObject(r.ID, key(j)), o); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	fill(func(i int) string { return fmt.Sprintf("flat/%08d", i) }, 100_000)
	fill(func(i int) string { return fmt.Sprintf("one/%08d/x", i) }, 2000)
	fill(func(i int) string { return fmt.Sprintf("many/%08d/%d", i/100, i) }, 200_000)
	for _, c := range []struct{ name, prefix, delimiter string }{{"flat", "flat/", ""}, {"one", "one/", "/"}, {"many", "many/", "/"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: "abc", Prefix: c.prefix, Delimiter: c.delimiter})
				if err != nil || *out.KeyCount != 1000 {
					b.Fatal(out, err)
				}
			}
		})
	}
}
