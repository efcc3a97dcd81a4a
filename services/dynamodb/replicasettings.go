package dynamodb

import (
	"cmp"
	"maps"
	"slices"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// The settings of replicas. What they may take, their class, their encryption
// and their indexes are the same everywhere; but a replica may be given reads,
// a class and a key of its own. That holds until the setting is changed in any
// of the regions, which changes it in all. Tags, policies, protection,
// recovery and insights are each replica's own.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html#V2globaltables_HowItWorks.setting-synchronization

// replicaOverride is what a replica, or an index of it, may read at most when
// that is its own. What is in force is in the table's record in any case.
type replicaOverride struct {
	Reads     int64 // provisioned; 0 for those of the others
	MostReads int64 // on demand; 0 for those of the others, noMost for no maximum
}

// overridesReads says whether anything is given of what a replica may read.
func overridesReads(p *ddb.ProvisionedThroughputOverride, m *ddb.OnDemandThroughputOverride) bool {
	return p != nil && p.ReadCapacityUnits != nil || m != nil && m.MaxReadRequestUnits != nil
}

func (o replicaOverride) describe() (p *ddb.ProvisionedThroughputOverride, m *ddb.OnDemandThroughputOverride) {
	if o.Reads != 0 {
		p = &ddb.ProvisionedThroughputOverride{ReadCapacityUnits: &o.Reads}
	}
	if o.MostReads != 0 {
		m = &ddb.OnDemandThroughputOverride{MaxReadRequestUnits: &o.MostReads}
	}
	return p, m
}

// describeAsReplica is the table as others describe their replica.
func (t *table) describeAsReplica(now time.Time) *ddb.ReplicaDescription {
	d := &ddb.ReplicaDescription{RegionName: t.Region, ReplicaStatus: ddb.ReplicaStatus(t.status(now)), ReplicaArn: t.arn(), WarmThroughput: t.describeWarm()}
	d.ProvisionedThroughputOverride, d.OnDemandThroughputOverride = t.Overrides[""].describe()
	if withKey(t.Encryption) && t.Encryption.KMSMasterKeyId != "" {
		d.KMSMasterKeyId = t.keyARN(t.Encryption.KMSMasterKeyId)
	}
	if t.Class != "" {
		d.ReplicaTableClassSummary = &ddb.TableClassSummary{TableClass: t.Class, LastUpdateDateTime: t.ClassChanged}
	}
	for _, x := range t.Indexes {
		if !x.Global || x.Vector != nil {
			continue
		}
		own := &ddb.ReplicaGlobalSecondaryIndexDescription{IndexName: x.Name, WarmThroughput: x.describeWarm(t)}
		own.ProvisionedThroughputOverride, own.OnDemandThroughputOverride = t.Overrides[x.Name].describe()
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, own)
	}
	return d
}

// settleReplica gives a new replica the settings of its source, and its own.
func (t *table) settleReplica(from *table, in *ddb.CreateReplicationGroupMemberAction) error {
	t.Attributes, t.Key, t.LastIndex = from.Attributes, from.Key, from.LastIndex
	for _, x := range from.Indexes {
		own := *x
		own.Backfilling = false // it is filled with the replica
		t.Indexes = append(t.Indexes, &own)
	}
	t.Billing, t.OnDemand, t.Warm, t.Encryption, t.Tags = from.Billing, from.OnDemand, from.Warm, from.Encryption, map[string]string{}
	t.Class = cmp.Or(in.TableClassOverride, from.Class)
	switch {
	case in.KMSMasterKeyId != "":
		t.Encryption = &ddb.SSESpecification{Enabled: new(true), SSEType: ddb.SSETypeKms, KMSMasterKeyId: in.KMSMasterKeyId}
	case withKey(from.Encryption) && from.Encryption.KMSMasterKeyId != "":
		return errNoReplicaKey() // a key is one of its region
	}
	return t.override(in.ProvisionedThroughputOverride, in.OnDemandThroughputOverride, in.GlobalSecondaryIndexes, t.Created)
}

// changeSettings gives a replica settings of its own.
func (t *table) changeSettings(c *ddb.UpdateReplicationGroupMemberAction, now time.Time) error {
	if c.TableClassOverride != "" {
		if err := t.changeClass(c.TableClassOverride, now); err != nil {
			return err
		}
	}
	return t.override(c.ProvisionedThroughputOverride, c.OnDemandThroughputOverride, c.GlobalSecondaryIndexes, now)
}

// override sets what the replica and its indexes may read.
func (t *table) override(p *ddb.ProvisionedThroughputOverride, m *ddb.OnDemandThroughputOverride, indexes []*ddb.ReplicaGlobalSecondaryIndex, now time.Time) error {
	if err := t.overrideOne("", &t.Billing.Throughput, &t.OnDemand, p, m, now); err != nil {
		return err
	}
	for _, g := range indexes {
		x := t.index(g.IndexName)
		if x == nil || !x.Global || x.Vector != nil {
			return errNoTable()
		}
		if err := t.overrideOne(x.Name, &x.Throughput, &x.OnDemand, g.ProvisionedThroughputOverride, g.OnDemandThroughputOverride, now); err != nil {
			return err
		}
	}
	return nil
}

