package http1

import (
	"io"
	"net/http"
	"net/url"
	"time"
)

// turn is one request with its answer.
type turn struct {
	conn    *conn
	request *http.Request
	url     url.URL
	context requestContext
	body    body
	answer  response
}

// take has the request answered, and says whether the connection may be used again.
func (t *turn) take() bool {
	c := t.conn
	t.context.begin(c, t.request.Body == http.NoBody)
	t.body.turn = t
	clear(c.outgoing)
	t.answer = response{turn: t, conn: c, header: c.outgoing, length: unknown, close: t.request.Close, bare: t.request.Method == http.MethodHead}
	defer t.context.end()
	c.server.Handler.ServeHTTP(&t.answer, t.request)
	t.context.end()
	c.unwatch()
	t.answer.finish()
	t.body.Close()
	if t.answer.close || c.watch.err != nil {
		t.hangUp()
		return false
	}
	return true
}

// hangUp closes a connection so that the answer arrives: one that is closed
// while the client still sends is reset, and what it had not yet read is lost.
func (t *turn) hangUp() {
	half, ok := t.conn.Conn.(interface{ CloseWrite() error })
	if t.body.left == 0 || t.answer.failed || !ok || half.CloseWrite() != nil {
		return
	}
	t.conn.SetReadDeadline(time.Now().Add(linger))
	io.Copy(io.Discard, t.conn.Conn)
}
