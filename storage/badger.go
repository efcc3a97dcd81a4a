package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	// Badger is pure Go, keeps small values in its tree and large ones beside it,
	// has snapshots of any moment, and writes faster than it is asked to.
	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"golang.org/x/sync/errgroup"
)

// valueThreshold is the size in bytes from which a value is written once, to
// the value log, instead of with its key through every level of the tree.
const valueThreshold = 1 << 10

// memTableSize is how much Badger keeps in memory, in bytes, before it makes a table of
// it: what has to be read again from its log when the process was killed.
const memTableSize = 32 << 20

// compactors is how many tables are compacted at once.
const compactors = 2

// gcInterval is how often the value log is looked at for files of which half
// is garbage.
const gcInterval = 5 * time.Minute

// badger is the engine on disk. A transaction (badgerTx) reads at a moment of the
// timeline: first what is hot, then the memtables of recent, then Badger. What it commits is held
// against others (hold), is written to a log and a memtable with those who commit at the same time
// (queue), and comes to Badger later (load).
type badger struct {
	db       *badgerdb.DB
	lock     io.Closer // of the data directory
	timeline *timeline
	hot      *hot
	queue    queue
	recent   recent
	removals removals
}

// openBadger opens the engine in the data directory dir, which can be written.
func openBadger(dir string, o Options) (b *badger, err error) {
	logs := filepath.Join(dir, logsDir)
	dir = filepath.Join(dir, recordsDir)
	b = &badger{hot: newHot()}
	var last uint64
	var group errgroup.Group // after a process was killed, the logs take as long as Badger
	group.Go(func() (err error) {
		last, err = b.openRecent(logs, o)
		return err
	})
	b.db, err = openTables(dir, o)
	recentErr := group.Wait()
	switch {
	case err == nil && recentErr != nil:
		return nil, errors.Join(recentErr, b.db.Close())
	case err == nil:
		b.timeline = newTimeline(max(last, b.db.MaxVersion()), b.db.SetDiscardTs)
		b.flushBehind()
		return b, nil
	case recentErr == nil:
		b.recent.state.Load().release()
	}
	return nil, err
}

// openTables opens Badger itself.
func openTables(dir string, o Options) (db *badgerdb.DB, err error) {
	opts := badgerOptions(dir, o)
	if err := checkTables(dir, opts); err != nil {
		return nil, err
	}
	if err := removeUnbegun(dir); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil { // Badger's answer to some damages
			db, err = nil, fmt.Errorf("%v", p)
		}
	}()
	db, err = badgerdb.OpenManaged(opts)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EMFILE):
		return nil, fmt.Errorf("%w: %w", ErrUnwritable, err)
	case err != nil:
		return nil, err
	}
	return db, nil
}

func badgerOptions(dir string, o Options) badgerdb.Options {
	return badgerdb.DefaultOptions(dir).
		WithLogger(badgerLog{o.Log}).
		WithSyncWrites(o.Sync).
		WithMemTableSize(memTableSize).
		WithValueThreshold(valueThreshold).
		// Two memtables are in memory: the one that is written and the one
		// that is on its way to disk.
		WithNumMemtables(2).
		WithNumCompactors(compactors).
		// Larger tables are fewer open files.
		WithBaseTableSize(8 << 20).
		WithBaseLevelSize(64 << 20).
		// Tables are mapped: the system's page cache is the cache.
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		// The size of a file of the value log; the one in use is mapped twice
		// as large.
		WithValueLogFileSize(128 << 20).
		// Conflicts are found by hold.
		WithDetectConflicts(false).
		WithMetricsEnabled(false)
}

// removeUnbegun removes the logs that were created and not begun: the process
// died between the two. Badger takes an empty one for a new file, and refuses it.
func removeUnbegun(dir string) error {
	for _, pattern := range []string{"*.mem", "*.vlog"} {
		logs, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is good
		for _, name := range logs {
			info, err := os.Stat(name)
			if err == nil && info.Size() == 0 {
				err = os.Remove(name)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTables finds the damages that Badger does not survive: where the ends
// of tables are not what they should be it panics in a goroutine of its own,
// and where the list of tables is missing it removes them all. What it checks
// itself, the indexes and their sums, is not looked at.
func checkTables(dir string, opts badgerdb.Options) error {
	manifest, err := os.Open(filepath.Join(dir, badgerdb.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		if tables, _ := filepath.Glob(filepath.Join(dir, "*.sst")); len(tables) > 0 {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer manifest.Close()
	m, _, err := badgerdb.ReplayManifestFile(manifest, opts.ExternalMagicVersion, opts)
	if err != nil {
		return err
	}
	for id := range m.Tables {
		if err := checkTable(table.NewFilename(id, dir)); err != nil {
			return err
		}
	}
	return nil
}

// checkTable checks that the parts at the end of a table lie within it:
//
//	... index, its length (4 bytes), sum, its length (4 bytes)
func checkTable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	for range 2 {
		var length [4]byte
		if end -= 4; end < 0 {
			return fmt.Errorf("%s is cut off", name)
		}
		if _, err := f.ReadAt(length[:], end); err != nil {
			return err
		}
		n := int64(binary.BigEndian.Uint32(length[:]))
		if end -= n; n == 0 || end < 0 {
			return fmt.Errorf("%s does not end as it should", name)
		}
	}
	return nil
}

func (b *badger) reset() error {
	b.removals.sorting.Lock()
	defer b.removals.sorting.Unlock()
	b.removals.count.Store(0)
	if err := b.flushAll(); err != nil { // so that no log has what is removed
		return err
	}
	b.hot.clear()
	return b.db.DropAll()
}

// close does not wait for tables that are compacted, which can take half a minute. What
// is on disk is whole at any time; the directory stays locked until the process ends.
func (b *badger) close() error {
	if !b.removals.sorting.TryLock() {
		return b.closeRecent()
	}
	return errors.Join(b.closeRecent(), b.db.Close(), b.lock.Close())
}

func (b *badger) maintain(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error { return b.restAtTimes(ctx) })
	group.Go(func() error { return b.collect(ctx) })
	return group.Wait()
}

// collect removes the garbage of the value log, until the context ends.
func (b *badger) collect(ctx context.Context) error {
	tick := time.NewTicker(gcInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for ctx.Err() == nil && b.db.RunValueLogGC(0.5) == nil {
		}
	}
}

// badgerLog passes on what Badger says. Its debug messages are left out: there
// are several for every write.
type badgerLog struct{ *slog.Logger }

func (l badgerLog) Errorf(f string, a ...any)   { l.Error(line(f, a)) }
func (l badgerLog) Warningf(f string, a ...any) { l.Warn(line(f, a)) }
func (l badgerLog) Infof(f string, a ...any)    { l.Debug(line(f, a)) }
func (l badgerLog) Debugf(string, ...any)       {}

func line(f string, a []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(f, a...))
}
