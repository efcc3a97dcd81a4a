package dynamodb

import (
	"bytes"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/partiql"
	"github.com/virga-cloud/virga/storage"
)

// A SELECT reads one partition after the other where its WHERE clause names
// them, in one or several ranges each, and everything where it does not. All of
// the clause is the filter of what is read. Its token tells which of the ranges
// a page ended in, and where.

// selection is a SELECT, made ready for what it reads.
type selection struct {
	listing
	ranges  []storage.Range
	reverse bool
}

func (s *Service) executeSelect(st *statement, in *ddb.ExecuteStatementInput) (*ddb.ExecuteStatementOutput, error) {
	request := statementDigest(in.Statement, in.Parameters)
	at, err := parseStatementToken(in.NextToken, request)
	if err != nil {
		return nil, err
	}
	l := listing{table: st.id, index: st.Index, consistent: in.ConsistentRead != nil && *in.ConsistentRead}
	if in.Limit != nil {
		l.limit = int(*in.Limit)
	}
	if st.Columns != nil {
		l.projection = expression.Columns(st.Columns)
	}
	var out *ddb.ExecuteStatementOutput
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.table(tx, st.id)
		if err != nil {
			return err
		}
		q := selection{listing: l}
		from, err := q.source(t)
		if err != nil {
			return err
		}
		if err := q.plan(st, from); err != nil {
			return err
		}
		p, next, err := q.readFrom(tx, from, at)
		if err != nil {
			return err
		}
		if err := s.consumeRead(t, p.consumed); err != nil {
			return err
		}
		out = &ddb.ExecuteStatementOutput{
			Items: p.items, LastEvaluatedKey: p.last, NextToken: next.token(request),
			ConsumedCapacity: p.consumed.describe(in.ReturnConsumedCapacity, st.Table, untold),
		}
		return nil
	})
	return out, err
}