// overrideOne sets what the replica may read, or its index of a name.
func (t *table) overrideOne(index string, own *throughput, most **ddb.OnDemandThroughput, p *ddb.ProvisionedThroughputOverride, m *ddb.OnDemandThroughputOverride, now time.Time) error {
	o := t.Overrides[index]
	if p != nil && p.ReadCapacityUnits != nil {
		if t.Billing.OnDemand {
			return errParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		to := &ddb.ProvisionedThroughput{ReadCapacityUnits: p.ReadCapacityUnits, WriteCapacityUnits: new(own.Write)}
		if err := checkThroughput(to); err != nil {
			return err
		}
		kind, what := "table", "table"
		if index != "" {
			kind, what = "index", "index "+index
		}
		if err := own.change(kind, what, to, now); err != nil {
			return err
		}
		o.Reads = *p.ReadCapacityUnits
	}
	if m != nil && m.MaxReadRequestUnits != nil {
		changed, err := t.changeMost(*most, &ddb.OnDemandThroughput{MaxReadRequestUnits: m.MaxReadRequestUnits}, index)
		if err != nil {
			return err
		}
		*most, o.MostReads = changed, *m.MaxReadRequestUnits
	}
	t.setOverride(index, o)
	return nil
}

func (t *table) setOverride(index string, o replicaOverride) {
	if o == t.Overrides[index] {
		return
	}
	t.Overrides = maps.Clone(t.Overrides)
	if t.Overrides == nil {
		t.Overrides = map[string]replicaOverride{}
	}
	if t.Overrides[index] = o; o == (replicaOverride{}) {
		delete(t.Overrides, index)
	}
}

// checkReplicaKeys requires a key for each replica of a table that gets one.
func checkReplicaKeys(replicas []*table, in *ddb.UpdateTableInput) error {
	keys := replicaKeys(in)
	for _, r := range replicas {
		if in.SSESpecification != nil && in.SSESpecification.KMSMasterKeyId != "" && keys[r.Region] == "" {
			return errNoReplicaKey()
		}
		delete(keys, r.Region)
	}
	for region := range keys {
		return errNoReplica(region)
	}
	return nil
}

// replicaKeys are the keys of replicas, by their regions.
func replicaKeys(in *ddb.UpdateTableInput) map[string]string {
	keys := map[string]string{}
	for _, u := range in.ReplicaUpdates {
		if u.Update != nil {
			keys[u.Update.RegionName] = u.Update.KMSMasterKeyId
		}
	}
	return keys
}

// rekeys says that all a request does to replicas is to give them keys, which
// it may do with the table's.
func rekeys(in *ddb.UpdateTableInput) bool {
	return in.SSESpecification != nil && !slices.ContainsFunc(in.ReplicaUpdates, func(u *ddb.ReplicationGroupUpdate) bool {
		return u.Update == nil || u.Create != nil || u.Delete != nil || u.Update.KMSMasterKeyId == "" || u.Update.TableClassOverride != "" ||
			u.Update.ProvisionedThroughputOverride != nil || u.Update.OnDemandThroughputOverride != nil || u.Update.GlobalSecondaryIndexes != nil
	})
}

// followSettings gives a replica what an update has made of the settings of its table.
func (t *table) followSettings(u *tableUpdate) error {
	t.followCapacities(u)
	if u.in.TableClass != "" {
		if err := t.changeClass(u.in.TableClass, u.now); err != nil {
			return err
		}
	}
	if s := u.in.SSESpecification; s != nil {
		own := *s
		own.KMSMasterKeyId = replicaKeys(u.in)[t.Region]
		t.Encryption = &own
	}
	return nil
}

// followCapacities gives a replica what its table and its indexes may take now.
// For the table itself that is so already, and ends the overrides of what was changed.
func (t *table) followCapacities(u *tableUpdate) {
	was := u.before.BillingModeSummary
	if wasOnDemand := was != nil && was.BillingMode == ddb.BillingModePayPerRequest; wasOnDemand != u.Billing.OnDemand {
		t.Billing, t.OnDemand, t.Overrides = u.Billing, u.OnDemand, nil
	}
	t.Warm = u.Warm
	t.followCapacity("", &t.Billing.Throughput, &t.OnDemand, u.Billing.Throughput, u.OnDemand, *u.before.ProvisionedThroughput.ReadCapacityUnits, u.before.OnDemandThroughput)
	for _, d := range u.before.GlobalSecondaryIndexes {
		x, own := u.index(d.IndexName), t.index(d.IndexName)
		if x == nil || own == nil {
			continue // it is deleted
		}
		own.Warm = x.Warm
		t.followCapacity(x.Name, &own.Throughput, &own.OnDemand, x.Throughput, x.OnDemand, *d.ProvisionedThroughput.ReadCapacityUnits, d.OnDemandThroughput)
	}
}

// followCapacity gives a replica, or its index, what its table may take now.
// Its own reads stay where those of the table have not changed.
func (t *table) followCapacity(index string, own *throughput, ownMost **ddb.OnDemandThroughput, p throughput, most *ddb.OnDemandThroughput, wasReads int64, wasMost *ddb.OnDemandThroughput) {
	o := t.Overrides[index]
	if p.Read == wasReads {
		p.Read = own.Read
	} else {
		o.Reads = 0
	}
	if reads(most) == reads(wasMost) {
		most = changeMost(most, &ddb.OnDemandThroughput{MaxReadRequestUnits: new(cmp.Or(reads(*ownMost), noMost))}, false)
	} else {
		o.MostReads = 0
	}
	*own, *ownMost = p, most
	t.setOverride(index, o)
}

// reads is the most that may be read on demand, 0 for no maximum.
func reads(m *ddb.OnDemandThroughput) int64 {
	if m == nil || m.MaxReadRequestUnits == nil {
		return 0
	}
	return *m.MaxReadRequestUnits
}
