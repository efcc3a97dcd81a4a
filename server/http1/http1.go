// Package http1 serves the plain requests of HTTP/1.1, which nearly all that
// SDKs send are, at a fraction of what net/http spends on one, and gives every
// connection that carries anything else to net/http, from the first byte that
// it did not understand.
//
// # Vocabulary
//
// A request is plain when its method is one of seven, its target is a path, its
// headers are what RFC 9112 asks for to the letter, its body has a
// Content-Length, and it asks for nothing of the connection but to stay open or to be closed. A
// turn is one request with its answer.
//
// # Powers and limits
//
// What is not plain is neither judged nor answered here: HTTP/1.0 and HTTP/2, chunked
// bodies, upgrades, long heads and malformed ones all are net/http's, and its
// answers are what a client sees. So there is one HTTP, with a short way
// through it; that both ways give the same is what the tests are about.
//
// Three things are different for a handler. A request and its headers are
// its own until it returns, no longer; only the strings may be kept. A client that hangs up is noticed once somebody has asked the
// request's context for Done, since looking for it costs a goroutine. There
// are no trailers of answers.
package http1

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves connections until it is shut down. Its fields are not changed
// once it serves.
type Server struct {
	// Handler answers requests.
	Handler http.Handler
	// HeaderTimeout is how long a client may take to send a request's head, IdleTimeout
	// how long a connection is kept between requests, and without a byte of a body that was announced.
	HeaderTimeout, IdleTimeout time.Duration
	// ErrorLog is told of handlers that panic.
	ErrorLog *log.Logger

	// stopping is set, under mu, by Shutdown.
	stopping atomic.Bool

	mu      sync.Mutex
	open    map[*conn]struct{}
	doors   map[net.Listener]struct{}
	serving sync.WaitGroup
}

// A Door is a listener with what is particular to its connections.
type Door struct {
	net.Listener
	// Context is that of all its requests.
	Context context.Context
	// Leave takes connections over that carry more than plain requests.
	Leave func(net.Conn)
}

// Serve serves the connections of d until Shutdown, and then returns
// http.ErrServerClosed, or until d fails.
func (s *Server) Serve(d Door) error {
	if !s.enter(d) {
		return http.ErrServerClosed
	}
	for wait := time.Duration(0); ; {
		c, err := d.Accept()
		if err == nil {
			wait = 0
			go s.ServeConn(d, c)
			continue
		}
		if s.stopping.Load() {
			return http.ErrServerClosed
		}
		// As in net/http: there may be too many files open, which passes.
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return err
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		time.Sleep(wait)
	}
}

// ServeConn serves a connection as if d had accepted it, and returns when it
// has been closed or left.
func (s *Server) ServeConn(d Door, nc net.Conn) {
	c := newConn(s, d, nc)
	if !s.track(c) {
		nc.Close()
		return
	}
	defer s.serving.Done()
	c.serve()
}

// Shutdown takes no more connections, closes those that are between requests, and waits for the
// others until they have had their answer or ctx is done.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping.Store(true)
	for d := range s.doors {
		d.Close()
	}
	for c := range s.open {
		c.closeIdle()
	}
	s.mu.Unlock()
	all := make(chan struct{})
	go func() { s.serving.Wait(); close(all) }()
	select {
	case <-all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) enter(d Door) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		d.Close()
		return false
	}
	if s.doors == nil {
		s.doors = map[net.Listener]struct{}{}
	}
	s.doors[d.Listener] = struct{}{}
	return true
}

func (s *Server) track(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	if s.open == nil {
		s.open = map[*conn]struct{}{}
	}
	s.open[c] = struct{}{}
	s.serving.Add(1)
	return true
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}
