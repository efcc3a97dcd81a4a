package clock

import (
	"context"
	"errors"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestFrozenClockStandsUntilItIsAdvanced(t *testing.T) {
	c := At(start)
	if now := c.Now(); !now.Equal(start) {
		t.Errorf("now is %v, want %v", now, start)
	}
	if now := c.Advance(72 * time.Hour); !now.Equal(start.Add(72 * time.Hour)) {
		t.Errorf("after 72 h it is %v", now)
	}
	if !c.Moved() {
		t.Error("a frozen clock says that it goes by the machine's")
	}
}

func TestRunningClockKeepsItsOffset(t *testing.T) {
	c := System()
	machine := start
	c.real = func() time.Time { return machine }
	c.Advance(time.Hour)
	machine = machine.Add(time.Minute)
	if now := c.Now(); !now.Equal(start.Add(time.Hour + time.Minute)) {
		t.Errorf("now is %v", now)
	}
	c.Freeze()
	machine = machine.Add(time.Minute)
	if now := c.Now(); !now.Equal(start.Add(time.Hour + time.Minute)) {
		t.Errorf("the frozen clock went on to %v", now)
	}
	if now := c.Reset(); !now.Equal(machine) || c.Moved() {
		t.Errorf("after a reset it is %v, moved %v", now, c.Moved())
	}
}

func TestWaitEndsWhenTheClockReachesTheTime(t *testing.T) {
	c := At(start)
	done := make(chan error, 1)
	go func() { done <- c.Wait(context.Background(), start.Add(time.Hour)) }()
	c.Advance(30 * time.Minute)
	select {
	case err := <-done:
		t.Fatalf("it ended half an hour early, with %v", err)
	default:
	}
	c.Advance(30 * time.Minute)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	c := At(start)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Wait(ctx, start.Add(time.Hour)) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// A time that has come is no reason to overlook that the context has ended.
	if err := c.Wait(ctx, start); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
