package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/virga-cloud/virga/server/http1"
)

// inbox is a listener whose connections are handed to it.
type inbox struct {
	conns  chan net.Conn
	done   context.Context
	cancel context.CancelFunc
}

func newInbox() *inbox {
	ctx, cancel := context.WithCancel(context.Background())
	return &inbox{make(chan net.Conn), ctx, cancel}
}

// Accept implements net.Listener.
func (l *inbox) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *inbox) Close() error { l.cancel(); return nil }

// Addr implements net.Listener.
func (l *inbox) Addr() net.Addr { return inboxAddr{} }

type inboxAddr struct{}

func (inboxAddr) Network() string { return "inbox" }
func (inboxAddr) String() string  { return "inbox" }

// give hands a connection over, or closes it when nobody takes it any more.
func (l *inbox) give(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done.Done():
		c.Close()
	}
}

// awaitedConn is a connection whose end is waited for.
type awaitedConn struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func (c *awaitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

// split hands the connections of l to one of two listeners, by their first
// byte: a TLS connection begins with 22, which no HTTP request does. It ends
// when l does, or when plain is closed, and closes l.
func split(l net.Listener, plain, secure *inbox) error {
	context.AfterFunc(plain.done, func() { l.Close() })
	for {
		c, err := l.Accept()
		if err != nil {
			plain.Close()
			secure.Close()
			return http.ErrServerClosed
		}
		go func() { // the first byte may be long in coming
			var first [1]byte
			c.SetReadDeadline(time.Now().Add(headerTimeout))
			if _, err := c.Read(first[:]); err != nil {
				c.Close()
				return
			}
			c.SetReadDeadline(time.Time{})
			to := plain
			if first[0] == 22 {
				to = secure
			}
			to.give(&http1.BegunConn{Conn: c, Unread: first[:]})
		}()
	}
}
