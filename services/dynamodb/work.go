package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/virga-cloud/virga/services/service"
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

// retryAfter is how long work that failed waits.
const retryAfter = time.Second

// removedAtOnce is how many keys one piece of a removal removes.
const removedAtOnce = 1000

// worker does the tasks, a piece of each in turn, and what the clock makes necessary.
type worker struct {
	mu sync.Mutex // held while it works
	// readings are the objects that imports are reading while it works, by the
	// imports' ids.
	readings map[string]*reading

	// bell makes it look for work.
	bell service.Bell
}

// remember adds a task in the caller's transaction.
func (s *Service) remember(tx storage.Tx, number uint64, t *task) error {
	tx.OnCommit(s.worker.bell.Ring)
	return storage.PutRecord(tx, workKey(number), t)
}

// Run implements service.Runner.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := s.work(ctx)
		if err != nil && ctx.Err() == nil {
			s.env.Log.Error("dynamodb: background work failed, and is tried again", "error", err)
			if again := s.env.Clock.Now().Add(retryAfter); again.Before(next) {
				next = again
			}
		}
		s.worker.bell.Rest(ctx, s.env.Clock, next)
	}
	return nil
}

// Drain implements service.Drainer: it does all there is to do.
func (s *Service) Drain(ctx context.Context) error {
	_, err := s.work(ctx)
	s.worker.bell.Ring() // Run does not know yet when there is more
	return err
}

// work does all there is to do, and says when the clock makes more of it. It does
// a piece of everything in turn, so that nothing keeps anything else waiting for
// long; what fails is left for the next time.
func (s *Service) work(ctx context.Context) (next time.Time, err error) {
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	defer s.stopReadings()
	chores := []*chore{
		{do: s.expire},
		{do: forgetting(s, &s.streamsForgotten, forgetEvery, allStreamsKey(), s.forgetStream)},
		{do: forgetting(s, &s.pastForgotten, forgetPastEvery, allRecoverableKey(), s.forgetPast)},
		{do: forgetting(s, &s.backupsForgotten, forgetEvery, allBackupsKey(), s.forgetBackup)},
	}
	failed := map[string]error{} // by the tasks' keys
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return never, err
		}
		now := s.env.Clock.Now()
		if s.worker.bell.Heard() { // somebody may have made work for them
			for _, c := range chores {
				c.next = time.Time{}
			}
		}
		for _, c := range chores {
			c.turn(ctx, now)
		}
		due, later, err := s.dueTasks(now)
		if err != nil {
			return never, err
		}
		next, more = later, false
		for _, t := range due {
			if failed[string(t.key)] == nil {
				failed[string(t.key)] = s.doSome(ctx, t.key, t.task)
				more = true
			}
		}
		for _, c := range chores {
			next = earlier(next, c.next)
			more = more || !c.next.After(now)
		}
	}
	for _, c := range chores {
		err = errors.Join(err, c.err)
	}
	return next, errors.Join(err, errors.Join(slices.Collect(maps.Values(failed))...))
}

// chore is work that the clock makes. It says when there is more, which may be
// at once, and the zero time when there is nothing that it is for.
type chore struct {
	do   func(ctx context.Context, now time.Time) (next time.Time, err error)
	next time.Time
	err  error
}

