package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

func (s *Service) updateTable(ctx context.Context, in *ddb.UpdateTableInput) (*ddb.UpdateTableOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkUpdateTable(in); err != nil {
		return nil, err
	}
	if len(in.ReplicaUpdates) > 0 && !rekeys(in) {
		return s.updateReplicas(ctx, id, in.ReplicaUpdates)
	}
	now := api.CallFrom(ctx).Time
	work := s.newNumber()
	var d *ddb.TableDescription
	err = s.update(func(tx storage.Tx, w *writes) error {
		t, err := s.changeable(tx, id, now)
		if err != nil {
			return err
		}
		u := tableUpdate{table: t, in: in, now: now, before: t.describe(ddb.TableStatusUpdating, now)}
		if err := u.apply(); err != nil {
			return err
		}
		if err := w.setStream(tx, t, in.StreamSpecification, now); err != nil {
			return err
		}
		if !u.atOnce() {
			t.enter(ddb.TableStatusUpdating, now, s.env.Config.DynamoDB.UpdateDelay)
		}
		if u.task != nil {
			if u.task.Fill != nil {
				u.task.NotBefore = now.Add(s.env.Config.DynamoDB.IndexDelay)
			}
			if err := s.remember(tx, work, u.task); err != nil {
				return err
			}
		}
		if err := u.applyToReplicas(tx, s); err != nil {
			return err
		}
		d = u.describe()
		return errors.Join(storage.PutRecord(tx, t.storageKey(), t), t.describeReplicas(tx, d, now))
	})
	if err != nil {
		return nil, err
	}
	return &ddb.UpdateTableOutput{TableDescription: d}, nil
}

