package storage

import "sync"

// queue is where transactions wait that are to be written. One of them at a time
// leads: it writes itself and those that wait, together, as one record of the
// log. None of them reads or writes what another one writes, since each holds
// its keys, so together they are what they are one after the other. Those who come
// meanwhile wait, and the first of them leads next.
//
// So commits end in the order of their numbers, and what costs the same for one
// write as for many, a sync of the disk above all, is shared.
type queue struct {
	mu      sync.Mutex
	led     bool // somebody leads
	waiting []*queued
}

// queued is a transaction in the queue.
type queued struct {
	writes *writes
	woken  sync.WaitGroup // done when it has been written, or when it leads
	// written says that it was, under which number and with what error.
	written bool
	number  uint64
	err     error
}

// write commits what a transaction writes, all of which it holds, and returns
// the number of the commit. After an error nothing was written.
func (b *badger) write(t *queued) (number uint64, err error) {
	q := &b.queue
	q.mu.Lock()
	if q.led {
		t.woken.Add(1)
		q.waiting = append(q.waiting, t)
		q.mu.Unlock()
		t.woken.Wait()
		if t.written {
			return t.number, t.err
		}
		q.mu.Lock()
	}
	q.led = true
	others := q.take(t)
	q.mu.Unlock()

	number = b.timeline.latest.Load() + 1
	err = b.remember(number, t, others)
	if err == nil {
		b.timeline.advance(number)
	}

	q.mu.Lock()
	next := q.next()
	q.mu.Unlock()
	if next != nil {
		next.woken.Done()
	}
	for _, other := range others {
		other.written, other.number, other.err = true, number, err
		other.woken.Done()
	}
	return number, err
}

// take takes those out that are written together with one.
func (q *queue) take(with *queued) []*queued {
	cost, n := with.writes.cost, 0
	for n < len(q.waiting) && cost+q.waiting[n].writes.cost <= MaxUpdate {
		cost += q.waiting[n].writes.cost
		n++
	}
	taken := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return taken
}

// next takes out who leads next; nil when nobody waits.
func (q *queue) next() (next *queued) {
	if q.led = len(q.waiting) > 0; q.led {
		next, q.waiting = q.waiting[0], q.waiting[1:]
	}
	return next
}
