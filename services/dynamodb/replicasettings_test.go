package dynamodb

import (
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// replicaChange is an UpdateTable that gives the replica in a region settings of its own.
func replicaChange(changes ...*ddb.UpdateReplicationGroupMemberAction) *ddb.UpdateTableInput {
	in := &ddb.UpdateTableInput{TableName: "things"}
	for _, c := range changes {
		in.ReplicaUpdates = append(in.ReplicaUpdates, &ddb.ReplicationGroupUpdate{Update: c})
	}
	return in
}

func readsOverride(n int64) *ddb.ProvisionedThroughputOverride {
	return &ddb.ProvisionedThroughputOverride{ReadCapacityUnits: &n}
}

func mostOverride(n int64) *ddb.OnDemandThroughputOverride {
	return &ddb.OnDemandThroughputOverride{MaxReadRequestUnits: &n}
}

// replicated is the table in a region, and how the one in the east describes it as a replica.
func (h *host) replicated(region string) (*ddb.TableDescription, *ddb.ReplicaDescription) {
	h.t.Helper()
	own := mustIn(h, region, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
	for _, r := range must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.Replicas {
		if r.RegionName == region {
			return own, r
		}
	}
	return own, nil
}

// What a replica reads at most on demand is its own until it is changed in
// another region; what is written at most is the same everywhere.
func TestOnDemandOverrides(t *testing.T) {
	h := newHost(t)
	h.kinds("things")
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", OnDemandThroughput: most(100, 50)})
	create := replicas(west, "")
	create.ReplicaUpdates[0].Create.OnDemandThroughputOverride = mostOverride(30)
	create.ReplicaUpdates[0].Create.GlobalSecondaryIndexes = []*ddb.ReplicaGlobalSecondaryIndex{{IndexName: "kinds", OnDemandThroughputOverride: mostOverride(20)}}
	must(h, h.updateTable, create)
	h.drain()
	must(h, h.updateTable, replicas(europe, ""))
	h.drain()
	check := func(region string, reads, writes, indexReads, override, indexOverride int64) {
		t.Helper()
		d, r := h.replicated(region)
		if got := d.OnDemandThroughput; *got.MaxReadRequestUnits != reads || *got.MaxWriteRequestUnits != writes {
			t.Errorf("%s reads %d and writes %d at most", region, *got.MaxReadRequestUnits, *got.MaxWriteRequestUnits)
		}
		if got := d.GlobalSecondaryIndexes[0].OnDemandThroughput; indexReads == 0 && got != nil || indexReads != 0 && *got.MaxReadRequestUnits != indexReads {
			t.Errorf("%s: the index has %+v", region, got)
		}
		if len(r.GlobalSecondaryIndexes) != 1 || r.GlobalSecondaryIndexes[0].IndexName != "kinds" {
			t.Fatalf("%s: %+v", region, r.GlobalSecondaryIndexes)
		}
		for _, o := range []struct {
			got  *ddb.OnDemandThroughputOverride
			want int64
		}{{r.OnDemandThroughputOverride, override}, {r.GlobalSecondaryIndexes[0].OnDemandThroughputOverride, indexOverride}} {
			if o.want == 0 && o.got != nil || o.want != 0 && (o.got == nil || *o.got.MaxReadRequestUnits != o.want) {
				t.Errorf("%s: override %+v, want %d", region, o.got, o.want)
			}
		}
	}
	check(west, 30, 50, 20, 30, 20)
	check(europe, 100, 50, 0, 0, 0)

	// The most that is written goes to all, and leaves the reads alone.
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", OnDemandThroughput: &ddb.OnDemandThroughput{MaxWriteRequestUnits: new(int64(60))}})
	check(west, 30, 60, 20, 30, 20)
	check(europe, 100, 60, 0, 0, 0)

	d := must(h, h.updateTable, replicaChange(
		&ddb.UpdateReplicationGroupMemberAction{RegionName: west, OnDemandThroughputOverride: mostOverride(40)},
		&ddb.UpdateReplicationGroupMemberAction{RegionName: europe, GlobalSecondaryIndexes: []*ddb.ReplicaGlobalSecondaryIndex{{IndexName: "kinds", OnDemandThroughputOverride: mostOverride(10)}}},
	)).TableDescription
	for _, r := range d.Replicas {
		if r.ReplicaStatus != ddb.ReplicaStatusUpdating {
			t.Errorf("%s is %s", r.RegionName, r.ReplicaStatus)
		}
	}
	check(west, 40, 60, 20, 40, 20)
	check(europe, 100, 60, 10, 0, 10)

	// A change of the reads in a region without an override is one for all.
	mustIn(h, europe, h.updateTable, &ddb.UpdateTableInput{TableName: "things", OnDemandThroughput: &ddb.OnDemandThroughput{MaxReadRequestUnits: new(int64(200))}})
	check(west, 200, 60, 20, 0, 20)
	check(europe, 200, 60, 10, 0, 10)
	if d, _ := h.replicated(east); *d.OnDemandThroughput.MaxReadRequestUnits != 200 {
		t.Errorf("the table itself reads %d at most", *d.OnDemandThroughput.MaxReadRequestUnits)
	}

	// -1 is kept as it is, and there is no maximum.
	must(h, h.updateTable, replicaChange(&ddb.UpdateReplicationGroupMemberAction{RegionName: west, OnDemandThroughputOverride: mostOverride(-1)}))
	if d, r := h.replicated(west); d.OnDemandThroughput.MaxReadRequestUnits != nil || *r.OnDemandThroughputOverride.MaxReadRequestUnits != -1 {
		t.Errorf("without a maximum: %+v %+v", d.OnDemandThroughput, r.OnDemandThroughputOverride)
	}
}

func TestProvisionedOverrides(t *testing.T) {
	h := newHost(t)
	h.kinds("things")
	must(h, h.updateTable, replicas(west, ""))
	h.drain()
	index := &ddb.UpdateGlobalSecondaryIndexAction{IndexName: "kinds", ProvisionedThroughput: capacity(20, 10)}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", BillingMode: ddb.BillingModeProvisioned, ProvisionedThroughput: capacity(200, 100),
		GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{Update: index}}})
	must(h, h.updateTable, replicaChange(&ddb.UpdateReplicationGroupMemberAction{RegionName: west, ProvisionedThroughputOverride: readsOverride(100),
		GlobalSecondaryIndexes: []*ddb.ReplicaGlobalSecondaryIndex{{IndexName: "kinds", ProvisionedThroughputOverride: readsOverride(5)}}}))
	check := func(read, write, indexRead int64, overridden bool) {
		t.Helper()
		d, r := h.replicated(west)
		if p := d.ProvisionedThroughput; *p.ReadCapacityUnits != read || *p.WriteCapacityUnits != write {
			t.Errorf("reads %d, writes %d", *p.ReadCapacityUnits, *p.WriteCapacityUnits)
		}
		if p := d.GlobalSecondaryIndexes[0].ProvisionedThroughput; *p.ReadCapacityUnits != indexRead || *p.WriteCapacityUnits != 10 {
			t.Errorf("the index reads %d, writes %d", *p.ReadCapacityUnits, *p.WriteCapacityUnits)
		}
		if (r.ProvisionedThroughputOverride != nil) != overridden || overridden && *r.ProvisionedThroughputOverride.ReadCapacityUnits != read {
			t.Errorf("override: %+v", r.ProvisionedThroughputOverride)
		}
		if o := r.GlobalSecondaryIndexes[0].ProvisionedThroughputOverride; o == nil || *o.ReadCapacityUnits != indexRead {
			t.Errorf("override of the index: %+v", o)
		}
	}
	check(100, 100, 5, true)
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", ProvisionedThroughput: capacity(200, 150)})
	check(100, 150, 5, true)
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", ProvisionedThroughput: capacity(300, 150)})
	check(300, 150, 5, false)

	must(h, h.updateTable, replicaChange(&ddb.UpdateReplicationGroupMemberAction{RegionName: west, ProvisionedThroughputOverride: readsOverride(100)}))
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", BillingMode: ddb.BillingModePayPerRequest})
	if d, r := h.replicated(west); *d.ProvisionedThroughput.ReadCapacityUnits != 0 || r.ProvisionedThroughputOverride != nil || r.GlobalSecondaryIndexes[0].ProvisionedThroughputOverride != nil {
		t.Errorf("on demand: %+v %+v", d.ProvisionedThroughput, r)
	}
}

