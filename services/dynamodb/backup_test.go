package dynamodb

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func (h *host) backUp(table, name string) *ddb.BackupDetails {
	h.t.Helper()
	return must(h, h.createBackup, &ddb.CreateBackupInput{TableName: table, BackupName: name}).BackupDetails
}

func (h *host) backups(in ddb.ListBackupsInput) (names []string) {
	h.t.Helper()
	for {
		out := must(h, h.listBackups, &in)
		for _, b := range out.BackupSummaries {
			names = append(names, b.BackupName)
		}
		if in.ExclusiveStartBackupArn = out.LastEvaluatedBackupArn; in.ExclusiveStartBackupArn == "" {
			return names
		}
	}
}

func TestBackups(t *testing.T) {
	h := newHost(t)
	h.indexed("things")
	for i := range 250 {
		h.put("things", item.Item{"p": S("a"), "s": S(fmt.Sprint(i)), "gp": S("g"), "gs": N(fmt.Sprint(i)), "ls": N("1")})
	}
	if err := h.setExpiry("things", "ttl", true); err != nil {
		t.Fatal(err)
	}
	created := h.backUp("things", "first")
	if created.BackupStatus != ddb.BackupStatusCreating || created.BackupType != ddb.BackupTypeUser || !strings.HasPrefix(created.BackupArn, "arn:aws:dynamodb:us-east-1:000000000000:table/things/backup/01714979289000-") {
		t.Errorf("%+v", created)
	}
	must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"})
	h.drain()
	d := must(h, h.describeBackup, &ddb.DescribeBackupInput{BackupArn: created.BackupArn}).BackupDescription
	if d.BackupDetails.BackupStatus != ddb.BackupStatusAvailable || *d.SourceTableDetails.ItemCount != 250 || d.SourceTableDetails.BillingMode != ddb.BillingModePayPerRequest ||
		len(d.SourceTableFeatureDetails.GlobalSecondaryIndexes) != 1 || len(d.SourceTableFeatureDetails.LocalSecondaryIndexes) != 1 || d.SourceTableFeatureDetails.TimeToLiveDescription.AttributeName != "ttl" {
		t.Errorf("%+v %+v %+v", d.BackupDetails, d.SourceTableDetails, d.SourceTableFeatureDetails)
	}

	restored := must(h, h.restoreTableFromBackup, &ddb.RestoreTableFromBackupInput{BackupArn: created.BackupArn, TargetTableName: "again"}).TableDescription
	if restored.TableStatus != ddb.TableStatusCreating || !*restored.RestoreSummary.RestoreInProgress || restored.RestoreSummary.SourceBackupArn != created.BackupArn {
		t.Errorf("%+v %+v", restored, restored.RestoreSummary)
	}
	for _, c := range []struct{ got, want string }{
		{fails(h, h.getItem, &ddb.GetItemInput{TableName: "again", Key: item.Item{"p": S("a"), "s": S("1")}}), "Requested resource not found"},
		{fails(h, h.createBackup, &ddb.CreateBackupInput{TableName: "again", BackupName: "early"}), "Table not found: again"},
		{fails(h, h.updateTable, &ddb.UpdateTableInput{TableName: "again", DeletionProtectionEnabled: new(true)}), "Requested resource not found: Table: again not found"},
		{fails(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "again"}), "Attempt to change a resource which is still in use: Table is being created: again"},
		{fails(h, h.deleteBackup, &ddb.DeleteBackupInput{BackupArn: created.BackupArn}), "Backup is being used to restore table: " + created.BackupArn},
		{fails(h, h.restoreTableFromBackup, &ddb.RestoreTableFromBackupInput{BackupArn: created.BackupArn, TargetTableName: "other"}), "Backup is being used to restore another table: " + created.BackupArn},
		{fails(h, h.restoreTableFromBackup, &ddb.RestoreTableFromBackupInput{BackupArn: created.BackupArn, TargetTableName: "again"}), "Table: again is already being restored from backup: " + created.BackupArn},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
	h.drain()
	table := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "again"}).Table
	if table.TableStatus != ddb.TableStatusActive || table.RestoreSummary != nil || *table.ItemCount != 250 || *table.GlobalSecondaryIndexes[0].ItemCount != 250 || *table.LocalSecondaryIndexes[0].ItemCount != 250 {
		t.Errorf("restored: %+v", table)
	}
	if ttl := must(h, h.describeTimeToLive, &ddb.DescribeTimeToLiveInput{TableName: "again"}).TimeToLiveDescription; ttl.TimeToLiveStatus != ddb.TimeToLiveStatusDisabled {
		t.Errorf("time to live was restored: %+v", ttl)
	}
	gone := must(h, h.deleteBackup, &ddb.DeleteBackupInput{BackupArn: created.BackupArn}).BackupDescription
	if gone.BackupDetails.BackupStatus != ddb.BackupStatusDeleted {
		t.Errorf("%+v", gone.BackupDetails)
	}
	if text := fails(h, h.describeBackup, &ddb.DescribeBackupInput{BackupArn: created.BackupArn}); text != "Backup not found: "+created.BackupArn {
		t.Errorf("%q", text)
	}
	must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "again"})
	h.drain()
	if n := h.keysUnder(serviceKey().String("000000000000")) + h.keysUnder(allBackupsKey()) + h.keysUnder(worksKey()); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// A copy that was begun goes on after a restart, and is of its moment still.
