package dynamodb

import (
	"strings"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

func most(read, write int64) *ddb.OnDemandThroughput {
	return &ddb.OnDemandThroughput{MaxReadRequestUnits: &read, MaxWriteRequestUnits: &write}
}

func warm(read, write int64) *ddb.WarmThroughput {
	return &ddb.WarmThroughput{ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write}
}

func capacity(read, write int64) *ddb.ProvisionedThroughput {
	return &ddb.ProvisionedThroughput{ReadCapacityUnits: &read, WriteCapacityUnits: &write}
}

// newCapacity is a table "things" with an index "byK", of a billing mode.
func newCapacity(mode ddb.BillingMode) *ddb.CreateTableInput {
	attributes, key := define("p:S")
	byK, keyK := define("k:S")
	in := &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: append(attributes, byK...), KeySchema: key, BillingMode: mode,
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "byK", KeySchema: keyK, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}}}
	if mode == ddb.BillingModeProvisioned {
		in.ProvisionedThroughput, in.GlobalSecondaryIndexes[0].ProvisionedThroughput = capacity(10, 10), capacity(10, 10)
	}
	return in
}

const parameterInvalid = "One or more parameter values were invalid: "

// What a new table may not be given.
func TestNewCapacity(t *testing.T) {
	const initial = "is lower than initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
	onDemand, provisioned := ddb.BillingModePayPerRequest, ddb.BillingModeProvisioned
	cases := []struct {
		name string
		mode ddb.BillingMode
		set  func(in *ddb.CreateTableInput, x *ddb.GlobalSecondaryIndex)
		want string
	}{
		{"a maximum of provisioned capacity", provisioned, func(in *ddb.CreateTableInput, _ *ddb.GlobalSecondaryIndex) { in.OnDemandThroughput = most(0, 1) },
			parameterInvalid + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED."},
		{"of an index's", provisioned, func(_ *ddb.CreateTableInput, x *ddb.GlobalSecondaryIndex) {
			x.OnDemandThroughput = &ddb.OnDemandThroughput{MaxWriteRequestUnits: new(int64(1))}
		}, parameterInvalid + "MaxWriteRequestUnits for OnDemandThroughput for index: byK cannot be specified when table BillingMode is PROVISIONED."},
		{"a maximum of nothing", onDemand, func(in *ddb.CreateTableInput, _ *ddb.GlobalSecondaryIndex) { in.OnDemandThroughput = most(1, 0) },
			parameterInvalid + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range"},
		{"no maximum", onDemand, func(_ *ddb.CreateTableInput, x *ddb.GlobalSecondaryIndex) { x.OnDemandThroughput = most(-1, -1) },
			parameterInvalid + "Requested MaxReadRequestUnits for OnDemandThroughput for index : byK is outside of valid range"},
		{"more than the account may have", onDemand, func(in *ddb.CreateTableInput, _ *ddb.GlobalSecondaryIndex) {
			in.OnDemandThroughput = most(40000, 40001)
		},
			"Subscriber limit exceeded: Requested MaxWriteRequestUnits for OnDemandThroughput for table exceeds TableMaxWriteCapacityUnits of the account in region us-east-1"},
		{"colder than on demand", onDemand, func(in *ddb.CreateTableInput, _ *ddb.GlobalSecondaryIndex) { in.WarmThroughput = warm(12000, 3999) },
			parameterInvalid + "Requested WriteUnitsPerSecond for WarmThroughput for table " + initial},
		{"an index that is", onDemand, func(_ *ddb.CreateTableInput, x *ddb.GlobalSecondaryIndex) { x.WarmThroughput = warm(11999, 4000) },
			parameterInvalid + "Requested ReadUnitsPerSecond for WarmThroughput for index byK " + initial},
		{"colder than provisioned", provisioned, func(in *ddb.CreateTableInput, _ *ddb.GlobalSecondaryIndex) { in.WarmThroughput = warm(9, 10) },
			parameterInvalid + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than ReadCapacityUnits of ProvisionedThroughput"},
		{"too warm", onDemand, func(_ *ddb.CreateTableInput, x *ddb.GlobalSecondaryIndex) { x.WarmThroughput = warm(40001, 4000) },
			"Subscriber limit exceeded: Requested ReadUnitsPerSecond for WarmThroughput for index byK exceeds TableMaxReadCapacityUnits of the account in region us-east-1"},
	}
	h := newHost(t)
	for _, c := range cases {
		in := newCapacity(c.mode)
		c.set(in, in.GlobalSecondaryIndexes[0])
		if got := fails(h, h.createTable, in); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	in := newCapacity(onDemand)
	in.OnDemandThroughput, in.WarmThroughput = &ddb.OnDemandThroughput{}, &ddb.WarmThroughput{ReadUnitsPerSecond: new(int64(12001))}
	must(h, h.createTable, in)
	d := h.described()
	if d.OnDemandThroughput != nil || *d.WarmThroughput.ReadUnitsPerSecond != 12001 || *d.WarmThroughput.WriteUnitsPerSecond != 4000 || d.WarmThroughput.Status != ddb.TableStatusActive {
		t.Errorf("%+v, %+v", d.OnDemandThroughput, d.WarmThroughput)
	}
}

// described is the table "things".
func (h *host) described() *ddb.TableDescription {
	h.t.Helper()
	return must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
}

// change updates the table "things".
func (h *host) change(in *ddb.UpdateTableInput) *ddb.TableDescription {
	h.t.Helper()
	in.TableName = "things"
	return must(h, h.updateTable, in).TableDescription
}

// refuses is what AWS says to a change of the table "things".
func (h *host) refuses(in *ddb.UpdateTableInput) string {
	h.t.Helper()
	in.TableName = "things"
	return fails(h, h.updateTable, in)
}

// at sets the clock.
func (h *host) at(now time.Time) { h.clock.Advance(now.Sub(h.clock.Now())) }

// A maximum is changed member by member, and taken away by -1, which only the
// answer tells.
func TestChangeMost(t *testing.T) {
	h := newHost(t)
	must(h, h.createTable, newCapacity(ddb.BillingModePayPerRequest))
	show := func(m *ddb.OnDemandThroughput) (all [2]int64) {
		for _, u := range mostUnits(m) {
			if u.name == "MaxReadRequestUnits" {
				all[0] = u.value
			} else {
				all[1] = u.value
			}
		}
		return all
	}
	read := func(n int64) *ddb.OnDemandThroughput { return &ddb.OnDemandThroughput{MaxReadRequestUnits: &n} }
	for _, c := range []struct {
		change         *ddb.OnDemandThroughput
		answered, kept [2]int64
	}{
		{most(1000, 500), [2]int64{1000, 500}, [2]int64{1000, 500}},
		{read(2000), [2]int64{2000, 500}, [2]int64{2000, 500}},
		{read(-1), [2]int64{-1, 500}, [2]int64{0, 500}},
		{most(-1, -1), [2]int64{-1, -1}, [2]int64{}},
	} {
		d := h.change(&ddb.UpdateTableInput{OnDemandThroughput: c.change})
		if got := show(d.OnDemandThroughput); got != c.answered || d.TableStatus != ddb.TableStatusActive {
			t.Errorf("answered %v", got)
		}
		if got := show(h.described().OnDemandThroughput); got != c.kept {
			t.Errorf("kept %v", got)
		}
		update := &ddb.UpdateGlobalSecondaryIndexAction{IndexName: "byK", OnDemandThroughput: c.change}
		h.change(&ddb.UpdateTableInput{GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{Update: update}}})
		if got := show(h.described().GlobalSecondaryIndexes[0].OnDemandThroughput); got != c.kept {
			t.Errorf("the index has %v", got)
		}
	}
	if got := h.refuses(&ddb.UpdateTableInput{OnDemandThroughput: read(-2)}); got != parameterInvalid+"Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range" {
		t.Errorf("%q", got)
	}
	h.change(&ddb.UpdateTableInput{OnDemandThroughput: read(7)})
	update := []*ddb.GlobalSecondaryIndexUpdate{{Update: &ddb.UpdateGlobalSecondaryIndexAction{IndexName: "byK", ProvisionedThroughput: capacity(1, 1)}}}
	h.change(&ddb.UpdateTableInput{BillingMode: ddb.BillingModeProvisioned, ProvisionedThroughput: capacity(1, 1), GlobalSecondaryIndexUpdates: update})
	if h.described().OnDemandThroughput != nil {
		t.Error("a provisioned table has kept its maximum")
	}
	if got := h.refuses(&ddb.UpdateTableInput{OnDemandThroughput: read(7)}); got != parameterInvalid+"MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED" {
		t.Errorf("%q", got)
	}
}

// What was warm stays so.
func TestChangeWarm(t *testing.T) {
	h := newHost(t)
	must(h, h.createTable, newCapacity(ddb.BillingModeProvisioned))
	is := func(read, write int64) {
		t.Helper()
		if w := h.described().WarmThroughput; *w.ReadUnitsPerSecond != read || *w.WriteUnitsPerSecond != write || w.Status != ddb.TableStatusActive {
			t.Errorf("%d and %d, want %d and %d", *w.ReadUnitsPerSecond, *w.WriteUnitsPerSecond, read, write)
		}
	}
	is(10, 10)
	h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(20, 5)})
	is(20, 10)
	h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(1, 1)})
	is(20, 10)
	if got := h.refuses(&ddb.UpdateTableInput{WarmThroughput: warm(19, 10)}); got != parameterInvalid+"Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, decreasing WarmThroughput is not supported" {
		t.Errorf("%q", got)
	}
	d := h.change(&ddb.UpdateTableInput{WarmThroughput: warm(20, 50)})
	if *d.WarmThroughput.WriteUnitsPerSecond != 10 || d.WarmThroughput.Status != ddb.TableStatusUpdating || d.TableStatus != ddb.TableStatusActive {
		t.Errorf("%+v", d.WarmThroughput)
	}
	is(20, 50)
	h.change(&ddb.UpdateTableInput{BillingMode: ddb.BillingModePayPerRequest})
	is(12000, 4000)
	index := func(w *ddb.WarmThroughput) *ddb.UpdateTableInput {
		return &ddb.UpdateTableInput{GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{Update: &ddb.UpdateGlobalSecondaryIndexAction{IndexName: "byK", WarmThroughput: w}}}}
	}
	for want, in := range map[string]*ddb.UpdateTableInput{
		"Requested WriteUnitsPerSecond for WarmThroughput for index byK is lower than current WarmThroughput, decreasing WarmThroughput is not supported": index(warm(12000, 3999)),
		"WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: byK":                                     index(&ddb.WarmThroughput{}),
		"The only Updates for index: byK when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput":                        index(nil),
		"WarmThroughput must be the only operation in the request":                                                                                        {WarmThroughput: warm(12000, 4000), BillingMode: ddb.BillingModePayPerRequest},
		"OnDemandThroughput can only be combined with BillingMode in an UpdateTable request":                                                              {WarmThroughput: warm(12000, 4000), OnDemandThroughput: most(1, 1)},
		"DeletionProtection modification must be the only operation in the request":                                                                       {WarmThroughput: warm(12000, 4000), DeletionProtectionEnabled: new(true)},
	} {
		if got := h.refuses(in); got != parameterInvalid+want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	h.change(index(warm(12000, 4001)))
	if w := h.described().GlobalSecondaryIndexes[0].WarmThroughput; *w.WriteUnitsPerSecond != 4001 || *w.ReadUnitsPerSecond != 12000 {
		t.Errorf("%+v", w)
	}
	back := index(nil).GlobalSecondaryIndexUpdates
	back[0].Update.ProvisionedThroughput = capacity(1, 1)
	h.change(&ddb.UpdateTableInput{BillingMode: ddb.BillingModeProvisioned, ProvisionedThroughput: capacity(1, 1), GlobalSecondaryIndexUpdates: back})
	is(12000, 4000)
}

