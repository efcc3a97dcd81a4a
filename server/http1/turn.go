package http1

import (
	"io"
	"net/http"
	"time"
)

// turn is one request with its answer. What it holds itself may be used by who
// has it when the handler has returned, and tells him that it has ended.
type turn struct {
	conn    *conn
	context requestContext
	body    body
}

// take has the request answered, and says whether the connection may be used again.
func (t *turn) take() bool {
	c := t.conn
	r := &c.request
	t.context.begin(c, r.Body == http.NoBody)
	t.body.turn = t
	clear(c.outgoing)
	c.answer = response{turn: t, conn: c, header: c.outgoing, length: unknown, close: r.Close, bare: r.Method == http.MethodHead}
	defer t.context.end()
	c.server.Handler.ServeHTTP(&c.answer, r)
	t.context.end()
	c.unwatch()
	c.answer.finish()
	t.body.Close()
	if c.answer.close || c.watch.err != nil {
		t.hangUp()
		return false
	}
	return true
}

// hangUp closes a connection so that the answer arrives: one that is closed
// while the client still sends is reset, and what it had not yet read is lost.
func (t *turn) hangUp() {
	half, ok := t.conn.Conn.(interface{ CloseWrite() error })
	if t.body.left == 0 || t.conn.answer.failed || !ok || half.CloseWrite() != nil {
		return
	}
	t.conn.SetReadDeadline(time.Now().Add(linger))
	io.Copy(io.Discard, t.conn.Conn)
}
