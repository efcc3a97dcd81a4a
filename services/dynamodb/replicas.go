package dynamodb

import (
	"errors"
	"regexp"
	"slices"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// Global tables. The tables of a name in several regions are replicas of each
// other: each names the regions of the others. A change of an item is made in
// all of them by one transaction, so replicas do not lag behind each
// other, which AWS does not promise, and the last writer wins since there
// is an order of writers. Settings are followed as replicasettings.go says.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html

// globalVersion is the version of global tables that there is.
const globalVersion = "2019.11.21"

// regionName is what the name of a region looks like.
var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

// others are the records of a table's replicas.
func (t *table) others(tx storage.Tx) (all []*table, err error) {
	for _, region := range t.Replicas {
		r, err := storage.GetRecord[table](tx, tableKey(t.Account, region, t.Name))
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// describeReplicas puts a table's replicas into its description.
func (t *table) describeReplicas(tx storage.Tx, d *ddb.TableDescription, now time.Time) error {
	others, err := t.others(tx)
	if err != nil || len(others) == 0 {
		return err
	}
	d.GlobalTableVersion = globalVersion
	for _, r := range others {
		d.Replicas = append(d.Replicas, r.describeAsReplica(now))
	}
	return nil
}

// replicate makes a change in the replicas of a table as well.
func (w *writes) replicate(tx storage.Tx, t *schema, e *effect) error {
	c := &change{remove: true}
	if c.key = e.old; e.new != nil {
		c = &change{put: &put{item: e.new, size: e.newSize, data: e.newData}}
	}
	for _, region := range t.Replicas {
		r, err := w.service.tables.Get(tx, w.service.keys.of(tableID{t.Account, region, t.Name}))
		if err != nil {
			return err
		}
		to := r.schema()
		effect, err := to.carryOut(tx, c, &effect{})
		if err != nil {
			return err
		}
		of := w.of(to)
		of.tally.addAll(effect.tally)
		if !effect.changed() {
			continue // the replica is being filled and has not got the item yet
		}
		if err := w.followHere(tx, to, c, effect); err != nil {
			return err
		}
	}
	return nil
}

// leave takes a table that is being deleted out of its replicas' lists.
func (t *table) leave(tx storage.Tx) error {
	others, err := t.others(tx)
	if err != nil {
		return err
	}
	for _, o := range others {
		o.Replicas = slices.DeleteFunc(o.Replicas, func(region string) bool { return region == t.Region })
		if err := storage.PutRecord(tx, o.storageKey(), o); err != nil {
			return err
		}
	}
	return nil
}

// replicateSome copies a piece of the items that were there before the replica.
// Each is read by its key, so that a write to it meanwhile is noticed.
func (s *Service) replicateSome(key []byte, f *fill) error {
	return s.piece(key, func(tx storage.Tx, w *writes) error {
		from, err := f.ref().record(tx)
		if err != nil {
			return err
		}
		if from == nil || !slices.Contains(from.Replicas, f.To) {
			return tx.Delete(key)
		}
		to, err := storage.GetRecord[table](tx, tableKey(f.Account, f.To, f.Name))
		if err != nil {
			return err
		}
		last, err := w.replicateFrom(tx, from.schema(), to.schema(), f.After)
		if err != nil {
			return err
		}
		if last == nil {
			to.Replicating = false
			return errors.Join(storage.PutRecord(tx, to.storageKey(), to), tx.Delete(key))
		}
		next := *f
		next.After = last
		return storage.PutRecord(tx, key, &task{Replicate: &next})
	})
}

// replicateFrom copies the items after a key, as many as fit into a piece. It
// returns the last of them, nil when there are no more.
func (w *writes) replicateFrom(tx storage.Tx, from, to *schema, after []byte) (last []byte, err error) {
	keys, last, err := someKeys(tx, from.prefix, after)
	if err != nil {
		return nil, err
	}
	of := w.of(to)
	size := 0
	for i, k := range keys {
		if size >= copiedBytesAtOnce {
			return keys[i-1], nil
		}
		data, err := tx.Get(k)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, err := tx.Get(slices.Concat(to.prefix, k[len(from.prefix):])); !errors.Is(err, storage.ErrNotFound) {
			if err != nil {
				return nil, err
			}
			continue // a write has been faster
		}
		size += len(data)
		it, err := item.Decode(data)
		if err != nil {
			return nil, err
		}
		e, err := to.carryOut(tx, &change{put: putOf(it)}, &effect{})
		if err != nil {
			return nil, err
		}
		of.tally.addAll(e.tally)
		if to.Expiry != nil {
			if err := w.followTime(tx, to, e); err != nil {
				return nil, err
			}
		}
	}
	return last, nil
}
