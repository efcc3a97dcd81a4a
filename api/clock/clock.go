// Package clock is the time that everything in Virga goes by. Nothing calls
// time.Now: a clock is given, so that tests and users can freeze and advance it.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and waits for it. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	real   func() time.Time
	offset time.Duration
	frozen time.Time // zero: running
	moved  chan struct{}
}

// System is a clock that runs with the machine's.
func System() *Clock {
	return &Clock{real: time.Now, moved: make(chan struct{})}
}

// At is a clock that stands still at t.
func At(t time.Time) *Clock {
	c := System()
	c.frozen = t
	return c
}

// Now is the present time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if !c.frozen.IsZero() {
		return c.frozen.UTC()
	}
	return c.real().Add(c.offset).UTC()
}

// Moved says whether the clock differs from the machine's.
func (c *Clock) Moved() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset != 0 || !c.frozen.IsZero()
}

// Advance moves the clock, frozen or not, and wakes those whose time has come.
// It returns the time it now is.
func (c *Clock) Advance(d time.Duration) time.Time {
	return c.change(func() {
		if c.frozen.IsZero() {
			c.offset += d
		} else {
			c.frozen = c.frozen.Add(d)
		}
	})
}

// Freeze stops the clock at the present time, which it returns.
func (c *Clock) Freeze() time.Time {
	return c.change(func() { c.frozen = c.now() })
}

// Reset makes the clock run with the machine's again.
func (c *Clock) Reset() time.Time {
	return c.change(func() { c.frozen, c.offset = time.Time{}, 0 })
}

func (c *Clock) change(f func()) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.moved)
	c.moved = make(chan struct{})
	return c.now()
}

// Wait returns nil when the clock has reached t, and the context's error if
// that ends first.
func (c *Clock) Wait(ctx context.Context, t time.Time) error {
	for {
		c.mu.Lock()
		d, frozen, moved := t.Sub(c.now()), !c.frozen.IsZero(), c.moved
		c.mu.Unlock()
		if d <= 0 {
			return ctx.Err()
		}
		var fire <-chan time.Time
		var timer *time.Timer
		if !frozen {
			timer = time.NewTimer(d)
			fire = timer.C
		}
		select {
		case <-ctx.Done():
		case <-fire:
		case <-moved:
		}
		if timer != nil {
			timer.Stop()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