func TestBackupOverARestart(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	for i := range 250 {
		h.put("things", item.Item{"p": S(fmt.Sprint(i)), "v": N("1")})
	}
	b := h.backUp("things", "backup")
	due, _, err := h.dueTasks(h.clock.Now())
	if err != nil || len(due) != 1 || due[0].task.Copy == nil {
		t.Fatalf("%+v, %v", due, err)
	}
	if err := h.copySome(due[0].key, due[0].task.Copy); err != nil {
		t.Fatal("the first piece:", err)
	}
	again := &host{New(h.env, h.objects), t, h.clock}
	for i := range 250 {
		again.put("things", item.Item{"p": S(fmt.Sprint(i)), "v": N("2")})
	}
	again.put("things", item.Item{"p": S("new")})
	again.drain()
	must(again, again.restoreTableFromBackup, &ddb.RestoreTableFromBackupInput{BackupArn: b.BackupArn, TargetTableName: "restored"})
	again.drain()
	restored := again.contents("restored", "")
	for p, it := range restored {
		if it["v"] != N("1") {
			t.Errorf("%s is %v", p, it)
		}
	}
	if len(restored) != 250 {
		t.Errorf("%d items", len(restored))
	}
}

func TestListBackups(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.create("others", "p:S")
	begun := h.clock.Now()
	for i := range 5 {
		h.backUp("things", fmt.Sprint("things", i))
		h.clock.Advance(time.Minute)
	}
	h.backUp("others", "others0")
	for _, c := range []struct {
		in   ddb.ListBackupsInput
		want string
	}{
		{ddb.ListBackupsInput{}, "others0 things0 things1 things2 things3 things4"},
		{ddb.ListBackupsInput{TableName: "things", Limit: new(int32(2))}, "things0 things1 things2 things3 things4"},
		{ddb.ListBackupsInput{TableName: "things", TimeRangeLowerBound: begun.Add(time.Minute), TimeRangeUpperBound: begun.Add(3 * time.Minute)}, "things1 things2"},
		{ddb.ListBackupsInput{TableName: "none"}, ""},
		{ddb.ListBackupsInput{BackupType: ddb.BackupTypeFilterSystem}, ""},
		{ddb.ListBackupsInput{BackupType: ddb.BackupTypeFilterAll, TableName: "others"}, "others0"},
	} {
		if got := strings.Join(h.backups(c.in), " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.in, got, c.want)
		}
	}
	if text := fails(h, h.listBackups, &ddb.ListBackupsInput{TimeRangeLowerBound: begun.Add(1), TimeRangeUpperBound: begun}); text != "One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound" {
		t.Errorf("%q", text)
	}
}

