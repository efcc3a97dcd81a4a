package http1

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// requestContext is a request's context. It becomes one that can be cancelled
// when somebody asks for Done; from then on, and from the end of the body, the
// client is watched.
type requestContext struct {
	conn *conn
	// base is the door's.
	base context.Context
	// asked is set by the first Done.
	asked atomic.Pointer[cancellable]

	mu sync.Mutex
	// quiet says that nothing of the request is left to be read, over that the handler has returned.
	quiet, over bool
}

type cancellable struct {
	context.Context
	cancel context.CancelFunc
}

func (r *requestContext) begin(c *conn, quiet bool) {
	r.conn, r.base, r.quiet = c, c.door.Context, quiet
}

// Deadline implements context.Context.
func (r *requestContext) Deadline() (time.Time, bool) { return r.base.Deadline() }

// Done implements context.Context.
func (r *requestContext) Done() <-chan struct{} {
	if a := r.asked.Load(); a != nil {
		return a.Done()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.asked.Load()
	if a == nil {
		a = new(cancellable)
		a.Context, a.cancel = context.WithCancel(r.base)
		r.asked.Store(a)
		switch {
		case r.over:
			a.cancel()
		case r.quiet:
			r.conn.watchFor(a.cancel)
		}
	}
	return a.Done()
}

// Err implements context.Context.
func (r *requestContext) Err() error {
	if a := r.asked.Load(); a != nil {
		return a.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return context.Canceled
	}
	return r.base.Err()
}

// Value implements context.Context. Through it package context finds what it
// can attach descendants to, without a goroutine for each.
func (r *requestContext) Value(key any) any {
	if a := r.asked.Load(); a != nil {
		return a.Value(key)
	}
	return r.base.Value(key)
}

// readable is told that the body has been read.
func (r *requestContext) readable() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quiet = true
	if a := r.asked.Load(); a != nil && !r.over {
		r.conn.watchFor(a.cancel)
	}
}

// end cancels the context, since the handler has returned.
func (r *requestContext) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if a := r.asked.Load(); a != nil {
		a.cancel()
	}
}

// watch is a read that waits for the client to hang up. It may find the next
// request instead, which is kept.
type watch struct {
	// ended is closed when the read has ended (nil: there is none).
	ended chan struct{}
	// enough is set when it is ended from here.
	enough atomic.Bool
	// err is what it found.
	err error
}

// watchFor reads until something comes, and calls gone if that is the end.
func (c *conn) watchFor(gone func()) {
	if c.r < c.w {
		return // the next request is there already, and so is the client
	}
	c.SetReadDeadline(time.Time{})
	c.armed = time.Time{}
	c.r, c.w = 0, 0
	c.watch.ended = make(chan struct{})
	go func() {
		defer close(c.watch.ended)
		n, err := c.Read(c.in)
		if c.w = n; err != nil && !c.watch.enough.Load() {
			c.watch.err = err
			gone()
		}
	}()
}

// unwatch ends what watchFor began.
func (c *conn) unwatch() {
	if c.watch.ended == nil {
		return
	}
	c.watch.enough.Store(true)
	c.SetReadDeadline(past)
	<-c.watch.ended
	c.watch.ended = nil
	c.watch.enough.Store(false)
	c.SetReadDeadline(time.Time{})
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)
