package http1

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// firstBuffer is what a connection reads into at first: most heads fit.
	firstBuffer = 4 << 10
	// shortest is how much has to come after a request to be answered at all; it
	// is net/http's measure too.
	shortest = 4
	// longestHead is how long a plain request's head may be. Presigned URLs with
	// session tokens have some 3 KiB; longer heads than this are net/http's.
	longestHead = 16 << 10
	// rearm is how old a deadline may be before it is moved: moving it for each
	// request costs more than a second of its minutes is worth.
	rearm = time.Second
	// postHandlerRead is how much of a body that the handler left is read for the
	// connection's sake; net/http has the same bound.
	postHandlerRead = 256 << 10
	// linger is how long a client may go on sending to a connection that is
	// being closed before it has to take the answer for lost.
	linger = 500 * time.Millisecond
)

// The states of a connection. Only one that is idle may be closed by Shutdown.
const (
	idle = iota
	active
	closed
)

// conn is a connection, served by one goroutine.
type conn struct {
	net.Conn
	// socket is the connection by its shorter way (nil: there is none).
	socket *socket
	server *Server
	door   Door
	state  atomic.Int32

	// in holds what has been read; in[r:w] is still to be taken.
	in   []byte
	r, w int
	// out is where an answer's head is made, and held where the beginnings of its body wait.
	out, held []byte
	// pieces is for writing several with one system call.
	pieces [3][]byte

	// armed is when the deadline of reads was last set (zero: there is none),
	// foreign says that a handler has set it.
	armed   time.Time
	foreign bool
	// writeDeadline says that a handler has set the deadline of writes.
	writeDeadline bool

	// watch looks for the client hanging up while a handler runs.
	watch watch

	// What follows is used again for each turn: the request, which is a copy of the
	// template, its URL, headers and their values, and the answer with its headers.
	template, request http.Request
	url               url.URL
	incoming          http.Header
	values            []string
	answer            response
	outgoing          http.Header
	// posted says that the request before was a POST.
	posted bool
	// lines are the names of the headers of the request before: clients send the
	// same ones in the same order.
	lines []*line
}

func newConn(s *Server, d Door, nc net.Conn) *conn {
	c := &conn{
		Conn: nc, socket: newSocket(nc), server: s, door: d, in: make([]byte, firstBuffer),
		template: http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1},
		// A map of up to eight, which most answers need, is quicker than a larger one, and
		// one of up to fourteen, which most requests need, than the next.
		incoming: make(http.Header, 14), outgoing: make(http.Header, 8),
	}
	if a := nc.RemoteAddr(); a != nil {
		c.template.RemoteAddr = a.String()
	}
	return c
}

// serve takes turns until the connection ends or is left.
func (c *conn) serve() {
	defer c.server.forget(c)
	left := false
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			c.server.ErrorLog.Printf("panic serving %s: %v\n%s", c.template.RemoteAddr, p, debug.Stack())
		}
		if !left {
			c.unwatch()
			c.Close()
		}
	}()
	for first := true; ; first = false {
		n, found := c.head(first)
		if n == 0 {
			return
		}
		t := new(turn)
		if !found || !t.read(c, c.in[c.r:c.r+n]) {
			left = true
			c.leave()
			return
		}
		c.r += n
		if !t.take() || !c.rest() {
			return
		}
		c.posted = c.request.Method == http.MethodPost
	}
}

