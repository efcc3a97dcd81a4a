package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	if len(in.ReplicaUpdates) > 0 {
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
		u := tableUpdate{table: t, in: in, now: now, before: t.describe(ddb.TableStatusUpdating)}
		if err := u.apply(); err != nil {
			return err
		}
		if err := w.setStream(tx, t, in.StreamSpecification, now); err != nil {
			return err
		}
		t.enter(ddb.TableStatusUpdating, now, s.env.Config.DynamoDB.UpdateDelay)
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
		return errors.Join(storage.PutRecord(tx, t.storageKey(), t), t.describeReplicas(tx, d))
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
		in.StreamSpecification == nil && in.TableClass == "" && in.DeletionProtectionEnabled == nil && in.OnDemandThroughput == nil && in.WarmThroughput == nil && len(in.VectorIndexUpdates) == 0 && len(in.ReplicaUpdates) == 0 {
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
		{in.OnDemandThroughput != nil, ""},
		{in.WarmThroughput != nil, ""},
		{in.ReplicaUpdates != nil, "Replica"},
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
		u.Class, u.ClassChanged = u.in.TableClass, u.now
	}
	if u.in.SSESpecification != nil {
		u.Encryption = u.in.SSESpecification
	}
	if u.in.OnDemandThroughput != nil {
		u.OnDemand = u.in.OnDemandThroughput
	}
	if u.in.WarmThroughput != nil {
		u.Warm = u.in.WarmThroughput
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

func (u *tableUpdate) applyBilling() error {
	onDemand := u.table.Billing.OnDemand
	if u.in.BillingMode != "" {
		onDemand = u.in.BillingMode == ddb.BillingModePayPerRequest
	}
	if u.in.ProvisionedThroughput != nil && onDemand {
		return errParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	switch {
	case onDemand && !u.Billing.OnDemand:
		u.Billing = billing{OnDemand: true, OnDemandSince: u.now, Throughput: throughput{Decreased: u.now}}
		for _, x := range u.Indexes {
			x.Throughput = throughput{}
		}
	case !onDemand && u.Billing.OnDemand:
		if u.vectors() > 0 {
			return errNotOnDemand()
		}
		if err := u.checkIndexThroughput(); err != nil {
			return err
		}
		u.Billing.OnDemand = false
	}
	if u.in.ProvisionedThroughput != nil {
		return u.Billing.Throughput.change("table", "table", u.in.ProvisionedThroughput, u.now)
	}
	return nil
}

// checkIndexThroughput requires capacity for all indexes of a table that leaves on-demand.
func (u *tableUpdate) checkIndexThroughput() error {
	var without []string
	for _, x := range u.Indexes {
		given := slices.ContainsFunc(u.in.GlobalSecondaryIndexUpdates, func(g *ddb.GlobalSecondaryIndexUpdate) bool {
			return g.Update != nil && g.Update.IndexName == x.Name
		})
		if x.Global && !given {
			without = append(without, x.Name)
		}
	}
	if len(without) > 0 {
		return errParameter("ProvisionedThroughput must be specified for index: %s", strings.Join(without, ","))
	}
	return nil
}

// global finds the global index that an action is about, "update" or "delete".
func (u *tableUpdate) global(name, action string) (*tableIndex, error) {
	x := u.index(name)
	switch {
	case x == nil || x.Vector != nil:
		return nil, &ddb.ResourceNotFoundException{Message: "Requested resource not found"}
	case !x.Global:
		return nil, errValidation("Cannot %s an index that is not a GlobalSecondaryIndex: %s", action, name)
	}
	return x, nil
}

func (u *tableUpdate) updateIndex(in *ddb.UpdateGlobalSecondaryIndexAction) error {
	if p := in.ProvisionedThroughput; p != nil && (*p.ReadCapacityUnits > maxUnits || *p.WriteCapacityUnits > maxUnits) {
		return errValidation("This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate")
	}
	x, err := u.global(in.IndexName, "update")
	if err != nil {
		return err
	}
	if in.OnDemandThroughput != nil {
		x.OnDemand = in.OnDemandThroughput
	}
	if in.WarmThroughput != nil {
		x.Warm = in.WarmThroughput
	}
	if in.ProvisionedThroughput != nil {
		return x.Throughput.change("index", "index "+x.Name, in.ProvisionedThroughput, u.now)
	}
	return nil
}

func (u *tableUpdate) createIndex(in *ddb.CreateGlobalSecondaryIndexAction) error {
	attributes, err := u.definitions(in.KeySchema)
	if err != nil {
		return err
	}
	if u.in.AttributeDefinitions == nil {
		return errParameter("AttributeDefinitions is not specified for index: %s", in.IndexName)
	}
	if err := checkKeySchema(in.KeySchema, names(u.in.AttributeDefinitions), maxKeyParts); err != nil {
		return err
	}
	if err := checkIndex(in.IndexName, in.Projection, map[string]bool{}); err != nil {
		return err
	}
	if u.index(in.IndexName) != nil {
		return errValidation("Attempting to create an index which already exists")
	}
	globals := 0
	for _, x := range u.Indexes {
		if x.Global && x.Vector == nil {
			globals++
		}
	}
	if globals == maxGlobals {
		return errParameter("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobals)
	}
	switch {
	case u.Billing.OnDemand && in.ProvisionedThroughput != nil:
		return errParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", in.IndexName)
	case !u.Billing.OnDemand && in.ProvisionedThroughput == nil:
		return errParameter("ProvisionedThroughput must be specified for index: %s", in.IndexName)
	}
	x := &tableIndex{Name: in.IndexName, Global: true, Key: in.KeySchema, Projection: in.Projection,
		Throughput: provisioned(in.ProvisionedThroughput), OnDemand: in.OnDemandThroughput, Warm: in.WarmThroughput}
	u.fillIndex(x, attributes)
	return nil
}

// definitions are those of the table and of the request, which adds an index
// with the key.
func (u *tableUpdate) definitions(key []*ddb.KeySchemaElement) ([]*ddb.AttributeDefinition, error) {
	attributes := slices.Clone(u.Attributes)
	for _, d := range u.in.AttributeDefinitions {
		i := slices.IndexFunc(attributes, func(a *ddb.AttributeDefinition) bool { return a.AttributeName == d.AttributeName })
		switch {
		case i < 0:
			attributes = append(attributes, d)
		case attributes[i].AttributeType != d.AttributeType:
			return nil, u.errRedefined(key, attributes)
		}
	}
	return attributes, nil
}

// fillIndex adds an index with the definitions it needs, and the task to fill it.
func (u *tableUpdate) fillIndex(x *tableIndex, attributes []*ddb.AttributeDefinition) {
	x.Backfilling = true
	u.addIndex(x)
	u.Attributes = attributes
	u.dropDefinitions()
	u.task = &task{Fill: &fill{Account: u.Account, Region: u.Region, Name: u.Name, Table: u.Number, Index: x.Number}}
}

// errRedefined is the error of an index key whose attributes are defined anew,
// with another type.
func (u *tableUpdate) errRedefined(key []*ddb.KeySchemaElement, old []*ddb.AttributeDefinition) error {
	show := func(types []*ddb.AttributeDefinition) string {
		var parts []string
		for _, e := range key {
			for _, d := range types {
				if d.AttributeName == e.AttributeName {
					parts = append(parts, fmt.Sprintf("%s:%s:%s", d.AttributeName, d.AttributeType, e.KeyType))
				}
			}
		}
		return "Schema:[SchemaElement: key{" + strings.Join(parts, ",") + "}]"
	}
	return errParameter("Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. "+
		"Existing schema: %s New schema: %s", show(old), show(u.in.AttributeDefinitions))
}

func (u *tableUpdate) deleteIndex(name string) error {
	x, err := u.global(name, "delete")
	if err != nil {
		return err
	}
	u.gone = x.describeGlobal(u.table, ddb.TableStatusUpdating)
	u.gone.IndexStatus = ddb.IndexStatusDeleting
	u.removeIndex(x)
	return nil
}

// removeIndex takes an index off the table, and adds the task to remove its entries.
func (u *tableUpdate) removeIndex(x *tableIndex) {
	u.Indexes = slices.DeleteFunc(u.Indexes, func(y *tableIndex) bool { return y == x })
	u.dropDefinitions()
	u.task = &task{Remove: indexKey(u.Account, u.Region, u.Number, x.Number)}
}

// dropDefinitions forgets attributes that no key has any more.
func (u *tableUpdate) dropDefinitions() {
	keys := slices.Clone(u.Key)
	var filters []string
	for _, x := range u.Indexes {
		keys = append(keys, x.Key...)
		if x.Vector != nil {
			for _, e := range x.Vector.Schema {
				filters = append(filters, e.AttributeName)
			}
		}
	}
	u.Attributes = slices.DeleteFunc(slices.Clone(u.Attributes), func(a *ddb.AttributeDefinition) bool {
		return !slices.Contains(filters, a.AttributeName) &&
			!slices.ContainsFunc(keys, func(e *ddb.KeySchemaElement) bool { return e.AttributeName == a.AttributeName })
	})
}

// describe is the table on its way: AWS tells the new capacity when it is there.
func (u *tableUpdate) describe() *ddb.TableDescription {
	d := u.table.describe(ddb.TableStatusUpdating)
	if !u.Billing.OnDemand {
		d.ProvisionedThroughput.ReadCapacityUnits = u.before.ProvisionedThroughput.ReadCapacityUnits
		d.ProvisionedThroughput.WriteCapacityUnits = u.before.ProvisionedThroughput.WriteCapacityUnits
	}
	if u.gone != nil {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, u.gone)
	}
	if u.goneVector != nil {
		d.VectorIndexes = append(d.VectorIndexes, u.goneVector)
	}
	return d
}
