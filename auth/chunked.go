package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	// minChunk is the least size of every chunk but the last.
	minChunk = 8192
	// maxOverrun is how far behind the announced length framing is still read
	// for, to tell damage from a wrong announcement.
	maxOverrun = 1 << 20
	// chunkBuffer holds the framing; a line that does not fit is refused. Reads
	// into larger slices than it pass it by.
	chunkBuffer = 4096
)

// chunkedBody takes the aws-chunked framing off a body:
//
//	size in hexadecimal [;chunk-signature=S] \r\n data \r\n ... 0 [;chunk-signature=S] \r\n trailers \r\n
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
type chunkedBody struct {
	body io.ReadCloser
	src  *bufio.Reader
	payload
	seal     *seal     // nil: signatures are not verified
	hash     hash.Hash // of the chunk's data; nil without a seal
	declared []string  // names of the trailers announced
	trailers http.Header

	number    int    // of the chunk being read, from 1
	size      int64  // of that chunk
	left      int64  // what of it is to come
	signature string // of that chunk
	remaining int64  // what is to come of the whole body's data
	err       error
}

func unwrapChunks(r *http.Request, p payload, seal *seal) error {
	length, err := strconv.ParseInt(first(r.Header, "X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return missingContentLength()
	}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	c := &chunkedBody{
		body: body, src: bufio.NewReaderSize(body, chunkBuffer),
		payload: p, seal: seal, remaining: length,
	}
	if p.trailer {
		if c.declared, err = declaredTrailers(r.Header["X-Amz-Trailer"]); err != nil {
			return err
		}
	}
	if seal != nil && p.signed {
		c.hash = sha256.New()
	}
	if length == 0 {
		// Nobody reads an empty body, and what follows it has to be checked.
		if c.err = c.next(); c.err != io.EOF {
			return c.err
		}
	}
	r.Body = c
	stripChunked(r, length)
	return nil
}

// TrailerNames implements api.Trailers.
func (c *chunkedBody) TrailerNames() []string {
	names := make([]string, len(c.declared))
	for i, name := range c.declared {
		names[i] = strings.ToLower(name)
	}
	return names
}

// Trailer implements api.Trailers. The trailers' signature is not among them.
func (c *chunkedBody) Trailer(name string) string { return c.trailers.Get(name) }

// Close closes the body that is read from.
func (c *chunkedBody) Close() error { return c.body.Close() }

func (c *chunkedBody) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	if c.hash != nil {
		c.hash.Write(p[:n])
	}
	c.left -= int64(n)
	c.remaining -= int64(n)
	switch {
	case c.left == 0:
		c.err = c.endData()
		if c.err == nil && c.remaining == 0 {
			c.err = c.next()
		}
		if c.err != nil && c.err != io.EOF {
			return 0, c.err
		}
	case err != nil:
		c.err = broken(err)
		return 0, c.err
	}
	return n, nil
}

// next goes to the data of the next chunk, or reads all that follows the last
// and returns io.EOF.
func (c *chunkedBody) next() error {
	if err := c.readHeader(); err != nil {
		return err
	}
	if c.size > c.remaining {
		return c.overrun()
	}
	if c.size > 0 {
		return nil
	}
	if err := c.checkChunk(); err != nil {
		return err
	}
	if err := c.readTrailers(); err != nil {
		return err
	}
	if _, err := c.src.ReadByte(); err != io.EOF {
		return broken(err)
	}
	if c.remaining > 0 {
		return wrongLength()
	}
	return io.EOF
}

// readHeader reads the line before a chunk's data.
func (c *chunkedBody) readHeader() error {
	line, err := c.src.ReadSlice('\n')
	if err != nil {
		return broken(err)
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return brokenChunks(nil)
	}
	digits, extension, extended := bytes.Cut(line, []byte(";"))
	if extended != c.signed {
		return brokenChunks(nil)
	}
	size, ok := parseSize(digits)
	if !ok {
		return brokenChunks(nil)
	}
	if c.signed {
		value, ok := bytes.CutPrefix(extension, []byte("chunk-signature="))
		if !ok || !c.plausible(value) {
			return brokenChunks(nil)
		}
		if c.seal != nil {
			c.signature = string(value)
		}
	}
	c.number++
	if size > 0 && c.number > 1 && c.size < minChunk {
		return smallChunk(c.number, c.size)
	}
	c.size, c.left = size, size
	return nil
}

// parseSize reads at most 15 hexadecimal digits, which fit an int64.
func parseSize(digits []byte) (size int64, ok bool) {
	for _, d := range digits {
		v := hexValue(d)
		if v > 15 {
			return 0, false
		}
		size = size<<4 | int64(v)
	}
	return size, 0 < len(digits) && len(digits) <= 15
}

// plausible says whether a signature has the length and the digits of one. SigV4A's
// are of varying length, and padded with asterisks.
func (c *chunkedBody) plausible(value []byte) bool {
	if c.algorithm == ECDSA {
		value = bytes.TrimRight(value, "*")
		if len(value) == 0 || len(value) > 144 || len(value)%2 != 0 {
			return false
		}
	} else if len(value) != 2*sha256.Size {
		return false
	}
	for _, d := range value {
		if hexValue(d) > 15 {
			return false
		}
	}
	return true
}

// overrun finds out what is wrong with a chunk that is longer than what is to
// come: its own size, or the length that was announced.
func (c *chunkedBody) overrun() error {
	if c.size-c.remaining <= maxOverrun {
		if _, err := io.CopyN(io.Discard, c.src, c.size); err != nil {
			return broken(err)
		}
		if err := c.readLineEnd(); err != nil {
			return err
		}
	}
	return wrongLength()
}

// endData is called behind the last byte of a chunk's data.
func (c *chunkedBody) endData() error {
	if err := c.readLineEnd(); err != nil {
		return err
	}
	return c.checkChunk()
}

func (c *chunkedBody) readLineEnd() error {
	end, err := c.src.Peek(2)
	if err != nil {
		return broken(err)
	}
	if end[0] != '\r' || end[1] != '\n' {
		return brokenChunks(nil)
	}
	c.src.Discard(2)
	return nil
}

// checkChunk compares a chunk's signature with what it should be.
func (c *chunkedBody) checkChunk() error {
	if c.hash == nil {
		return nil
	}
	var sum [sha256.Size]byte
	c.hash.Sum(sum[:0])
	c.hash.Reset()
	text := c.seal.begin("-PAYLOAD\n")
	text = append(append(text, emptyHash...), '\n')
	return c.seal.check(hex.AppendEncode(text, sum[:]), c.signature)
}

// begin is the string to sign, up to what each part puts in it.
func (s *seal) begin(kind string) []byte {
	b := make([]byte, 0, 512)
	b = append(b, s.signature.Algorithm.String()...)
	b = append(b, kind...)
	b = append(append(b, s.time...), '\n')
	b = append(append(b, s.signature.scope...), '\n')
	return append(append(b, s.previous...), '\n')
}

// check verifies one signature of the chain, in which the next will follow it.
func (s *seal) check(text []byte, value string) error {
	value = strings.TrimRight(value, "*")
	if !s.key.verifies(s.signature.Algorithm, text, value) {
		sent := *s.signature
		sent.Value = value
		return s.wording.mismatch(&sent, string(text), "")
	}
	s.previous = value
	return nil
}

// broken is the error for a failed read of the framing: damage, unless the
// connection itself failed, or was cut off for its size or its slowness.
func broken(err error) error {
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, bufio.ErrBufferFull) {
		return brokenChunks(err)
	}
	return err
}