// checkUpdateTable finds what is wrong without looking at the table.
func checkUpdateTable(in *ddb.UpdateTableInput) error {
	beyond := []parameter{
		{"MultiRegionConsistency", in.MultiRegionConsistency != ""},
		{"GlobalTableWitnessUpdates", in.GlobalTableWitnessUpdates != nil},
		{"GlobalTableSettingsReplicationMode", in.GlobalTableSettingsReplicationMode != ""},
	}
	for _, member := range given(beyond) {
		return errNotImplemented(member)
	}
	if in.ProvisionedThroughput == nil && in.BillingMode == "" && len(in.GlobalSecondaryIndexUpdates) == 0 && in.SSESpecification == nil &&
		in.StreamSpecification == nil && in.TableClass == "" && in.DeletionProtectionEnabled == nil && len(mostUnits(in.OnDemandThroughput)) == 0 && len(warmUnits(in.WarmThroughput, 0, 0)) == 0 && len(in.VectorIndexUpdates) == 0 && len(in.ReplicaUpdates) == 0 {
		return errValidation("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, " +
			"MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required")
	}
	if err := checkAlone(in); err != nil {
		return err
	}
	if in.BillingMode == ddb.BillingModeProvisioned && in.ProvisionedThroughput == nil {
		return errParameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	if in.ProvisionedThroughput != nil {
		if err := checkThroughput(in.ProvisionedThroughput); err != nil {
			return err
		}
	}
	if err := checkStream(in.StreamSpecification); err != nil {
		return err
	}
	if err := checkEncryption(in.SSESpecification); err != nil {
		return err
	}
	seen := map[string]bool{}
	changes := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		var name string
		actions := []parameter{{"Update", u.Update != nil}, {"Create", u.Create != nil}, {"Delete", u.Delete != nil}}
		if len(given(actions)) > 1 {
			return errParameter("Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object")
		}
		switch {
		case u.Update != nil:
			name = u.Update.IndexName
		case u.Create != nil:
			name, changes = u.Create.IndexName, changes+1
		case u.Delete != nil:
			name, changes = u.Delete.IndexName, changes+1
		default:
			return errParameter("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if seen[name] {
			return errParameter("Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen[name] = true
	}
	if changes += len(in.VectorIndexUpdates); changes > 1 || len(in.GlobalSecondaryIndexUpdates) > 5 {
		return &ddb.LimitExceededException{Message: "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"}
	}
	return nil
}

// checkAlone checks that what AWS changes by itself is changed by itself.
func checkAlone(in *ddb.UpdateTableInput) error {
	warms := len(warmUnits(in.WarmThroughput, 0, 0)) > 0
	const only = " modification must be the only operation in the request"
	changes := []struct {
		given bool
		alone string // how AWS calls a change that must be the only one
	}{
		{in.SSESpecification != nil, "Server-Side Encryption"},
		{in.TableClass != "", "TableClass"},
		{in.DeletionProtectionEnabled != nil, "DeletionProtection"},
		{in.ProvisionedThroughput != nil || in.BillingMode != "", ""},
		{in.GlobalSecondaryIndexUpdates != nil, ""},
		{in.StreamSpecification != nil, ""},
		{len(mostUnits(in.OnDemandThroughput)) > 0, ""},
		{warms, ""},
		{in.ReplicaUpdates != nil && !rekeys(in), "Replica"},
	}
	given, alone := 0, ""
	for _, c := range changes {
		if c.given {
			given++
			alone = cmp.Or(alone, c.alone)
		}
	}
	if given > 1 && alone != "" {
		return errParameter("%s", alone+only)
	}
	reindexed := slices.ContainsFunc(in.GlobalSecondaryIndexUpdates, func(u *ddb.GlobalSecondaryIndexUpdate) bool { return u.Create != nil || u.Delete != nil })
	switch {
	case len(mostUnits(in.OnDemandThroughput)) > 0 && (in.StreamSpecification != nil || warms):
		return errParameter("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
	case warms && slices.ContainsFunc(in.GlobalSecondaryIndexUpdates, func(u *ddb.GlobalSecondaryIndexUpdate) bool { return u.Create != nil }):
		return errParameter("Create global secondary index cannot be specified when updating WarmThroughput")
	case warms && given > 1:
		return errParameter("WarmThroughput must be the only operation in the request")
	case in.StreamSpecification != nil && in.ProvisionedThroughput != nil:
		return errParameter("You cannot modify stream status while updating table IOPS")
	case reindexed && in.ProvisionedThroughput != nil:
		return errParameter("You cannot create or delete index while updating table IOPS")
	case reindexed && in.StreamSpecification != nil:
		return errParameter("You cannot create or delete index while changing stream status")
	}
	return nil
}

// tableUpdate is one UpdateTable on its way through the parts of a table.
type tableUpdate struct {
	*table
	in     *ddb.UpdateTableInput
	now    time.Time
	before *ddb.TableDescription
	task   *task
	// An index that is deleted.
	gone       *ddb.GlobalSecondaryIndexDescription
	goneVector *ddb.VectorIndexDescription
}

func (u *tableUpdate) apply() error {
	if err := u.applyBilling(); err != nil {
		return err
	}
	for _, x := range u.in.GlobalSecondaryIndexUpdates {
		var err error
		switch {
		case x.Update != nil:
			err = u.updateIndex(x.Update)
		case x.Create != nil:
			err = u.createIndex(x.Create)
		default:
			err = u.deleteIndex(x.Delete.IndexName)
		}
		if err != nil {
			return err
		}
	}
	if err := u.updateVectors(); err != nil {
		return err
	}
	if on := u.in.DeletionProtectionEnabled; on != nil {
		u.Protected = *on
	}
	if u.in.TableClass != "" {
		if err := u.changeClass(u.in.TableClass, u.now); err != nil {
			return err
		}
	}
	if u.in.SSESpecification != nil {
		if err := u.changeEncryption(u.in.SSESpecification, u.now); err != nil {
			return err
		}
	}
	if err := u.applyLimits(); err != nil {
		return err
	}
	return u.checkStream()
}

// checkStream refuses to turn a stream on or off that is so already.
func (u *tableUpdate) checkStream() error {
	spec := u.in.StreamSpecification
	switch {
	case spec == nil:
		return nil
	case !*spec.StreamEnabled && len(u.Replicas) > 0:
		return errParameter("Disabling Stream is not allowed for a Global Table replica.")
	case *spec.StreamEnabled && u.streams():
		return errValidation("Table already has an enabled stream: TableName: %s", u.Name)
	case !*spec.StreamEnabled && !u.streams():
		return errValidation("Table has no stream to disable: TableName: %s", u.Name)
	}
	return nil
}