// AWS keeps a table that had recovery for 35 days when it is deleted.
func TestBackupOfADeletedTable(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.setRecovery("things", true, 0)
	h.put("things", item.Item{"p": S("a")})
	must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"})
	h.drain()
	if got := h.backups(ddb.ListBackupsInput{TableName: "things"}); got != nil {
		t.Errorf("it is listed as a user's: %v", got)
	}
	list := must(h, h.listBackups, &ddb.ListBackupsInput{BackupType: ddb.BackupTypeFilterSystem}).BackupSummaries
	if len(list) != 1 || list[0].BackupName != "things$DeletedTableBackup" || !strings.HasSuffix(list[0].BackupArn, "-00000000") || !list[0].BackupExpiryDateTime.Equal(h.clock.Now().AddDate(0, 0, 35)) {
		t.Fatalf("%v", list)
	}
	if text := fails(h, h.deleteBackup, &ddb.DeleteBackupInput{BackupArn: list[0].BackupArn}); text != "Invalid Request: User is not allowed to delete the system backup with arn "+list[0].BackupArn+". It will automatically expire on 2024-06-10T07:08:09.000Z" {
		t.Errorf("%q", text)
	}
	must(h, h.restoreTableFromBackup, &ddb.RestoreTableFromBackupInput{BackupArn: list[0].BackupArn, TargetTableName: "things"})
	h.drain()
	if got := h.contents("things", ""); !reflect.DeepEqual(got, map[string]item.Item{"a": {"p": S("a")}}) {
		t.Errorf("restored: %v", got)
	}
	h.clock.Advance(35 * 24 * time.Hour)
	h.drain()
	if n := h.keysUnder(allBackupsKey()) + h.keysUnder(serviceKey().String("000000000000").String("us-east-1").String("backed")); n != 0 {
		t.Errorf("%d keys of the backup are left", n)
	}
}

