package storage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
)

// writeBuffer is the memory through which small writes to a body are gathered.
const writeBuffer = 256 << 10

var writeBuffers = sync.Pool{New: func() any { return new([writeBuffer]byte) }}

// BlobWriter writes one blob. It ends with Finish or Abort; Abort after Finish
// does nothing, so that it can be deferred. It is used by one goroutine.
type BlobWriter struct {
	ctx   context.Context
	blobs *Blobs
	// buf is what has been written and is not in the body; without a body it
	// is all, and becomes the inline part.
	buf    []byte
	pooled *[writeBuffer]byte // buf's memory when there is a body
	id     string
	body   bodyWriter // nil while the blob may be inline
	size   int64
	err    error // what went wrong, or errEnded
}

var errEnded = errors.New("storage: blob has been finished or aborted")

// Expect says how many bytes will come, where that is known, which saves
// copying. It is called before the first write, and need not be right.
func (w *BlobWriter) Expect(n int64) {
	switch {
	case w.err != nil || w.body != nil || w.buf != nil || n < 0:
	case n > MaxInline:
		w.id, w.body, w.err = w.blobs.begin()
	default:
		w.buf = make([]byte, 0, n+1) // the last one is for seeing the end
	}
}

// Write implements io.Writer.
func (w *BlobWriter) Write(p []byte) (int, error) {
	if err := w.ready(); err != nil {
		return 0, err
	}
	if w.body == nil && len(w.buf)+len(p) > MaxInline || w.body != nil && len(w.buf)+len(p) > writeBuffer {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if w.body != nil && len(p) > writeBuffer/4 && len(w.buf) == 0 {
		if _, err := w.body.Write(p); err != nil {
			w.err = err
			return 0, err
		}
	} else {
		w.grow()
		w.buf = append(w.buf, p...)
	}
	w.size += int64(len(p))
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom.
func (w *BlobWriter) ReadFrom(r io.Reader) (total int64, err error) {
	for {
		if err := w.ready(); err != nil {
			return total, err
		}
		if w.body == nil && len(w.buf) > MaxInline || len(w.buf) == writeBuffer {
			if err := w.flush(); err != nil {
				return total, err
			}
		}
		w.grow()
		n, err := r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		w.size += int64(n)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func (w *BlobWriter) ready() error {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	return w.err
}

// grow sees that there is room in buf, without a body for at most one byte
// more than is inline.
func (w *BlobWriter) grow() {
	switch {
	case w.body != nil && w.pooled == nil:
		w.pooled = writeBuffers.Get().(*[writeBuffer]byte)
		w.buf = w.pooled[:0]
	case len(w.buf) == cap(w.buf):
		grown := make([]byte, len(w.buf), min(max(512, 2*len(w.buf)), MaxInline+1))
		copy(grown, w.buf)
		w.buf = grown
	}
}

// flush writes the buffer to the body, which it makes if there is none.
func (w *BlobWriter) flush() error {
	if w.body == nil {
		w.id, w.body, w.err = w.blobs.begin()
	}
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.body.Write(w.buf)
		w.buf = w.buf[:0]
	}
	return w.err
}

// Finish ends the blob, which is linked or discarded next.
func (w *BlobWriter) Finish() (Blob, error) {
	blob := Blob{Size: w.size}
	if w.err == nil && len(w.buf) > MaxInline || w.body != nil {
		if w.flush() == nil {
			w.err = w.body.finish()
		}
		blob.ID = w.id
	}
	if err := w.err; err != nil {
		w.Abort()
		return Blob{}, err
	}
	if w.body == nil && len(w.buf) > 0 {
		blob.Inline = slices.Clip(w.buf)
		if len(w.buf) < cap(w.buf)/2 { // far less than expected
			blob.Inline = bytes.Clone(w.buf)
		}
	}
	w.end()
	return blob, nil
}

// Abort gives the blob up.
func (w *BlobWriter) Abort() {
	if w.err == errEnded {
		return
	}
	if w.body != nil {
		w.body.close()
		w.blobs.Discard(Blob{ID: w.id})
	}
	w.end()
}

func (w *BlobWriter) end() {
	if w.pooled != nil {
		writeBuffers.Put(w.pooled)
	}
	w.buf, w.pooled, w.body, w.err = nil, nil, nil, errEnded
}