// turn does the chore when it is time.
func (c *chore) turn(ctx context.Context, now time.Time) {
	if c.err != nil || c.next.After(now) {
		return
	}
	if c.next, c.err = c.do(ctx, now); c.next.IsZero() || c.err != nil {
		c.next = never
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
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

// forgetEvery is how often, by the clock, what can not be read any more is removed.
const forgetEvery = time.Hour

// forgetting is the chore of removing what is too old of each of the records
// under a key, in rounds. There is no next round without any record.
func forgetting[T any](s *Service, r *rounds, every time.Duration, under storage.Key, forget func(context.Context, *T, time.Time) error) func(context.Context, time.Time) (time.Time, error) {
	return func(ctx context.Context, now time.Time) (next time.Time, err error) {
		return r.round(now, every, func() (found bool, err error) {
			all, err := everyRecord[T](s, storage.Prefix(under))
			for _, record := range all {
				if err == nil {
					err = forget(ctx, record, now)
				}
			}
			return len(all) > 0, err
		})
	}
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

// dueTask is a task that can be done, with its key.
type dueTask struct {
	key  []byte
	task *task
}

// dueTasks are the tasks that can be done now; and it says when the first can be
// that has to wait. What is to be removed may still have to be copied: its removal
// waits until it has been.
func (s *Service) dueTasks(now time.Time) (due []dueTask, later time.Time, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		due, later = nil, never
		var wanted [][]byte
		for w, err := range storage.Records[task](tx, storage.Prefix(worksKey())) {
			if err != nil {
				return err
			}
			if w.Value.NotBefore.After(now) {
				later = earlier(later, w.Value.NotBefore)
				continue
			}
			due = append(due, dueTask{bytes.Clone(w.Key), w.Value})
			prefixes, err := w.Value.wants(tx)
			if err != nil {
				return err
			}
			wanted = append(wanted, prefixes...)
		}
		due = slices.DeleteFunc(due, func(t dueTask) bool {
			return t.task.Remove != nil && slices.ContainsFunc(wanted, func(prefix []byte) bool {
				return bytes.HasPrefix(prefix, t.task.Remove) || bytes.HasPrefix(t.task.Remove, prefix)
			})
		})
		return nil
	})
	return due, later, err
}

// wants are the prefixes of the keys that a task reads or makes, and that have to
// stay until it is done.
func (t *task) wants(tx storage.Tx) (prefixes [][]byte, err error) {
	var from []moment
	switch {
	case t.Copy != nil:
		from = append(from, t.Copy.From)
		if b := t.Copy.ToBackup; b != nil {
			prefixes = append(prefixes, backedKey(b.Account, b.Region, b.Number))
		}
	case t.Export != nil:
		e, err := storage.GetRecord[exported](tx, exportKey(t.Export.Account, t.Export.Region, t.Export.ID))
		if err != nil {
			return nil, err
		}
		from = append(from, e.To)
	}
	for _, m := range from {
		prefixes = append(prefixes, m.Items)
		if len(m.Past) > 0 {
			prefixes = append(prefixes, m.Past)
		}
	}
	return prefixes, nil
}

// doSome does a piece of a task.
func (s *Service) doSome(ctx context.Context, key []byte, t *task) error {
	switch {
	case t.Fill != nil:
		return s.fillSome(key, t.Fill)
	case t.Enter != nil:
		return s.enterSome(key, t.Enter)
	case t.Copy != nil:
		return s.copySome(key, t.Copy)
	case t.Export != nil:
		return s.exportSome(ctx, key, t.Export)
	case t.Import != nil:
		return s.importSome(ctx, key, t.Import)
	case t.Replicate != nil:
		return s.replicateSome(key, t.Replicate)
	case t.Drop != nil:
		return s.dropNow(key, t.Drop)
	}
	return s.removeSome(key, t.Remove)
}

// piece runs f as update does, for a piece of the task under key; not when the task
// is not there any more, since the store was emptied meanwhile.
func (s *Service) piece(key []byte, f func(tx storage.Tx, w *writes) error) error {
	return s.update(func(tx storage.Tx, w *writes) error {
		_, err := tx.Get(key)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return f(tx, w)
	})
}

// removeSome does a piece of a removal.
func (s *Service) removeSome(key, prefix []byte) error {
	return s.piece(key, func(tx storage.Tx, _ *writes) error {
		if more, err := storage.DeleteFirst(tx, storage.Prefix(prefix), removedAtOnce); more || err != nil {
			return err
		}
		return tx.Delete(key)
	})
}
