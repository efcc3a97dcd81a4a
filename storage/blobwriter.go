package storage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

// writeBuffer is the memory through which small writes are gathered, and the
// inline part of a blob is held until it is known to be all of it.
const writeBuffer = 4 * MaxInline

var writeBuffers = sync.Pool{New: func() any { return new([writeBuffer]byte) }}

// BlobWriter writes one blob. It ends with Finish or Abort; Abort after Finish
// does nothing, so that it can be deferred. It is used by one goroutine.
type BlobWriter struct {
	ctx   context.Context
	blobs *Blobs
	buf   *[writeBuffer]byte // nil: not needed yet, or ended
	n     int                // bytes in buf that are not in body
	id    string
	body  bodyWriter // nil: may become inline
	size  int64
	err   error // what went wrong, or errEnded
}

var errEnded = errors.New("storage: blob has been finished or aborted")

// Expect says how many bytes will come, where that is known, which saves
// copying. It is called before the first Write, and need not be right.
func (w *BlobWriter) Expect(n int64) {
	if n > MaxInline && w.body == nil && w.err == nil {
		w.id, w.body, w.err = w.blobs.begin()
	}
}

// Write implements io.Writer.
func (w *BlobWriter) Write(p []byte) (int, error) {
	if err := w.ready(); err != nil {
		return 0, err
	}
	if w.n+len(p) <= w.room() {
		copy(w.buf[w.n:], p)
		w.n += len(p)
		w.size += int64(len(p))
		return len(p), nil
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	if len(p) < writeBuffer/4 {
		return w.Write(p) // there is room now
	}
	if _, err := w.body.Write(p); err != nil {
		w.err = err
		return 0, err
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
		if w.n == w.room() {
			if err := w.flush(); err != nil {
				return total, err
			}
		}
		n, err := r.Read(w.buf[w.n:w.room()])
		w.n += n
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

// room is how much of the buffer is filled before it is written.
func (w *BlobWriter) room() int {
	if w.body == nil {
		return MaxInline
	}
	return writeBuffer
}

// ready says whether there can be written, and sees that there is a buffer.
func (w *BlobWriter) ready() error {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err == nil && w.buf == nil {
		w.buf = writeBuffers.Get().(*[writeBuffer]byte)
	}
	return w.err
}

// flush writes the buffer to the body, which it makes if there is none.
func (w *BlobWriter) flush() error {
	if w.body == nil {
		w.id, w.body, w.err = w.blobs.begin()
	}
	if w.err == nil && w.n > 0 {
		_, w.err = w.body.Write(w.buf[:w.n])
		w.n = 0
	}
	return w.err
}

// Finish ends the blob, which is linked or discarded next.
func (w *BlobWriter) Finish() (Blob, error) {
	if w.err != nil {
		err := w.err
		w.Abort()
		return Blob{}, err
	}
	blob := Blob{Size: w.size}
	if w.body == nil {
		if w.n > 0 {
			blob.Inline = bytes.Clone(w.buf[:w.n])
		}
	} else {
		if w.flush(); w.err == nil {
			w.err = w.body.finish()
		}
		if err := w.err; err != nil {
			w.Abort()
			return Blob{}, err
		}
		blob.ID = w.id
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
	if w.buf != nil {
		writeBuffers.Put(w.buf)
	}
	w.buf, w.body, w.err = nil, nil, errEnded
}
