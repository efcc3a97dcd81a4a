package dynamodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// Recovery to a point in time. AWS can restore a table up to about five minutes
// ago; here that is up to now, as everything that takes AWS a while is done at once.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html

// recovery is what the record of a table says of it.
type recovery struct {
	// Since is the first moment that can be restored, were it not for Days,
	// which is how many days back it goes.
	Since time.Time
	Days  int32
}

// maxRecoveryDays is how far back recovery goes when nothing else is asked for.
const maxRecoveryDays = 35

// earliest is the first moment that can be restored.
func (r *recovery) earliest(now time.Time) time.Time {
	if kept := now.AddDate(0, 0, -int(r.Days)); kept.After(r.Since) {
		return kept
	}
	return r.Since
}

// recordForBackup reads the record of a table, with the errors that backups have.
func (s *Service) recordForBackup(tx storage.Tx, id tableID) (*table, error) {
	t, err := s.record(tx, id)
	if isNoTable(err) {
		return nil, &ddb.TableNotFoundException{Message: "Table not found: " + id.name}
	}
	return t, err
}

func (s *Service) describeContinuousBackups(ctx context.Context, in *ddb.DescribeContinuousBackupsInput) (*ddb.DescribeContinuousBackupsOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var d *ddb.ContinuousBackupsDescription
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.recordForBackup(tx, id)
		if err == nil {
			d = t.Recovery.describe(api.CallFrom(ctx).Time)
		}
		return err
	})
	return &ddb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: d}, err
}

// describe describes the recovery of a table, which may be off. AWS says of
// every table that its backups are enabled.
func (r *recovery) describe(now time.Time) *ddb.ContinuousBackupsDescription {
	d := &ddb.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: ddb.PointInTimeRecoveryStatusDisabled}
	if r != nil {
		d = &ddb.PointInTimeRecoveryDescription{
			PointInTimeRecoveryStatus:  ddb.PointInTimeRecoveryStatusEnabled,
			RecoveryPeriodInDays:       &r.Days,
			EarliestRestorableDateTime: r.earliest(now).Truncate(time.Second),
			LatestRestorableDateTime:   now.Truncate(time.Second),
		}
	}
	return &ddb.ContinuousBackupsDescription{ContinuousBackupsStatus: ddb.ContinuousBackupsStatusEnabled, PointInTimeRecoveryDescription: d}
}

func (s *Service) updateContinuousBackups(ctx context.Context, in *ddb.UpdateContinuousBackupsInput) (*ddb.UpdateContinuousBackupsOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.PointInTimeRecoverySpecification
	if !*spec.PointInTimeRecoveryEnabled && spec.RecoveryPeriodInDays != nil {
		return nil, errRequest("Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.")
	}
	now := api.CallFrom(ctx).Time
	var d *ddb.ContinuousBackupsDescription
	err = s.env.DB.Update(func(tx storage.Tx) error {
		t, err := s.recordForBackup(tx, id)
		if err != nil {
			return err
		}
		if *spec.PointInTimeRecoveryEnabled {
			err = t.startRecovery(tx, spec.RecoveryPeriodInDays, now)
			tx.OnCommit(s.worker.bell.Ring)
		} else {
			t.Recovery = nil
			err = errors.Join(tx.Delete(recoverableKey(t.Number)), s.dropPast(tx, t))
		}
		if err != nil {
			return err
		}
		d = t.Recovery.describe(now)
		return storage.PutRecord(tx, t.storageKey(), t)
	})
	return &ddb.UpdateContinuousBackupsOutput{ContinuousBackupsDescription: d}, err
}

// startRecovery turns recovery on, or changes how far back it goes.
func (t *table) startRecovery(tx storage.Tx, days *int32, now time.Time) error {
	if t.Recovery == nil {
		t.Recovery = &recovery{Since: now, Days: maxRecoveryDays}
	}
	if days != nil {
		t.Recovery.Since = t.Recovery.earliest(now) // what was given up does not come back
		t.Recovery.Days = *days
	}
	if t.Past == nil {
		t.LastIndex++
		t.Past = &past{Index: t.LastIndex}
	}
	return storage.PutRecord(tx, recoverableKey(t.Number), t.ref())
}

// forgetPastEvery is how often, by the clock, what is older than can be
// recovered is removed: it takes a look at all that is kept.
const forgetPastEvery = 24 * time.Hour

// forgetPast removes what is too old of the past of a table.
func (s *Service) forgetPast(ctx context.Context, ref *tableRef, now time.Time) error {
	var after []byte
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := after
		err := s.env.DB.Update(func(tx storage.Tx) error {
			t, err := ref.record(tx)
			done, last = true, after
			if err != nil || t == nil || t.Recovery == nil || t.Past == nil || len(t.Past.Copies) > 0 {
				return err
			}
			last, err = forgetPastPiece(tx, indexKey(t.Account, t.Region, t.Number, t.Past.Index), after, t.Recovery.earliest(now))
			done = last == nil
			return err
		})
		if err != nil {
			return err
		}
		after = last
	}
	return nil
}

