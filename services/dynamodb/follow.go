package dynamodb

import (
	"errors"
	"slices"
	"time"

	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/storage"
)

// What follows a change of an item beside the entries of indexes: the record of
// a stream, the time when the item expires, and what the item was. It is written in the change's own transaction, so there is never
// one without the other. A table that asks for none of it has no follower, and
// its writes do not come here.

// follower is what a table wants of the changes of its items.
type follower struct {
	// records is what the keys of the stream's records begin with; nil without
	// a stream. stream is its number.
	records storage.Key
	stream  uint64
	// expires says that the table has an index of the times of its items.
	expires bool
	// past says that the table's past is kept.
	past bool
	// replicates says that there are replicas.
	replicates bool
}

// follower is what follows the changes of the table's items, nil when nothing does.
func (t *table) follower() *follower {
	f := &follower{expires: t.Expiry != nil, past: t.Past != nil, replicates: len(t.Replicas) > 0}
	if t.streams() {
		f.records, f.stream = recordsKey(t.Account, t.Region, t.StreamNumber), t.StreamNumber
	}
	if !f.expires && !f.past && !f.replicates && f.records == nil {
		return nil
	}
	return f
}

// follow writes what follows a change, if it was one, here and in replicas.
func (w *writes) follow(tx storage.Tx, t *schema, c *change, e *effect) error {
	if !e.changed() {
		return nil
	}
	if t.follower.replicates {
		if err := w.replicate(tx, t, e); err != nil {
			return err
		}
	}
	return w.followHere(tx, t, c, e)
}

// followHere writes what follows a change in its own region.
func (w *writes) followHere(tx storage.Tx, t *schema, c *change, e *effect) error {
	f := t.follower
	if f.expires {
		if err := w.followTime(tx, t, e); err != nil {
			return err
		}
	}
	if f.records == nil && !f.past {
		return nil
	}
	number, err := w.number()
	if err != nil {
		return err
	}
	if f.past {
		if err := w.followPast(tx, t, e, number); err != nil {
			return err
		}
	}
	if f.records == nil {
		return nil
	}
	if !slices.Contains(w.trail.woken, f.stream) {
		w.trail.woken = append(w.trail.woken, f.stream)
	}
	return storage.PutRecord(tx, f.records.Uint64(uint64(number)), newStreamRecord(t, c, e, w.trail.at))
}

// changed says whether there was a change: to put an item in the place of an
// equal one is none, nor is removing what is not there.
func (e *effect) changed() bool {
	if e.old == nil || e.new == nil {
		return e.old != nil || e.new != nil
	}
	return !item.EqualItems(e.old, e.new)
}

// trail is what a transaction leaves beside what it writes.
type trail struct {
	// drawn are the numbers it has drawn.
	drawn sequence.Writer
	// at is when the changes of this attempt are made, all at once, and first
	// the first number it drew.
	at    time.Time
	first sequence.Number
	// woken are the streams that get records.
	woken []uint64
}

// number draws a number for a change.
func (w *writes) number() (sequence.Number, error) {
	if w.trail == nil {
		w.trail = &trail{}
	}
	if w.trail.at.IsZero() {
		w.trail.at = w.service.env.Clock.Now()
	}
	n, err := w.service.order.Next(&w.trail.drawn, w.trail.at)
	if w.trail.first == 0 {
		w.trail.first = n
	}
	return n, err
}

// reserve reserves numbers for changes.
func (s *Service) reserve() error {
	s.reserving.Lock()
	defer s.reserving.Unlock()
	now := s.env.Clock.Now()
	var stored, limit sequence.Number
	err := s.env.DB.Update(func(tx storage.Tx) error {
		r, err := storage.GetRecord[reserved](tx, reservedKey())
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if stored = 0; r != nil {
			stored = r.Until
		}
		limit = s.order.Reserve(stored, now)
		return storage.PutRecord(tx, reservedKey(), &reserved{Until: limit})
	})
	if err != nil {
		return err
	}
	s.order.Reserved(stored, limit)
	return nil
}

// reserved is how far numbers have been reserved.
type reserved struct{ Until sequence.Number }

// horizon is what sequence.Order says of it.
func (s *Service) horizon(now time.Time) (settled, next sequence.Number, err error) {
	for {
		settled, next, err = s.order.Horizon(now)
		if !errors.Is(err, sequence.ErrExhausted) {
			return settled, next, err
		}
		if err := s.reserve(); err != nil {
			return 0, 0, err
		}
	}
}
