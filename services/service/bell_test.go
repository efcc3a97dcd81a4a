package service

import (
	"context"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/clock"
)

// Each rest ends by what the case says; one that does not would end with the test.
func TestBell(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	never := now.Add(1000 * time.Hour)
	for name, f := range map[string]func(b *Bell, c *clock.Clock){
		"rung before": func(b *Bell, c *clock.Clock) {
			b.Ring()
			b.Rest(t.Context(), c, never)
			if !b.Heard() || b.Heard() {
				t.Error("it is not heard once")
			}
		},
		"rung meanwhile": func(b *Bell, c *clock.Clock) {
			go b.Ring()
			b.Rest(t.Context(), c, never)
		},
		"the time has come": func(b *Bell, c *clock.Clock) {
			b.Rest(t.Context(), c, now)
			go c.Advance(time.Hour)
			b.Rest(t.Context(), c, now.Add(time.Hour))
			if b.Heard() {
				t.Error("it is heard without being rung")
			}
		},
		"the context ends": func(b *Bell, c *clock.Clock) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			b.Rest(ctx, c, never)
		},
	} {
		t.Run(name, func(t *testing.T) { f(&Bell{}, clock.At(now)) })
	}
}
