package dynamodb

import (
	"slices"
	"sync"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// table is the record of a table. Its parts that AWS describes as they were
// given are kept in AWS's own shapes.
type table struct {
	Account, Region, Name string
	// Number names the table in keys; ID is what AWS calls TableId.
	Number  uint64
	ID      string
	Created time.Time

	Attributes []*ddb.AttributeDefinition
	Key        []*ddb.KeySchemaElement
	Indexes    []*tableIndex
	// LastIndex is the highest number an index has had.
	LastIndex uint64

	Billing      billing
	OnDemand     *ddb.OnDemandThroughput
	Warm         *ddb.WarmThroughput
	Class        ddb.TableClass
	ClassChanged time.Time
	// ClassChanges and EncryptionChanges are when those were changed lately.
	ClassChanges, EncryptionChanges []time.Time
	Protected                       bool
	Encryption                      *ddb.SSESpecification
	Stream                          *ddb.StreamSpecification
	StreamStart                     time.Time
	// StreamNumber is that of the latest stream, which may have been turned off; 0 for none.
	StreamNumber uint64
	Tags         map[string]string
	// Expiry is the time to live of items, nil when that is off, and
	// ExpiryChanged when it was last turned on or off.
	Expiry        *expiry
	ExpiryChanged time.Time
	// Recovery is recovery to a point in time, nil when that is off, and Past
	// the log it needs, as do copies of the table.
	Recovery *recovery
	Past     *past
	// Restoring is set while the table is being restored, State while it is on
	// its way otherwise.
	Restoring *restoring
	State     *state
	// Replicas are the other regions of a global table, Replicating is set until
	// the items that were there before this replica are in it.
	Replicas    []string
	Replicating bool
	// Overrides are what a replica has of its own: under "", and of its indexes.
	Overrides map[string]replicaOverride

	// Policies are the resource policies: that of the table under "", those of
	// its streams under their labels.
	Policies map[string]resourcePolicy
	// Insights are the contributor insights of the table, under "", and of its indexes.
	Insights map[string]insights
	// Importing is set until what the table is imported from is in it.
	Importing bool

	once     sync.Once
	compiled *schema
}

// billing is how capacity is paid for.
type billing struct {
	OnDemand bool
	// OnDemandSince is when the table last became on-demand; zero when it never was.
	OnDemandSince time.Time
	Throughput    throughput
}

// tableIndex is a secondary index in the record of its table.
type tableIndex struct {
	Number     uint64
	Name       string
	Global     bool
	Key        []*ddb.KeySchemaElement
	Projection *ddb.Projection
	Throughput throughput
	OnDemand   *ddb.OnDemandThroughput
	Warm       *ddb.WarmThroughput
	// Vector is what makes it a vector index; nil for other indexes.
	Vector *vectorIndex
	// Backfilling is set until the items that were there before the index are in it.
	Backfilling bool
}

func (t *table) storageKey() storage.Key { return tableKey(t.Account, t.Region, t.Name) }

func (t *table) arn() string {
	return api.ARN{Partition: api.PartitionOf(t.Region), Service: "dynamodb", Region: t.Region, Account: t.Account, Resource: "table/" + t.Name}.String()
}

// building says that what the table is to hold is not in it yet. Until then only
// those who describe it see the table.
func (t *table) building() bool { return t.Restoring != nil || t.Importing || t.Replicating }

func (t *table) index(name string) *tableIndex {
	i := slices.IndexFunc(t.Indexes, func(x *tableIndex) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return t.Indexes[i]
}

// describe is the table as AWS describes it, without its counts.
func (t *table) describe(status ddb.TableStatus, now time.Time) *ddb.TableDescription {
	d := &ddb.TableDescription{
		AttributeDefinitions:      t.Attributes,
		TableName:                 t.Name,
		KeySchema:                 t.Key,
		TableStatus:               status,
		CreationDateTime:          t.Created,
		ProvisionedThroughput:     t.Billing.Throughput.describe(now),
		TableSizeBytes:            new(int64(0)),
		ItemCount:                 new(int64(0)),
		TableArn:                  t.arn(),
		TableId:                   t.ID,
		DeletionProtectionEnabled: &t.Protected,
		OnDemandThroughput:        t.OnDemand,
		WarmThroughput:            t.describeWarm(),
	}
	if t.Billing.OnDemand || !t.Billing.OnDemandSince.IsZero() {
		d.BillingModeSummary = &ddb.BillingModeSummary{BillingMode: t.billingMode(), LastUpdateToPayPerRequestDateTime: t.Billing.OnDemandSince}
	}
	if t.Class != "" {
		d.TableClassSummary = &ddb.TableClassSummary{TableClass: t.Class, LastUpdateDateTime: t.ClassChanged}
	}
	d.SSEDescription = t.describeEncryption()
	if t.Restoring != nil {
		d.RestoreSummary = t.Restoring.describe()
	}
	if t.streams() {
		d.StreamSpecification = t.Stream
	}
	if t.StreamNumber != 0 {
		d.LatestStreamLabel = t.StreamStart.Format(labelFormat)
		d.LatestStreamArn = t.arn() + "/stream/" + d.LatestStreamLabel
	}
	for _, x := range t.Indexes {
		switch {
		case x.Vector != nil:
			d.VectorIndexes = append(d.VectorIndexes, x.describeVector(t, status))
		case x.Global:
			d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, x.describeGlobal(t, status, now))
		default:
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, x.describeLocal(t))
		}
	}
	return d
}

func (t *table) billingMode() ddb.BillingMode {
	if t.Billing.OnDemand {
		return ddb.BillingModePayPerRequest
	}
	return ddb.BillingModeProvisioned
}

func (x *tableIndex) describeGlobal(t *table, status ddb.TableStatus, now time.Time) *ddb.GlobalSecondaryIndexDescription {
	d := &ddb.GlobalSecondaryIndexDescription{
		IndexName:             x.Name,
		KeySchema:             x.Key,
		Projection:            x.Projection,
		IndexStatus:           ddb.IndexStatusActive,
		ProvisionedThroughput: x.Throughput.describe(now),
		IndexSizeBytes:        new(int64(0)),
		ItemCount:             new(int64(0)),
		IndexArn:              t.arn() + "/index/" + x.Name,
		OnDemandThroughput:    x.OnDemand,
		WarmThroughput:        x.describeWarm(t),
	}
	if status == ddb.TableStatusCreating || x.Backfilling {
		d.IndexStatus = ddb.IndexStatusCreating
	}
	if x.Backfilling {
		d.Backfilling = new(true)
	}
	return d
}

func (x *tableIndex) describeLocal(t *table) *ddb.LocalSecondaryIndexDescription {
	return &ddb.LocalSecondaryIndexDescription{
		IndexName:      x.Name,
		KeySchema:      x.Key,
		Projection:     x.Projection,
		IndexSizeBytes: new(int64(0)),
		ItemCount:      new(int64(0)),
		IndexArn:       t.arn() + "/index/" + x.Name,
	}
}
