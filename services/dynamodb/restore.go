package dynamodb

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// restoring is in the record of a table until what it is restored from is in
// it. Until then only those who describe it see the table.
type restoring struct {
	// Source is the ARN of the table it was, Backup that of the backup, if any.
	Source, Backup string
	// At is the moment it is restored to.
	At time.Time
}

func (r *restoring) describe() *ddb.RestoreSummary {
	return &ddb.RestoreSummary{SourceTableArn: r.Source, SourceBackupArn: r.Backup, RestoreDateTime: r.At, RestoreInProgress: new(true)}
}

// checkTarget checks the name of a table that is to be restored.
func checkTarget(tx storage.Tx, call *api.Call, name string) error {
	t, err := storage.GetRecord[table](tx, tableKey(call.Account, call.Region, name))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case err != nil:
		return err
	case t.Restoring != nil && t.Restoring.Backup != "":
		return &ddb.TableInUseException{Message: "Table: " + name + " is already being restored from backup: " + t.Restoring.Backup}
	case t.Restoring != nil:
		return &ddb.TableInUseException{Message: "Table: " + name + " is already being restored"}
	}
	return &ddb.TableAlreadyExistsException{Message: "Table already exists: " + name}
}

// overrides are what a restored table is to have of its own.
type overrides struct {
	billing    ddb.BillingMode
	throughput *ddb.ProvisionedThroughput
	onDemand   *ddb.OnDemandThroughput
	globals    []*ddb.GlobalSecondaryIndex // nil for those there were, as below
	locals     []*ddb.LocalSecondaryIndex
	vectors    []*ddb.VectorIndex
	encryption *ddb.SSESpecification
}

// restored is the record of a table that is restored. What AWS does not
// restore is left out: streams, time to live, recovery, tags, protection and class.
func (o *overrides) restored(call *api.Call, from *table, name string) (*table, error) {
	t := &table{
		Account: call.Account, Region: call.Region, Name: name, Created: call.Time,
		Attributes: slices.Clone(from.Attributes), Key: from.Key, LastIndex: from.LastIndex,
		Billing: from.Billing, OnDemand: from.OnDemand, Encryption: from.Encryption, Tags: map[string]string{},
	}
	for _, x := range from.Indexes {
		own := *x
		own.Backfilling = false
		t.Indexes = append(t.Indexes, &own)
	}
	if o.encryption != nil {
		t.Encryption = o.encryption
	}
	if err := o.setBilling(t, call.Time); err != nil {
		return nil, err
	}
	if err := o.setIndexes(t); err != nil {
		return nil, err
	}
	(&tableUpdate{table: t}).dropDefinitions()
	return t, nil
}

func (o *overrides) setBilling(t *table, now time.Time) error {
	switch {
	case o.billing == ddb.BillingModePayPerRequest && o.throughput != nil:
		return errRequest("Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST")
	case o.billing == ddb.BillingModeProvisioned && o.throughput == nil:
		return errRequest("Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED")
	case o.billing == "" && t.Billing.OnDemand && o.throughput != nil:
		return errRequest("Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED")
	}
	switch {
	case o.billing == ddb.BillingModePayPerRequest && !t.Billing.OnDemand:
		t.Billing = billing{OnDemand: true, OnDemandSince: now}
		for _, x := range t.Indexes {
			x.Throughput = throughput{}
		}
	case o.billing == ddb.BillingModeProvisioned && t.Billing.OnDemand:
		t.Billing.OnDemand, t.OnDemand = false, nil
	}
	if o.onDemand != nil && !t.Billing.OnDemand {
		return errRequest("Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST")
	}
	for _, u := range mostUnits(o.onDemand) {
		if u.value < 1 {
			return errRequest("Requested %s for OnDemandThroughput is outside of valid range", u.name)
		}
	}
	t.OnDemand = changeMost(t.OnDemand, o.onDemand, false)
	if o.throughput != nil {
		t.Billing.Throughput = provisioned(o.throughput)
	}
	return nil
}

