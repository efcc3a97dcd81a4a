package storage

import (
	"errors"
	"io"
	"os"
)

// BlobReader reads a blob. It is an io.ReadSeekCloser, an io.ReaderAt and an
// io.WriterTo: WriteTo writes a body that is in memory, or mapped there, with one
// Write, and hands a large one to the writer as an *os.File with its limit, so that
// a copy to the response of a server, of a range as well, uses sendfile. It is used
// by one goroutine, but for ReadAt.
type BlobReader struct {
	body   body
	inline inlineBody // the body where it is inline, so that it is no allocation of its own
	base   int64      // where in the body it begins
	size   int64
	at     int64 // how much has been read
}

// body is an open body.
type body interface {
	io.ReaderAt
	io.Closer
	// writeTo writes n bytes from off to w.
	writeTo(w io.Writer, off, n int64) (int64, error)
}

// Size is how many bytes there are.
func (r *BlobReader) Size() int64 { return r.size }

// Read implements io.Reader.
func (r *BlobReader) Read(p []byte) (int, error) {
	n, err := r.ReadAt(p, r.at)
	r.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *BlobReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errSeek
	}
	if off >= r.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > r.size-off
	if short {
		p = p[:r.size-off]
	}
	n, err := r.body.ReadAt(p, r.base+off)
	if n < len(p) && (err == nil || err == io.EOF) {
		err = io.ErrUnexpectedEOF // the body is shorter than its record says
	} else if n == len(p) {
		err = nil
		if short {
			err = io.EOF
		}
	}
	return n, err
}

var errSeek = errors.New("storage: negative position in a blob")

// Seek implements io.Seeker.
func (r *BlobReader) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += r.at
	case io.SeekEnd:
		off += r.size
	}
	if off < 0 {
		return 0, errSeek
	}
	r.at = off
	return off, nil
}

// WriteTo implements io.WriterTo.
func (r *BlobReader) WriteTo(w io.Writer) (int64, error) {
	left := r.size - r.at
	if left <= 0 {
		return 0, nil
	}
	n, err := r.body.writeTo(w, r.base+r.at, left)
	r.at += n
	if err == nil && n < left {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer.
func (r *BlobReader) Close() error { return r.body.Close() }

// inlineBody is the body of a blob that is in its record.
type inlineBody []byte

func (b *inlineBody) ReadAt(p []byte, off int64) (int, error) {
	return copy(p, (*b)[min(off, int64(len(*b))):]), nil
}

func (b *inlineBody) writeTo(w io.Writer, off, n int64) (int64, error) {
	written, err := w.Write((*b)[off : off+n])
	return int64(written), err
}

func (b *inlineBody) Close() error { return nil }

// fileBody is a body in a file.
type fileBody struct{ *os.File }

func (b fileBody) writeTo(w io.Writer, off, n int64) (int64, error) {
	if _, err := b.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, &io.LimitedReader{R: b.File, N: n})
}
