package dynamodb

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func (h *host) setRecovery(table string, on bool, days int32) *ddb.ContinuousBackupsDescription {
	h.t.Helper()
	spec := &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on}
	if days > 0 {
		spec.RecoveryPeriodInDays = &days
	}
	return must(h, h.updateContinuousBackups, &ddb.UpdateContinuousBackupsInput{TableName: table, PointInTimeRecoverySpecification: spec}).ContinuousBackupsDescription
}

// restoreTo restores a table to a time, zero for the latest, and waits for it.
func (h *host) restoreTo(source, target string, at time.Time) {
	h.t.Helper()
	in := &ddb.RestoreTableToPointInTimeInput{SourceTableName: source, TargetTableName: target, RestoreDateTime: at}
	if at.IsZero() {
		in.UseLatestRestorableTime = new(true)
	}
	must(h, h.restoreTableToPointInTime, in)
	h.drain()
}

// contents are the items of a table, or of its index, by their partition keys.
func (h *host) contents(table, index string) map[string]item.Item {
	h.t.Helper()
	out := map[string]item.Item{}
	in := &ddb.ScanInput{TableName: table, IndexName: index}
	for {
		page := must(h, h.scan, in)
		for _, it := range itemsOf(page.Items) {
			out[string(it["p"].(S))] = it
		}
		if in.ExclusiveStartKey = page.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return out
		}
	}
}

// kinds makes a table with the key p and an index of the attribute kind.
func (h *host) kinds(name string) {
	h.t.Helper()
	attributes, key := define("p:S")
	indexed, indexKey := define("kind:S")
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: name, AttributeDefinitions: append(attributes, indexed...), KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "kinds", KeySchema: indexKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}},
	})
}

// A table that is restored is what it was at that second.
func TestRecovery(t *testing.T) {
	h := newHost(t)
	h.kinds("things")
	r := rand.New(rand.NewPCG(1, 2))
	now := map[string]item.Item{}
	write := func() {
		p := fmt.Sprint(r.IntN(150))
		switch r.IntN(3) {
		case 0:
			must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: item.Item{"p": S(p)}})
			delete(now, p)
		default:
			now[p] = item.Item{"p": S(p), "v": N(fmt.Sprint(r.IntN(1000)))}
			if r.IntN(2) == 0 {
				now[p]["kind"] = S(fmt.Sprint(r.IntN(3)))
			}
			h.put("things", now[p])
		}
	}
	for range 200 {
		write()
	}
	h.setRecovery("things", true, 0)
	was := map[time.Time]map[string]item.Item{h.clock.Now(): maps.Clone(now)}
	for range 60 {
		h.clock.Advance(time.Second)
		for range r.IntN(20) {
			write()
		}
		was[h.clock.Now()] = maps.Clone(now)
	}
	h.clock.Advance(time.Second)
	// What is written while it is restored is not in it.
	for at, want := range was {
		if r.IntN(6) > 0 {
			continue
		}
		name := fmt.Sprint("restored-", at.Unix())
		must(h, h.restoreTableToPointInTime, &ddb.RestoreTableToPointInTimeInput{SourceTableName: "things", TargetTableName: name, RestoreDateTime: at})
		for range 20 {
			write()
		}
		h.drain()
		if got := h.contents(name, ""); !reflect.DeepEqual(got, want) {
			t.Errorf("at %v: %d items, want %d", at, len(got), len(want))
		}
		kinds := maps.Clone(want)
		maps.DeleteFunc(kinds, func(_ string, it item.Item) bool { return it["kind"] == nil })
		if got := h.contents(name, "kinds"); !reflect.DeepEqual(got, kinds) {
			t.Errorf("at %v: the index has %d items, want %d", at, len(got), len(kinds))
		}
	}
	h.restoreTo("things", "latest", time.Time{})
	if got := h.contents("latest", ""); !reflect.DeepEqual(got, now) {
		t.Errorf("the latest has %d items, want %d", len(got), len(now))
	}
	d := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "latest"}).Table
	if d.TableStatus != ddb.TableStatusActive || d.RestoreSummary != nil || int(*d.ItemCount) != len(now) || len(d.GlobalSecondaryIndexes) != 1 {
		t.Errorf("restored: %+v", d)
	}
}

