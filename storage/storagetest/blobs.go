package storagetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/storage"
)

// sizes of blobs, around where they change their form.
var sizes = []int{0, 1, 1000, storage.MaxInline - 1, storage.MaxInline, storage.MaxInline + 1, 256 << 10, 1<<20 + 17}

func body(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func write(t testing.TB, blobs *storage.Blobs, b []byte) storage.Blob {
	t.Helper()
	w, err := blobs.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.Expect(int64(len(b)))
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	blob, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func link(t testing.TB, db storage.DB, blobs *storage.Blobs, b storage.Blob) {
	t.Helper()
	update(t, db, func(tx storage.Tx) error { return blobs.Link(tx, b) })
}

func unlink(t testing.TB, db storage.DB, blobs *storage.Blobs, b storage.Blob) {
	t.Helper()
	update(t, db, func(tx storage.Tx) error { return blobs.Unlink(tx, b) })
}

func there(t testing.TB, blobs *storage.Blobs, b storage.Blob) bool {
	t.Helper()
	r, err := blobs.Open(b)
	if errors.Is(err, storage.ErrNotFound) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return true
}

func blobs(t *testing.T, open Opener) {
	t.Run("written in pieces, read whole and in ranges", func(t *testing.T) {
		db, blobs := open(t)
		for name, fill := range map[string]func(*storage.BlobWriter, []byte) error{
			"at once": func(w *storage.BlobWriter, b []byte) error {
				_, err := w.Write(b)
				return err
			},
			"expected": func(w *storage.BlobWriter, b []byte) error {
				w.Expect(int64(len(b)))
				_, err := w.Write(b)
				return err
			},
			"expected more": func(w *storage.BlobWriter, b []byte) error {
				w.Expect(1 << 20)
				_, err := w.Write(b)
				return err
			},
			"in small and large pieces": func(w *storage.BlobWriter, b []byte) error {
				for n := 1; len(b) > 0; n = (n*7 + 1) % 100000 {
					n = min(n, len(b))
					if _, err := w.Write(b[:n]); err != nil {
						return err
					}
					b = b[n:]
				}
				return nil
			},
			"from a reader": func(w *storage.BlobWriter, b []byte) error {
				n, err := io.Copy(w, iotest.DataErrReader(struct{ io.Reader }{bytes.NewReader(b)}))
				if n != int64(len(b)) {
					t.Errorf("ReadFrom read %d of %d", n, len(b))
				}
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				for _, n := range sizes {
					want := body(n)
					w, err := blobs.Create(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					defer w.Abort()
					if err := fill(w, want); err != nil {
						t.Fatal(err)
					}
					b, err := w.Finish()
					if err != nil {
						t.Fatal(err)
					}
					inline := n <= storage.MaxInline && name != "expected more"
					if b.Size != int64(n) || (b.ID == "") != inline || inline && len(b.Inline) != n || !inline && b.Inline != nil {
						t.Errorf("%d bytes: ID %q, Size %d, %d bytes inline", n, b.ID, b.Size, len(b.Inline))
					}
					link(t, db, blobs, b)
					check(t, blobs, b, want)
				}
			})
		}
	})
	t.Run("in a record", func(t *testing.T) {
		db, blobs := open(t)
		type object struct{ Body storage.Blob }
		for _, n := range sizes {
			want := body(n)
			o := object{write(t, blobs, want)}
			key := storage.Key{}.Uint64(uint64(n))
			update(t, db, func(tx storage.Tx) error {
				return errors.Join(blobs.Link(tx, o.Body), storage.PutRecord(tx, key, &o))
			})
			view(t, db, func(tx storage.Tx) error {
				got, err := storage.GetRecord[object](tx, key)
				if err != nil {
					return err
				}
				if diff := cmp.Diff(&o, got); diff != "" {
					t.Error(diff)
				}
				check(t, blobs, got.Body, want)
				return nil
			})
		}
	})
	t.Run("unlinked while it is read", func(t *testing.T) {
		db, blobs := open(t)
		want := body(1 << 20)
		b := write(t, blobs, want)
		link(t, db, blobs, b)
		r, err := blobs.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		unlink(t, db, blobs, b)
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d bytes of a removed blob (%v)", len(got), err)
		}
		if there(t, blobs, b) {
			t.Error("an unlinked blob can be opened")
		}
	})
	t.Run("shared", func(t *testing.T) {
		db, blobs := open(t)
		b := write(t, blobs, body(1<<20))
		link(t, db, blobs, b)
		link(t, db, blobs, b)
		unlink(t, db, blobs, b)
		if !there(t, blobs, b) {
			t.Error("gone after the first of two unlinks")
		}
		unlink(t, db, blobs, b)
		if there(t, blobs, b) {
			t.Error("there after the second of two unlinks")
		}
		if err := db.Update(func(tx storage.Tx) error { return blobs.Unlink(tx, b) }); err == nil {
			t.Error("a third unlink succeeded")
		}
	})
	t.Run("a transaction that fails changes no links", func(t *testing.T) {
		db, blobs := open(t)
		linked, fresh := write(t, blobs, body(100_000)), write(t, blobs, body(100_001))
		link(t, db, blobs, linked)
		db.Update(func(tx storage.Tx) error {
			return errors.Join(blobs.Unlink(tx, linked), blobs.Link(tx, fresh), errGivenUp)
		})
		if !there(t, blobs, linked) || !there(t, blobs, fresh) {
			t.Error("a failed transaction removed a blob")
		}
		blobs.Discard(fresh)
		if there(t, blobs, fresh) {
			t.Error("a discarded blob is there")
		}
	})
	t.Run("given up", func(t *testing.T) {
		_, blobs := open(t)
		for _, n := range sizes {
			w, err := blobs.Create(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			w.Write(body(n))
			w.Abort()
			w.Abort()
			if _, err := w.Write([]byte("x")); err == nil {
				t.Error("Write after Abort succeeded")
			}
			if _, err := w.Finish(); err == nil {
				t.Error("Finish after Abort succeeded")
			}
		}
	})
	t.Run("abort after finish does nothing", func(t *testing.T) {
		_, blobs := open(t)
		w, err := blobs.Create(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		w.Write(body(1 << 20))
		b, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		w.Abort()
		if !there(t, blobs, b) {
			t.Error("Abort removed a finished blob")
		}
	})
	t.Run("a context that ended", func(t *testing.T) {
		_, blobs := open(t)
		ctx, cancel := context.WithCancel(context.Background())
		w, err := blobs.Create(ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(body(1 << 20))
		cancel()
		if _, err := w.Write(body(10)); !errors.Is(err, context.Canceled) {
			t.Errorf("Write: %v", err)
		}
		if _, err := w.Finish(); !errors.Is(err, context.Canceled) {
			t.Errorf("Finish: %v", err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		db, blobs := open(t)
		old := write(t, blobs, body(1<<20))
		link(t, db, blobs, old)
		if err := storage.Reset(db, blobs); err != nil {
			t.Fatal(err)
		}
		if there(t, blobs, old) {
			t.Error("a blob outlived a reset")
		}
		want := body(100_000)
		b := write(t, blobs, want)
		link(t, db, blobs, b)
		check(t, blobs, b, want)
	})
}

// check reads a blob in every way there is.
func check(t testing.TB, blobs *storage.Blobs, b storage.Blob, want []byte) {
	t.Helper()
	n := int64(len(want))
	r, err := blobs.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n <= storage.MaxInline+1 { // it reads byte by byte
		if err := iotest.TestReader(struct {
			io.ReadSeeker
			io.ReaderAt
		}{r, r}, want); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	} else if got, err := io.ReadAll(struct{ io.Reader }{r}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes: read %d (%v)", n, len(got), err)
	}
	for _, span := range [][2]int64{{0, n}, {0, n / 2}, {n / 2, n - n/2}, {n, 0}, {n / 3, n / 3}} {
		r, err := blobs.OpenRange(b, span[0], span[1])
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		part := want[span[0] : span[0]+span[1]]
		if r.Size() != span[1] {
			t.Errorf("Size %d, want %d", r.Size(), span[1])
		}
		var out bytes.Buffer
		if k, err := io.Copy(&out, r); err != nil || k != span[1] || !bytes.Equal(out.Bytes(), part) {
			t.Errorf("WriteTo of %v: %d bytes (%v)", span, k, err)
		}
		if len(part) > 0 {
			if _, err := r.Seek(-1, io.SeekEnd); err != nil {
				t.Error(err)
			}
			if rest, err := io.ReadAll(struct{ io.Reader }{r}); err != nil || !bytes.Equal(rest, part[len(part)-1:]) {
				t.Errorf("the last byte of %v is %q (%v)", span, rest, err)
			}
		}
	}
	for _, span := range [][2]int64{{-1, 1}, {0, n + 1}, {n, 1}, {0, -1}} {
		if _, err := blobs.OpenRange(b, span[0], span[1]); err == nil {
			t.Errorf("OpenRange(%d, %d) of %d bytes succeeded", span[0], span[1], n)
		}
	}
}
