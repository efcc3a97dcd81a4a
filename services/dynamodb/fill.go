package dynamodb

import (
	"errors"

	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// fill is how far the filling of an index has come, or that of a replica.
type fill struct {
	Account, Region, Name string
	Table, Index          uint64
	After                 []byte // the last item that has been looked at
	To                    string // the region of a replica that is filled
}

// filledAtOnce is how many items one transaction looks at.
const filledAtOnce = 50

func (f *fill) ref() *tableRef { return &tableRef{f.Account, f.Region, f.Name, f.Table} }

// filled is the table of an index that is to be filled, in whatever state it is;
// nil when it is not there any more.
func (s *Service) filled(tx storage.Tx, f *fill) (*schema, error) {
	t, err := s.tables.Get(tx, s.keys.of(tableID{f.Account, f.Region, f.Name}))
	if errors.Is(err, storage.ErrNotFound) || err == nil && t.Number != f.Table {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return t.schema(), nil
}

// fillSome does a piece of filling an index.
func (s *Service) fillSome(key []byte, f *fill) error {
	return s.piece(key, func(tx storage.Tx, w *writes) error {
		schema, err := s.filled(tx, f)
		if err != nil {
			return err
		}
		x := filling(schema, f)
		if x == nil { // the table or the index is gone
			return tx.Delete(key)
		}
		w.of(schema)
		after, err := w.fillFrom(tx, schema, x, f.After)
		if err != nil {
			return err
		}
		if after != nil {
			next := *f
			next.After = after
			return storage.PutRecord(tx, key, &task{Fill: &next})
		}
		record, err := f.ref().record(tx)
		if err != nil {
			return err
		}
		record.index(x.Name).Backfilling = false
		return errors.Join(storage.PutRecord(tx, record.storageKey(), record), tx.Delete(key))
	})
}

// filling is the index that is to be filled, nil when it is not there any more.
func filling(t *schema, f *fill) *index {
	if t == nil {
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
	if after != nil {
		r = r.After(after)
	}
	keys, err = storage.FirstKeys(tx, r, filledAtOnce)
	if len(keys) == filledAtOnce {
		last = keys[filledAtOnce-1]
	}
	return keys, last, err
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
	data, size := item.Encoded(entry)
	of := w.of(t)
	of.tally.add(x.Number, 1, size)
	return tx.Set(key, data)
}