func TestReplicaClassAndKey(t *testing.T) {
	h := newHost(t)
	attributes, key := define("p:S")
	must(h, h.createTable, &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		TableClass: ddb.TableClassStandardInfrequentAccess})
	must(h, h.updateTable, replicas(west, ""))
	h.drain()
	own := replicas(europe, "")
	own.ReplicaUpdates[0].Create.TableClassOverride = ddb.TableClassStandard
	must(h, h.updateTable, own)
	h.drain()
	classes := func(inWest, inEurope ddb.TableClass) {
		t.Helper()
		for region, want := range map[string]ddb.TableClass{west: inWest, europe: inEurope} {
			d, r := h.replicated(region)
			if d.TableClassSummary.TableClass != want || r.ReplicaTableClassSummary.TableClass != want {
				t.Errorf("%s has class %s, as a replica %s", region, d.TableClassSummary.TableClass, r.ReplicaTableClassSummary.TableClass)
			}
		}
	}
	classes(ddb.TableClassStandardInfrequentAccess, ddb.TableClassStandard)
	must(h, h.updateTable, replicaChange(&ddb.UpdateReplicationGroupMemberAction{RegionName: west, TableClassOverride: ddb.TableClassStandard}))
	classes(ddb.TableClassStandard, ddb.TableClassStandard)
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", TableClass: ddb.TableClassStandard})
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", TableClass: ddb.TableClassStandardInfrequentAccess})
	classes(ddb.TableClassStandardInfrequentAccess, ddb.TableClassStandardInfrequentAccess)

	// Keys are given to all at once, each in its region.
	const ours, theirs = "arn:aws:kms:us-east-1:000000000000:key/ours", "arn:aws:kms:us-west-2:000000000000:key/theirs"
	const europes = "arn:aws:kms:eu-west-1:000000000000:key/europes"
	rekey := func(keys ...*ddb.UpdateReplicationGroupMemberAction) *ddb.UpdateTableInput {
		in := replicaChange(keys...)
		in.SSESpecification = &ddb.SSESpecification{Enabled: new(true), SSEType: ddb.SSETypeKms, KMSMasterKeyId: ours}
		return in
	}
	inWest := &ddb.UpdateReplicationGroupMemberAction{RegionName: west, KMSMasterKeyId: theirs}
	inEurope := &ddb.UpdateReplicationGroupMemberAction{RegionName: europe, KMSMasterKeyId: europes}
	const want = "One or more parameter values were invalid: KMSMasterKeyId must be specified for each replica."
	for _, in := range []*ddb.UpdateTableInput{replicaChange(inWest), rekey(), rekey(inWest)} {
		if got := fails(h, h.updateTable, in); got != want {
			t.Errorf("got %q", got)
		}
	}
	must(h, h.updateTable, rekey(inWest, inEurope))
	for region, want := range map[string]string{west: theirs, europe: europes} {
		if d, r := h.replicated(region); d.SSEDescription.KMSMasterKeyArn != want || r.KMSMasterKeyId != want {
			t.Errorf("%s has key %s, as a replica %s", region, d.SSEDescription.KMSMasterKeyArn, r.KMSMasterKeyId)
		}
	}
	if got := fails(h, h.updateTable, replicas("ap-south-1", "")); got != want {
		t.Errorf("a replica without a key: %q", got)
	}
	// Without keys of one's own there is nothing to be given.
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", SSESpecification: &ddb.SSESpecification{Enabled: new(false)}})
	if d, r := h.replicated(west); d.SSEDescription != nil || r.KMSMasterKeyId != "" {
		t.Errorf("%+v %q", d.SSEDescription, r.KMSMasterKeyId)
	}
}

