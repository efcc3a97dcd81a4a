package dynamodb

import (
	"fmt"
	"slices"
	"strings"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// What an UpdateTable does to global indexes.

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
	if in.WarmThroughput != nil && len(warmUnits(in.WarmThroughput, 0, 0)) == 0 {
		return errParameter("WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: %s", in.IndexName)
	}
	x, err := u.global(in.IndexName, "update")
	if err != nil {
		return err
	}
	switch {
	case u.Billing.OnDemand && in.ProvisionedThroughput != nil:
		return errParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: %s when BillingMode is PAY_PER_REQUEST", in.IndexName)
	case u.Billing.OnDemand && in.WarmThroughput == nil && len(mostUnits(in.OnDemandThroughput)) == 0:
		return errParameter("The only Updates for index: %s when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput", in.IndexName)
	}
	if in.OnDemandThroughput != nil {
		if x.OnDemand, err = u.changeMost(x.OnDemand, in.OnDemandThroughput, x.Name); err != nil {
			return err
		}
	}
	if in.WarmThroughput != nil {
		if x.Warm, err = u.warmer(u.warmth(x.Warm, x.Throughput), in.WarmThroughput, x.Name); err != nil {
			return err
		}
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
		Throughput: provisioned(in.ProvisionedThroughput), OnDemand: changeMost(nil, in.OnDemandThroughput, true), Warm: in.WarmThroughput}
	if err := u.checkCapacity(x.OnDemand, x.Warm, x.Throughput, x.Name); err != nil {
		return err
	}
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
	u.gone = x.describeGlobal(u.table, ddb.TableStatusUpdating, u.now)
	u.gone.IndexStatus = ddb.IndexStatusDeleting
	u.removeIndex(x)
	return nil
}

// removeIndex takes an index off the table, and adds the task to remove its entries.
func (u *tableUpdate) removeIndex(x *tableIndex) {
	u.Indexes = slices.DeleteFunc(u.Indexes, func(y *tableIndex) bool { return y == x })
	u.dropDefinitions()
	u.setOverride(x.Name, replicaOverride{})
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
