package s3

import (
	"context"
	"errors"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/storage"
)

// A reminder is kept for each time at which something is to be told of a
// restored object: that it is ready, and that it is gone. One that no longer
// fits its object, which was restored otherwise, replaced or deleted, does nothing.

// reminder is its record.
type reminder struct {
	Bucket  string `cbor:"1,keyasint"` // its name
	Version string `cbor:"2,keyasint"` // "null" of the null version
}

// remind keeps the reminder for what comes next of an object's restoration.
func (s *Service) remind(tx storage.Tx, b *bucket, key string, o *object) error {
	at := o.Restore.Until
	if !o.Restore.Told {
		at = o.Restore.Ready
	}
	tx.OnCommit(s.bell.Ring)
	return storage.PutRecord(tx, keyReminder(at, b.ID, key, o.Sequence), &reminder{b.Name, o.id()})
}

// tellRestores tells what is due by now of restored objects, each in a
// transaction, and returns when there will be more; zero is never.
func (s *Service) tellRestores(ctx context.Context, now time.Time) (next time.Time, err error) {
	for told := true; told && err == nil; {
		if err = ctx.Err(); err == nil {
			err = s.env.DB.Update(func(tx storage.Tx) (err error) {
				told, next, err = s.tellNext(ctx, tx, now)
				return err
			})
		}
	}
	return next, err
}

// tellNext tells what comes first, if it is due; otherwise it returns when it is.
func (s *Service) tellNext(ctx context.Context, tx storage.Tx, now time.Time) (told bool, next time.Time, err error) {
	keys, err := storage.FirstKeys(tx, storage.Prefix(rootRestored), 1)
	if err != nil || len(keys) == 0 {
		return false, next, err
	}
	k := storage.ReadKey(keys[0]).Skip(len(rootRestored))
	at, id := int64(k.Uint64()), k.Uint64()
	key, sequence := k.String(), k.Uint64()
	if err := k.Err(); err != nil || at > now.UnixMilli() {
		return false, time.UnixMilli(at), err
	}
	// Reading it makes two who tell the same conflict.
	r, err := storage.GetRecord[reminder](tx, keys[0])
	if err == nil {
		err = tx.Delete(keys[0])
	}
	if err == nil {
		err = s.tellRestore(ctx, tx, r, at, id, key, sequence)
	}
	return true, next, err
}

func (s *Service) tellRestore(ctx context.Context, tx storage.Tx, r *reminder, at int64, id uint64, key string, sequence uint64) error {
	b, f, err := s.version(tx, objectRef{r.Bucket, key, r.Version, ""})
	if _, ok := errors.AsType[*api.Error](err); ok {
		return nil // it was deleted
	}
	if err != nil {
		return err
	}
	o := f.object
	if b.ID != id || o.Sequence != sequence || o.Restore == nil {
		return nil
	}
	ctx = api.WithCall(ctx, &api.Call{
		Account: b.Account, Region: b.Region, Principal: api.Principal{Service: lifecyclePrincipal},
		RequestID: s.env.IDs.UUID(), Time: time.UnixMilli(at).UTC(), SourceIP: lifecyclePrincipal,
	})
	switch {
	case !o.Restore.Told && at == o.Restore.Ready:
		changed := *o.Restore
		changed.Told = true
		o.Restore = &changed
		if err := s.emit(ctx, tx, b, eventRestored, key, o); err != nil {
			return err
		}
		if err := s.remind(tx, b, key, o); err != nil {
			return err
		}
	case o.Restore.Told && at == o.Restore.Until:
		if err := s.emit(ctx, tx, b, eventRestoreGone, key, o); err != nil {
			return err
		}
		o.Restore = nil
	default:
		return nil
	}
	return storage.PutRecord(tx, f.at, o)
}