// setIndexes leaves the indexes that are wanted. They are told by their keys
// and projections, and may get other names.
func (o *overrides) setIndexes(t *table) error {
	was := t.Indexes
	t.Indexes = slices.DeleteFunc(slices.Clone(was), func(x *tableIndex) bool {
		switch {
		case x.Vector != nil:
			return o.vectors != nil
		case x.Global:
			return o.globals != nil
		}
		return o.locals != nil
	})
	keep := func(wanted *tableIndex) (*tableIndex, error) {
		for _, x := range was {
			if x.Global == wanted.Global && reflect.DeepEqual(x.Key, wanted.Key) && reflect.DeepEqual(x.Projection, wanted.Projection) && reflect.DeepEqual(x.Vector, wanted.Vector) {
				own := *x
				own.Name = wanted.Name
				t.Indexes = append(t.Indexes, &own)
				return &own, nil
			}
		}
		return nil, errRequest("Index %s does not match a secondary index that existed in the source table and cannot be created during the restore operation", wanted.Name)
	}
	for _, g := range o.globals {
		x, err := keep(&tableIndex{Global: true, Name: g.IndexName, Key: g.KeySchema, Projection: g.Projection})
		if err != nil {
			return err
		}
		switch {
		case t.Billing.OnDemand && g.ProvisionedThroughput != nil:
			return errRequest("Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST for index %s", g.IndexName)
		case !t.Billing.OnDemand && g.ProvisionedThroughput == nil:
			return errRequest("Must specify provisioned throughput for index %s", g.IndexName)
		}
		x.Throughput, x.OnDemand = provisioned(g.ProvisionedThroughput), g.OnDemandThroughput
	}
	for _, l := range o.locals {
		if _, err := keep(&tableIndex{Name: l.IndexName, Key: l.KeySchema, Projection: l.Projection}); err != nil {
			return err
		}
	}
	for _, v := range o.vectors {
		if _, err := keep(newVectorIndex(v)); err != nil {
			return err
		}
	}
	if !t.Billing.OnDemand && t.vectors() > 0 {
		return errNotOnDemand()
	}
	return nil
}

func (s *Service) restoreTableFromBackup(ctx context.Context, in *ddb.RestoreTableFromBackupInput) (*ddb.RestoreTableFromBackupOutput, error) {
	call := api.CallFrom(ctx)
	id, err := parseBackup(call, in.BackupArn)
	if err != nil {
		return nil, err
	}
	if id.region != call.Region && in.SSESpecificationOverride == nil {
		return nil, errRequest("sseSpecificationOverride must be provided for cross-region restores")
	}
	o := overrides{
		billing: in.BillingModeOverride, throughput: in.ProvisionedThroughputOverride, onDemand: in.OnDemandThroughputOverride,
		globals: in.GlobalSecondaryIndexOverride, locals: in.LocalSecondaryIndexOverride, vectors: in.VectorIndexOverride, encryption: in.SSESpecificationOverride,
	}
	var target *table
	work, number, tableID := s.newNumber(), s.newNumber(), s.env.IDs.UUID()
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, err := id.find(tx, call.Time)
		if err != nil {
			return err
		}
		if target, err = o.restored(call, b.Source, in.TargetTableName); err != nil {
			return err
		}
		if err := checkTarget(tx, call, in.TargetTableName); err != nil {
			return err
		}
		if b.Copying || b.RestoringTo != "" {
			return &ddb.BackupInUseException{Message: "Backup is being used to restore another table: " + in.BackupArn}
		}
		target.Number, target.ID = number, tableID
		target.Restoring = &restoring{Source: b.Source.arn(), Backup: b.arn(), At: b.Created}
		b.RestoringTo = in.TargetTableName
		from := moment{Items: backedKey(b.Account, b.Region, b.Number)}
		return errors.Join(
			storage.PutRecord(tx, b.storageKey(), b),
			storage.PutRecord(tx, target.storageKey(), target),
			s.remember(tx, work, &task{Copy: &copying{From: from, FromBackup: b.id(), ToTable: target.ref()}}))
	})
	if err != nil {
		return nil, err
	}
	return &ddb.RestoreTableFromBackupOutput{TableDescription: target.describe(ddb.TableStatusCreating, call.Time)}, nil
}
