package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// Queue keeps deliveries in the store and carries them out, those of every
// target by themselves: a slow target delays nobody else's. Deliveries of one
// target are begun in the order they are due, and overlap. One process at a
// time runs the queue of a store.
type Queue struct {
	db      storage.DB
	clock   *clock.Clock
	ids     *ids.Source
	log     *slog.Logger
	resolve func(service string) (Deliverer, bool)

	delivered, retried, failed atomic.Uint64

	mu sync.Mutex
	// run is what works, nil while nothing does.
	run *run
	// changed is closed, and made anew, when a delivery has ended.
	changed chan struct{}
}

// New is a queue over db. resolve finds the service that takes deliveries for
// ARNs with the given service part ("lambda", "sqs"); it is first called by Run.
func New(db storage.DB, c *clock.Clock, ids *ids.Source, log *slog.Logger, resolve func(service string) (Deliverer, bool)) *Queue {
	return &Queue{db: db, clock: c, ids: ids, log: log, resolve: resolve, changed: make(chan struct{})}
}

// Send implements Sender.
func (q *Queue) Send(tx storage.Tx, d Delivery) error {
	d.ID = q.ids.UUID()
	d.Sent = q.clock.Now()
	if d.NotBefore.Before(d.Sent) {
		d.NotBefore = d.Sent
	}
	d.Attempt, d.LastError = 1, ""
	return q.put(tx, &d)
}

// put writes a delivery that is due at its NotBefore, and wakes its lane.
func (q *Queue) put(tx storage.Tx, d *Delivery) error {
	key, target := keyDue(d), d.Target
	tx.OnCommit(func() { q.wake(target, key) })
	return storage.PutRecord(tx, key, d)
}

// wake sees that somebody works on a target, from the given key on.
func (q *Queue) wake(target string, key []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.run != nil {
		q.run.wake(target, key)
	}
}

// Run delivers until the context ends, and returns when nothing of it is left
// running. What it did not finish is delivered by the next Run.
func (q *Queue) Run(ctx context.Context) error {
	r := newRun(ctx, q)
	q.mu.Lock()
	if q.run != nil {
		q.mu.Unlock()
		return errors.New("events: the queue is running already")
	}
	q.run = r
	q.mu.Unlock()

	err := r.load()
	if err == nil {
		<-ctx.Done()
	}
	q.mu.Lock()
	q.run = nil // from now on nothing is started
	q.mu.Unlock()
	r.stop()
	return err
}