func TestRestoreOverrides(t *testing.T) {
	h := newHost(t)
	attributes, key := define("p:S")
	indexed, indexKey := define("k:S")
	projection := &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}
	five := &ddb.ProvisionedThroughput{ReadCapacityUnits: new(int64(5)), WriteCapacityUnits: new(int64(5))}
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: "provisioned", AttributeDefinitions: append(attributes, indexed...), KeySchema: key, ProvisionedThroughput: five,
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "index", KeySchema: indexKey, Projection: projection, ProvisionedThroughput: five}},
	})
	h.create("ondemand", "p:S")
	h.put("provisioned", item.Item{"p": S("a"), "k": S("b")})
	provisioned, onDemand := h.backUp("provisioned", "backup").BackupArn, h.backUp("ondemand", "backup").BackupArn
	h.drain()
	n := 0
	restore := func(arn string, change func(*ddb.RestoreTableFromBackupInput)) *ddb.TableDescription {
		n++
		in := &ddb.RestoreTableFromBackupInput{BackupArn: arn, TargetTableName: fmt.Sprint("restored", n)}
		change(in)
		must(h, h.restoreTableFromBackup, in)
		h.drain()
		return must(h, h.describeTable, &ddb.DescribeTableInput{TableName: in.TargetTableName}).Table
	}
	if d := restore(provisioned, func(in *ddb.RestoreTableFromBackupInput) { in.BillingModeOverride = ddb.BillingModePayPerRequest }); d.BillingModeSummary.BillingMode != ddb.BillingModePayPerRequest || *d.GlobalSecondaryIndexes[0].ProvisionedThroughput.ReadCapacityUnits != 0 {
		t.Errorf("on demand: %+v", d)
	}
	if d := restore(provisioned, func(in *ddb.RestoreTableFromBackupInput) {
		in.GlobalSecondaryIndexOverride = []*ddb.GlobalSecondaryIndex{}
	}); len(d.GlobalSecondaryIndexes) != 0 || len(d.AttributeDefinitions) != 1 {
		t.Errorf("without indexes: %+v", d)
	}
	if d := restore(provisioned, func(in *ddb.RestoreTableFromBackupInput) {
		in.GlobalSecondaryIndexOverride = []*ddb.GlobalSecondaryIndex{{IndexName: "renamed", KeySchema: indexKey, Projection: projection, ProvisionedThroughput: five}}
	}); len(d.GlobalSecondaryIndexes) != 1 || d.GlobalSecondaryIndexes[0].IndexName != "renamed" || *d.GlobalSecondaryIndexes[0].ItemCount != 1 {
		t.Errorf("with a renamed index: %+v", d)
	}
	if d := restore(onDemand, func(in *ddb.RestoreTableFromBackupInput) {
		in.BillingModeOverride, in.ProvisionedThroughputOverride = ddb.BillingModeProvisioned, five
	}); *d.ProvisionedThroughput.WriteCapacityUnits != 5 {
		t.Errorf("provisioned: %+v", d)
	}
	must(h, h.createTable, vectorTable("vectors", vectorOf("near", ddb.VectorDistanceFunctionCosine), vectorOf("far", ddb.VectorDistanceFunctionEuclidean)))
	h.put("vectors", item.Item{"p": S("a"), "v": attribute.L(numbers("1", "2", "3"))})
	vectors := h.backUp("vectors", "backup").BackupArn
	h.drain()
	if d := restore(vectors, func(in *ddb.RestoreTableFromBackupInput) {
		in.VectorIndexOverride = []*ddb.VectorIndex{vectorOf("renamed", ddb.VectorDistanceFunctionEuclidean)}
	}); len(d.VectorIndexes) != 1 || d.VectorIndexes[0].IndexName != "renamed" || *d.VectorIndexes[0].ItemCount != 1 {
		t.Errorf("with a renamed vector index: %+v", d.VectorIndexes)
	}
	if d := restore(vectors, func(in *ddb.RestoreTableFromBackupInput) { in.VectorIndexOverride = []*ddb.VectorIndex{} }); len(d.VectorIndexes) != 0 {
		t.Errorf("without vector indexes: %+v", d.VectorIndexes)
	}
	refuse := func(arn string, change func(*ddb.RestoreTableFromBackupInput)) string {
		in := &ddb.RestoreTableFromBackupInput{BackupArn: arn, TargetTableName: "target"}
		change(in)
		return fails(h, h.restoreTableFromBackup, in)
	}
	for _, c := range []struct{ got, want string }{
		{refuse(provisioned+"0", func(*ddb.RestoreTableFromBackupInput) {}), "Backup not found: " + provisioned + "0"},
		{refuse("arn:aws:dynamodb:us-east-1:000000000000:table/provisioned", func(*ddb.RestoreTableFromBackupInput) {}), "Invalid Backup ARN"},
		{refuse(strings.Replace(provisioned, "000000000000", "111111111111", 1), func(*ddb.RestoreTableFromBackupInput) {}), "Access is denied"},
		{refuse(onDemand, func(in *ddb.RestoreTableFromBackupInput) { in.TargetTableName = "ondemand" }), "Table already exists: ondemand"},
		{refuse(onDemand, func(in *ddb.RestoreTableFromBackupInput) { in.ProvisionedThroughputOverride = five }), "Invalid Request: Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED"},
		{refuse(onDemand, func(in *ddb.RestoreTableFromBackupInput) { in.BillingModeOverride = ddb.BillingModeProvisioned }), "Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED"},
		{refuse(provisioned, func(in *ddb.RestoreTableFromBackupInput) {
			in.BillingModeOverride, in.ProvisionedThroughputOverride = ddb.BillingModePayPerRequest, five
		}), "Invalid Request: Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST"},
		{refuse(provisioned, func(in *ddb.RestoreTableFromBackupInput) {
			in.OnDemandThroughputOverride = &ddb.OnDemandThroughput{MaxReadRequestUnits: new(int64(5))}
		}),
			"Invalid Request: Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST"},
		{refuse(provisioned, func(in *ddb.RestoreTableFromBackupInput) {
			in.GlobalSecondaryIndexOverride = []*ddb.GlobalSecondaryIndex{{IndexName: "new", KeySchema: key, Projection: projection, ProvisionedThroughput: five}}
		}), "Invalid Request: Index new does not match a secondary index that existed in the source table and cannot be created during the restore operation"},
		{refuse(provisioned, func(in *ddb.RestoreTableFromBackupInput) {
			in.GlobalSecondaryIndexOverride = []*ddb.GlobalSecondaryIndex{{IndexName: "index", KeySchema: indexKey, Projection: projection}}
		}), "Invalid Request: Must specify provisioned throughput for index index"},
		{refuse(vectors, func(in *ddb.RestoreTableFromBackupInput) {
			in.VectorIndexOverride = []*ddb.VectorIndex{vectorOf("near", ddb.VectorDistanceFunctionCosine, "tenant")}
		}), "Invalid Request: Index near does not match a secondary index that existed in the source table and cannot be created during the restore operation"},
		{refuse(vectors, func(in *ddb.RestoreTableFromBackupInput) {
			in.BillingModeOverride, in.ProvisionedThroughputOverride = ddb.BillingModeProvisioned, five
		}), "One or more parameter values were invalid: Vector indexes are only supported for PAY_PER_REQUEST tables"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
}
