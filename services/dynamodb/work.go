package dynamodb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// task is work that is too large for one transaction: it is remembered with
// the change that makes it necessary, and done in pieces, also after a restart.
type task struct {
	// Remove is the prefix of keys to be removed.
	Remove []byte
	// Fill is an index that gets entries for the items that were there before it.
	Fill *fill
	// Enter is an index of times that gets entries for the items that were
	// there before it.
	Enter *fill
	// Copy is a table or a backup that is copied.
	Copy *copying
	// Import is an import that goes on.
	Import *transfer
	// Replicate is a replica that gets the items there were before it.
	Replicate *fill
	// Export is an export that goes on.
	Export *transfer
	// Drop is a table whose deletion takes a while.
	Drop *tableRef
	// NotBefore is when it is to be done.
	NotBefore time.Time
}

// fill is how far the filling of an index has come.
type fill struct {
	Account, Region, Name string
	Table, Index          uint64
	After                 []byte // the last item that has been looked at
	To                    string // the region of a replica that is filled
}

// retryAfter is how long work that failed waits.
const retryAfter = time.Second

// The sizes of pieces.
const removedAtOnce, filledAtOnce = 1000, 50

// worker does the tasks, one at a time, and what the clock makes necessary.
type worker struct {
	mu sync.Mutex // held while it works

	bell sync.Mutex
	// rung says that there is more to do than it has looked at.
	rung bool
	// rise ends its rest.
	rise context.CancelFunc
}

// ring makes the worker look for work.
func (w *worker) ring() {
	w.bell.Lock()
	defer w.bell.Unlock()
	w.rung = true
	if w.rise != nil {
		w.rise()
	}
}

// rest waits until the clock has reached a time, or the bell is rung.
func (w *worker) rest(ctx context.Context, c *clock.Clock, until time.Time) {
	resting, rise := context.WithCancel(ctx)
	defer rise()
	w.bell.Lock()
	if w.rise = rise; w.rung {
		rise()
	}
	w.bell.Unlock()
	_ = c.Wait(resting, until) // why it ends makes no difference
	w.bell.Lock()
	w.rise, w.rung = nil, false
	w.bell.Unlock()
}

// remember adds a task in the caller's transaction.
func (s *Service) remember(tx storage.Tx, number uint64, t *task) error {
	tx.OnCommit(s.worker.ring)
	return storage.PutRecord(tx, workKey(number), t)
}

// Run implements service.Runner.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := s.work(ctx)
		if err != nil && ctx.Err() == nil {
			s.env.Log.Error("dynamodb: background work failed, and is tried again", "error", err)
			next = s.env.Clock.Now().Add(retryAfter)
		}
		s.worker.rest(ctx, s.env.Clock, next)
	}
	return nil
}

// Drain implements service.Drainer: it does all there is to do.
func (s *Service) Drain(ctx context.Context) error {
	_, err := s.work(ctx)
	return err
}

// work does all there is to do, and says when the clock makes more of it.
func (s *Service) work(ctx context.Context) (next time.Time, err error) {
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	now := s.env.Clock.Now()
	if _, err := s.doTasks(ctx, now); err != nil {
		return never, err
	}
	next = never
	for _, chore := range []func(context.Context, time.Time) (time.Time, error){s.expire, s.forgetStreams, s.forgetPast, s.forgetBackups} {
		at, err := chore(ctx, now)
		if err != nil {
			return never, err
		}
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	later, err := s.doTasks(ctx, now) // chores leave some
	if later.Before(next) {
		next = later
	}
	return next, err
}

// rounds are background work that the clock makes necessary again and again.
// The worker's lock guards it.
type rounds struct{ last time.Time }

// round does the work when it is time, and says when it will be again: zero
// when it found nothing that it is for. A clock that was set back makes it time.
func (r *rounds) round(now time.Time, every time.Duration, f func() (found bool, err error)) (next time.Time, err error) {
	if age := now.Sub(r.last); r.last.IsZero() || age < 0 || age >= every {
		found, err := f()
		if err != nil || !found {
			return time.Time{}, err
		}
		r.last = now
	}
	return r.last.Add(every), nil
}

// everyRecord reads all records of a range, of which there are few.
func everyRecord[T any](s *Service, r storage.Range) (all []*T, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		all = nil
		for r, err := range storage.Records[T](tx, r) {
			if err != nil {
				return err
			}
			all = append(all, r.Value)
		}
		return nil
	})
	return all, err
}

// never is a time that nobody waits for.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// doTasks does the tasks that are remembered, and says when there is one that
// has to wait.
func (s *Service) doTasks(ctx context.Context, now time.Time) (later time.Time, err error) {
	for {
		key, t, later, err := s.nextTask(now)
		if t == nil || err != nil {
			return later, err
		}
		for done := false; !done; {
			if err := ctx.Err(); err != nil {
				return later, err
			}
			switch {
			case t.Fill != nil:
				done, err = s.fillSome(key, t)
			case t.Enter != nil:
				done, err = s.enterSome(key, t)
			case t.Copy != nil:
				done, err = s.copySome(key, t)
			case t.Export != nil:
				done, err = s.exportSome(ctx, key, t.Export)
			case t.Import != nil:
				done, err = s.importSome(ctx, key, t.Import)
			case t.Replicate != nil:
				done, err = s.replicateSome(key, t)
			case t.Drop != nil:
				done, err = s.dropNow(key, t)
			default:
				done, err = s.removeSome(key, t)
			}
			if err != nil {
				return later, err
			}
		}
	}
}

