package events_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// world is a queue with its surroundings.
type world struct {
	*testing.T
	db    storage.DB
	clock *clock.Clock
	queue *events.Queue
	stop  func()

	mu       sync.Mutex
	services map[string]func(context.Context, *events.Delivery) error
	got      []events.Delivery
}

type deliverer func(context.Context, *events.Delivery) error

func (f deliverer) Deliver(ctx context.Context, d *events.Delivery) error { return f(ctx, d) }

func newWorld(t *testing.T) *world {
	db, _ := storagetest.Open(t)
	w := &world{T: t, db: db, clock: clock.At(start), services: map[string]func(context.Context, *events.Delivery) error{}}
	w.queue = w.newQueue()
	return w
}

func (w *world) newQueue() *events.Queue {
	return events.New(w.db, w.clock, ids.Random(), slog.New(slog.DiscardHandler), func(service string) (events.Deliverer, bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		f, ok := w.services[service]
		if !ok {
			return nil, false
		}
		return deliverer(func(ctx context.Context, d *events.Delivery) error {
			w.mu.Lock()
			w.got = append(w.got, *d)
			w.mu.Unlock()
			return f(ctx, d)
		}), true
	})
}

// serve makes a service take deliveries.
func (w *world) serve(service string, f func(context.Context, *events.Delivery) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.services[service] = f
}

// run runs the queue until the test ends or stop is called.
func (w *world) run() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	q := w.queue
	go func() { ended <- q.Run(ctx) }()
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.Error(err)
			}
		})
	}
	w.Cleanup(w.stop)
}

func (w *world) send(all ...events.Delivery) {
	w.Helper()
	for _, d := range all {
		if err := w.db.Update(func(tx storage.Tx) error { return w.queue.Send(tx, d) }); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) drain() {
	w.Helper()
	if err := w.queue.Drain(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) payloads() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, d := range w.got {
		all = append(all, string(d.Payload))
	}
	return all
}

func (w *world) failed() []*events.Delivery {
	w.Helper()
	var all []*events.Delivery
	err := w.db.View(func(tx storage.Tx) error {
		all = nil
		for d, err := range w.queue.Failed(tx) {
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func take(context.Context, *events.Delivery) error { return nil }

func to(target, payload string) events.Delivery {
	return events.Delivery{Target: target, Payload: []byte(payload)}
}