func TestRecoveryPeriod(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	if d := must(h, h.describeContinuousBackups, &ddb.DescribeContinuousBackupsInput{TableName: "things"}).ContinuousBackupsDescription; d.ContinuousBackupsStatus != ddb.ContinuousBackupsStatusEnabled ||
		*d.PointInTimeRecoveryDescription != (ddb.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: ddb.PointInTimeRecoveryStatusDisabled}) {
		t.Errorf("off: %+v %+v", d, d.PointInTimeRecoveryDescription)
	}
	begun := h.clock.Now()
	d := h.setRecovery("things", true, 0).PointInTimeRecoveryDescription
	if *d.RecoveryPeriodInDays != 35 || !d.EarliestRestorableDateTime.Equal(begun) || !d.LatestRestorableDateTime.Equal(begun) {
		t.Errorf("on: %+v", d)
	}
	for day := range 10 {
		h.put("things", item.Item{"p": S("a"), "day": N(fmt.Sprint(day))})
		h.clock.Advance(24 * time.Hour)
	}
	log := func() int {
		return h.keysUnder(serviceKey().String("000000000000").String("us-east-1").String("item")) - 1
	}
	if n := log(); n != 10 {
		t.Fatalf("%d changes are kept", n)
	}
	d = h.setRecovery("things", true, 5).PointInTimeRecoveryDescription
	if *d.RecoveryPeriodInDays != 5 || !d.EarliestRestorableDateTime.Equal(h.clock.Now().AddDate(0, 0, -5)) {
		t.Errorf("five days: %+v", d)
	}
	h.drain()
	if n := log(); n != 4 {
		t.Errorf("%d changes are kept of five days", n)
	}
	if d := h.setRecovery("things", true, 35).PointInTimeRecoveryDescription; !d.EarliestRestorableDateTime.Equal(h.clock.Now().AddDate(0, 0, -5)) {
		t.Errorf("what was given up came back: %+v", d)
	}
	h.restoreTo("things", "restored", h.clock.Now().AddDate(0, 0, -5))
	if got := h.contents("restored", "")["a"]["day"]; got != N("5") {
		t.Errorf("five days ago it was %v", got)
	}
	h.setRecovery("things", false, 0)
	h.drain()
	if n := log(); n != 1 { // the item of the restored table
		t.Errorf("%d changes are kept when it is off", n)
	}
}

// A backup is of one moment, however much is written while it is made: the
// sum of all accounts is what it always is.
func TestBackupIsOfOneMoment(t *testing.T) {
	for recovering, store := range map[bool]string{false: "badger:" + t.TempDir(), true: "memory:"} {
		h := newHostOn(t, store)
		h.create("accounts", "p:S")
		if recovering {
			h.setRecovery("accounts", true, 0)
		}
		const accounts, each = 400, 100
		for i := range accounts {
			h.put("accounts", item.Item{"p": S(fmt.Sprint(i)), "v": N(fmt.Sprint(each))})
		}
		done := make(chan struct{})
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), 7))
				for {
					select {
					case <-done:
						return
					default:
					}
					from, to := r.IntN(accounts), r.IntN(accounts)
					if from == to {
						continue
					}
					add := func(i, n int) *ddb.TransactWriteItem {
						return &ddb.TransactWriteItem{Update: &ddb.Update{TableName: "accounts", Key: item.Item{"p": S(fmt.Sprint(i))},
							UpdateExpression: new("ADD v :n"), ExpressionAttributeValues: item.Item{":n": N(fmt.Sprint(n))}}}
					}
					_, err := h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{add(from, -1), add(to, 1)}})
					if err != nil && !strings.Contains(err.Error(), "TransactionConflict") {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range 5 {
			b := must(h, h.createBackup, &ddb.CreateBackupInput{TableName: "accounts", BackupName: "running"}).BackupDetails
			h.drain()
			name := fmt.Sprint("restored", i)
			must(h, h.restoreTableFromBackup, &ddb.RestoreTableFromBackupInput{BackupArn: b.BackupArn, TargetTableName: name})
			if recovering {
				h.restoreTo("accounts", "latest"+name, time.Time{})
				h.checkSum("latest"+name, accounts, accounts*each)
			}
			h.drain()
			h.checkSum(name, accounts, accounts*each)
		}
		close(done)
		writers.Wait()
		h.checkSum("accounts", accounts, accounts*each)
		if recovering {
			continue
		}
		h.drain()
		if n := h.keysUnder(serviceKey().String("000000000000").String("us-east-1").String("item")); n != 6*accounts {
			t.Errorf("%d items, and what is left of their past", n)
		}
	}
}

