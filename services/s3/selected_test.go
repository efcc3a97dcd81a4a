package s3

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

// The object of a query can be read from anywhere to the query's end, as Parquet is,
// whatever becomes of it meanwhile.
func TestSelectedWhileReplaced(t *testing.T) {
	t.Parallel()
	content := random(minPart + 100_000)
	for name, put := range map[string]func(w *world, bucket string){
		"in a file": func(w *world, bucket string) { w.put(bucket, "k", content) },
		"sealed": func(w *world, bucket string) {
			in := putInput(bucket, "k", content)
			in.ServerSideEncryption = s3.ServerSideEncryptionAwsKms
			must(t)(w.putObject(w.ctx(), in))
		},
		"in parts": func(w *world, bucket string) {
			upload := w.begin(&s3.CreateMultipartUploadInput{Bucket: bucket, Key: "k"})
			must(t)(w.complete(bucket, "k", upload, w.part(bucket, "k", upload, 1, content[:minPart]), w.part(bucket, "k", upload, 2, content[minPart:])))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEngines(t, func(t *testing.T, w *world) {
				b := w.bucketNamed("bucket")
				put(w, b)
				o, err := w.selected(selectInput(b, "k", "SELECT * FROM S3Object"))
				if err != nil {
					t.Fatal(err)
				}
				w.put(b, "k", "replaced")
				must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
				size := len(content)
				r := rand.New(rand.NewPCG(1, 2))
				for _, at := range [][2]int{{0, size}, {minPart - 1, minPart + 1}, {size - 8, size}, {size, size}, {r.IntN(minPart), minPart + r.IntN(size-minPart)}} {
					body, err := o.Open(int64(at[0]), int64(at[1]-at[0]))
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(body)
					if err != nil || string(got) != content[at[0]:at[1]] {
						t.Errorf("bytes %d to %d: %d of them, %v", at[0], at[1], len(got), err)
					}
					must(t)(nil, body.Close())
				}
				must(t)(nil, o.Close())
			})
		})
	}
}

// A query that has begun goes on with what it was begun on.
func TestSelectWhileReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bucketNamed("bucket")
	var want []byte
	for n := range 50_000 {
		want = append(want, itoa(n)+"\n"...)
	}
	w.put(b, "k", string(want))
	out, err := w.selectObjectContent(w.ctx(), selectInput(b, "k", "SELECT * FROM S3Object"))
	if err != nil {
		t.Fatal(err)
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
	var got []byte
	for e, err := range out.Payload {
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(got), err)
		}
		if e.Records != nil {
			got = append(got, e.Records.Payload...)
		}
	}
	if string(got) != string(want) {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
}