// forgetPastPiece looks at some of the changes behind a key, and removes those
// before a time. It returns the last it looked at, nil when that was the end.
func forgetPastPiece(tx storage.Tx, log storage.Key, after []byte, before time.Time) (last []byte, err error) {
	r := storage.Prefix(log)
	if after != nil {
		r = r.After(after)
	}
	n := 0
	var old [][]byte
	for e, err := range storage.Records[pastRecord](tx, r) {
		if err != nil {
			return nil, err
		}
		if !e.Value.At.After(before) {
			old = append(old, append([]byte(nil), e.Key...))
		}
		if n++; n == removedAtOnce {
			last = append([]byte(nil), e.Key...)
			break
		}
	}
	for _, key := range old {
		if err := tx.Delete(key); err != nil {
			return nil, err
		}
	}
	return last, nil
}

func (s *Service) restoreTableToPointInTime(ctx context.Context, in *ddb.RestoreTableToPointInTimeInput) (*ddb.RestoreTableToPointInTimeOutput, error) {
	call := api.CallFrom(ctx)
	latest := in.UseLatestRestorableTime != nil && *in.UseLatestRestorableTime
	switch {
	case latest && !in.RestoreDateTime.IsZero():
		return nil, errRequest("Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore request. Please specify only one of them.")
	case !latest && in.RestoreDateTime.IsZero():
		return nil, errRequest("Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both")
	case in.SourceTableArn != "" && in.SourceTableName != "":
		return nil, errValidation("Must provide exactly one of: sourceTableArn, sourceTableName")
	case in.SourceTableArn == "" && in.SourceTableName == "":
		return nil, errValidation("The parameter 'TableName' is required but was not present in the request")
	}
	source, err := restoreSource(call, in)
	if err != nil {
		return nil, err
	}
	o := overrides{
		billing: in.BillingModeOverride, throughput: in.ProvisionedThroughputOverride, onDemand: in.OnDemandThroughputOverride,
		globals: in.GlobalSecondaryIndexOverride, locals: in.LocalSecondaryIndexOverride, vectors: in.VectorIndexOverride, encryption: in.SSESpecificationOverride,
	}
	now := call.Time
	at, until := in.RestoreDateTime, in.RestoreDateTime
	if latest {
		at, until = now, never // up to the last write, whatever the clock has done since
	}
	var target *table
	work, number, id := s.newNumber(), s.newNumber(), s.env.IDs.UUID()
	err = s.update(func(tx storage.Tx, w *writes) error {
		t, err := s.recordForBackup(tx, source)
		if err != nil {
			return err
		}
		if t.Recovery == nil {
			return &ddb.PointInTimeRecoveryUnavailableException{Message: "Point in time recovery is not enabled for table '" + t.Name + "'"}
		}
		if err := t.Recovery.checkTime(at, now); err != nil {
			return err
		}
		if err := checkTarget(tx, call, in.TargetTableName); err != nil {
			return err
		}
		if target, err = o.restored(call, t, in.TargetTableName); err != nil {
			return err
		}
		target.Number, target.ID = number, id
		target.Restoring = &restoring{Source: t.arn(), At: at}
		from, err := w.beginCopy(tx, t, work, until)
		if err != nil {
			return err
		}
		if err := s.remember(tx, work, &task{Copy: &copying{From: *from, FromTable: t.ref(), ToTable: target.ref()}}); err != nil {
			return err
		}
		return storage.PutRecord(tx, target.storageKey(), target)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.RestoreTableToPointInTimeOutput{TableDescription: target.describe(ddb.TableStatusCreating, now)}, nil
}

// restoreSource is the table to be restored.
func restoreSource(call *api.Call, in *ddb.RestoreTableToPointInTimeInput) (tableID, error) {
	if in.SourceTableArn == "" {
		return tableID{call.Account, call.Region, in.SourceTableName}, nil
	}
	arn, err := api.ParseARN(in.SourceTableArn)
	name, ok := strings.CutPrefix(arn.Resource, "table/")
	id := tableID{arn.Account, arn.Region, name}
	switch {
	case err != nil || !ok || arn.Service != "dynamodb":
		return id, errValidation("sourceTableArn is not a valid ARN")
	case id.account != call.Account:
		return id, errValidation("This action is only supported by accounts that match the resource owner’s account.")
	case id.region != call.Region && in.SSESpecificationOverride == nil:
		return id, errRequest("sseSpecificationOverride must be provided for cross-region restores")
	}
	return id, nil
}

// checkTime checks a time that a table is to be restored to. AWS tells the
// bounds to the second, so that is how they are kept.
func (r *recovery) checkTime(until, now time.Time) error {
	earliest := r.earliest(now).Truncate(time.Second)
	if until.Before(earliest) || until.After(now) {
		show := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
		return &ddb.InvalidRestoreTimeException{Message: "RestoreDateTime '" + show(until) + "' must be within EarliestRestorableDateTime '" +
			show(earliest) + "' and LatestRestorableDateTime '" + show(now) + "'"}
	}
	return nil
}