func (h *host) checkSum(table string, items, sum int) {
	h.t.Helper()
	all, got := h.contents(table, ""), 0
	for _, it := range all {
		var n int
		fmt.Sscan(string(it["v"].(N)), &n)
		got += n
	}
	if len(all) != items || got != sum {
		h.t.Errorf("%s has %d items that sum up to %d, want %d and %d", table, len(all), got, items, sum)
	}
}

func TestRecoveryErrors(t *testing.T) {
	h := newHost(t)
	h.create("plain", "p:S")
	h.create("kept", "p:S")
	h.setRecovery("kept", true, 0)
	latest := new(true)
	at := h.clock.Now().Add(-time.Hour)
	restore := func(in *ddb.RestoreTableToPointInTimeInput) string {
		in.TargetTableName = "target"
		if in.SSESpecificationOverride != nil {
			in.TargetTableName, in.SSESpecificationOverride = "plain", nil // to say which target in a line
		}
		return fails(h, h.restoreTableToPointInTime, in)
	}
	existing := &ddb.SSESpecification{}
	for _, c := range []struct{ got, want string }{
		{restore(&ddb.RestoreTableToPointInTimeInput{SourceTableName: "kept"}), "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest}), "The parameter 'TableName' is required but was not present in the request"},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest, SourceTableName: "kept", SourceTableArn: "x"}), "Must provide exactly one of: sourceTableArn, sourceTableName"},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest, SourceTableArn: "x"}), "sourceTableArn is not a valid ARN"},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest, SourceTableArn: "arn:aws:dynamodb:us-east-1:111111111111:table/kept"}), "This action is only supported by accounts that match the resource owner’s account."},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest, SourceTableArn: "arn:aws:dynamodb:eu-west-1:000000000000:table/kept"}), "Invalid Request: sseSpecificationOverride must be provided for cross-region restores"},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest, SourceTableName: "none", SSESpecificationOverride: existing}), "Table not found: none"},
		{restore(&ddb.RestoreTableToPointInTimeInput{RestoreDateTime: at, SourceTableName: "plain", SSESpecificationOverride: existing}), "Point in time recovery is not enabled for table 'plain'"},
		{restore(&ddb.RestoreTableToPointInTimeInput{RestoreDateTime: at, SourceTableName: "kept", SSESpecificationOverride: existing}), "RestoreDateTime '2024-05-06T06:08:09Z' must be within EarliestRestorableDateTime '2024-05-06T07:08:09Z' and LatestRestorableDateTime '2024-05-06T07:08:09Z'"},
		{restore(&ddb.RestoreTableToPointInTimeInput{UseLatestRestorableTime: latest, SourceTableName: "kept", SSESpecificationOverride: existing}), "Table already exists: plain"},
		{fails(h, h.updateContinuousBackups, &ddb.UpdateContinuousBackupsInput{TableName: "none", PointInTimeRecoverySpecification: &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)}}), "Table not found: none"},
		{fails(h, h.updateContinuousBackups, &ddb.UpdateContinuousBackupsInput{TableName: "kept", PointInTimeRecoverySpecification: &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(false), RecoveryPeriodInDays: new(int32(3))}}), "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery."},
		{fails(h, h.describeContinuousBackups, &ddb.DescribeContinuousBackupsInput{TableName: "none"}), "Table not found: none"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
}
