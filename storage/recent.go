package storage

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
)

// recent are the commits that Badger does not have yet. Badger takes ten
// microseconds for a small one, most of it to find the place of its key among those
// it has in memory; so a commit is written to a log, and is kept in a memtable. When
// that is full another one takes its place, and it is written out to Badger: each key once, with
// its last value, and in order, so that their places are beside each other.
//
// What must hold: a commit that is not in a memtable of state is in Badger as a whole, and
// until then in a log that is on disk. Who reads takes a moment and a state that belong
// together, and what no memtable of that state knows it reads from Badger, as of that
// moment: what is written out meanwhile is not seen twice, since the memtable is asked first.
type recent struct {
	state atomic.Pointer[memtables]
	logs  *wals
	// limit is how much is written to a memtable, in bytes, before it is written out.
	limit int64
	// mu is held by who writes to the active memtable, or puts another one in its place.
	mu sync.Mutex
	// flushing is held by who writes a memtable out.
	flushing sync.Mutex
	flushes  sync.WaitGroup // those under way in the background
}

// memtables is what there is of them at a time.
type memtables struct {
	active *memtable
	frozen *memtable // is written out; nil for none
}

// all are those that there are, the latest first.
func (m *memtables) all() iter.Seq[*memtable] {
	return func(yield func(*memtable) bool) {
		for _, one := range []*memtable{m.active, m.frozen} {
			if one != nil && !yield(one) {
				return
			}
		}
	}
}

func (m *memtables) empty() bool { return m.active.empty() && m.frozen == nil }

// get is memtable.get of both.
func (m *memtables) get(key []byte, hash, at uint64) (value []byte, found bool, err error) {
	value, found, err = m.active.get(key, hash, at)
	if !found && err == nil && m.frozen != nil {
		return m.frozen.get(key, hash, at)
	}
	return value, found, err
}

// release closes the logs as they are.
func (m *memtables) release() {
	for one := range m.all() {
		for _, log := range one.logs {
			log.file.Close() // what is in it is on disk
		}
	}
}

// openRecent opens the logs in dir, and freezes what they have: it can be read, and
// waits to be written out. It returns the number of the last commit in them.
func (b *badger) openRecent(dir string, o Options) (last uint64, err error) {
	r := &b.recent
	r.limit = memtableBytes
	var old *oldLogs
	if r.logs, old, err = openLogs(dir, o.Sync); err != nil {
		return 0, err
	}
	log, err := r.logs.take()
	if err != nil {
		return 0, err
	}
	state := &memtables{active: newMemtable(b.hot.hash, log)}
	if len(old.records) == 0 {
		r.state.Store(state)
		return 0, removeAll(old.logs)
	}
	if old.gap {
		o.Log.Warn(fmt.Sprintf("commits after number %d are lost: logs are missing", old.last()))
	}
	state.frozen = newMemtable(b.hot.hash, old.logs...)
	for _, record := range old.records {
		state.frozen.apply(record.number, record.number, record.body)
	}
	r.state.Store(state)
	return old.last(), nil
}

// moment is the present one, and the memtables that belong to it. With enter it
// stays readable until it is left.
func (b *badger) moment(enter bool) (at uint64, state *memtables) {
	for {
		state = b.recent.state.Load()
		if enter {
			at = b.timeline.enterLatest()
		} else {
			at = b.timeline.latest.Load()
		}
		if state == b.recent.state.Load() {
			return at, state
		}
		if enter {
			b.timeline.leave(at)
		}
	}
}

// remember commits transactions under a number.
func (b *badger) remember(number uint64, first *queued, others []*queued) error {
	b.recent.mu.Lock()
	defer b.recent.mu.Unlock()
	if b.recent.state.Load().active.log().end >= b.recent.limit {
		if err := b.rotate(); err != nil {
			return err
		}
	}
	return b.recent.state.Load().active.commit(number, b.timeline.floor.Load(), first, others)
}

// rotate puts an empty memtable in the place of the active one, which is then written
// out. When the one before has not been yet, it waits for that. Its caller holds mu.
func (b *badger) rotate() error {
	if err := b.flush(); err != nil {
		return err
	}
	log, err := b.recent.logs.take()
	if err != nil {
		return err
	}
	active := b.recent.state.Load().active
	b.recent.state.Store(&memtables{active: newMemtable(b.hot.hash, log), frozen: active})
	b.flushBehind()
	return nil
}

// flushBehind is flush in the background.
func (b *badger) flushBehind() {
	b.recent.flushes.Go(func() {
		if err := b.flush(); err != nil { // who needs its place will try again
			b.db.Opts().Logger.Errorf("writing out commits: %v", err)
		}
	})
}

// flush writes out the frozen memtable, if there is one. When that fails, or the process
// dies, its logs are still there, and writing it again does no harm.
func (b *badger) flush() error {
	r := &b.recent
	r.flushing.Lock()
	defer r.flushing.Unlock()
	state := r.state.Load()
	if state.frozen == nil {
		return nil
	}
	if err := b.load(state.frozen); err != nil {
		return err
	}
	// Only who has seen that nothing is frozen any more changes the state meanwhile.
	r.state.Store(&memtables{active: state.active})
	var err error
	for _, log := range state.frozen.logs {
		err = errors.Join(err, r.logs.give(log))
	}
	return err
}

// flushAll writes everything out.
func (b *badger) flushAll() error {
	b.recent.mu.Lock()
	defer b.recent.mu.Unlock()
	if !b.recent.state.Load().active.empty() {
		if err := b.rotate(); err != nil {
			return err
		}
	}
	return b.flush()
}

// closeRecent writes everything out; the logs are left where that fails.
func (b *badger) closeRecent() error {
	b.recent.flushes.Wait()
	if err := b.flushAll(); err != nil {
		return err
	}
	b.recent.flushes.Wait()
	return errors.Join(b.recent.state.Load().active.log().remove(), b.recent.logs.close())
}
