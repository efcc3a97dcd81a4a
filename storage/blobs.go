package storage

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
)

// MaxInline is the largest blob, in bytes, that is kept in its record. Up to
// about this size a file costs more than writing the bytes with the record.
const MaxInline = 32 << 10

// Blob names a body. It is a small value that is kept in a record, and is not
// changed.
type Blob struct {
	// ID is the name of the file; "" when the body is inline.
	ID string `cbor:"1,keyasint,omitempty"`
	// Size is the length in bytes.
	Size int64 `cbor:"2,keyasint,omitempty"`
	// Inline is the whole body when it is not larger than MaxInline.
	Inline []byte `cbor:"3,keyasint,omitempty"`
}

// Blobs holds bodies that are too large for records. A body is written first,
// and lives from the moment that a transaction which Links it commits; what is
// not linked when the process dies is removed when the blobs are opened again.
// So a crash at any point leaves every record with its whole body, and no body
// without a record.
type Blobs struct {
	bodies bodies
	log    *slog.Logger

	mu sync.Mutex
	// fresh are bodies that are being written, or not linked yet.
	fresh map[string]struct{}
}

// bodies is where bodies are kept: files, or memory.
type bodies interface {
	// create begins the body with this id.
	create(id string) (bodyWriter, error)
	// open opens a body; ErrNotFound when there is none.
	open(id string) (body, error)
	// remove removes a body, which may be open, and may not be there.
	remove(id string) error
	// clear removes all.
	clear() error
	// close ends the use. clean says that no body is there without its link.
	close(clean bool) error
}

// bodyWriter ends with finish; a body that is given up is closed and removed.
type bodyWriter interface {
	Write(p []byte) (int, error)
	finish() error
	close()
}

// OpenBlobs opens the blobs beside the store that Open opened with the same
// url and options, and removes what a crash has left behind. The blobs of a
// store in memory are in memory.
func OpenBlobs(url string, db DB, o Options) (*Blobs, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	engine, dir, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	b := &Blobs{log: o.Log, fresh: map[string]struct{}{}}
	if engine == "memory" {
		b.bodies = newBodyMemory()
		return b, nil
	}
	files, err := openBodyFiles(filepath.Join(dir, blobsDir), db, o)
	if err != nil {
		return nil, &OpenError{dir, ErrUnwritable, err}
	}
	b.bodies = files
	return b, nil
}

// Close removes what was never linked. The DB is closed after it.
func (b *Blobs) Close() error {
	b.mu.Lock()
	fresh := b.fresh
	b.fresh = map[string]struct{}{}
	b.mu.Unlock()
	clean := true
	for id := range fresh {
		clean = b.remove(id) && clean
	}
	return b.bodies.close(clean)
}

// Create begins a blob. When the context ends, writing fails.
func (b *Blobs) Create(ctx context.Context) (*BlobWriter, error) {
	return &BlobWriter{ctx: ctx, blobs: b}, nil
}

// keyBlob is where the links to a body are counted:
//
//	blob  id  -> the number of links, as an unsigned varint
func keyBlob(id string) Key { return prefixBlobs.String(id) }

var prefixBlobs = Key{}.String("blob")

// Link makes a finished blob live when tx commits. A blob may be linked more
// than once, from records that share it; each link is undone by an Unlink.
// Who links a blob that is linked already reads the record he has it from in
// the same transaction, or it may be gone.
func (b *Blobs) Link(tx Tx, blob Blob) error {
	if blob.ID == "" {
		return nil
	}
	n, err := links(tx, blob.ID)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { b.forget(blob.ID) })
	return tx.Set(keyBlob(blob.ID), binary.AppendUvarint(nil, n+1))
}

// Unlink undoes a Link. When it was the last, the body is removed after tx has
// committed; who has it open reads it to its end.
func (b *Blobs) Unlink(tx Tx, blob Blob) error {
	if blob.ID == "" {
		return nil
	}
	n, err := links(tx, blob.ID)
	switch {
	case err != nil:
		return err
	case n == 0:
		return fmt.Errorf("storage: blob %s is not linked", blob.ID)
	case n > 1:
		return tx.Set(keyBlob(blob.ID), binary.AppendUvarint(nil, n-1))
	}
	tx.OnCommit(func() { b.remove(blob.ID) })
	return tx.Delete(keyBlob(blob.ID))
}

// links is how often a blob is linked.
func links(tx Tx, id string) (uint64, error) {
	v, err := tx.Get(keyBlob(id))
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, size := binary.Uvarint(v)
	if size != len(v) || n == 0 {
		return 0, fmt.Errorf("storage: links of blob %s: %w", id, ErrDamaged)
	}
	return n, nil
}

// Discard removes a finished blob that was never linked.
func (b *Blobs) Discard(blob Blob) {
	if blob.ID != "" {
		b.remove(blob.ID)
		b.forget(blob.ID)
	}
}

// Open opens a blob for reading. It returns ErrNotFound when the blob has
// been removed: who read its record before then reads it again.
func (b *Blobs) Open(blob Blob) (*BlobReader, error) { return b.OpenRange(blob, 0, blob.Size) }

// OpenRange opens n bytes of a blob from offset off, as if they were all of it.
func (b *Blobs) OpenRange(blob Blob, off, n int64) (*BlobReader, error) {
	if off < 0 || n < 0 || off+n > blob.Size {
		return nil, fmt.Errorf("storage: bytes %d to %d of a blob of %d", off, off+n, blob.Size)
	}
	if blob.ID == "" {
		r := &BlobReader{inline: blob.Inline, base: off, size: n}
		r.body = &r.inline
		return r, nil
	}
	body, err := b.bodies.open(blob.ID)
	if err != nil {
		return nil, err
	}
	return &BlobReader{body: body, base: off, size: n}, nil
}

// begin makes the body of a blob that is too large to be inline.
func (b *Blobs) begin() (string, bodyWriter, error) {
	var random [16]byte
	rand.Read(random[:])
	id := hex.EncodeToString(random[:])
	b.mu.Lock()
	b.fresh[id] = struct{}{}
	b.mu.Unlock()
	w, err := b.bodies.create(id)
	if err != nil {
		b.forget(id)
		return "", nil, err
	}
	return id, w, nil
}

func (b *Blobs) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.fresh, id)
}

// remove reports whether the body is gone. It is best effort: what stays is
// seen in the log, and goes with the next sweep.
func (b *Blobs) remove(id string) bool {
	err := b.bodies.remove(id)
	if err != nil {
		b.log.Error("removing a blob failed", "blob", id, "error", err)
	}
	return err == nil
}

func (b *Blobs) reset() error {
	b.mu.Lock()
	b.fresh = map[string]struct{}{}
	b.mu.Unlock()
	return b.bodies.clear()
}
