package dynamodb

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/storage"
)

// AWS counts a table's items and bytes about every six hours. So do we, but
// what this process has written since is added, so that a table that is
// described right after a write is described as it is. Writers share nothing
// in the store for that: a counter there would make each wait for the others.

// countsKept is how long a count holds, by the clock.
const countsKept = 6 * time.Hour

// counters are those of the tables that were written or described.
type counters struct{ byTable sync.Map } // of uint64 to *counter

func (c *counters) of(t *table) *counter {
	if v, ok := c.byTable.Load(t.Number); ok {
		return v.(*counter)
	}
	v, _ := c.byTable.LoadOrStore(t.Number, &counter{})
	return v.(*counter)
}

func (c *counters) forget(table uint64) { c.byTable.Delete(table) }

// counter is what is known of one table: the numbers of its last count, and
// what was written since.
type counter struct {
	begun, ended atomic.Int64 // writes

	mu      sync.Mutex
	counted time.Time // zero: never
	totals  map[uint64]total
}

// total is the size of a table (0) or of the index of a number.
type total struct{ items, bytes int64 }

// tally is what one write changes.
type tally []tallied

type tallied struct {
	index        uint64
	items, bytes int
}

func (t *tally) add(index uint64, items, bytes int) {
	if items != 0 || bytes != 0 {
		*t = append(*t, tallied{index, items, bytes})
	}
}

// begin is called before a write, end when it is over; changed is nil when it failed.
func (c *counter) begin() { c.begun.Add(1) }

func (c *counter) end(changed tally) {
	defer c.ended.Add(1)
	if len(changed) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted.IsZero() {
		return
	}
	for _, by := range changed {
		was := c.totals[by.index]
		c.totals[by.index] = total{was.items + int64(by.items), was.bytes + int64(by.bytes)}
	}
}

// writes are what a transaction writes, by the tables' counters.
type writes struct {
	service *Service
	tables  []tableWrites
	// large says that they are too many for an ordinary transaction.
	large bool
	// trail is of what follows them, nil while nothing does.
	trail *trail
}

type tableWrites struct {
	*counter
	tally tally
	// took is what is taken of capacity, nil where that is not counted.
	took *taken
}

// update runs f as storage.DB's Update does, counts what it wrote, and tells
// those who wait for it. What is too much for that is done by UpdateLarge.
func (s *Service) update(f func(tx storage.Tx, w *writes) error) error { return s.updateUpTo(true, f) }

// updateSmall is update for what is done in another way when it is too much:
// the error is storage.ErrTooLarge then.
func (s *Service) updateSmall(f func(tx storage.Tx, w *writes) error) error {
	return s.updateUpTo(false, f)
}

func (s *Service) updateUpTo(large bool, f func(tx storage.Tx, w *writes) error) error {
	w := &writes{service: s}
	committed := false
	defer func() { w.end(committed) }() // also when f panics: readers wait for who has drawn a number
	err := w.try(f)
	for again := err != nil; again; {
		switch again = false; {
		case errors.Is(err, sequence.ErrExhausted):
			err = s.reserve()
			again = err == nil
		case errors.Is(err, storage.ErrTooLarge) && large && !w.large:
			w.large, again = true, true
		}
		if again {
			err = w.try(f)
		}
	}
	committed = err == nil
	w.charge(err)
	return err
}

func (w *writes) try(f func(tx storage.Tx, w *writes) error) error {
	attempt := func(tx storage.Tx) error {
		for i := range w.tables {
			w.tables[i].tally = nil
			w.tables[i].took = nil
		}
		if w.trail != nil {
			w.trail.at, w.trail.first, w.trail.woken = time.Time{}, 0, nil
		}
		return f(tx, w)
	}
	if w.large {
		return w.service.env.DB.UpdateLarge(attempt)
	}
	return w.service.env.DB.Update(attempt)
}

func (w *writes) end(committed bool) {
	for _, t := range w.tables {
		if !committed {
			t.tally = nil
		}
		t.end(t.tally)
	}
	if w.trail == nil {
		return
	}
	w.trail.drawn.Done()
	if committed {
		w.service.listeners.tell(w.trail.woken)
	}
}

// table finds a table that is to be written.
func (w *writes) table(tx storage.Tx, id tableID) (*schema, error) {
	t, err := w.service.table(tx, id)
	if err != nil {
		return nil, err
	}
	w.of(t)
	return t, nil
}

func (w *writes) of(t *schema) *tableWrites {
	c := w.service.counts.of(t.table)
	for i := range w.tables {
		if w.tables[i].counter == c {
			return &w.tables[i]
		}
	}
	c.begin()
	w.tables = append(w.tables, tableWrites{counter: c})
	return &w.tables[len(w.tables)-1]
}

// carryOut makes a change that has been checked, as schema's does.
func (w *writes) carryOut(tx storage.Tx, t *schema, c *change) (*effect, error) {
	e, err := t.carryOut(tx, c)
	if err != nil {
		return e, err
	}
	of := w.of(t)
	of.tally = append(of.tally, e.tally...)
	if t.follower != nil {
		if err := w.follow(tx, t, c, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// count is the size of a table and its indexes.
func (s *Service) count(t *table) (map[uint64]total, error) {
	c := s.counts.of(t)
	now := s.env.Clock.Now()
	c.mu.Lock()
	if age := now.Sub(c.counted); !c.counted.IsZero() && age >= 0 && age < countsKept {
		defer c.mu.Unlock()
		out := make(map[uint64]total, len(c.totals))
		for index, n := range c.totals {
			out[index] = n
		}
		return out, nil
	}
	c.mu.Unlock()

	// A count is kept only when no write was under way while it was made: of
	// one that was it is not known whether the count has it.
	begun, ended := c.begun.Load(), c.ended.Load()
	out := map[uint64]total{}
	err := s.env.DB.View(func(tx storage.Tx) error {
		clear(out)
		for index := range indexNumbers(t) {
			var n total
			for e, err := range tx.Scan(storage.Prefix(indexKey(t.Account, t.Region, t.Number, index))) {
				if err != nil {
					return err
				}
				size, err := item.EncodedSize(e.Value)
				if err != nil {
					return err
				}
				n.items++
				n.bytes += int64(size)
			}
			out[index] = n
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if begun == ended && c.begun.Load() == begun {
		c.counted, c.totals = now, make(map[uint64]total, len(out))
		for index, n := range out {
			c.totals[index] = n
		}
	}
	return out, nil
}

// indexNumbers yields 0 for the table and the numbers of its indexes.
func indexNumbers(t *table) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		if !yield(0) {
			return
		}
		for _, x := range t.Indexes {
			if !yield(x.Number) {
				return
			}
		}
	}
}

// describeCounts puts the counts of a table into its description.
func (s *Service) describeCounts(d *ddb.TableDescription, t *table) error {
	counts, err := s.count(t)
	if err != nil {
		return err
	}
	n := counts[0]
	d.ItemCount, d.TableSizeBytes = &n.items, &n.bytes
	for _, x := range d.GlobalSecondaryIndexes {
		n := counts[t.index(x.IndexName).Number]
		x.ItemCount, x.IndexSizeBytes = &n.items, &n.bytes
	}
	for _, x := range d.VectorIndexes {
		n := counts[t.index(x.IndexName).Number]
		x.ItemCount, x.IndexSizeBytes = &n.items, &n.bytes
	}
	for _, x := range d.LocalSecondaryIndexes {
		n := counts[t.index(x.IndexName).Number]
		x.ItemCount, x.IndexSizeBytes = &n.items, &n.bytes
	}
	return nil
}
