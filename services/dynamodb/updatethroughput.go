package dynamodb

import (
	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// The parts of an UpdateTable that are about capacity.

func (u *tableUpdate) applyBilling() error {
	onDemand := u.table.Billing.OnDemand
	if u.in.BillingMode != "" {
		onDemand = u.in.BillingMode == ddb.BillingModePayPerRequest
	}
	if u.in.ProvisionedThroughput != nil && onDemand {
		return errParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	u.keepWarm()
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
		u.Billing.OnDemand, u.OnDemand = false, nil
		for _, x := range u.Indexes {
			x.OnDemand = nil
		}
	}
	if u.in.ProvisionedThroughput != nil {
		return u.Billing.Throughput.change("table", "table", u.in.ProvisionedThroughput, u.now)
	}
	return nil
}

// keepWarm keeps the table and its indexes as warm as they are when their
// capacity changes.
func (u *tableUpdate) keepWarm() {
	if u.in.BillingMode == "" && u.in.ProvisionedThroughput == nil && u.in.GlobalSecondaryIndexUpdates == nil {
		return
	}
	u.Warm = u.warmth(u.Warm, u.Billing.Throughput)
	for _, x := range u.Indexes {
		if x.Global && x.Vector == nil {
			x.Warm = u.warmth(x.Warm, x.Throughput)
		}
	}
}

// noMostNow is when a maximum can not be given to what there is.
const noMostNow = "the table BillingMode is PROVISIONED"

// applyLimits changes the most that the table may take, and how warm it is kept.
func (u *tableUpdate) applyLimits() (err error) {
	if u.in.OnDemandThroughput != nil {
		if u.OnDemand, err = u.changeMost(u.OnDemand, u.in.OnDemandThroughput, ""); err != nil {
			return err
		}
	}
	if u.in.WarmThroughput != nil {
		u.Warm, err = u.warmer(u.warmth(u.Warm, u.Billing.Throughput), u.in.WarmThroughput, "")
	}
	return err
}

// changeMost is the most that the table, or an index of a name, may take now.
func (t *table) changeMost(was, to *ddb.OnDemandThroughput, index string) (*ddb.OnDemandThroughput, error) {
	if !t.Billing.OnDemand {
		if err := checkNoMost(to, index, noMostNow); err != nil {
			return nil, err
		}
	}
	if err := checkMost(to, index, t.Region, true); err != nil {
		return nil, err
	}
	return changeMost(was, to, false), nil
}

// atOnce says that the change is one during which AWS's table stays active.
func (u *tableUpdate) atOnce() bool {
	in := u.in
	return in.BillingMode == "" && in.ProvisionedThroughput == nil && in.GlobalSecondaryIndexUpdates == nil && in.VectorIndexUpdates == nil &&
		in.StreamSpecification == nil && in.TableClass == ""
}

// describe is the table on its way: AWS tells most of what is new when it is there.
func (u *tableUpdate) describe() *ddb.TableDescription {
	status := ddb.TableStatusUpdating
	if u.atOnce() {
		status = ddb.TableStatusActive
	}
	d := u.table.describe(status, u.now)
	if !u.Billing.OnDemand {
		p, was := d.ProvisionedThroughput, u.before.ProvisionedThroughput
		p.ReadCapacityUnits, p.WriteCapacityUnits, p.NumberOfDecreasesToday = was.ReadCapacityUnits, was.WriteCapacityUnits, was.NumberOfDecreasesToday
	}
	d.TableClassSummary = u.before.TableClassSummary
	if u.in.OnDemandThroughput != nil {
		d.OnDemandThroughput = changeMost(u.OnDemand, u.in.OnDemandThroughput, true)
	}
	d.WarmThroughput = u.before.WarmThroughput
	if u.in.WarmThroughput != nil {
		d.WarmThroughput.Status = ddb.TableStatusUpdating
	}
	if u.in.SSESpecification != nil {
		d.SSEDescription = &ddb.SSEDescription{}
		if was := u.before.SSEDescription; was != nil {
			*d.SSEDescription = *was
		}
		d.SSEDescription.Status = ddb.SSEStatusUpdating
	}
	if u.gone != nil {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, u.gone)
	}
	if u.goneVector != nil {
		d.VectorIndexes = append(d.VectorIndexes, u.goneVector)
	}
	return d
}
