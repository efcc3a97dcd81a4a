package dynamodb

import (
	"errors"
	"maps"
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
//
// A count is exact when no write was under way at its beginning: it has all that
// ended before, and what ends later is added. Under writes that never pause it
// may be wrong by those that were under way, and is made again once they pause.

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

	counting sync.Mutex // held by who counts

	mu sync.Mutex
	// totals are those of the last count, which began at a time, with what was
	// written since; nil before the first. exact says whether they can be wrong.
	totals map[uint64]total
	at     time.Time
	exact  bool
	// since is what was written since the count began that is being made; nil
	// while none is.
	since map[uint64]total
}

// total is the size of a table (0) or of the index of a number.
type total struct{ items, bytes int64 }

func (t total) plus(u total) total { return total{t.items + u.items, t.bytes + u.bytes} }

// tally is what one write changes.
type tally []tallied

type tallied struct {
	index        uint64
	items, bytes int
}

func (t *tally) add(index uint64, items, bytes int) {
	if items == 0 && bytes == 0 {
		return
	}
	for i := range *t {
		if by := &(*t)[i]; by.index == index {
			by.items, by.bytes = by.items+items, by.bytes+bytes
			return
		}
	}
	*t = append(*t, tallied{index, items, bytes})
}

// addAll adds what another write changes.
func (t *tally) addAll(other tally) {
	for _, by := range other {
		t.add(by.index, by.items, by.bytes)
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
	for _, sums := range []map[uint64]total{c.totals, c.since} {
		if sums == nil {
			continue
		}
		for _, by := range changed {
			sums[by.index] = sums[by.index].plus(total{int64(by.items), int64(by.bytes)})
		}
	}
}

// quiet says how many writes have begun, and whether all of them have ended.
func (c *counter) quiet() (begun int64, quiet bool) {
	ended := c.ended.Load()
	begun = c.begun.Load()
	return begun, begun == ended
}

// known are the totals, if they hold at a time; nil when they have to be counted.
func (c *counter) known(now time.Time) map[uint64]total {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := now.Sub(c.at); c.totals == nil || age < 0 || age >= countsKept {
		return nil
	}
	if _, quiet := c.quiet(); quiet && !c.exact {
		return nil
	}
	return maps.Clone(c.totals)
}

// writes are what a transaction writes, by the tables' counters.
type writes struct {
	service *Service
	tables  []tableWrites
	// trail is of what follows them, nil while nothing does.
	trail *trail
	// effect is that of the last change.
	effect effect
	// tableRoom and tallyRoom are for what most writes need of tables and of the
	// effect's tally.
	tableRoom [1]tableWrites
	tallyRoom [2]tallied
}

type tableWrites struct {
	table uint64 // its number
	*counter
	tally tally
	// took is what is taken of capacity, nil where that is not counted.
	took *taken
}

// update runs f as storage.DB's Update does, counts what it wrote, and tells
// those who wait for it.
func (s *Service) update(f func(tx storage.Tx, w *writes) error) error {
	w := &writes{service: s}
	w.tables, w.effect.tally = w.tableRoom[:0], w.tallyRoom[:0]
	committed := false
	defer func() { w.end(committed) }() // also when f panics: readers wait for who has drawn a number
	err := w.try(f)
	for errors.Is(err, sequence.ErrExhausted) {
		if err = s.reserve(); err == nil {
			err = w.try(f)
		}
	}
	if errors.Is(err, storage.ErrTooLarge) {
		err = errTooMuch()
	}
	committed = err == nil
	w.charge(err)
	return err
}

func (w *writes) try(f func(tx storage.Tx, w *writes) error) error {
	return w.service.env.DB.Update(func(tx storage.Tx) error {
		for i := range w.tables {
			w.tables[i].tally = nil
			w.tables[i].took = nil
		}
		if w.trail != nil {
			w.trail.at, w.trail.first, w.trail.woken = time.Time{}, 0, nil
		}
		return f(tx, w)
	})
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
	for i := range w.tables {
		if w.tables[i].table == t.Number {
			return &w.tables[i]
		}
	}
	c := w.service.counts.of(t.table)
	c.begin()
	w.tables = append(w.tables, tableWrites{table: t.Number, counter: c})
	return &w.tables[len(w.tables)-1]
}

// carryOut makes a change that has been checked, as schema's does. The effect
// is good until the next.
func (w *writes) carryOut(tx storage.Tx, t *schema, c *change) (*effect, error) {
	e, err := t.carryOut(tx, c, &w.effect)
	if err != nil {
		return e, err
	}
	of := w.of(t)
	of.tally.addAll(e.tally)
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
	if totals := c.known(now); totals != nil {
		return totals, nil
	}
	c.counting.Lock()
	defer c.counting.Unlock()
	if totals := c.known(now); totals != nil {
		return totals, nil // somebody else has counted meanwhile
	}
	c.mu.Lock()
	c.since = map[uint64]total{}
	begun, quiet := c.quiet()
	c.mu.Unlock()

	totals, exact := map[uint64]total{}, false
	err := s.env.DB.View(func(tx storage.Tx) error {
		clear(totals)
		if _, err := tx.Get(t.storageKey()); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		exact = quiet && c.begun.Load() == begun // after the first reading, which has set the moment
		for index := range indexNumbers(t) {
			n, err := sizeOf(tx, indexKey(t.Account, t.Region, t.Number, index))
			if err != nil {
				return err
			}
			totals[index] = n
		}
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	since := c.since
	c.since = nil
	if err != nil {
		return nil, err
	}
	for index, n := range since {
		totals[index] = totals[index].plus(n)
	}
	c.totals, c.at, c.exact = totals, now, exact
	return maps.Clone(totals), nil
}

// sizeOf counts the items whose keys begin with a prefix.
func sizeOf(tx storage.Tx, prefix []byte) (n total, err error) {
	for e, err := range tx.Scan(storage.Prefix(prefix)) {
		if err != nil {
			return n, err
		}
		size, err := item.EncodedSize(e.Value)
		if err != nil {
			return n, err
		}
		n = n.plus(total{1, int64(size)})
	}
	return n, nil
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
