package selecting

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/virga-cloud/virga/api/s3"
)

// counter counts the bytes that are read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// decompress reads what is compressed in r.
func (i *Input) decompress(r io.Reader) (io.Reader, error) {
	inapplicable := fail("InvalidCompressionFormat", "%s is not applicable to the queried object. Please correct the request and try again.", i.compression)
	switch i.compression {
	case s3.CompressionTypeGzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, inapplicable
		}
		return packed{z, inapplicable}, nil
	case s3.CompressionTypeBzip2:
		return packed{bzip2.NewReader(r), inapplicable}, nil
	}
	return r, nil
}

// packed gives errors of what is compressed their codes.
type packed struct {
	r            io.Reader
	inapplicable error
}

func (p packed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	var structural bzip2.StructuralError
	switch {
	case err == nil || err == io.EOF:
	case err == io.ErrUnexpectedEOF || errors.Is(err, gzip.ErrChecksum):
		err = fail("TruncatedInput", "Object decompression failed. Check that the object is properly compressed using the format specified in the request.")
	case errors.Is(err, gzip.ErrHeader) || errors.As(err, &structural):
		err = p.inapplicable
	}
	return n, err
}

// utf8Reader passes UTF-8 on, without a byte order mark, and fails at anything else.
type utf8Reader struct {
	r    io.Reader
	n    int64
	rest []byte // of a character that was cut
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	if len(p) < 2*utf8.UTFMax {
		return 0, io.ErrShortBuffer // who reads here is buffered
	}
	n := copy(p, u.rest)
	read, err := u.r.Read(p[n:])
	n += read
	whole := n
	if err == nil { // a character may go on in what is read next
		for whole > max(0, n-utf8.UTFMax) && !utf8.RuneStart(p[whole-1]) {
			whole--
		}
		if whole > 0 && !utf8.FullRune(p[whole-1:n]) {
			whole--
		} else {
			whole = n
		}
	}
	if !utf8.Valid(p[:whole]) {
		return 0, fail("InvalidTextEncoding", "UTF-8 encoding is required. The text encoding error was found near byte %s.", grouped(u.n+int64(whole)))
	}
	u.rest = append(u.rest[:0], p[whole:n]...)
	if mark := []byte("\ufeff"); u.n == 0 && bytes.HasPrefix(p[:whole], mark) {
		u.n += int64(len(mark))
		whole = copy(p, p[len(mark):whole])
	}
	u.n += int64(whole)
	return whole, err
}

// grouped is a number with commas.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// recordRange reads the records that begin within a range of bytes.
type recordRange struct {
	r         *bufio.Reader
	delimiter string
	at, end   int64
	// rest is what has been read and not passed on, tail the last bytes of the
	// record so far, and fresh says that a record begins next.
	rest, tail []byte
	fresh      bool
}

// newRecordRange reads from r, which begins at byte at: with the object or, when
// within says so, in the record before the range or with its delimiter.
func newRecordRange(r io.Reader, delimiter string, at, end int64, within bool) (*recordRange, error) {
	rr := &recordRange{r: bufio.NewReaderSize(r, 64<<10), delimiter: delimiter, at: at, end: end, fresh: !within}
	for !rr.fresh {
		if err := rr.piece(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	rr.rest = nil
	return rr, nil
}

// piece reads on, not past the end of a record.
func (rr *recordRange) piece() error {
	b, err := rr.r.ReadSlice(rr.delimiter[len(rr.delimiter)-1])
	rr.rest = b
	rr.at += int64(len(b))
	rr.tail = append(rr.tail, b[max(0, len(b)-len(rr.delimiter)):]...)
	rr.tail = rr.tail[max(0, len(rr.tail)-len(rr.delimiter)):]
	if rr.fresh = string(rr.tail) == rr.delimiter; rr.fresh {
		rr.tail = rr.tail[:0]
	}
	if err == bufio.ErrBufferFull || len(b) > 0 {
		return nil
	}
	return err
}

func (rr *recordRange) Read(p []byte) (int, error) {
	if len(rr.rest) == 0 {
		if rr.fresh && rr.at > rr.end {
			return 0, io.EOF
		}
		if err := rr.piece(); err != nil {
			return 0, err
		}
	}
	n := copy(p, rr.rest)
	rr.rest = rr.rest[n:]
	return n, nil
}
