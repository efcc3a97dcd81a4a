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
	var t *table
	now := api.CallFrom(ctx).Time
	work, copyWork, number := s.newNumber(), s.newNumber(), s.newNumber()
	err = s.update(func(tx storage.Tx, w *writes) (err error) {
		if t, err = s.anyRecord(tx, id); err != nil {
			return err
		}
		if t.building() {
			return errInUse("Table is being created: %s", t.Name)
		}
		if t.Protected {
			return errValidation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		if err := w.closeStream(tx, t, now); err != nil {
			return err
		}
		if t.Recovery != nil {
			if err := w.backUpDeleted(tx, t, now, number, copyWork); err != nil {
				return err
			}
		}
		if err := errors.Join(tx.Delete(t.storageKey()), tx.Delete(expiringKey(t.Number)), tx.Delete(recoverableKey(t.Number))); err != nil {
			return err
		}
		return s.remember(tx, work, &task{Remove: itemsKey(t.Account, t.Region, t.Number)})
	})
	if err != nil {
		return nil, err
	}
	s.counts.forget(t.Number)
	d := t.describe(ddb.TableStatusDeleting)
	// AWS's answer leaves out how the table was made.
	d.AttributeDefinitions, d.KeySchema, d.CreationDateTime = nil, nil, time.Time{}
	d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes = nil, nil
	return &ddb.DeleteTableOutput{TableDescription: d}, nil
}
