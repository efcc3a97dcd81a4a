package dynamodb

import (
	"context"
	"errors"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

func (s *Service) deleteTable(ctx context.Context, in *ddb.DeleteTableInput) (*ddb.DeleteTableOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	now := api.CallFrom(ctx).Time
	var t *table
	numbers := s.newDropNumbers()
	err = s.update(func(tx storage.Tx, w *writes) (err error) {
		if t, err = s.deletable(tx, id, now); err != nil {
			return err
		}
		if t.Protected {
			return errValidation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		delay := s.env.Config.DynamoDB.DeleteDelay
		if delay == 0 {
			return w.drop(tx, t, now, numbers)
		}
		t.enter(ddb.TableStatusDeleting, now, delay)
		return errors.Join(
			storage.PutRecord(tx, t.storageKey(), t),
			s.remember(tx, numbers.work, &task{Drop: t.ref(), NotBefore: now.Add(delay)}))
	})
	if err != nil {
		return nil, err
	}
	s.counts.forget(t.Number)
	d := t.describe(ddb.TableStatusDeleting, api.CallFrom(ctx).Time)
	// AWS's answer leaves out how the table was made.
	d.AttributeDefinitions, d.KeySchema, d.CreationDateTime = nil, nil, time.Time{}
	d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes = nil, nil
	return &ddb.DeleteTableOutput{TableDescription: d}, nil
}

// dropNumbers are drawn before a transaction that may run twice.
type dropNumbers struct{ work, copy, backup uint64 }

func (s *Service) newDropNumbers() dropNumbers {
	return dropNumbers{s.newNumber(), s.newNumber(), s.newNumber()}
}

// drop removes a table's record, and has removed what else there is of it.
func (w *writes) drop(tx storage.Tx, t *table, now time.Time, numbers dropNumbers) error {
	if err := errors.Join(w.closeStream(tx, t, now), t.leave(tx)); err != nil {
		return err
	}
	if t.Recovery != nil {
		if err := w.backUpDeleted(tx, t, now, numbers.backup, numbers.copy); err != nil {
			return err
		}
	}
	return errors.Join(
		tx.Delete(t.storageKey()), tx.Delete(expiringKey(t.Number)), tx.Delete(recoverableKey(t.Number)),
		w.service.remember(tx, numbers.work, &task{Remove: itemsKey(t.Account, t.Region, t.Number)}))
}

// dropNow does the task of a deletion whose time has come.
func (s *Service) dropNow(key []byte, ref *tableRef) error {
	numbers := s.newDropNumbers()
	return s.piece(key, func(tx storage.Tx, w *writes) error {
		t, err := ref.record(tx)
		if t != nil && err == nil {
			err = w.drop(tx, t, s.env.Clock.Now(), numbers)
		}
		return errors.Join(err, tx.Delete(key))
	})
}
