package dynamodb

import (
	"errors"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/throttle"
	"github.com/virga-cloud/virga/storage"
)

// Where the configuration asks for it, requests are refused that find nothing
// left of what a table or an index may take: of its provisioned capacity, or of
// the most that an on-demand one was given. What an index in a table takes (a
// local one) is the table's, and a write is also refused for a global index that it
// changes. What background work and replication take is not counted, nor are there
// the limits of accounts and partitions, and therefore no RequestLimitExceeded.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing.html

// share is what a request takes of one limit: of a table, or of a global index.
type share struct {
	of    throttle.Resource
	index *index // nil for the table
	rate  int64
	units float64
}

// shares are what c takes of the limits that the table and its indexes have.
func (t *schema) shares(c *consumed, writes bool) []share {
	own := share{of: throttle.Resource{Table: t.Number, Writes: writes}, units: c.table}
	own.rate = t.rate(t.Billing.Throughput, t.OnDemand, writes)
	var out []share
	for _, x := range c.indexes {
		if !x.Global {
			own.units += x.units
			continue
		}
		if rate := t.rate(x.Throughput, x.OnDemand, writes); rate > 0 {
			out = append(out, share{throttle.Resource{Table: t.Number, Index: x.Number, Writes: writes}, x.index, rate, x.units})
		}
	}
	if own.rate > 0 && own.units > 0 {
		out = append([]share{own}, out...)
	}
	return out
}

// rate is how many units a second there may be, 0 for any number.
func (t *schema) rate(p throughput, most *ddb.OnDemandThroughput, writes bool) int64 {
	var limit *int64
	switch {
	case !t.Billing.OnDemand && writes:
		limit = &p.Write
	case !t.Billing.OnDemand:
		limit = &p.Read
	case most != nil && writes:
		limit = most.MaxWriteRequestUnits
	case most != nil:
		limit = most.MaxReadRequestUnits
	}
	if limit == nil {
		return 0
	}
	return max(*limit, 0)
}

// admit refuses what takes c of a table, unless something is left of all that
// it takes, after what the same request has taken before.
func (s *Service) admit(t *schema, c, before *consumed, writes bool) error {
	if s.throttle == nil {
		return nil
	}
	now := s.env.Clock.Now()
	taken := map[throttle.Resource]float64{}
	for _, b := range t.shares(before, writes) {
		taken[b.of] = b.units
	}
	var refused []share
	for _, part := range t.shares(c, writes) {
		if s.throttle.Left(part.of, part.rate, now) <= taken[part.of] {
			refused = append(refused, part)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return t.errThrottled(refused)
}

// charge takes c of what is left.
func (s *Service) charge(t *schema, c *consumed, writes bool) {
	if s.throttle == nil {
		return
	}
	now := s.env.Clock.Now()
	for _, part := range t.shares(c, writes) {
		s.throttle.Take(part.of, part.rate, part.units, now)
	}
}

// consumeRead lets a request have what it has read at the cost of c, when
// something is left.
func (s *Service) consumeRead(t *schema, c consumed) error {
	if err := s.admit(t, &c, &consumed{}, false); err != nil {
		return err
	}
	s.charge(t, &c, false)
	return nil
}

// consumeGets is consumeRead for the gets of a transaction.
func (s *Service) consumeGets(schemas []*schema, found []gotten) error {
	if s.throttle == nil {
		return nil
	}
	took := make(map[*schema]*consumed, len(schemas))
	reasons := make([]*ddb.CancellationReason, len(found))
	failed := false
	for i, t := range schemas {
		if took[t] == nil {
			took[t] = &consumed{}
		}
		c := consumed{table: transactionFactor * readUnits(found[i].size, true)}
		err := s.admit(t, &c, took[t], false)
		reasons[i] = reason(err)
		failed = failed || err != nil
		took[t].add(c)
	}
	if failed {
		return errCancelled(reasons)
	}
	for t, c := range took {
		s.charge(t, c, false)
	}
	return nil
}

// taken is what the writes of a transaction take of a table.
type taken struct {
	*schema
	consumed
}

// consume refuses the write of a request that takes c where nothing is left. What
// is not refused is charged when the transaction is over.
func (w *writes) consume(t *schema, c *consumed) error {
	if w.service.throttle == nil {
		return nil
	}
	of := w.of(t)
	if of.took == nil {
		of.took = &taken{schema: t}
	}
	if err := w.service.admit(t, c, &of.took.consumed, true); err != nil {
		return err
	}
	of.took.add(*c)
	return nil
}

// charge takes what the writes of a transaction took, also of one that failed by
// its conditions.
func (w *writes) charge(failed error) {
	if w.service.throttle == nil {
		return
	}
	if code, _ := throttled(failed); code != "" {
		return // it did nothing
	}
	for _, t := range w.tables {
		if t.took != nil {
			w.service.charge(t.took.schema, &t.took.consumed, true)
		}
	}
}

// serve carries out a change that a request asks for, which consumes capacity.
func (w *writes) serve(tx storage.Tx, t *schema, c *change) (*effect, error) {
	e, err := w.carryOut(tx, t, c)
	if e == nil {
		return nil, err
	}
	if refused := w.consume(t, &e.consumed); refused != nil {
		return nil, refused
	}
	return e, err
}

// errThrottled is the error of what takes of limits of which nothing is left.
func (t *schema) errThrottled(refused []share) error {
	reasons := make([]*ddb.ThrottlingReason, len(refused))
	for i, part := range refused {
		resource, arn := "Table", t.arn()
		if part.index != nil {
			resource, arn = "Index", arn+"/index/"+part.index.Name
		}
		operation, limit := "Read", "ProvisionedThroughputExceeded"
		if part.of.Writes {
			operation = "Write"
		}
		if t.Billing.OnDemand {
			limit = "MaxOnDemandThroughputExceeded"
		}
		reasons[i] = &ddb.ThrottlingReason{Reason: resource + operation + limit, Resource: arn}
	}
	switch {
	case t.Billing.OnDemand:
		return &ddb.ThrottlingException{Message: "Throughput exceeds the maximum OnDemandThroughput configured on table or index", ThrottlingReasons: reasons}
	case refused[0].index != nil:
		return &ddb.ProvisionedThroughputExceededException{ThrottlingReasons: reasons, Message: "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. " +
			"Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API"}
	}
	return &ddb.ProvisionedThroughputExceededException{ThrottlingReasons: reasons, Message: "The level of configured provisioned throughput for the table was exceeded. " +
		"Consider increasing your provisioning level with the UpdateTable API."}
}

// throttled is the code that transactions give an error of errThrottled, and
// its text; "" for other errors.
func throttled(err error) (code, text string) {
	var provisioned *ddb.ProvisionedThroughputExceededException
	var most *ddb.ThrottlingException
	switch {
	case errors.As(err, &provisioned):
		return "ProvisionedThroughputExceeded", provisioned.Message
	case errors.As(err, &most):
		return "ThrottlingError", most.Message
	}
	return "", ""
}
