package main

import (
	"bufio"
	"io"
	"sync"
	"time"
)

// buffered collects log lines and writes them a moment later, many at once:
// a line per request would otherwise cost a system call per request.
type buffered struct {
	mu    sync.Mutex
	w     *bufio.Writer
	timer *time.Timer
	armed bool
}

// logDelay is how long a line may wait.
const logDelay = 50 * time.Millisecond

func newBuffered(w io.Writer) *buffered {
	b := &buffered{w: bufio.NewWriterSize(w, 32<<10)}
	b.timer = time.AfterFunc(time.Hour, b.Flush)
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.armed {
		b.armed = true
		b.timer.Reset(logDelay)
	}
	return b.w.Write(p)
}

// Flush writes what was collected.
func (b *buffered) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = false
	b.w.Flush()
}

// Close writes what was collected, for the last time.
func (b *buffered) Close() {
	b.timer.Stop()
	b.Flush()
}
