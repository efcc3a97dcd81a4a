package http1

import (
	"io"
	"net/http"
	"sync"
)

// body is what follows a head: as many bytes as its Content-Length says.
type body struct {
	turn *turn

	// announced is the Content-Length.
	announced int64

	mu   sync.Mutex
	left int64
	// expected says that the client waits to be told to send it.
	expected bool
	// closed is set when nobody may read any more.
	closed bool
	// err is why no more can be read.
	err error
}

// Read implements io.Reader. It returns io.EOF with the last bytes,
// io.ErrUnexpectedEOF when the connection ends before them, and
// http.ErrBodyReadAfterClose once the handler has returned.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.left == 0:
		return 0, io.EOF
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	if b.expected {
		b.expected = false
		if err := b.turn.conn.answer.proceed(); err != nil {
			b.err = err
			return 0, err
		}
	}
	return b.read(p)
}

func (b *body) read(p []byte) (int, error) {
	c := b.turn.conn
	p = p[:min(int64(len(p)), b.left)]
	n, err := 0, error(nil)
	if c.r == c.w {
		c.arm()
		if len(p) >= len(c.in) {
			n, err = c.Read(p)
		} else {
			c.r = 0
			c.w, err = c.Read(c.in)
		}
	}
	if n == 0 {
		n = copy(p, c.in[c.r:c.w])
		c.r += n
	}
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.turn.context.readable()
		return n, io.EOF
	case n > 0:
		return n, nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	b.err = err
	return 0, err
}

// Close implements io.Closer. What is left is read, or not, when the handler
// is done.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// settle ends the reading of a body before the answer goes out, since there are
// clients that send all of it before they read anything. It says whether the
// connection can be used for another request: not when too much is left, or when the client
// still waits to be told to send it.
func (b *body) settle() bool {
	if b.announced == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left > 0 {
		if b.expected || b.err != nil || b.left > postHandlerRead {
			return false
		}
		for scrap := make([]byte, min(b.left, 32<<10)); b.left > 0; {
			if _, err := b.read(scrap); err != nil && err != io.EOF {
				return false
			}
		}
	}
	b.closed = true
	return true
}
