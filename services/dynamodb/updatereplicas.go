package dynamodb

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// What an UpdateTable does to the replicas of a table.

// replicaUpdate is what one UpdateTable does to replicas: one of these.
type replicaUpdate struct {
	create *ddb.CreateReplicationGroupMemberAction
	change []*ddb.UpdateReplicationGroupMemberAction
	remove string // a region
}

func errNoReplicaActions() error {
	return errValidation("There are no actions specified in the Replica Update Action of the request.")
}

func errNoReplica(region string) error {
	return errValidation("Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [%s].", region)
}

func errNoReplicaKey() error {
	return errParameter("KMSMasterKeyId must be specified for each replica.")
}

// checkReplicas reads what is to be done to replicas.
func checkReplicas(local string, updates []*ddb.ReplicationGroupUpdate) (*replicaUpdate, error) {
	u := &replicaUpdate{}
	for _, update := range updates {
		actions := []parameter{{"Create", update.Create != nil}, {"Update", update.Update != nil}, {"Delete", update.Delete != nil}}
		if len(given(actions)) > 1 {
			return nil, errValidation("Update table operation with more than one type of replica actions not allowed.")
		}
		if len(updates) > 1 && update.Update == nil {
			return nil, errValidation("Update table operation with more than one create or delete replica actions not allowed")
		}
		switch {
		case update.Create != nil:
			if !regionName.MatchString(update.Create.RegionName) {
				return nil, errValidation("Region %s is not supported.", update.Create.RegionName)
			}
			u.create = update.Create
		case update.Delete != nil:
			u.remove = update.Delete.RegionName
		case update.Update != nil:
			if err := checkReplicaChange(update.Update); err != nil {
				return nil, err
			}
			u.change = append(u.change, update.Update)
		}
	}
	switch {
	case u.create == nil && u.remove == "" && u.change == nil:
		return nil, errNoReplicaActions()
	case u.remove == local || u.create != nil && u.create.RegionName == local:
		return nil, errValidation("Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.")
	}
	return u, nil
}

// checkReplicaChange requires that there is something to change, of each index too.
func checkReplicaChange(c *ddb.UpdateReplicationGroupMemberAction) error {
	if !overridesReads(c.ProvisionedThroughputOverride, c.OnDemandThroughputOverride) && c.KMSMasterKeyId == "" && c.TableClassOverride == "" && len(c.GlobalSecondaryIndexes) == 0 {
		return errNoReplicaActions()
	}
	for _, x := range c.GlobalSecondaryIndexes {
		if !overridesReads(x.ProvisionedThroughputOverride, x.OnDemandThroughputOverride) {
			return errNoReplicaActions()
		}
	}
	return nil
}

// updateReplicas adds a replica to a table, takes one away, or changes some.
func (s *Service) updateReplicas(ctx context.Context, id tableID, updates []*ddb.ReplicationGroupUpdate) (*ddb.UpdateTableOutput, error) {
	u, err := checkReplicas(id.region, updates)
	if err != nil {
		return nil, err
	}
	now := api.CallFrom(ctx).Time
	work, number, uuid := s.newDropNumbers(), s.newNumber(), s.env.IDs.UUID()
	var d *ddb.TableDescription
	err = s.update(func(tx storage.Tx, w *writes) error {
		t, err := s.changeable(tx, id, now)
		if err != nil {
			return err
		}
		switch {
		case u.create != nil:
			err = w.addReplica(tx, t, u.create, &table{Number: number, ID: uuid, Created: now}, work.copy)
		case u.remove != "":
			err = w.removeReplica(tx, t, u.remove, now, work)
		default:
			err = s.changeReplicas(tx, t, u.change, now)
		}
		if err != nil {
			return err
		}
		t.enter(ddb.TableStatusUpdating, now, s.env.Config.DynamoDB.UpdateDelay)
		d = t.describe(ddb.TableStatusUpdating, now)
		if err := t.describeReplicas(tx, d, now); err != nil {
			return err
		}
		u.markChanging(d)
		return storage.PutRecord(tx, t.storageKey(), t)
	})
	return &ddb.UpdateTableOutput{TableDescription: d}, err
}

// markChanging describes the replicas that are changed as AWS's answer does.
func (u *replicaUpdate) markChanging(d *ddb.TableDescription) {
	for _, r := range d.Replicas {
		if slices.ContainsFunc(u.change, func(c *ddb.UpdateReplicationGroupMemberAction) bool { return c.RegionName == r.RegionName }) {
			r.ReplicaStatus = ddb.ReplicaStatusUpdating
		}
	}
}

