package storage

import (
	"context"
	"io"
)

// MaxInline is the largest blob, in bytes, that is kept in its record.
const MaxInline = 64 << 10

// Blob names a body. It is a small value that is kept in a record.
type Blob struct {
	// ID is the name of the file; "" when the body is inline.
	ID string `cbor:"1,keyasint,omitempty"`
	// Size is the length in bytes.
	Size int64 `cbor:"2,keyasint,omitempty"`
	// Inline is the whole body when it is not larger than MaxInline.
	Inline []byte `cbor:"3,keyasint,omitempty"`
}

// Blobs holds bodies that are too large for records.
type Blobs struct{}

// OpenBlobs opens the blobs beside the store that Open opened with the same
// url and options.
func OpenBlobs(url string, db DB, o Options) (*Blobs, error) { panic("storage: not built yet") }

// Close removes what is not linked. The DB is closed after it.
func (b *Blobs) Close() error { panic("storage: not built yet") }

// Create begins a blob. When the context ends, writing fails.
func (b *Blobs) Create(ctx context.Context) (*BlobWriter, error) { panic("storage: not built yet") }

// Link makes a finished blob live when tx commits. A blob may be linked more
// than once, from records that share it; each link is undone by an Unlink.
func (b *Blobs) Link(tx Tx, blob Blob) error { panic("storage: not built yet") }

// Unlink undoes a Link. When it was the last, the body is removed after tx has
// committed; who has it open reads it to its end.
func (b *Blobs) Unlink(tx Tx, blob Blob) error { panic("storage: not built yet") }

// Discard removes a finished blob that was never linked.
func (b *Blobs) Discard(blob Blob) { panic("storage: not built yet") }

// Open opens a blob for reading. It returns ErrNotFound when the blob has
// been removed: who read its record before then reads it again.
func (b *Blobs) Open(blob Blob) (*BlobReader, error) { panic("storage: not built yet") }

// OpenRange opens n bytes of a blob from offset off, as if they were all of it.
func (b *Blobs) OpenRange(blob Blob, off, n int64) (*BlobReader, error) {
	panic("storage: not built yet")
}

// BlobWriter writes one blob. It ends with Finish or Abort; Abort after Finish
// does nothing, so that it can be deferred.
type BlobWriter struct{}

// Expect says how many bytes will come, where that is known, which saves copying.
func (w *BlobWriter) Expect(n int64) { panic("storage: not built yet") }

// Write implements io.Writer.
func (w *BlobWriter) Write(p []byte) (int, error) { panic("storage: not built yet") }

// ReadFrom implements io.ReaderFrom.
func (w *BlobWriter) ReadFrom(r io.Reader) (int64, error) { panic("storage: not built yet") }

// Finish ends the blob, which is linked or discarded next.
func (w *BlobWriter) Finish() (Blob, error) { panic("storage: not built yet") }

// Abort gives the blob up.
func (w *BlobWriter) Abort() { panic("storage: not built yet") }

// BlobReader reads a blob. It is an io.ReadSeekCloser, an io.ReaderAt and an
// io.WriterTo; copied to a net/http response it uses sendfile.
type BlobReader struct{}

// Size is how many bytes there are.
func (r *BlobReader) Size() int64 { panic("storage: not built yet") }

// Read implements io.Reader.
func (r *BlobReader) Read(p []byte) (int, error) { panic("storage: not built yet") }

// ReadAt implements io.ReaderAt.
func (r *BlobReader) ReadAt(p []byte, off int64) (int, error) { panic("storage: not built yet") }

// Seek implements io.Seeker.
func (r *BlobReader) Seek(off int64, whence int) (int64, error) { panic("storage: not built yet") }

// WriteTo implements io.WriterTo.
func (r *BlobReader) WriteTo(w io.Writer) (int64, error) { panic("storage: not built yet") }

// Close implements io.Closer.
func (r *BlobReader) Close() error { panic("storage: not built yet") }
