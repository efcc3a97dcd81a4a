// Package clock is the time that everything in Virga goes by. Nothing calls
// time.Now: a clock is given, so that tests and users can freeze and advance it.
package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Clock tells the time and waits for it. It is safe for concurrent use.
type Clock struct {
	real func() time.Time
	// setting is read without the lock, as every request does.
	setting atomic.Pointer[setting]

	mu    sync.Mutex // of changes
	moved chan struct{}
}

// setting is how a clock differs from the machine's. It is not changed.
type setting struct {
	offset time.Duration
	frozen time.Time // zero: running
}

// System is a clock that runs with the machine's.
func System() *Clock {
	c := &Clock{real: time.Now, moved: make(chan struct{})}
	c.setting.Store(new(setting))
	return c
}

// At is a clock that stands still at t.
func At(t time.Time) *Clock {
	c := System()
	c.setting.Store(&setting{frozen: t})
	return c
}

// Now is the present time in UTC.
func (c *Clock) Now() time.Time { return c.at(c.setting.Load()) }

// at is the time by a setting.
func (c *Clock) at(s *setting) time.Time {
	if !s.frozen.IsZero() {
		return s.frozen.UTC()
	}
	return c.real().Add(s.offset).UTC()
}

// Moved says whether the clock differs from the machine's.
func (c *Clock) Moved() bool {
	s := c.setting.Load()
	return s.offset != 0 || !s.frozen.IsZero()
}

// Advance moves the clock, frozen or not, and wakes those whose time has come.
// It returns the time it now is.
func (c *Clock) Advance(d time.Duration) time.Time {
	return c.change(func(s *setting) {
		if s.frozen.IsZero() {
			s.offset += d
		} else {
			s.frozen = s.frozen.Add(d)
		}
	})
}

// Freeze stops the clock at the present time, which it returns.
func (c *Clock) Freeze() time.Time {
	return c.change(func(s *setting) { s.frozen = c.at(s) })
}

// Reset makes the clock run with the machine's again.
func (c *Clock) Reset() time.Time {
	return c.change(func(s *setting) { *s = setting{} })
}

func (c *Clock) change(f func(*setting)) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := new(*c.setting.Load())
	f(s)
	c.setting.Store(s)
	close(c.moved)
	c.moved = make(chan struct{})
	return c.at(s)
}

// Wait returns nil when the clock has reached t, and the context's error if
// that ends first.
func (c *Clock) Wait(ctx context.Context, t time.Time) error {
	for {
		c.mu.Lock()
		s, moved := c.setting.Load(), c.moved
		c.mu.Unlock()
		d, frozen := t.Sub(c.at(s)), !s.frozen.IsZero()
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