// addReplica makes a replica of a table, r, and has it filled. From then on it
// gets what is written to the others.
func (w *writes) addReplica(tx storage.Tx, t *table, in *ddb.CreateReplicationGroupMemberAction, r *table, work uint64) error {
	if !t.Billing.OnDemand {
		return errValidation("Table write capacity should either be Pay-Per-Request or AutoScaled.")
	}
	key := tableKey(t.Account, in.RegionName, t.Name)
	if _, err := tx.Get(key); !errors.Is(err, storage.ErrNotFound) {
		return errors.Join(err, errValidation("Failed to create a the new replica of table with name: ‘%s’ because one or more replicas already existed as tables.", t.Name))
	}
	others, err := t.others(tx)
	if err != nil {
		return err
	}
	if !t.streams() {
		spec := &ddb.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddb.StreamViewTypeNewAndOldImages}
		if err := w.setStream(tx, t, spec, r.Created); err != nil {
			return err
		}
	}
	r.Account, r.Region, r.Name, r.Replicating = t.Account, in.RegionName, t.Name, true
	if err := r.settleReplica(t, in); err != nil {
		return err
	}
	for _, o := range append(others, t) {
		r.Replicas = append(r.Replicas, o.Region)
		o.Replicas = append(o.Replicas, r.Region)
		if o == t {
			continue // its record is written by the caller
		}
		if err := storage.PutRecord(tx, o.storageKey(), o); err != nil {
			return err
		}
	}
	if err := w.setStream(tx, r, t.Stream, r.Created); err != nil {
		return err
	}
	if t.Expiry != nil {
		if err := w.service.startExpiry(tx, r, t.Expiry.Attribute, w.service.newNumber()); err != nil {
			return err
		}
	}
	from := &fill{Account: t.Account, Region: t.Region, Name: t.Name, Table: t.Number, To: r.Region}
	return errors.Join(storage.PutRecord(tx, key, r), w.service.remember(tx, work, &task{Replicate: from}))
}

// replica is the record of a table's replica.
func (t *table) replica(tx storage.Tx, region string) (*table, error) {
	if !slices.Contains(t.Replicas, region) {
		return nil, errNoReplica(region)
	}
	return storage.GetRecord[table](tx, tableKey(t.Account, region, t.Name))
}

// removeReplica deletes a replica of a table.
func (w *writes) removeReplica(tx storage.Tx, t *table, region string, now time.Time, work dropNumbers) error {
	r, err := t.replica(tx, region)
	if err != nil {
		return err
	}
	if r.Protected {
		return errValidation("Cannot delete table %s in region %s because it has deletion protection enabled. Disable deletion protection first.", t.Name, region)
	}
	t.Replicas = slices.DeleteFunc(t.Replicas, func(other string) bool { return other == region })
	r.Replicas = slices.DeleteFunc(r.Replicas, func(other string) bool { return other == t.Region })
	return w.drop(tx, r, now, work)
}

// changeReplicas gives replicas of a table settings of their own.
func (s *Service) changeReplicas(tx storage.Tx, t *table, changes []*ddb.UpdateReplicationGroupMemberAction, now time.Time) error {
	for _, c := range changes {
		r, err := t.replica(tx, c.RegionName)
		if err != nil {
			return err
		}
		if status := r.status(now); status != ddb.TableStatusActive {
			return errInUse("Table: %s is in the process of being updated.", r.Name)
		}
		if c.KMSMasterKeyId != "" {
			return errNoReplicaKey() // keys are changed with the table's, by SSESpecification
		}
		if err := r.changeSettings(c, now); err != nil {
			return err
		}
		r.enter(ddb.TableStatusUpdating, now, s.env.Config.DynamoDB.UpdateDelay)
		if err := storage.PutRecord(tx, r.storageKey(), r); err != nil {
			return err
		}
	}
	return nil
}

// applyToReplicas has a table's replicas follow what it has become.
func (u *tableUpdate) applyToReplicas(tx storage.Tx, s *Service) error {
	others, err := u.others(tx)
	if err != nil {
		return err
	}
	if err := checkReplicaKeys(others, u.in); err != nil {
		return err
	}
	indexes := &ddb.UpdateTableInput{AttributeDefinitions: u.in.AttributeDefinitions, VectorIndexUpdates: u.in.VectorIndexUpdates}
	for _, x := range u.in.GlobalSecondaryIndexUpdates {
		if x.Update == nil { // what else there is of an index is among the settings
			indexes.GlobalSecondaryIndexUpdates = append(indexes.GlobalSecondaryIndexUpdates, x)
		}
	}
	u.followCapacities(u)
	for _, o := range others {
		if err := o.followSettings(u); err != nil {
			return err
		}
		own := tableUpdate{table: o, in: indexes, now: u.now, before: o.describe(ddb.TableStatusUpdating, u.now)}
		if err := own.apply(); err != nil {
			return err
		}
		if own.task != nil {
			if err := s.remember(tx, s.newNumber(), own.task); err != nil {
				return err
			}
		}
		if err := storage.PutRecord(tx, o.storageKey(), o); err != nil {
			return err
		}
	}
	return nil
}
