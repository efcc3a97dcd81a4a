package sandboxtest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Until waits for something that happens on another goroutine or in another process.
func Until(t testing.TB, holds func() bool) {
	t.Helper()
	limit := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(limit) {
			t.Fatal("it did not happen within ten seconds")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// listener is a net.Listener of connections that are handed to it.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newListener(conns chan net.Conn) *listener {
	return &listener{conns: conns, done: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// serve hands a connection over, and returns when it is closed.
func (l *listener) serve(c net.Conn) {
	watched := &watchedConn{Conn: c, closed: make(chan struct{})}
	select {
	case l.conns <- watched:
		<-watched.closed
	case <-l.done:
	}
}

type watchedConn struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func (c *watchedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
