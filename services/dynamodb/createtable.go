package dynamodb

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

func (s *Service) createTable(ctx context.Context, in *ddb.CreateTableInput) (*ddb.CreateTableOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	now := api.CallFrom(ctx).Time
	t := s.newTable(id, in, now)
	if err := t.checkCapacities(); err != nil {
		return nil, err
	}
	if in.ResourcePolicy != "" {
		if err := checkPolicy(in.ResourcePolicy); err != nil {
			return nil, err
		}
		t.Policies = map[string]resourcePolicy{"": newPolicy(in.ResourcePolicy, resourcePolicy{}, now)}
	}
	t.enter(ddb.TableStatusCreating, now, s.env.Config.DynamoDB.CreateDelay)
	if err := t.tag(in.Tags); err != nil {
		return nil, err
	}
	err = s.update(func(tx storage.Tx, w *writes) error {
		if err := checkNoTable(tx, t); err != nil {
			return err
		}
		if err := w.setStream(tx, t, in.StreamSpecification, now); err != nil {
			return err
		}
		return storage.PutRecord(tx, t.storageKey(), t)
	})
	if err != nil {
		return nil, err
	}
	d := t.describe(ddb.TableStatusCreating, now)
	if in.WarmThroughput == nil {
		d.WarmThroughput = nil
	}
	if d.BillingModeSummary != nil {
		d.BillingModeSummary = &ddb.BillingModeSummary{BillingMode: d.BillingModeSummary.BillingMode}
	}
	return &ddb.CreateTableOutput{TableDescription: d}, nil
}

// newTable is the record of a table that is to be made.
func (s *Service) newTable(id tableID, in *ddb.CreateTableInput, now time.Time) *table {
	t := &table{
		Account: id.account, Region: id.region, Name: id.name,
		Number: s.newNumber(), ID: s.env.IDs.UUID(), Created: now,
		Attributes: in.AttributeDefinitions,
		Key:        in.KeySchema,
		OnDemand:   changeMost(nil, in.OnDemandThroughput, true),
		Warm:       in.WarmThroughput,
		Class:      in.TableClass,
		Protected:  in.DeletionProtectionEnabled != nil && *in.DeletionProtectionEnabled,
		Encryption: in.SSESpecification,
		Tags:       map[string]string{},
	}
	if in.BillingMode == ddb.BillingModePayPerRequest {
		t.Billing = billing{OnDemand: true, OnDemandSince: now}
	} else {
		t.Billing.Throughput = provisioned(in.ProvisionedThroughput)
	}
	for _, x := range in.GlobalSecondaryIndexes {
		t.addIndex(&tableIndex{Name: x.IndexName, Global: true, Key: x.KeySchema, Projection: x.Projection,
			Throughput: provisioned(x.ProvisionedThroughput), OnDemand: changeMost(nil, x.OnDemandThroughput, true), Warm: x.WarmThroughput})
	}
	for _, x := range in.VectorIndexes {
		t.addIndex(newVectorIndex(x))
	}
	for _, x := range in.LocalSecondaryIndexes {
		t.addIndex(&tableIndex{Name: x.IndexName, Key: x.KeySchema, Projection: x.Projection})
	}
	return t
}

// checkNoTable refuses a table whose name is taken.
func checkNoTable(tx storage.Tx, t *table) error {
	_, err := tx.Get(t.storageKey())
	switch {
	case err == nil:
		return errTableExists(t.Name)
	case errors.Is(err, storage.ErrNotFound):
		return nil
	}
	return err
}

// newNumber is a number that no table has, had or will have.
func (s *Service) newNumber() uint64 {
	var b [8]byte
	s.env.IDs.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (t *table) addIndex(x *tableIndex) {
	t.LastIndex++
	x.Number = t.LastIndex
	t.Indexes = append(t.Indexes, x)
}

// checkCreate finds what is wrong with a table that is to be made.
func checkCreate(in *ddb.CreateTableInput) error {
	beyond := []parameter{
		{"GlobalTableSourceArn", in.GlobalTableSourceArn != ""},
		{"GlobalTableSettingsReplicationMode", in.GlobalTableSettingsReplicationMode != ""},
	}
	for _, member := range given(beyond) {
		return errNotImplemented(member)
	}
	if in.AttributeDefinitions == nil {
		return errValidation("1 validation error detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null")
	}
	if in.KeySchema == nil {
		return errValidation("1 validation error detected: Value null at 'keySchema' failed to satisfy constraint: Member must not be null")
	}
	if len(in.KeySchema) > 2 {
		return errConstraint(showKeySchema(in.KeySchema), "keySchema", "have length less than or equal to 2")
	}
	if err := checkBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return err
	}
	if err := checkNewStream(in.StreamSpecification); err != nil {
		return err
	}
	if err := checkEncryption(in.SSESpecification); err != nil {
		return err
	}
	defined := names(in.AttributeDefinitions)
	for i, name := range defined {
		if slices.Contains(defined[:i], name) {
			return errValidation("Attribute Name is duplicated: %s", name)
		}
	}
	if len(in.KeySchema) > len(defined) {
		return errValidation("Invalid KeySchema: Some index key attribute have no definition")
	}
	if err := checkKeySchema(in.KeySchema, defined, 1); err != nil {
		return err
	}
	if in.LocalSecondaryIndexes == nil && in.GlobalSecondaryIndexes == nil && in.VectorIndexes == nil && len(in.KeySchema) != len(defined) {
		return errParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	indexNames := map[string]bool{}
	if err := checkLocals(in, defined, indexNames); err != nil {
		return err
	}
	if err := checkGlobals(in, defined, indexNames); err != nil {
		return err
	}
	if err := checkVectors(in, defined, indexNames); err != nil {
		return err
	}
	return checkDefinitions(in, defined)
}

// names are those of the attributes that are defined.
func names(list []*ddb.AttributeDefinition) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.AttributeName
	}
	return out
}

