package events

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// Queue keeps deliveries in the store and carries them out.
type Queue struct{}

// New is a queue over db. resolve finds the service that takes deliveries for
// ARNs with the given service part ("lambda", "sqs").
func New(db storage.DB, c *clock.Clock, ids *ids.Source, log *slog.Logger, resolve func(service string) (Deliverer, bool)) *Queue {
	return &Queue{}
}

// Send implements Sender.
func (q *Queue) Send(tx storage.Tx, d Delivery) error { panic("events: not built yet") }

// Run delivers until the context ends, and returns when nothing of it is left running.
func (q *Queue) Run(ctx context.Context) error { panic("events: not built yet") }

// Drain returns when no delivery is due or under way. Deliveries whose
// NotBefore lies ahead of the clock are not waited for.
func (q *Queue) Drain(ctx context.Context) error { panic("events: not built yet") }

// Failed yields the deliveries that were given up, the oldest first.
func (q *Queue) Failed(tx storage.Tx) iter.Seq2[*Delivery, error] { panic("events: not built yet") }

// Retry is an error that makes a delivery be tried again at the given time;
// the zero time means the default backoff.
func Retry(err error, at time.Time) error { panic("events: not built yet") }

// Drop is an error that makes a delivery be given up at once.
func Drop(err error) error { panic("events: not built yet") }
