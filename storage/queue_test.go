package storage

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
)

// together lets n transactions commit while another one leads, and then the
// first of them lead; it returns their results.
func together(b *badger, n int) (numbers []uint64, errs []error) {
	b.queue.led = true
	numbers, errs = make([]uint64, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			w := new(writes)
			key := fmt.Append(nil, i)
			w.set(write{key: key, hash: b.hot.hash(key), value: key})
			numbers[i], errs[i] = b.write(&queued{writes: w})
		})
	}
	var first *queued
	for first == nil {
		runtime.Gosched()
		b.queue.mu.Lock()
		if len(b.queue.waiting) == n {
			first = b.queue.next()
		}
		b.queue.mu.Unlock()
	}
	first.woken.Done()
	group.Wait()
	return numbers, errs
}

func TestThoseWhoWaitAreWrittenTogether(t *testing.T) {
	db, err := Open("badger:"+t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b := db.(*store).engine.(*badger)
	const n = 8
	before := b.timeline.latest.Load()
	numbers, errs := together(b, n)
	for i := range n {
		if errs[i] != nil || numbers[i] != before+1 {
			t.Errorf("commit %d after %d: %v", numbers[i], before, errs[i])
		}
	}
	if b.queue.led || len(b.queue.waiting) > 0 {
		t.Error("somebody is still in the queue")
	}
	seen := 0
	err = db.View(func(tx Tx) error {
		for _, err := range tx.Scan(Range{}) {
			if err != nil {
				return err
			}
			seen++
		}
		return nil
	})
	if err != nil || seen != n {
		t.Errorf("%d of %d keys are there: %v", seen, n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, errs = together(b, n) // of what is closed
	for _, err := range errs {
		if err == nil {
			t.Error("what was not written was acknowledged")
		}
	}
}
