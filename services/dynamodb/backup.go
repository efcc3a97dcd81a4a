package dynamodb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// backup is the record of a backup. It belongs to no table: it stays when its
// table is deleted. Its items lie under keys of its own, as the table had them.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BackupRestore.html
type backup struct {
	Account, Region string
	// ID is the last part of the ARN: milliseconds since 1970 and eight digits.
	ID     string
	Number uint64
	Name   string
	Type   ddb.BackupType
	// Created is the moment that the backup is of; Expires is when it is
	// removed, zero for never.
	Created, Expires time.Time
	// Source is the table as it was.
	Source *table
	// Copying is set until all items are in it. RestoringTo is a table that is
	// being made of it.
	Copying      bool
	RestoringTo  string
	Items, Bytes int64
}

// backupID finds a backup for a task.
type backupID struct {
	Account, Region, Table, ID string
	Number                     uint64
}

func (b *backup) id() *backupID {
	return &backupID{b.Account, b.Region, b.Source.Name, b.ID, b.Number}
}

func (b *backup) storageKey() storage.Key { return backupKey(b.Account, b.Region, b.Source.Name, b.ID) }

func (b *backup) arn() string { return b.Source.arn() + "/backup/" + b.ID }

// change changes the record of a backup, if it is still there.
func (id *backupID) change(tx storage.Tx, f func(*backup)) error {
	key := backupKey(id.Account, id.Region, id.Table, id.ID)
	b, err := storage.GetRecord[backup](tx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f(b)
	return storage.PutRecord(tx, key, b)
}

// backupName names a backup as a request does.
type backupName struct {
	tableID
	id, arn string
}

// parseBackup reads the ARN of a backup.
func parseBackup(call *api.Call, text string) (backupName, error) {
	name := backupName{arn: text}
	arn, err := api.ParseARN(text)
	resource, isTable := strings.CutPrefix(arn.Resource, "table/")
	table, id, isBackup := strings.Cut(resource, "/backup/")
	switch {
	case err != nil || !isTable || !isBackup:
		return name, errValidation("Invalid Backup ARN")
	case arn.Service != "dynamodb" || arn.Partition != api.PartitionOf(arn.Region):
		return name, errRequest("BackupArn is not valid")
	case arn.Account != call.Account:
		return name, errAccess()
	}
	name.tableID, name.id = tableID{arn.Account, arn.Region, table}, id
	return name, nil
}

// find reads the record of a backup.
func (n backupName) find(tx storage.Tx, now time.Time) (*backup, error) {
	b, err := storage.GetRecord[backup](tx, backupKey(n.account, n.region, n.name, n.id))
	if errors.Is(err, storage.ErrNotFound) || err == nil && b.expired(now) {
		return nil, &ddb.BackupNotFoundException{Message: "Backup not found: " + n.arn}
	}
	return b, err
}

func (b *backup) expired(now time.Time) bool { return !b.Expires.IsZero() && !now.Before(b.Expires) }

func (s *Service) createBackup(ctx context.Context, in *ddb.CreateBackupInput) (*ddb.CreateBackupOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	now := api.CallFrom(ctx).Time
	var suffix [4]byte
	s.env.IDs.Read(suffix[:])
	work, number := s.newNumber(), s.newNumber()
	var d *ddb.BackupDetails
	err = s.update(func(tx storage.Tx, w *writes) error {
		t, err := s.recordForBackup(tx, id)
		if err != nil {
			return err
		}
		b := newBackup(t, in.BackupName, ddb.BackupTypeUser, hex.EncodeToString(suffix[:]), now)
		b.Number = number
		d = b.details()
		return w.backUp(tx, t, b, work)
	})
	return &ddb.CreateBackupOutput{BackupDetails: d}, err
}

func newBackup(t *table, name string, kind ddb.BackupType, suffix string, now time.Time) *backup {
	return &backup{
		Account: t.Account, Region: t.Region, ID: fmt.Sprintf("%014d-%s", now.UnixMilli(), suffix), Name: name, Type: kind,
		Created: now, Source: t, Copying: true,
	}
}

// backUp begins a backup of a table.
func (w *writes) backUp(tx storage.Tx, t *table, b *backup, work uint64) error {
	if err := storage.PutRecord(tx, b.storageKey(), b); err != nil {
		return err
	}
	from, err := w.beginCopy(tx, t, work, never)
	if err != nil {
		return err
	}
	return w.service.remember(tx, work, &task{Copy: &copying{From: *from, FromTable: t.ref(), ToBackup: b.id()}})
}

// What AWS keeps of a table with recovery that is deleted.
const (
	deletedName, deletedSuffix = "$DeletedTableBackup", "00000000"
	deletedKept                = 35 * 24 * time.Hour
)

// backUpDeleted begins the backup of a table that is being deleted.
func (w *writes) backUpDeleted(tx storage.Tx, t *table, now time.Time, number, work uint64) error {
	b := newBackup(t, t.Name+deletedName, ddb.BackupTypeSystem, deletedSuffix, now)
	b.Number, b.Expires = number, now.Add(deletedKept)
	return w.backUp(tx, t, b, work)
}

func (s *Service) describeBackup(ctx context.Context, in *ddb.DescribeBackupInput) (*ddb.DescribeBackupOutput, error) {
	call := api.CallFrom(ctx)
	id, err := parseBackup(call, in.BackupArn)
	if err != nil {
		return nil, err
	}
	var d *ddb.BackupDescription
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := id.find(tx, call.Time)
		if err == nil {
			d = b.describe()
		}
		return err
	})
	return &ddb.DescribeBackupOutput{BackupDescription: d}, err
}

func (s *Service) deleteBackup(ctx context.Context, in *ddb.DeleteBackupInput) (*ddb.DeleteBackupOutput, error) {
	call := api.CallFrom(ctx)
	id, err := parseBackup(call, in.BackupArn)
	if err != nil {
		return nil, err
	}
	work := s.newNumber()
	var d *ddb.BackupDescription
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, err := id.find(tx, call.Time)
		switch {
		case err != nil:
			return err
		case b.Type == ddb.BackupTypeSystem:
			return errRequest("User is not allowed to delete the system backup with arn %s. It will automatically expire on %s",
				in.BackupArn, b.Expires.UTC().Format("2006-01-02T15:04:05.000Z"))
		case b.RestoringTo != "":
			return &ddb.BackupInUseException{Message: "Backup is being used to restore table: " + in.BackupArn}
		}
		d = b.describe()
		d.BackupDetails.BackupStatus = ddb.BackupStatusDeleted
		return s.removeBackup(tx, b, work)
	})
	return &ddb.DeleteBackupOutput{BackupDescription: d}, err
}

// removeBackup removes a backup; one that is still being made is made to its
// end for nobody.
func (s *Service) removeBackup(tx storage.Tx, b *backup, work uint64) error {
	return errors.Join(tx.Delete(b.storageKey()), s.remember(tx, work, &task{Remove: backedKey(b.Account, b.Region, b.Number)}))
}

// forgetBackup removes a backup that has expired.
func (s *Service) forgetBackup(_ context.Context, b *backup, now time.Time) error {
	if !b.expired(now) {
		return nil
	}
	work := s.newNumber()
	return s.env.DB.Update(func(tx storage.Tx) error { return s.removeBackup(tx, b, work) })
}