// head reads until there is a whole head, and returns its length. What is no
// plain head may be returned before its end, as not found. It returns 0 when
// the connection ended, or was closed, between two requests.
func (c *conn) head(first bool) (n int, found bool) {
	least := shortest
	for searched, limited := 0, false; ; {
		unread := c.in[c.r:c.w]
		if c.posted && len(unread) >= shortest {
			c.posted = false
			c.skipLines()
			searched, least = 0, 1
			continue
		}
		if end := endOfHead(unread, searched); end > 0 {
			return end, true
		}
		searched = max(0, len(unread)-len("\n\r"))
		switch {
		case len(unread) == 0:
			c.r, c.w = 0, 0
			if first {
				c.deadline(c.server.HeaderTimeout)
			} else {
				c.arm()
			}
		case len(unread) >= longestHead:
			return len(unread), false
		default:
			if !limited {
				limited = true
				c.deadline(c.server.HeaderTimeout)
			}
			c.room()
		}
		n, err := c.Read(c.in[c.w:])
		if c.w == 0 && n > 0 && !c.state.CompareAndSwap(idle, active) {
			return 0, false
		}
		c.w += n
		if n == 0 && (errors.Is(err, os.ErrDeadlineExceeded) || err != nil && !first && c.w-c.r < least) {
			return 0, false
		}
		if n == 0 && err != nil {
			return c.w - c.r, false // how a head that ends in the middle is answered is net/http's
		}
	}
}

// skipLines takes empty lines away that clients put behind the body of a POST, as far as
// net/http does.
func (c *conn) skipLines() {
	for end := c.r + shortest; c.r < end && (c.in[c.r] == '\r' || c.in[c.r] == '\n'); {
		c.r++
	}
	if c.r == c.w {
		c.state.Store(idle)
	}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.socket != nil && 0 < len(p) && len(p) <= quickest {
		return c.socket.read(p)
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if c.socket != nil && len(p) <= quickest {
		return c.socket.write(p)
	}
	return c.Conn.Write(p)
}

// room makes room for more after what is unread.
func (c *conn) room() {
	if c.w < len(c.in) {
		return
	}
	to := c.in
	if c.r < len(c.in)/2 {
		to = make([]byte, 2*len(c.in))
	}
	c.w = copy(to, c.in[c.r:c.w])
	c.r, c.in = 0, to
}

// rest puts the connection between two requests, unless it is to be closed.
func (c *conn) rest() bool {
	if c.foreign {
		c.foreign = false
		c.SetReadDeadline(time.Time{})
	}
	if c.writeDeadline {
		c.writeDeadline = false
		c.SetWriteDeadline(time.Time{})
	}
	if len(c.in) > firstBuffer && c.w-c.r <= firstBuffer {
		small := make([]byte, firstBuffer)
		c.w = copy(small, c.in[c.r:c.w])
		c.r, c.in = 0, small
	}
	if c.w == c.r {
		c.state.Store(idle)
	}
	return !c.server.stopping.Load()
}

// arm gives the client IdleTimeout for the next bytes, but for the accuracy of rearm.
func (c *conn) arm() {
	if now := time.Now(); !c.foreign && now.Sub(c.armed) > rearm {
		c.armed = now
		c.SetReadDeadline(now.Add(c.server.IdleTimeout))
	}
}

// deadline gives the client time once, for a head.
func (c *conn) deadline(d time.Duration) {
	c.armed = time.Time{}
	c.SetReadDeadline(time.Now().Add(d))
}

// closeIdle closes the connection if it is between two requests.
func (c *conn) closeIdle() {
	if c.state.CompareAndSwap(idle, closed) {
		c.Close()
	}
}

// leave gives the connection away, with what has been read and not taken.
func (c *conn) leave() {
	c.SetReadDeadline(time.Time{})
	c.door.Leave(&BegunConn{Conn: c.Conn, Unread: bytes.Clone(c.in[c.r:c.w])})
}

// BegunConn is a connection of which the beginning has been read already.
type BegunConn struct {
	net.Conn
	// Unread is what was read of it, and is to be read again.
	Unread []byte
}

// Read implements net.Conn.
func (c *BegunConn) Read(p []byte) (int, error) {
	if len(c.Unread) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.Unread)
	if c.Unread = c.Unread[n:]; len(c.Unread) == 0 {
		c.Unread = nil
	}
	return n, nil
}

// endOfHead is the place behind the first empty line from a place on, or 0.
func endOfHead(b []byte, from int) int {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 || from+i+len("\r\n") >= len(b) {
			return 0
		}
		if from += i + 1; from > 1 && b[from-2] == '\r' && b[from] == '\r' && b[from+1] == '\n' {
			return from + len("\r\n")
		}
	}
}
