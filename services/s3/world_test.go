package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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

// world is a service with everything around it, at a time that stands still.
type world struct {
	*Service
	t     testing.TB
	clock *clock.Clock
	sent  []events.Delivery
	blobs *storage.Blobs
	db    storage.DB
}

const account = "111122223333"

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

func newWorld(t testing.TB) *world {
	db, blobs := storagetest.Open(t)
	w := &world{t: t, clock: clock.At(epoch), db: db, blobs: blobs}
	w.Service = New(service.Env{DB: db, Blobs: blobs, Events: w, Clock: w.clock, IDs: ids.Random(), Log: slog.New(slog.DiscardHandler)})
	return w
}

// Send implements events.Sender: it keeps what was sent by transactions that were committed.
func (w *world) Send(tx storage.Tx, d events.Delivery) error {
	tx.OnCommit(func() { w.sent = append(w.sent, d) })
	return nil
}

// as is a call in a region of an account.
func (w *world) as(account, region string) context.Context {
	return api.WithCall(w.t.Context(), &api.Call{
		Account: account, Region: region, Principal: api.Root(account), RequestID: "REQUEST", Time: w.clock.Now(),
		Scheme: "http", Host: "localhost:4566", SourceIP: "192.0.2.1",
	})
}

func (w *world) ctx() context.Context { return w.as(account, "us-east-1") }

// bucketNamed makes a bucket.
func (w *world) bucketNamed(name string) string {
	w.t.Helper()
	must(w.t)(w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: name}))
	return name
}

// put makes an object of a string.
func (w *world) put(bucket, key, content string) *s3.PutObjectOutput {
	w.t.Helper()
	out, err := w.putObject(w.ctx(), putInput(bucket, key, content))
	if err != nil {
		w.t.Fatalf("PutObject %q: %v", key, err)
	}
	return out
}

func putInput(bucket, key, content string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bodyOf(content), ContentLength: new(int64(len(content)))}
}

func bodyOf(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// get reads an object whole.
func (w *world) get(bucket, key string) string {
	w.t.Helper()
	out, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		w.t.Fatalf("GetObject %q: %v", key, err)
	}
	return readAll(w.t, out.Body)
}

func readAll(t testing.TB, r io.ReadCloser) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// must fails the test on an error, whatever the other result is.
func must(t testing.TB) func(any, error) {
	t.Helper()
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// refused checks that err is the error of a code and status, with these details.
func refused(t testing.TB, err error, code string, status int, details ...string) *api.Error {
	t.Helper()
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Code != code || e.Status != status {
		t.Fatalf("error %v, want %s with status %d", err, code, status)
	}
	have := map[string]string{}
	for _, d := range e.Detail {
		have[d.Name] = d.Value
	}
	for i := 0; i < len(details); i += 2 {
		if v, ok := have[details[i]]; !ok || v != details[i+1] {
			t.Fatalf("%v has details %v, want %s=%q", e, have, details[i], details[i+1])
		}
	}
	return e
}

// filled is a list of ListObjectVersions without the places of the other one.
func filled[T any](list []*T) []*T {
	return slices.DeleteFunc(slices.Clone(list), func(e *T) bool { return e == nil })
}

// left counts the records under every root but the buckets'.
func (w *world) left() map[string]int {
	w.t.Helper()
	n := map[string]int{}
	err := w.db.View(func(tx storage.Tx) error {
		for name, root := range map[string]storage.Key{
			"objects": rootObjects, "versions": rootVersions, "bodies": rootBodies, "uploads": rootUploads, "parts": rootParts, "ended": rootEnded, "deleted": rootDeleted, "lines": rootLogs,
		} {
			for _, err := range tx.Scan(keysOnly(root)) {
				if err != nil {
					return err
				}
				n[name]++
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// wantLeft checks left, as "objects:1 parts:2".
func (w *world) wantLeft(want string) {
	w.t.Helper()
	if got := strings.Trim(fmt.Sprint(w.left()), "map[]"); got != want {
		w.t.Fatalf("records left: %q, want %q", got, want)
	}
}
