package dynamodb

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// Global tables. The tables of a name in several regions are replicas of each
// other: each names the regions of the others. A change of an item is made in
// all of them by one transaction, so replicas do not lag behind each
// other, which AWS does not promise, and the last writer wins since there
// is an order of writers. Time to live and indexes are changed everywhere too.
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
func (t *table) describeReplicas(tx storage.Tx, d *ddb.TableDescription) error {
	others, err := t.others(tx)
	if err != nil || len(others) == 0 {
		return err
	}
	d.GlobalTableVersion = globalVersion
	for _, r := range others {
		status := ddb.ReplicaStatusActive
		if r.Replicating {
			status = ddb.ReplicaStatusCreating
		}
		d.Replicas = append(d.Replicas, &ddb.ReplicaDescription{RegionName: r.Region, ReplicaStatus: status, ReplicaArn: r.arn()})
	}
	return nil
}

// replicate makes a change in the replicas of a table as well.
func (w *writes) replicate(tx storage.Tx, t *schema, e *effect) error {
	c := &change{remove: true}
	if c.key = e.old; e.new != nil {
		c = &change{key: e.new, put: &put{item: e.new, size: e.newSize}}
	}
	for _, region := range t.Replicas {
		r, err := w.service.tables.Get(tx, w.service.keys.of(tableID{t.Account, region, t.Name}))
		if err != nil {
			return err
		}
		to := r.schema()
		effect, err := to.carryOut(tx, c)
		if err != nil {
			return err
		}
		of := w.of(to)
		of.tally = append(of.tally, effect.tally...)
		if !effect.changed() {
			continue // the replica is being filled and has not got the item yet
		}
		if err := w.followHere(tx, to, c, effect); err != nil {
			return err
		}
	}
	return nil
}

// replicaUpdate is the one thing that an UpdateTable does to replicas.
type replicaUpdate struct {
	create *ddb.CreateReplicationGroupMemberAction
	remove string // a region
}

// checkReplicas reads what is to be done to replicas.
func checkReplicas(local string, updates []*ddb.ReplicationGroupUpdate) (*replicaUpdate, error) {
	u := &replicaUpdate{}
	if len(updates) > 1 {
		return nil, errValidation("Update table operation with more than one create or delete replica actions not allowed")
	}
	for _, update := range updates {
		actions := []parameter{{"Create", update.Create != nil}, {"Update", update.Update != nil}, {"Delete", update.Delete != nil}}
		if len(given(actions)) > 1 {
			return nil, errValidation("Update table operation with more than one type of replica actions not allowed.")
		}
		switch {
		case update.Create != nil:
			if err := checkNewReplica(update.Create); err != nil {
				return nil, err
			}
			u.create = update.Create
		case update.Delete != nil:
			u.remove = update.Delete.RegionName
		case update.Update != nil:
			return nil, errNotImplemented("ReplicaUpdates.Update")
		}
	}
	switch {
	case u.create == nil && u.remove == "":
		return nil, errValidation("There are no actions specified in the Replica Update Action of the request.")
	case u.remove == local || u.create != nil && u.create.RegionName == local:
		return nil, errValidation("Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.")
	}
	return u, nil
}

func checkNewReplica(c *ddb.CreateReplicationGroupMemberAction) error {
	beyond := []parameter{
		{"ReplicaUpdates.Create.ProvisionedThroughputOverride", c.ProvisionedThroughputOverride != nil},
		{"ReplicaUpdates.Create.OnDemandThroughputOverride", c.OnDemandThroughputOverride != nil},
		{"ReplicaUpdates.Create.GlobalSecondaryIndexes", c.GlobalSecondaryIndexes != nil},
	}
	for _, member := range given(beyond) {
		return errNotImplemented(member)
	}
	if !regionName.MatchString(c.RegionName) {
		return errValidation("Region %s is not supported.", c.RegionName)
	}
	return nil
}

// updateReplicas adds a replica to a table, or takes one away.
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
		if u.create != nil {
			err = w.addReplica(tx, t, u.create, &table{Number: number, ID: uuid, Created: now}, work.copy)
		} else {
			err = w.removeReplica(tx, t, u.remove, now, work)
		}
		if err != nil {
			return err
		}
		t.enter(ddb.TableStatusUpdating, now, s.env.Config.DynamoDB.UpdateDelay)
		d = t.describe(ddb.TableStatusUpdating, now)
		return errors.Join(storage.PutRecord(tx, t.storageKey(), t), t.describeReplicas(tx, d))
	})
	return &ddb.UpdateTableOutput{TableDescription: d}, err
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
	r.Account, r.Region, r.Name = t.Account, in.RegionName, t.Name
	r.Attributes, r.Key, r.LastIndex = t.Attributes, t.Key, t.LastIndex
	for _, x := range t.Indexes {
		own := *x
		own.Backfilling = false // it is filled with the replica
		r.Indexes = append(r.Indexes, &own)
	}
	r.Billing, r.OnDemand, r.Warm, r.Encryption, r.Tags = t.Billing, t.OnDemand, t.Warm, t.Encryption, map[string]string{}
	r.Class, r.Replicating = in.TableClassOverride, true
	if in.KMSMasterKeyId != "" {
		r.Encryption = &ddb.SSESpecification{Enabled: new(true), SSEType: ddb.SSETypeKms, KMSMasterKeyId: in.KMSMasterKeyId}
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

// removeReplica deletes a replica of a table.
func (w *writes) removeReplica(tx storage.Tx, t *table, region string, now time.Time, work dropNumbers) error {
	if !slices.Contains(t.Replicas, region) {
		return errValidation("Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [%s].", region)
	}
	r, err := storage.GetRecord[table](tx, tableKey(t.Account, region, t.Name))
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

// applyToReplicas changes the indexes and the billing of a table's replicas as
// those of the table.
func (u *tableUpdate) applyToReplicas(tx storage.Tx, s *Service) error {
	in := &ddb.UpdateTableInput{
		AttributeDefinitions: u.in.AttributeDefinitions, GlobalSecondaryIndexUpdates: u.in.GlobalSecondaryIndexUpdates,
		VectorIndexUpdates: u.in.VectorIndexUpdates, BillingMode: u.in.BillingMode, ProvisionedThroughput: u.in.ProvisionedThroughput,
	}
	if in.GlobalSecondaryIndexUpdates == nil && in.VectorIndexUpdates == nil && in.BillingMode == "" && in.ProvisionedThroughput == nil {
		return nil
	}
	others, err := u.others(tx)
	if err != nil {
		return err
	}
	for _, o := range others {
		own := tableUpdate{table: o, in: in, now: u.now, before: o.describe(ddb.TableStatusUpdating, u.now)}
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
		e, err := to.carryOut(tx, &change{key: it, put: &put{item: it, size: item.Size(it)}})
		if err != nil {
			return nil, err
		}
		of.tally = append(of.tally, e.tally...)
		if to.Expiry != nil {
			if err := w.followTime(tx, to, e); err != nil {
				return nil, err
			}
		}
	}
	return last, nil
}
