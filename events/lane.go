package events

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/virga-cloud/virga/storage"
)

const (
	// laneWidth is how many deliveries to one target are under way at once.
	laneWidth = 128
	// totalWidth is how many are under way in all.
	totalWidth = 1024
	// storeRetry is how long a lane rests when the store has failed it.
	storeRetry = time.Second
)

// far is a time that nobody waits for.
var far = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// run is one Run of a queue: a lane for every target that has deliveries.
type run struct {
	queue *Queue
	ctx   context.Context
	all   sync.WaitGroup // lanes and deliveries
	slots chan struct{}  // totalWidth

	mu    sync.Mutex
	lanes map[string]*lane
}

func newRun(ctx context.Context, q *Queue) *run {
	return &run{queue: q, ctx: ctx, slots: make(chan struct{}, totalWidth), lanes: map[string]*lane{}}
}

// lane works off the deliveries of one target.
type lane struct {
	run    *run
	target string
	prefix storage.Key

	// Guarded by run.mu:

	running bool
	// from is where the next look begins: nothing before it is left, which
	// spares scans the keys that were deleted.
	from []byte
	// sent is the first key that was sent since the last look began, nil when
	// there was none.
	sent []byte
	// underway are the keys of the deliveries that are being attempted, and of
	// those that have ended since the last look, which are ended. They are told
	// apart so late because a look at the store may still see the latter.
	underway map[string]struct{}
	ended    []string
	// interrupt ends the wait of the lane; it is set before the lane looks.
	interrupt context.CancelFunc
}

// load starts a lane for every target that has deliveries from before.
func (r *run) load() error {
	var all []string
	err := r.queue.db.View(func(tx storage.Tx) error {
		return targets(tx, func(target string, _ time.Time) bool {
			all = append(all, target)
			return true
		})
	})
	for _, t := range all {
		r.wake(t, prefixTarget(t))
	}
	return err
}

// wake starts the target's lane, or makes it look again, from key on.
// The queue's lock is held, or Run has not ended: so nothing starts after stop.
func (r *run) wake(target string, key []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[target]
	if l == nil {
		l = &lane{run: r, target: target, prefix: prefixTarget(target), from: key, underway: map[string]struct{}{}}
		r.lanes[target] = l
	}
	l.from = least(l.from, key)
	if l.sent == nil {
		l.sent = key
	}
	l.sent = least(l.sent, key)
	if !l.running {
		l.running = true
		r.all.Go(l.work)
	}
	if l.interrupt != nil {
		l.interrupt()
	}
}

// busy says whether a delivery is under way.
func (r *run) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lanes {
		if len(l.underway) > len(l.ended) {
			return true
		}
	}
	return false
}

// stop waits for all that runs; the context has ended.
func (r *run) stop() { r.all.Wait() }

// work starts what is due, waits for what is due next, and ends when there is
// nothing left.
func (l *lane) work() {
	r := l.run
	for {
		ctx, cancel := context.WithCancel(r.ctx)
		r.mu.Lock()
		l.interrupt = cancel
		r.mu.Unlock()

		next, err := l.start()
		if err != nil && r.ctx.Err() == nil {
			r.queue.log.Error("reading deliveries failed", "error", err)
			next = r.queue.clock.Now().Add(storeRetry)
		}
		if next.Equal(far) && l.end(ctx) {
			cancel()
			return
		}
		r.queue.clock.Wait(ctx, next)
		cancel()
		if r.ctx.Err() != nil {
			return
		}
	}
}

// end ends the lane, unless it was interrupted or has something under way.
func (l *lane) end(ctx context.Context) bool {
	r := l.run
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || len(l.underway) > len(l.ended) {
		return false
	}
	l.running, l.interrupt = false, nil
	// What the lane knows is cheap and spares work when it is woken again, but
	// there may be any number of targets.
	if len(r.lanes) > totalWidth {
		delete(r.lanes, l.target)
	}
	return true
}

// start attempts what is due, as much of it as there is room for, and says
// when there is more: far when a wake will tell.
func (l *lane) start() (next time.Time, err error) {
	r := l.run
	batch, next, err := l.look()
	if err != nil {
		return far, err
	}
	for _, d := range batch {
		select {
		case r.slots <- struct{}{}:
		case <-r.ctx.Done():
			return far, nil
		}
		r.mu.Lock()
		l.underway[string(d.key)] = struct{}{}
		r.mu.Unlock()
		r.all.Go(func() { l.attempt(d) })
	}
	return next, nil
}

// due is a delivery with its key.
type due struct {
	key      []byte
	delivery *Delivery
}

// look reads what is due and not under way, as much of it as there is room for.
func (l *lane) look() (batch []due, next time.Time, err error) {
	r := l.run
	r.mu.Lock()
	scan := storage.Prefix(l.prefix)
	scan.KeysOnly = true
	if bytes.Compare(l.from, scan.Start) > 0 {
		scan.Start = l.from
	}
	for _, key := range l.ended {
		delete(l.underway, key)
	}
	l.ended = l.ended[:0]
	room := laneWidth - len(l.underway)
	l.sent = nil
	r.mu.Unlock()

	var first []byte // of the keys that are left
	now := r.queue.clock.Now()
	err = r.queue.db.View(func(tx storage.Tx) error {
		batch, next, first = nil, far, scan.End
		for e, err := range tx.Scan(scan) {
			if err != nil {
				return err
			}
			if bytes.Equal(first, scan.End) {
				first = bytes.Clone(e.Key)
			}
			if _, ok := l.underway[string(e.Key)]; ok { // only this goroutine changes it
				continue
			}
			_, notBefore, err := readDue(e.Key)
			if err != nil {
				return err
			}
			if notBefore.After(now) {
				next = notBefore
				break
			}
			if len(batch) == room {
				break // the end of one that is under way wakes the lane
			}
			key := bytes.Clone(e.Key)
			d, err := storage.GetRecord[Delivery](tx, key)
			if err != nil {
				return err
			}
			batch = append(batch, due{key, d})
		}
		return nil
	})
	if err != nil {
		return nil, far, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.from = first
	if l.sent != nil {
		l.from = least(l.from, l.sent)
	}
	return batch, next, nil
}

func least(a, b []byte) []byte {
	if bytes.Compare(b, a) < 0 {
		return b
	}
	return a
}

// attempt carries out one delivery and makes the lane look again.
func (l *lane) attempt(d due) {
	r := l.run
	err := r.queue.attempt(r.ctx, d.key, d.delivery)
	if err != nil {
		r.queue.log.Error("storing the outcome of a delivery failed", "delivery", d.delivery.ID, "target", l.target, "error", err)
		r.queue.clock.Wait(r.ctx, r.queue.clock.Now().Add(storeRetry))
	}
	<-r.slots
	r.mu.Lock()
	l.ended = append(l.ended, string(d.key))
	if l.interrupt != nil {
		l.interrupt()
	}
	r.mu.Unlock()
	r.queue.ended()
}

// ended tells those who wait in Drain to look again.
func (q *Queue) ended() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}
