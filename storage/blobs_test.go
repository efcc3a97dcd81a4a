package storage_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

func write(t testing.TB, blobs *storage.Blobs, b []byte) storage.Blob {
	t.Helper()
	w, err := blobs.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	blob, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func read(t testing.TB, blobs *storage.Blobs, b storage.Blob) []byte {
	t.Helper()
	r, err := blobs.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// response is a ResponseWriter like net/http's, which uses sendfile for a
// LimitedReader of a file.
type response struct {
	http.ResponseWriter
	limited *io.LimitedReader
}

func (r *response) ReadFrom(src io.Reader) (int64, error) {
	r.limited, _ = src.(*io.LimitedReader)
	return io.Copy(io.Discard, src)
}

// Files that are too large to be kept mapped go from file to socket.
func TestLargeFilesAreSentByTheSystem(t *testing.T) {
	db, blobs := storagetest.OpenURL(t, "badger:"+t.TempDir(), storage.Options{})
	b := write(t, blobs, make([]byte, 9<<20))
	if err := db.Update(func(tx storage.Tx) error { return blobs.Link(tx, b) }); err != nil {
		t.Fatal(err)
	}
	r, err := blobs.OpenRange(b, 1000, 5000)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var w response
	if n, err := io.Copy(&w, r); n != 5000 || err != nil {
		t.Errorf("%d bytes (%v)", n, err)
	}
	if w.limited == nil {
		t.Fatal("the writer did not get a LimitedReader")
	}
	if _, ok := w.limited.R.(*os.File); !ok {
		t.Errorf("the writer got a LimitedReader of %T", w.limited.R)
	}
}