// plan finds what is to be read, and checks it against the source.
func (q *selection) plan(st *statement, s *source) (err error) {
	branches, err := st.Branches(attributeNames(s.keys.partition), attributeNames(s.keys.sort))
	if err != nil {
		return errInvalid(err)
	}
	if q.filter, err = st.Condition(); err != nil {
		return errInvalid(err)
	}
	if err := q.checkProjected(s); err != nil {
		return err
	}
	if err := q.checkExpressions(s); err != nil {
		return err
	}
	if err := q.checkFilterPaths(s); err != nil {
		return err
	}
	queried := true
	for _, b := range branches {
		for _, a := range s.keys.partition {
			queried = queried && b.Has(a.name)
		}
	}
	if !queried {
		if st.Order != nil {
			return errValidation("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
		}
		q.ranges = []storage.Range{storage.Prefix(s.entriesPrefix())}
		return nil
	}
	partitions, err := s.partitions(branches)
	if err != nil {
		return err
	}
	if len(branches) == 1 && branches[0].Whole && len(s.ranged(branches[0].Terms)) == len(branches[0].Terms) {
		q.filter = nil // what is read is all that is asked for
	}
	return q.order(st, s, partitions)
}

// partition is what a SELECT reads of one partition.
type partition struct {
	key    []byte
	values item.Item // its key's
	ranges []storage.Range
	sorted bool // conditions on the sort key made the ranges
	whole  bool // a condition on the sort key is no range, or there is none
}

// ranged are the terms of a branch that make a range: those of the partition
// key, and of the sort key as long as they are equalities and the first that is not.
func (s *source) ranged(terms []expression.KeyTerm) []expression.KeyTerm {
	q := query{terms: terms}
	var out []expression.KeyTerm
	for _, a := range s.keys.all {
		t := q.term(a.name)
		if t == nil {
			break
		}
		if out = append(out, *t); t.Operator != "=" {
			break
		}
	}
	return out
}

// partitions puts together what branches ask of the same partition.
func (s *source) partitions(branches []partiql.Branch) ([]*partition, error) {
	var out []*partition
	for _, b := range branches {
		if err := s.checkTermTypes(b.Terms); err != nil {
			return nil, err
		}
		q := query{terms: s.ranged(b.Terms)}
		values := item.Item{}
		for _, a := range s.keys.partition {
			values[a.name] = q.term(a.name).Values[0]
		}
		key := s.keys.appendPartition(bytes.Clone(s.entriesPrefix()), values)
		i := slices.IndexFunc(out, func(p *partition) bool { return bytes.Equal(p.key, key) })
		if i < 0 {
			i = len(out)
			out = append(out, &partition{key: key, values: values})
		}
		p := out[i]
		p.ranges = append(p.ranges, q.keyRange(s))
		p.sorted = p.sorted || len(q.terms) > len(s.keys.partition)
		p.whole = p.whole || b.Negated
	}
	for _, p := range out {
		if len(p.ranges) > 1 && (p.whole || !p.sorted) {
			p.ranges = []storage.Range{storage.Prefix(p.key)}
		}
		slices.SortFunc(p.ranges, func(a, b storage.Range) int { return bytes.Compare(a.Start, b.Start) })
		for i := range len(p.ranges) - 1 {
			if bytes.Compare(p.ranges[i].End, p.ranges[i+1].Start) > 0 {
				return nil, errValidation("Overlapping conditions with range keys are not supported in where clause")
			}
		}
	}
	return out, nil
}

// checkTermTypes checks the values that keys are compared with.
func (s *source) checkTermTypes(terms []expression.KeyTerm) error {
	for _, t := range terms {
		for _, a := range s.keys.all {
			if a.name == t.Attribute && slices.ContainsFunc(t.Values, func(v attribute.Value) bool { return attribute.TypeOf(v) != a.kind }) {
				return errStatementKeyType(a.name)
			}
		}
	}
	return nil
}

// order puts the partitions, and what is read of them, in order.
func (q *selection) order(st *statement, s *source, partitions []*partition) error {
	first := s.keys.partition[0].name
	byPartition, descending := false, false
	for _, o := range st.Order {
		if !slices.ContainsFunc(s.keys.all, func(a keyAttribute) bool { return a.name == o.Attribute }) {
			return errValidation("Variable reference %s in ORDER BY clause must be part of the primary key", o.Attribute)
		}
		if o.Attribute == first {
			byPartition, descending = true, o.Descending
		} else {
			q.reverse = o.Descending
		}
	}
	if st.Order != nil && !byPartition && len(partitions) > 1 {
		return errValidation("Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.")
	}
	if byPartition {
		slices.SortStableFunc(partitions, func(a, b *partition) int {
			order, _ := item.Compare(a.values[first], b.values[first])
			if descending {
				return -order
			}
			return order
		})
	}
	for _, p := range partitions {
		if q.reverse {
			slices.Reverse(p.ranges)
		}
		for _, r := range p.ranges {
			r.Reverse = q.reverse
			q.ranges = append(q.ranges, r)
		}
	}
	return nil
}

// readFrom makes a page of what lies behind a place, and says where the next
// one begins, nil when there is none.
func (q *selection) readFrom(tx storage.Tx, s *source, at statementPlace) (*page, *statementPlace, error) {
	all := &page{items: []attribute.Item{}}
	if at.number > len(q.ranges) {
		return nil, nil, errStatementToken()
	}
	limit := q.limit
	for i, r := range q.ranges[at.number:] {
		if i == 0 && at.after != nil {
			if err := s.checkPlace(at.after); err != nil {
				return nil, nil, err
			}
			r = r.After(s.keyOf(at.after))
		}
		p, err := q.read(tx, s, r)
		if err != nil {
			return nil, nil, err
		}
		all.items = append(all.items, p.items...)
		all.bytes += p.bytes
		all.scanned += p.scanned
		all.consumed.add(p.consumed)
		number := at.number + i
		switch {
		case p.last != nil:
			all.last = p.last
			return all, &statementPlace{number: number, after: p.last}, nil
		case all.bytes >= maxPage && number+1 < len(q.ranges):
			return all, &statementPlace{number: number + 1}, nil
		}
		if limit > 0 {
			q.limit = limit - int(all.scanned)
		}
	}
	return all, nil, nil
}
