package dynamodb

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// Time to live. A table that has it keeps an index of the times its items have,
// in which the worker finds what has expired. An entry may be wrong, since
// the items that were there before are entered from a scan: what counts is what
// the item says when its time has come.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html

// expiry is the time to live in the record of a table.
type expiry struct {
	Attribute string
	// Index is the number of the index of times, new whenever it is turned on.
	Index uint64
}

// expiringTable finds a table that has time to live.
type expiringTable struct{ Account, Region, Name string }

const (
	// ttlInterval is how long time to live can not be changed again. AWS
	// documents up to an hour and is content with half of it.
	ttlInterval = 30 * time.Minute
	// tooLongAgo is the age of times that AWS takes for a mistake.
	tooLongAgo = 5 * 365 * 24 * time.Hour
	// expiredAtOnce is how many items one transaction removes, expiriesAtOnce
	// how many such transactions a table gets before it is others' turn.
	expiredAtOnce, expiriesAtOnce = 25, 40
	// enteredAtOnce is how many items one transaction enters.
	enteredAtOnce = 500
)

func (s *Service) updateTimeToLive(ctx context.Context, in *ddb.UpdateTimeToLiveInput) (*ddb.UpdateTimeToLiveOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	now := api.CallFrom(ctx).Time
	err = s.env.DB.Update(func(tx storage.Tx) error {
		t, err := s.record(tx, id)
		if err != nil {
			return err
		}
		if err := t.checkExpiry(spec, now); err != nil {
			return err
		}
		all, err := t.others(tx) // a global table has it everywhere
		if err != nil {
			return err
		}
		for _, t := range append(all, t) {
			if err := s.setExpiry(tx, t, spec, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ddb.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, nil
}

// setExpiry turns a table's time to live on or off, unless it is so.
func (s *Service) setExpiry(tx storage.Tx, t *table, spec *ddb.TimeToLiveSpecification, now time.Time) (err error) {
	t.ExpiryChanged = now
	switch {
	case *spec.Enabled && t.Expiry == nil:
		err = s.startExpiry(tx, t, spec.AttributeName, s.newNumber())
	case !*spec.Enabled && t.Expiry != nil:
		err = errors.Join(
			s.remember(tx, s.newNumber(), &task{Remove: indexKey(t.Account, t.Region, t.Number, t.Expiry.Index)}),
			tx.Delete(expiringKey(t.Number)))
		t.Expiry = nil
	}
	if err != nil {
		return err
	}
	return storage.PutRecord(tx, t.storageKey(), t)
}

// checkExpiry checks a change of a table's time to live.
func (t *table) checkExpiry(spec *ddb.TimeToLiveSpecification, now time.Time) error {
	switch {
	case t.Expiry == nil && !*spec.Enabled:
		return errValidation("TimeToLive is already disabled")
	case t.Expiry != nil && t.Expiry.Attribute != spec.AttributeName:
		return errValidation("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.Expiry.Attribute)
	case t.Expiry != nil && *spec.Enabled:
		return errValidation("TimeToLive is already enabled")
	case !t.ExpiryChanged.IsZero() && now.Sub(t.ExpiryChanged) < ttlInterval:
		return errValidation("Time to live has been modified multiple times within a fixed interval")
	}
	return nil
}

// startExpiry turns time to live on, and has the items entered that are there.
func (s *Service) startExpiry(tx storage.Tx, t *table, attribute string, work uint64) error {
	t.LastIndex++
	t.Expiry = &expiry{Attribute: attribute, Index: t.LastIndex}
	if err := storage.PutRecord(tx, expiringKey(t.Number), &expiringTable{t.Account, t.Region, t.Name}); err != nil {
		return err
	}
	return s.remember(tx, work, &task{Enter: &fill{Account: t.Account, Region: t.Region, Name: t.Name, Table: t.Number, Index: t.Expiry.Index}})
}

func (s *Service) describeTimeToLive(ctx context.Context, in *ddb.DescribeTimeToLiveInput) (*ddb.DescribeTimeToLiveOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	d := &ddb.TimeToLiveDescription{TimeToLiveStatus: ddb.TimeToLiveStatusDisabled}
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.anyRecord(tx, id)
		if err != nil {
			return err
		}
		if now := api.CallFrom(ctx).Time; t.hidden(now) {
			status := t.status(now)
			return errValidation("Cannot describe time to live while table is in %s state: Current table state is %s", status, status)
		}
		if t.Expiry != nil {
			d.TimeToLiveStatus, d.AttributeName = ddb.TimeToLiveStatusEnabled, t.Expiry.Attribute
		}
		return nil
	})
	return &ddb.DescribeTimeToLiveOutput{TimeToLiveDescription: d}, err
}

// of is the time of an item, in seconds since 1970; ok is false when it has none.
func (x *expiry) of(it item.Item) (seconds uint64, ok bool) {
	n, ok := it[x.Attribute].(attribute.N)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || f < 0 || f >= math.MaxInt64 {
		return 0, false
	}
	return uint64(f), true
}

// timeKey is the key of an item's time in the index of times.
func (t *schema) timeKey(seconds uint64, itemKey []byte) []byte {
	key := storage.Key(indexKey(t.Account, t.Region, t.Number, t.Expiry.Index)).Uint64(seconds)
	return append(key, itemKey[len(t.prefix):]...)
}

// followTime brings the index of times up to what an item is now.
func (w *writes) followTime(tx storage.Tx, t *schema, e *effect) error {
	was, had := t.Expiry.of(e.old)
	is, has := t.Expiry.of(e.new)
	if had == has && was == is {
		return nil
	}
	if had {
		if err := tx.Delete(t.timeKey(was, t.itemKey(e.old))); err != nil {
			return err
		}
	}
	if !has {
		return nil
	}
	w.service.ringAt(tx, is)
	return tx.Set(t.timeKey(is, t.itemKey(e.new)), nil)
}

// ringAt wakes the worker, once the transaction is committed, for an item that
// expires before the next of which it knows.
func (s *Service) ringAt(tx storage.Tx, seconds uint64) {
	tx.OnCommit(func() {
		if seconds < s.nextExpiry.Load() {
			s.worker.bell.Ring()
		}
	})
}

// enterSome enters a piece of the items that were there before time to live.
func (s *Service) enterSome(key []byte, f *fill) error {
	return s.piece(key, func(tx storage.Tx, _ *writes) error {
		t, err := s.filled(tx, f)
		if err != nil {
			return err
		}
		if t == nil || t.Expiry == nil || t.Expiry.Index != f.Index {
			return tx.Delete(key) // it has been turned off
		}
		last, err := s.enterFrom(tx, t, f.After)
		if err != nil {
			return err
		}
		if last == nil {
			return tx.Delete(key)
		}
		next := *f
		next.After = last
		return storage.PutRecord(tx, key, &task{Enter: &next})
	})
}

func (s *Service) enterFrom(tx storage.Tx, t *schema, after []byte) (last []byte, err error) {
	r := storage.Prefix(t.prefix)
	if after != nil {
		r = r.After(after)
	}
	n := 0
	for e, err := range tx.Scan(r) {
		if err != nil {
			return nil, err
		}
		it, err := item.Decode(e.Value)
		if err != nil {
			return nil, err
		}
		if seconds, ok := t.Expiry.of(it); ok {
			if err := tx.Set(t.timeKey(seconds, e.Key), nil); err != nil {
				return nil, err
			}
			s.ringAt(tx, seconds)
		}
		if n++; n == enteredAtOnce {
			return slices.Clone(e.Key), nil
		}
	}
	return nil, nil
}

// expire removes what has expired of all tables, as much as is done in a turn, and
// says when there is more: zero when nothing will expire.
func (s *Service) expire(ctx context.Context, now time.Time) (next time.Time, err error) {
	s.nextExpiry.Store(math.MaxUint64) // who writes from now on wakes the worker
	all, err := everyRecord[expiringTable](s, storage.Prefix(allExpiringKey()))
	first := uint64(math.MaxUint64)
	for _, t := range all {
		more := err == nil
		for n := 0; more && err == nil && ctx.Err() == nil; n++ {
			if n == expiriesAtOnce {
				first = 0 // the rest is for the next turn, which is at once
				break
			}
			var seconds uint64
			if seconds, more, err = s.expireSome(tableID{t.Account, t.Region, t.Name}, now); !more {
				first = min(first, seconds)
			}
		}
	}
	s.nextExpiry.Store(first)
	if first < uint64(never.Unix()) {
		next = time.Unix(int64(first)+1, 0)
	}
	return next, errors.Join(err, ctx.Err())
}

// expireSome removes some items that have expired. It says whether there may be
// more, and if not when the next one expires.
func (s *Service) expireSome(id tableID, now time.Time) (next uint64, more bool, err error) {
	err = s.update(func(tx storage.Tx, w *writes) error {
		next, more = math.MaxUint64, false
		t, err := w.table(tx, id)
		if err != nil || t.Expiry == nil {
			if err == nil || isNoTable(err) {
				return nil // it was deleted, or turned off, meanwhile
			}
			return err
		}
		var entries [][]byte
		prefix := indexKey(t.Account, t.Region, t.Number, t.Expiry.Index)
		r := storage.Prefix(prefix)
		r.KeysOnly = true
		for e, err := range tx.Scan(r) {
			if err != nil {
				return err
			}
			seconds := binary.BigEndian.Uint64(e.Key[len(prefix)+1:])
			if seconds >= uint64(now.Unix()) {
				next = seconds
				break
			}
			if entries = append(entries, slices.Clone(e.Key)); len(entries) == expiredAtOnce {
				more = true
				break
			}
		}
		for _, entry := range entries {
			if err := w.expireItem(tx, t, entry, entry[len(prefix)+9:], now); err != nil {
				return err
			}
		}
		return nil
	})
	return next, more, err
}

// expireItem removes the item of an entry, if the item's time is indeed over,
// and the entry in any case.
func (w *writes) expireItem(tx storage.Tx, t *schema, entry, itemKey []byte, now time.Time) error {
	if err := tx.Delete(entry); err != nil {
		return err
	}
	data, err := tx.Get(slices.Concat(t.prefix, itemKey))
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	it, err := item.Decode(data)
	if err != nil {
		return err
	}
	seconds, ok := t.Expiry.of(it)
	if !ok || seconds >= uint64(now.Unix()) || uint64(now.Unix())-seconds > uint64(tooLongAgo.Seconds()) {
		return nil
	}
	_, err = w.carryOut(tx, t, &change{key: t.of(it), remove: true, expired: true})
	return err
}