// Drain returns when no delivery is due or under way. Deliveries whose
// NotBefore lies ahead of the clock are not waited for. It needs a Run, and
// returns the context's error when that ends first.
func (q *Queue) Drain(ctx context.Context) error {
	for {
		q.mu.Lock()
		changed, run := q.changed, q.run
		q.mu.Unlock()
		if run == nil || !run.busy() {
			// A delivery under way is in the store until it has ended.
			due, err := q.due()
			if err != nil || !due {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// due says whether there is a delivery that can be attempted now.
func (q *Queue) due() (due bool, err error) {
	now := q.clock.Now()
	err = q.db.View(func(tx storage.Tx) error {
		return targets(tx, func(target string, first time.Time) bool {
			due = due || !first.After(now)
			return !due
		})
	})
	return due, err
}

// targets calls f for every target with deliveries and the time of the first,
// until it returns false. It reads one key of each.
func targets(tx storage.Tx, f func(target string, first time.Time) bool) error {
	r := storage.Prefix(prefixDue)
	r.KeysOnly = true
	for more := true; more; {
		more = false
		for e, err := range tx.Scan(r) {
			if err != nil {
				return err
			}
			target, first, err := readDue(e.Key)
			if err != nil {
				return err
			}
			if !f(target, first) {
				return nil
			}
			r.Start = storage.PrefixEnd(prefixTarget(target))
			more = true
			break
		}
	}
	return nil
}

// MaxFailed is how many deliveries that were given up are kept; the oldest go first.
const MaxFailed = 1000

// keep puts d among those that were given up.
func keep(tx storage.Tx, now time.Time, d *Delivery) error {
	n := 0
	for e, err := range tx.Scan(storage.Range{Start: prefixFailed, End: storage.PrefixEnd(prefixFailed), Reverse: true, KeysOnly: true}) {
		if err != nil {
			return err
		}
		if n++; n >= MaxFailed {
			if err := tx.Delete(bytes.Clone(e.Key)); err != nil {
				return err
			}
		}
	}
	return storage.PutRecord(tx, keyFailed(now, d.ID), d)
}

// Failed yields the deliveries that were given up and had no dead letter, the
// oldest first.
func (q *Queue) Failed(tx storage.Tx) iter.Seq2[*Delivery, error] {
	return func(yield func(*Delivery, error) bool) {
		for item, err := range storage.Records[Delivery](tx, storage.Prefix(prefixFailed)) {
			if !yield(item.Value, err) {
				return
			}
		}
	}
}

// Counts are numbers of attempts since the queue was made.
type Counts struct {
	// Delivered were taken by their targets.
	Delivered uint64
	// Retried failed and are tried again.
	Retried uint64
	// Failed were given up.
	Failed uint64
}

// Counts counts the attempts since the queue was made, by how they ended.
func (q *Queue) Counts() Counts {
	return Counts{q.delivered.Load(), q.retried.Load(), q.failed.Load()}
}

// attempt hands d, which is stored under key, to its target, and stores what
// came of it. When the context has ended, the delivery stays as it was.
func (q *Queue) attempt(ctx context.Context, key []byte, d *Delivery) error {
	failure := q.deliver(ctx, d)
	if failure != nil && ctx.Err() != nil {
		return nil
	}
	now := q.clock.Now()
	var count *atomic.Uint64
	err := q.db.Update(func(tx storage.Tx) error {
		count = nil
		if _, err := tx.Get(key); errors.Is(err, storage.ErrNotFound) {
			return nil // the store was reset meanwhile
		} else if err != nil {
			return err
		}
		if err := tx.Delete(key); err != nil {
			return err
		}
		if failure == nil {
			count = &q.delivered
			return nil
		}
		again := *d
		again.LastError = failure.Error()
		at, exhausted, ok := next(d, failure, now)
		if ok {
			count = &q.retried
			again.Attempt++
			again.NotBefore = at
			return q.put(tx, &again)
		}
		count = &q.failed
		if d.DeadLetter != "" {
			return q.Send(tx, deadLetter(&again, code(failure), exhausted))
		}
		return keep(tx, now, &again)
	})
	if err != nil || count == nil {
		return err
	}
	count.Add(1)
	log := q.log.With("delivery", d.ID, "target", d.Target, "attempt", d.Attempt)
	switch count {
	case &q.delivered:
		log.Debug("delivered")
	case &q.retried:
		log.Info("delivery failed and will be tried again", "error", failure)
	case &q.failed:
		log.Warn("delivery given up", "error", failure, "deadLetter", d.DeadLetter)
	}
	return nil
}

// deliver hands d to the service of its target.
func (q *Queue) deliver(ctx context.Context, d *Delivery) (err error) {
	target, err := api.ParseARN(d.Target)
	if err != nil {
		return Drop(err)
	}
	service, ok := q.resolve(target.Service)
	if !ok {
		return Drop(fmt.Errorf("no service takes deliveries for %s", d.Target))
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the delivery to %s: %v", d.Target, p)
		}
	}()
	own := *d // the target may do with it what it likes
	own.Payload = bytes.Clone(d.Payload)
	own.Attributes = maps.Clone(d.Attributes)
	return service.Deliver(ctx, &own)
}

// deadLetter is the delivery that reports d, which was given up. It has the
// attributes that EventBridge gives to the messages of its dead-letter queues.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
func deadLetter(d *Delivery, errorCode, exhausted string) Delivery {
	attributes := maps.Clone(d.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["ERROR_CODE"] = errorCode
	attributes["ERROR_MESSAGE"] = d.LastError
	attributes["TARGET_ARN"] = d.Target
	attributes["RETRY_ATTEMPTS"] = strconv.Itoa(d.Attempt - 1)
	if exhausted != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
	}
	if d.Principal.SourceARN != "" {
		attributes["RULE_ARN"] = d.Principal.SourceARN
	}
	return Delivery{
		Target:     d.DeadLetter,
		Principal:  d.Principal,
		Payload:    d.Payload,
		Attributes: attributes,
	}
}