// The most that a table may have of them.
const maxLocals, maxGlobals = 5, 20

func checkLocals(in *ddb.CreateTableInput, defined []string, indexNames map[string]bool) error {
	if in.LocalSecondaryIndexes == nil {
		return nil
	}
	if len(in.LocalSecondaryIndexes) == 0 {
		return errParameter("List of LocalSecondaryIndexes is empty")
	}
	if len(in.KeySchema) != 2 {
		return errParameter("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	for _, x := range in.LocalSecondaryIndexes {
		if err := checkKeySchema(x.KeySchema, defined, 1); err != nil {
			return err
		}
		if len(x.KeySchema) != 2 {
			return errParameter("Index KeySchema does not have a range key for index: %s", x.IndexName)
		}
		if hash, own := x.KeySchema[0].AttributeName, in.KeySchema[0].AttributeName; hash != own {
			return errParameter("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s", x.IndexName, hash, own)
		}
		if err := checkIndex(x.IndexName, x.Projection, indexNames); err != nil {
			return err
		}
	}
	if len(in.LocalSecondaryIndexes) > maxLocals {
		return errParameter("Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocals)
	}
	return nil
}

func checkGlobals(in *ddb.CreateTableInput, defined []string, indexNames map[string]bool) error {
	if in.GlobalSecondaryIndexes == nil {
		return nil
	}
	if len(in.GlobalSecondaryIndexes) == 0 {
		return errParameter("List of GlobalSecondaryIndexes is empty")
	}
	for _, x := range in.GlobalSecondaryIndexes {
		if err := checkKeySchema(x.KeySchema, defined, maxKeyParts); err != nil {
			return err
		}
		if in.BillingMode == ddb.BillingModePayPerRequest && x.ProvisionedThroughput != nil {
			return errParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.IndexName)
		}
		if in.BillingMode != ddb.BillingModePayPerRequest && x.ProvisionedThroughput == nil {
			return errParameter("ProvisionedThroughput is not specified for index: %s", x.IndexName)
		}
		if err := checkIndex(x.IndexName, x.Projection, indexNames); err != nil {
			return err
		}
	}
	if len(in.GlobalSecondaryIndexes) > maxGlobals {
		return errParameter("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobals)
	}
	return nil
}

// checkDefinitions finds attributes that are defined twice or in vain.
func checkDefinitions(in *ddb.CreateTableInput, defined []string) error {
	var used []string
	useName := func(name string) {
		if !slices.Contains(used, name) {
			used = append(used, name)
		}
	}
	use := func(elements []*ddb.KeySchemaElement) {
		for _, e := range elements {
			useName(e.AttributeName)
		}
	}
	use(in.KeySchema)
	for _, x := range in.LocalSecondaryIndexes {
		use(x.KeySchema)
	}
	for _, x := range in.GlobalSecondaryIndexes {
		use(x.KeySchema)
	}
	for _, x := range in.VectorIndexes {
		for _, e := range x.SearchSchema {
			useName(e.AttributeName)
		}
	}
	if len(used) != len(defined) {
		return errUnusedDefinitions(defined, used)
	}
	return nil
}

func (s *Service) describeTable(ctx context.Context, in *ddb.DescribeTableInput) (*ddb.DescribeTableOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var t *table
	var d *ddb.TableDescription
	err = s.env.DB.View(func(tx storage.Tx) (err error) {
		if t, err = s.anyRecord(tx, id); err != nil {
			return err
		}
		now := api.CallFrom(ctx).Time
		d = t.describe(t.status(now), now)
		return t.describeReplicas(tx, d, now)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.DescribeTableOutput{Table: d}, s.describeCounts(d, t)
}
