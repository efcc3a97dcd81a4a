package dynamodb

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// copying is a task: a table as it was at a moment, or a backup, becomes a
// backup or a table. It reads what can not change any more, so it takes
// as many transactions as it needs, and goes on where it was after a restart.
type copying struct {
	// From is what is copied. FromTable or FromBackup says whose it is, so that
	// it can be let go in the end.
	From       moment
	FromTable  *tableRef
	FromBackup *backupID
	// ToTable or ToBackup is what becomes of it.
	ToTable  *tableRef
	ToBackup *backupID
	// After is the last item that was copied; Items and Bytes are what was
	// copied in all.
	After        []byte
	Items, Bytes int64
}

// tableRef names a table that may have been deleted, and made anew, since.
type tableRef struct {
	Account, Region, Name string
	Number                uint64
}

func (t *table) ref() *tableRef { return &tableRef{t.Account, t.Region, t.Name, t.Number} }

// record reads the table's record, nil when the table is not there any more.
func (r *tableRef) record(tx storage.Tx) (*table, error) {
	t, err := storage.GetRecord[table](tx, tableKey(r.Account, r.Region, r.Name))
	if errors.Is(err, storage.ErrNotFound) || err == nil && t.Number != r.Number {
		return nil, nil
	}
	return t, err
}

// How much one piece of a copy has.
const copiedAtOnce, copiedBytesAtOnce = 100, 2 << 20

// beginCopy begins to keep a table's past for a task, and is the moment of the
// copy: when the transaction is committed, or a time before it, which the past
// reaches back to.
func (w *writes) beginCopy(tx storage.Tx, t *table, task uint64, until time.Time) (*moment, error) {
	cut, err := w.number()
	if err != nil {
		return nil, err
	}
	if t.Past == nil {
		t.LastIndex++
		t.Past = &past{Index: t.LastIndex}
	}
	t.Past.Copies = append(t.Past.Copies, task)
	m := &moment{
		Items: indexKey(t.Account, t.Region, t.Number, 0), Past: indexKey(t.Account, t.Region, t.Number, t.Past.Index),
		Until: until, Cut: cut,
	}
	return m, storage.PutRecord(tx, t.storageKey(), t)
}

// endCopy lets a table's past go, unless it is wanted further.
func (s *Service) endCopy(tx storage.Tx, ref *tableRef, task uint64) error {
	t, err := ref.record(tx)
	if t == nil || err != nil || t.Past == nil {
		return err
	}
	t.Past.Copies = slices.DeleteFunc(t.Past.Copies, func(n uint64) bool { return n == task })
	if err := s.dropPast(tx, t); err != nil {
		return err
	}
	return storage.PutRecord(tx, t.storageKey(), t)
}

// dropPast ends a table's past when nobody wants it.
func (s *Service) dropPast(tx storage.Tx, t *table) error {
	if t.Past == nil || t.Recovery != nil || len(t.Past.Copies) > 0 {
		return nil
	}
	log := indexKey(t.Account, t.Region, t.Number, t.Past.Index)
	t.Past = nil
	return s.remember(tx, s.newNumber(), &task{Remove: log})
}

// copySome does a piece of a copy.
func (s *Service) copySome(key []byte, c *copying) error {
	var piece []storage.Entry
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		piece, err = c.read(tx)
		return err
	})
	if err != nil {
		return err
	}
	return s.piece(key, func(tx storage.Tx, w *writes) error {
		next := *c
		gone, err := c.write(tx, w, piece, &next)
		if err != nil {
			return err
		}
		if len(piece) == 0 || gone {
			return errors.Join(s.finishCopy(tx, workOf(key), &next), tx.Delete(key))
		}
		next.After = piece[len(piece)-1].Key
		return storage.PutRecord(tx, key, &task{Copy: &next})
	})
}

// read reads the next items.
func (c *copying) read(tx storage.Tx) (piece []storage.Entry, err error) {
	size := 0
	for e, err := range c.From.items(tx, c.After) {
		if err != nil {
			return nil, err
		}
		piece = append(piece, storage.Entry{Key: bytes.Clone(e.Key), Value: bytes.Clone(e.Value)})
		if size += len(e.Value); len(piece) == copiedAtOnce || size >= copiedBytesAtOnce {
			break
		}
	}
	return piece, nil
}

// write writes a piece to where it goes, and counts it. gone says that this is
// not there any more.
func (c *copying) write(tx storage.Tx, w *writes, piece []storage.Entry, next *copying) (gone bool, err error) {
	var target *schema
	if c.ToTable != nil {
		t, err := c.ToTable.record(tx)
		if t == nil || err != nil {
			return true, err
		}
		target = t.schema()
		w.of(target)
	}
	for _, e := range piece {
		size, err := item.EncodedSize(e.Value)
		if err != nil {
			return false, err
		}
		next.Items++
		next.Bytes += int64(size)
		if target == nil {
			err = tx.Set(backedKey(c.ToBackup.Account, c.ToBackup.Region, c.ToBackup.Number).Raw(e.Key), e.Value)
		} else {
			err = w.restore(tx, target, e.Value)
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// restore puts an item into a table that nobody else sees yet.
func (w *writes) restore(tx storage.Tx, t *schema, data []byte) error {
	it, err := item.Decode(data)
	if err != nil {
		return err
	}
	_, err = w.carryOut(tx, t, &change{put: putOf(it)})
	return err
}

// finishCopy makes what was copied usable and lets its source go.
func (s *Service) finishCopy(tx storage.Tx, work uint64, c *copying) error {
	if c.ToTable != nil {
		t, err := c.ToTable.record(tx)
		if err != nil {
			return err
		}
		if t != nil {
			t.Restoring = nil
			if err := storage.PutRecord(tx, t.storageKey(), t); err != nil {
				return err
			}
		}
	} else if err := c.ToBackup.change(tx, func(b *backup) {
		b.Copying, b.Items, b.Bytes = false, c.Items, c.Bytes
	}); err != nil {
		return err
	}
	if c.FromTable != nil {
		return s.endCopy(tx, c.FromTable, work)
	}
	return c.FromBackup.change(tx, func(b *backup) { b.RestoringTo = "" })
}

// workOf is the number in the key of a task.
func workOf(key []byte) uint64 { return storage.ReadKey(key).Skip(len(worksKey())).Uint64() }