// nextTask finds a task, nil when there is none that can be done now, and says
// when the first can be that has to wait. What is removed may still have to be
// copied, so removals come last.
func (s *Service) nextTask(now time.Time) (key []byte, t *task, later time.Time, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		key, t, later = nil, nil, never
		for w, err := range storage.Records[task](tx, storage.Prefix(worksKey())) {
			switch {
			case err != nil:
				return err
			case w.Value.NotBefore.After(now):
				if w.Value.NotBefore.Before(later) {
					later = w.Value.NotBefore
				}
			case t == nil || t.Remove != nil && w.Value.Remove == nil:
				key, t = append([]byte(nil), w.Key...), w.Value
			}
		}
		return nil
	})
	return key, t, later, err
}

// removeSome does a piece of a removal, and says whether it was the last.
func (s *Service) removeSome(key []byte, t *task) (done bool, err error) {
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if done, err = removePiece(tx, storage.Prefix(t.Remove)); !done || err != nil {
			return err
		}
		return tx.Delete(key)
	})
	return done, err
}

// removePiece removes some of the keys of a range, and says whether those were all.
func removePiece(tx storage.Tx, r storage.Range) (done bool, err error) {
	r.KeysOnly = true
	var keys [][]byte
	for e, err := range tx.Scan(r) {
		if err != nil {
			return false, err
		}
		if keys = append(keys, append([]byte(nil), e.Key...)); len(keys) == removedAtOnce {
			break
		}
	}
	for _, k := range keys {
		if err := tx.Delete(k); err != nil {
			return false, err
		}
	}
	return len(keys) < removedAtOnce, nil
}

// fillSome does a piece of filling an index, and says whether it was the last.
func (s *Service) fillSome(key []byte, t *task) (done bool, err error) {
	f := t.Fill
	id := tableID{f.Account, f.Region, f.Name}
	after := f.After
	err = s.update(func(tx storage.Tx, w *writes) error {
		done = true
		schema, err := w.table(tx, id)
		if err != nil && !isNoTable(err) {
			return err
		}
		x := filling(schema, f)
		if x == nil { // the table or the index is gone
			return tx.Delete(key)
		}
		after, err = w.fillFrom(tx, schema, x, f.After)
		if err != nil {
			return err
		}
		if done = after == nil; !done {
			next := *f
			next.After = after
			return storage.PutRecord(tx, key, &task{Fill: &next})
		}
		record, err := s.record(tx, id)
		if err != nil {
			return err
		}
		record.index(x.Name).Backfilling = false
		if err := storage.PutRecord(tx, record.storageKey(), record); err != nil {
			return err
		}
		return tx.Delete(key)
	})
	f.After = after
	return done, err
}

// filling is the index that is to be filled, nil when it is not there any more.
func filling(t *schema, f *fill) *index {
	if t == nil || t.Number != f.Table {
		return nil
	}
	for _, x := range t.indexes {
		if x.Number == f.Index {
			return x
		}
	}
	return nil
}

// fillFrom writes entries for the items after a key. It returns the last of
// them, nil when there are no more. AWS leaves out items whose attributes can
// not be keys of the index.
func (w *writes) fillFrom(tx storage.Tx, t *schema, x *index, after []byte) (last []byte, err error) {
	keys, last, err := someKeys(tx, t.prefix, after)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		// Read by its key, so that a write to the item meanwhile is noticed.
		data, err := tx.Get(k)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		it, err := item.Decode(data)
		if err != nil {
			return nil, err
		}
		if err := w.fillEntry(tx, t, x, it); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// someKeys are some keys of items behind one; last is nil when there are no more.
func someKeys(tx storage.Tx, prefix, after []byte) (keys [][]byte, last []byte, err error) {
	r := storage.Prefix(prefix)
	r.KeysOnly = true
	if after != nil {
		r = r.After(after)
	}
	for e, err := range tx.Scan(r) {
		if err != nil {
			return nil, nil, err
		}
		if keys = append(keys, append([]byte(nil), e.Key...)); len(keys) == filledAtOnce {
			return keys, keys[len(keys)-1], nil
		}
	}
	return keys, nil, nil
}

func (w *writes) fillEntry(tx storage.Tx, t *schema, x *index, it item.Item) error {
	if !x.has(it) || (&schema{table: t.table, indexes: []*index{x}}).checkIndexKeys(it) != nil {
		return nil
	}
	key := t.entryKey(x, it)
	if _, err := tx.Get(key); !errors.Is(err, storage.ErrNotFound) {
		return err // a write has been faster, or it failed
	}
	entry := x.entry(it)
	size := item.Size(entry)
	of := w.of(t)
	of.tally.add(x.Number, 1, size)
	return tx.Set(key, item.Encode(entry, size))
}
