// Package sealing keeps bytes from who does not have their key: an encryption
// that is authenticated, that streams, and that can be read from any offset.
//
// # Vocabulary
//
// A sealed blob is a salt and then chunks. The salt makes a key of the blob's own
// from the key that is given (HKDF-SHA256), so that the blobs of one object may
// share that key. A chunk is up to 64 KiB of plain bytes with a tag behind them,
// by AES-256-GCM. Its nonce is the chunk's number and whether it is the last,
// which is the STREAM construction (https://eprint.iacr.org/2015/189): chunks that
// were exchanged, repeated or cut off are noticed like changed ones.
//
// # Powers and limits
//
// Memory is two chunks whatever the size of the blob. Reading a range reads and
// opens the chunks that it touches. Sizes are not hidden: that of the plain bytes
// follows from that of the sealed ones.
package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
)

// ErrDamaged is the error of bytes that are not what was sealed with the key.
var ErrDamaged = errors.New("sealing: not what was sealed with this key")

const (
	chunkSize = 64 << 10
	tagSize   = 16
	saltSize  = 16
)

// Key is what seals and opens blobs.
type Key [32]byte

// Derive makes a key from a secret of at least 32 bytes. Another salt or
// purpose gives another key, which tells nothing of this one.
func Derive(secret, salt []byte, purpose string) Key {
	raw, err := hkdf.Key(sha256.New, secret, salt, purpose, len(Key{}))
	if err != nil {
		panic(err) // of too long a key only
	}
	return Key(raw)
}

// Size is the sealed size of n plain bytes.
func Size(n int64) int64 {
	chunks := max(1, (n+chunkSize-1)/chunkSize)
	return saltSize + n + chunks*tagSize
}

// PlainSize is how many plain bytes a sealed blob of a size holds.
func PlainSize(sealed int64) int64 {
	rest := sealed - saltSize
	chunks := (rest + chunkSize + tagSize - 1) / (chunkSize + tagSize)
	return rest - chunks*tagSize
}

// cipherOf is the cipher of one blob.
func (k Key) cipherOf(salt []byte) cipher.AEAD {
	own := Derive(k[:], salt, "virga s3 blob")
	block, err := aes.NewCipher(own[:])
	if err != nil {
		panic(err) // of a key of another length only
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // of another block size only
	}
	return aead
}

// nonceOf is the nonce of a chunk.
func nonceOf(chunk int64, last bool) []byte {
	var nonce [12]byte
	binary.BigEndian.PutUint64(nonce[3:], uint64(chunk))
	if last {
		nonce[11] = 1
	}
	return nonce[:]
}

// Sealer reads plain bytes and is read as sealed ones.
type Sealer struct {
	from  io.Reader
	aead  cipher.AEAD
	plain []byte // has been read, and is not sealed
	out   []byte // is sealed, and has not been read
	buf   []byte // out's memory
	chunk int64
	err   error
}

// NewSealer seals what is read from r. The salt comes from random, which must not
// repeat itself for one key.
func NewSealer(r io.Reader, key Key, random io.Reader) (*Sealer, error) {
	s := &Sealer{from: r, plain: make([]byte, 0, chunkSize+1), buf: make([]byte, saltSize, chunkSize+tagSize)}
	if _, err := io.ReadFull(random, s.buf); err != nil {
		return nil, err
	}
	s.out, s.aead = s.buf, key.cipherOf(s.buf)
	return s, nil
}

// Read implements io.Reader. Errors are those of the reader below.
func (s *Sealer) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.next()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// next seals a chunk. One byte more than it tells whether it is the last.
func (s *Sealer) next() {
	n, err := io.ReadFull(s.from, s.plain[len(s.plain):chunkSize+1])
	s.plain = s.plain[:len(s.plain)+n]
	last := err == io.EOF || err == io.ErrUnexpectedEOF && len(s.plain) <= chunkSize
	if err != nil && !last {
		s.err = err
		return
	}
	take := min(len(s.plain), chunkSize)
	s.out = s.aead.Seal(s.buf[:0], nonceOf(s.chunk, last), s.plain[:take], nil)
	s.plain = append(s.plain[:0], s.plain[take:]...)
	s.chunk++
	if last {
		s.err = io.EOF
	}
}

// Opener reads plain bytes of a sealed blob.
type Opener struct {
	from   io.ReaderAt
	sealed int64 // the size of the blob
	aead   cipher.AEAD
	chunk  int64  // the next to open
	skip   int    // how much of it is before the range
	left   int64  // how much of the range is neither in out nor read
	out    []byte // is open, and has not been read
	buf    []byte
}

// NewOpener opens n plain bytes from offset off of a sealed blob of a size.
func NewOpener(r io.ReaderAt, size int64, key Key, off, n int64) (*Opener, error) {
	if plain := PlainSize(size); off < 0 || n < 0 || off+n > plain {
		return nil, ErrDamaged
	}
	salt := make([]byte, saltSize)
	if _, err := r.ReadAt(salt, 0); err != nil {
		return nil, err
	}
	return &Opener{
		from: r, sealed: size, aead: key.cipherOf(salt), chunk: off / chunkSize, skip: int(off % chunkSize), left: n,
	}, nil
}

// Read implements io.Reader.
func (o *Opener) Read(p []byte) (int, error) {
	if err := o.fill(); err != nil {
		return 0, err
	}
	n := copy(p, o.out)
	o.out = o.out[n:]
	return n, nil
}

// WriteTo implements io.WriterTo.
func (o *Opener) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if err := o.fill(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		n, err := w.Write(o.out)
		written += int64(n)
		o.out = o.out[n:]
		if err != nil {
			return written, err
		}
	}
}

// fill sees that out holds bytes; io.EOF is the end of the range.
func (o *Opener) fill() error {
	if len(o.out) > 0 {
		return nil
	}
	if o.left == 0 {
		return io.EOF
	}
	at := saltSize + o.chunk*(chunkSize+tagSize)
	size := min(chunkSize+tagSize, o.sealed-at)
	if o.buf == nil {
		o.buf = make([]byte, size)
	}
	chunk := o.buf[:size]
	if n, err := o.from.ReadAt(chunk, at); n < len(chunk) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	plain, err := o.aead.Open(chunk[:0], nonceOf(o.chunk, at+size == o.sealed), chunk, nil)
	if err != nil || len(plain) <= o.skip {
		return ErrDamaged
	}
	o.out = plain[o.skip:min(int64(len(plain)), int64(o.skip)+o.left)]
	o.left -= int64(len(o.out))
	o.chunk, o.skip = o.chunk+1, 0
	return nil
}