// Capacity may be decreased four times a day, and then once an hour.
func TestDecreases(t *testing.T) {
	h := newHost(t)
	h.at(time.Date(2024, 5, 6, 20, 58, 0, 0, time.UTC))
	must(h, h.createTable, newCapacity(ddb.BillingModeProvisioned))
	counted := func() int64 { return *h.described().ProvisionedThroughput.NumberOfDecreasesToday }
	for n := range int64(4) {
		d := h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(9-n, 10+n)})
		if p := d.ProvisionedThroughput; *p.NumberOfDecreasesToday != n || *p.ReadCapacityUnits != 10-n || counted() != n+1 {
			t.Errorf("the answer says %d, after it there are %d", *p.NumberOfDecreasesToday, counted())
		}
		h.clock.Advance(time.Minute)
	}
	// The last one was at 21:01.
	refused := func(n, next string) {
		t.Helper()
		const text = "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 decreases, " +
			"each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: "
		got := h.refuses(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(1, 100)})
		if !strings.HasPrefix(got, text+n+". Last decrease at Monday, May 6, 2024 at ") || !strings.HasSuffix(got, " PM Coordinated Universal Time. Next decrease can be made at "+next+" Coordinated Universal Time.") {
			t.Errorf("%q", got)
		}
	}
	refused("4", "Monday, May 6, 2024 at 10:01:00 PM")
	h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(50, 50)})
	update := []*ddb.GlobalSecondaryIndexUpdate{{Update: &ddb.UpdateGlobalSecondaryIndexAction{IndexName: "byK", ProvisionedThroughput: capacity(1, 1)}}}
	h.change(&ddb.UpdateTableInput{GlobalSecondaryIndexUpdates: update})
	h.at(time.Date(2024, 5, 6, 22, 1, 0, 0, time.UTC))
	h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(49, 50)})
	refused("5", "Monday, May 6, 2024 at 11:01:00 PM")
	h.at(time.Date(2024, 5, 6, 23, 30, 0, 0, time.UTC))
	h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(48, 50)})
	refused("6", "Tuesday, May 7, 2024 at 12:00:00 AM")
	h.at(time.Date(2024, 5, 7, 0, 0, 0, 0, time.UTC))
	if counted() != 0 {
		t.Errorf("a new day begins with %d", counted())
	}
	h.change(&ddb.UpdateTableInput{ProvisionedThroughput: capacity(1, 1)})
	if counted() != 1 {
		t.Errorf("then there are %d", counted())
	}
}
