package service

import (
	"context"
	"sync"
	"time"

	"github.com/virga-cloud/virga/api/clock"
)

// Bell wakes a Runner that rests until the clock has reached a time. The zero
// value is ready; it is safe for concurrent use, by one who rests.
type Bell struct {
	mu sync.Mutex
	// rung says that it was rung since it was last heard.
	rung bool
	// rise ends the rest; nil while nobody rests.
	rise context.CancelFunc
}

// Ring ends the rest, or keeps the next one from beginning.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung = true
	if b.rise != nil {
		b.rise()
	}
}

// Heard says whether the bell was rung since it last said so. Who calls it before
// he looks for work misses none that was there when the bell was rung.
func (b *Bell) Heard() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	rung := b.rung
	b.rung = false
	return rung
}

// Rest waits until the clock has reached a time, the context ends, or the bell
// is rung, or was and has not been heard.
func (b *Bell) Rest(ctx context.Context, c *clock.Clock, until time.Time) {
	resting, rise := context.WithCancel(ctx)
	defer rise()
	b.mu.Lock()
	if b.rise = rise; b.rung {
		rise()
	}
	b.mu.Unlock()
	_ = c.Wait(resting, until) // why it ends makes no difference
	b.mu.Lock()
	b.rise = nil
	b.mu.Unlock()
}