func TestReplicaChangeErrors(t *testing.T) {
	h := newHost(t)
	h.kinds("things")
	must(h, h.updateTable, replicas(west, ""))
	h.drain()
	const nothing = "There are no actions specified in the Replica Update Action of the request."
	type change = ddb.UpdateReplicationGroupMemberAction
	both := replicaChange(&change{RegionName: west, TableClassOverride: ddb.TableClassStandard})
	both.ReplicaUpdates = append(both.ReplicaUpdates, &ddb.ReplicationGroupUpdate{Create: &ddb.CreateReplicationGroupMemberAction{RegionName: europe}})
	with := func(in *ddb.UpdateTableInput, change func(*ddb.UpdateTableInput)) *ddb.UpdateTableInput {
		change(in)
		return in
	}
	for _, c := range []struct {
		in   *ddb.UpdateTableInput
		want string
	}{
		{replicaChange(&change{RegionName: west}), nothing},
		{replicaChange(&change{RegionName: west, ProvisionedThroughputOverride: &ddb.ProvisionedThroughputOverride{}}), nothing},
		{replicaChange(&change{RegionName: west, GlobalSecondaryIndexes: []*ddb.ReplicaGlobalSecondaryIndex{{IndexName: "kinds"}}}), nothing},
		{replicaChange(&change{RegionName: europe, TableClassOverride: ddb.TableClassStandard}),
			"Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [eu-west-1]."},
		{replicaChange(&change{RegionName: west, ProvisionedThroughputOverride: readsOverride(5)}),
			"One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
		{replicaChange(&change{RegionName: west, OnDemandThroughputOverride: mostOverride(0)}),
			"One or more parameter values were invalid: Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range"},
		{replicaChange(&change{RegionName: west, OnDemandThroughputOverride: mostOverride(-2)}),
			"One or more parameter values were invalid: Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range"},
		{replicaChange(&change{RegionName: west, GlobalSecondaryIndexes: []*ddb.ReplicaGlobalSecondaryIndex{{IndexName: "none", OnDemandThroughputOverride: mostOverride(5)}}}), "Requested resource not found"},
		{both, "Update table operation with more than one create or delete replica actions not allowed"},
		{with(replicaChange(&change{RegionName: west, TableClassOverride: ddb.TableClassStandard}), func(in *ddb.UpdateTableInput) { in.TableClass = ddb.TableClassStandard }),
			"One or more parameter values were invalid: TableClass modification must be the only operation in the request"},
	} {
		if got := fails(h, h.updateTable, c.in); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
