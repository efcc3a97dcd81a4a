package dynamodb

import (
	"fmt"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// What a table and its global indexes may take: provisioned throughput, or
// the most that they may take on demand. Where nothing is throttled it is only
// described. Warm throughput, what AWS is always ready for, is described and
// does nothing else: nothing here has to warm up.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-mode.html

// throughput is provisioned capacity and when it was changed.
type throughput struct {
	Read, Write          int64
	Increased, Decreased time.Time
	// Decreases is how many there were on the day of the last, in UTC.
	Decreases int64
}

func provisioned(p *ddb.ProvisionedThroughput) throughput {
	if p == nil {
		return throughput{}
	}
	return throughput{Read: *p.ReadCapacityUnits, Write: *p.WriteCapacityUnits}
}

func (p throughput) describe(now time.Time) *ddb.ProvisionedThroughputDescription {
	return &ddb.ProvisionedThroughputDescription{
		LastIncreaseDateTime: p.Increased, LastDecreaseDateTime: p.Decreased, NumberOfDecreasesToday: new(p.decreases(now)),
		ReadCapacityUnits: &p.Read, WriteCapacityUnits: &p.Write,
	}
}

// change sets provisioned capacity, which must differ from what it was. kind
// and what say of what it is: "index", "index byName".
func (p *throughput) change(kind, what string, to *ddb.ProvisionedThroughput, now time.Time) error {
	read, write := *to.ReadCapacityUnits, *to.WriteCapacityUnits
	if read == p.Read && write == p.Write {
		return errValidation("The provisioned throughput for the %s will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the %s: %d. Requested ReadCapacityUnits: %d. "+
			"Current WriteCapacityUnits provisioned for the %s: %d. Requested WriteCapacityUnits: %d. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.", what, kind, p.Read, read, kind, p.Write, write)
	}
	if read < p.Read || write < p.Write {
		if err := p.checkDecrease(now); err != nil {
			return err
		}
		p.Decreases, p.Decreased = p.decreases(now)+1, now
	}
	if read > p.Read || write > p.Write {
		p.Increased = now
	}
	p.Read, p.Write = read, write
	return nil
}

// How often capacity may be decreased on a day in UTC: so many times at will, and then once in a while.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#decreasing-provisioned-throughput
const (
	freeDecreases = 4
	decreaseEvery = time.Hour
)

// decreases is how many there were today.
func (p *throughput) decreases(now time.Time) int64 {
	if p.Decreased.Before(now.UTC().Truncate(day)) {
		return 0
	}
	return p.Decreases
}

const day = 24 * time.Hour

// checkDecrease refuses a decrease that comes too soon after many others.
func (p *throughput) checkDecrease(now time.Time) error {
	n := p.decreases(now)
	next := p.Decreased.Add(decreaseEvery)
	if midnight := now.UTC().Truncate(day).Add(day); next.After(midnight) {
		next = midnight
	}
	if n < freeDecreases || !now.Before(next) {
		return nil
	}
	const layout = "Monday, January 2, 2006 at 3:04:05 PM Coordinated Universal Time"
	return errLimit("Provisioned throughput decreases are limited within a given UTC day. After the first %d decreases, "+
		"each subsequent decrease in the same UTC day can be performed at most once every %d seconds. "+
		"Number of decreases today: %d. Last decrease at %s. Next decrease can be made at %s.",
		freeDecreases, int(decreaseEvery.Seconds()), n, p.Decreased.UTC().Format(layout), next.UTC().Format(layout))
}

// errLimit is the error of what AWS allows not so often, or not so much of.
func errLimit(format string, args ...any) error {
	return &ddb.LimitExceededException{Message: "Subscriber limit exceeded: " + fmt.Sprintf(format, args...)}
}

// unit is a member that counts units, as AWS calls it.
type unit struct {
	name  string
	value int64
	quota string // the account's for a table, as AWS calls it
	least int64  // what it may not be lower than
}

// units are those of two that are given.
func givenUnits(read, write *int64, r, w unit) (out []unit) {
	if read != nil {
		r.value, r.quota = *read, "TableMaxReadCapacityUnits"
		out = append(out, r)
	}
	if write != nil {
		w.value, w.quota = *write, "TableMaxWriteCapacityUnits"
		out = append(out, w)
	}
	return out
}

// checkQuota refuses more of something than an account may have for one table.
func (u unit) checkQuota(what, region string) error {
	if u.value > tableUnits {
		return errLimit("Requested %s for %s exceeds %s of the account in region %s", u.name, what, u.quota, region)
	}
	return nil
}

// mostUnits are the members of an OnDemandThroughput.
func mostUnits(m *ddb.OnDemandThroughput) []unit {
	if m == nil {
		return nil
	}
	return givenUnits(m.MaxReadRequestUnits, m.MaxWriteRequestUnits, unit{name: "MaxReadRequestUnits"}, unit{name: "MaxWriteRequestUnits"})
}

// noMost is what takes a maximum away.
const noMost = -1

// checkMost checks the most that a table may take, or the index of a name.
func checkMost(m *ddb.OnDemandThroughput, index, region string, update bool) error {
	what := "OnDemandThroughput for table"
	if index != "" {
		what = "OnDemandThroughput for index : " + index
	}
	for _, u := range mostUnits(m) {
		if u.value < 1 && (u.value != noMost || !update) {
			return errParameter("Requested %s for %s is outside of valid range", u.name, what)
		}
		if err := u.checkQuota(what, region); err != nil {
			return err
		}
	}
	return nil
}

// checkNoMost refuses it where capacity is provisioned. end is how the message ends.
func checkNoMost(m *ddb.OnDemandThroughput, index, end string) error {
	given := mostUnits(m)
	if len(given) == 0 {
		return nil
	}
	if index != "" {
		index = " for index: " + index
	}
	return errParameter("%s for OnDemandThroughput%s cannot be specified when %s", given[0].name, index, end)
}

// changeMost is old with the members that a change gives. What it takes away is
// kept as AWS's answer has it, or not.
func changeMost(old, change *ddb.OnDemandThroughput, keep bool) *ddb.OnDemandThroughput {
	if change == nil {
		return old
	}
	out := &ddb.OnDemandThroughput{}
	if old != nil {
		*out = *old
	}
	set := func(to **int64, by *int64) {
		if by != nil {
			*to = by
		}
		if *to != nil && **to == noMost && !keep {
			*to = nil
		}
	}
	set(&out.MaxReadRequestUnits, change.MaxReadRequestUnits)
	set(&out.MaxWriteRequestUnits, change.MaxWriteRequestUnits)
	if out.MaxReadRequestUnits == nil && out.MaxWriteRequestUnits == nil {
		return nil
	}
	return out
}

// What AWS keeps warm for a table that was just made.
const warmReads, warmWrites = 12000, 4000

// coldest is the least that is kept warm.
func (t *table) coldest(p throughput) (reads, writes int64) {
	if t.Billing.OnDemand {
		return warmReads, warmWrites
	}
	return p.Read, p.Write
}

// warmth is the throughput that AWS is always ready for: what was asked for, or
// what there is.
func (t *table) warmth(asked *ddb.WarmThroughput, p throughput) *ddb.WarmThroughput {
	reads, writes := t.coldest(p)
	for _, u := range warmUnits(asked, 0, 0) {
		if u.name == warmRead {
			reads = max(reads, u.value)
		} else {
			writes = max(writes, u.value)
		}
	}
	return &ddb.WarmThroughput{ReadUnitsPerSecond: &reads, WriteUnitsPerSecond: &writes}
}

const warmRead, warmWrite = "ReadUnitsPerSecond", "WriteUnitsPerSecond"

// warmUnits are the members of a WarmThroughput, with what they may not be lower than.
func warmUnits(w *ddb.WarmThroughput, read, write int64) []unit {
	if w == nil {
		return nil
	}
	return givenUnits(w.ReadUnitsPerSecond, w.WriteUnitsPerSecond, unit{name: warmRead, least: read}, unit{name: warmWrite, least: write})
}

// warmOf is how messages call the warm throughput of a table, or of the index of a name.
func warmOf(index string) string {
	if index != "" {
		return "WarmThroughput for index " + index
	}
	return "WarmThroughput for table"
}

// checkWarm checks the warm throughput of what is made with capacity.
func (t *table) checkWarm(w *ddb.WarmThroughput, p throughput, index string) error {
	reads, writes := t.coldest(p)
	capacity := map[string]string{warmRead: "ReadCapacityUnits", warmWrite: "WriteCapacityUnits"}
	for _, u := range warmUnits(w, reads, writes) {
		switch {
		case u.value >= u.least:
			if err := u.checkQuota(warmOf(index), t.Region); err != nil {
				return err
			}
		case t.Billing.OnDemand:
			return errParameter("Requested %s for %s is lower than initial throughput for OnDemand. See: "+
				"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial", u.name, warmOf(index))
		default:
			return errParameter("Requested %s for %s is lower than %s of ProvisionedThroughput", u.name, warmOf(index), capacity[u.name])
		}
	}
	return nil
}

// warmer is the warm throughput that was, with what is asked for; it does not cool down.
func (t *table) warmer(was, asked *ddb.WarmThroughput, index string) (*ddb.WarmThroughput, error) {
	out := *was
	for _, u := range warmUnits(asked, *was.ReadUnitsPerSecond, *was.WriteUnitsPerSecond) {
		if u.value < u.least {
			return nil, errParameter("Requested %s for %s is lower than current WarmThroughput, decreasing WarmThroughput is not supported", u.name, warmOf(index))
		}
		if err := u.checkQuota(warmOf(index), t.Region); err != nil {
			return nil, err
		}
		if u.name == warmRead {
			out.ReadUnitsPerSecond = &u.value
		} else {
			out.WriteUnitsPerSecond = &u.value
		}
	}
	return &out, nil
}

// checkCapacity checks what a new table, or a new index of a name, is to take.
func (t *table) checkCapacity(most *ddb.OnDemandThroughput, warm *ddb.WarmThroughput, p throughput, index string) error {
	if !t.Billing.OnDemand {
		if err := checkNoMost(most, index, "table BillingMode is PROVISIONED."); err != nil {
			return err
		}
	}
	if err := checkMost(most, index, t.Region, false); err != nil {
		return err
	}
	return t.checkWarm(warm, p, index)
}

// checkCapacities checks what a new table and its indexes are to take.
func (t *table) checkCapacities() error {
	if err := t.checkCapacity(t.OnDemand, t.Warm, t.Billing.Throughput, ""); err != nil {
		return err
	}
	for _, x := range t.Indexes {
		if err := t.checkCapacity(x.OnDemand, x.Warm, x.Throughput, x.Name); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) describeWarm() *ddb.TableWarmThroughputDescription {
	w := t.warmth(t.Warm, t.Billing.Throughput)
	return &ddb.TableWarmThroughputDescription{ReadUnitsPerSecond: w.ReadUnitsPerSecond, WriteUnitsPerSecond: w.WriteUnitsPerSecond, Status: ddb.TableStatusActive}
}

func (x *tableIndex) describeWarm(t *table) *ddb.GlobalSecondaryIndexWarmThroughputDescription {
	w := t.warmth(x.Warm, x.Throughput)
	return &ddb.GlobalSecondaryIndexWarmThroughputDescription{ReadUnitsPerSecond: w.ReadUnitsPerSecond, WriteUnitsPerSecond: w.WriteUnitsPerSecond, Status: ddb.IndexStatusActive}
}
