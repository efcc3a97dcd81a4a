package dynamodb

import (
	"bytes"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// query is a listing of one partition.
type query struct {
	listing
	terms      []expression.KeyTerm
	reverse    bool
	filterName string // as messages call it
}

func (s *Service) query(ctx context.Context, in *ddb.QueryInput) (*ddb.QueryOutput, error) {
	q, err := newQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	var p *page
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.table(tx, q.table)
		if err != nil {
			return err
		}
		from, err := q.source(t)
		if err != nil {
			return err
		}
		if err := q.check(from); err != nil {
			return err
		}
		if p, err = q.read(tx, from, q.keyRange(from)); err != nil {
			return err
		}
		return s.consumeRead(t, p.consumed)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.QueryOutput{
		Items: p.items, Count: &p.count, ScannedCount: &p.scanned, LastEvaluatedKey: p.last,
		ConsumedCapacity: p.consumed.describe(in.ReturnConsumedCapacity, in.TableName, untold),
	}, nil
}

// newQuery checks a request as far as that goes without its table.
func newQuery(ctx context.Context, in *ddb.QueryInput) (*query, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	q := &query{listing: listing{table: id, index: in.IndexName, selects: in.Select, consistent: in.ConsistentRead != nil && *in.ConsistentRead}}
	q.filterName = "QueryFilter"
	q.reverse = in.ScanIndexForward != nil && !*in.ScanIndexForward
	if in.Limit != nil {
		q.limit = int(*in.Limit)
	}
	p := parameters{
		expressions: parameterList{
			{string(expression.ProjectionExpression), in.ProjectionExpression != nil},
			{string(expression.FilterExpression), in.FilterExpression != nil},
			{string(expression.KeyConditionExpression), in.KeyConditionExpression != nil},
		},
		legacy: parameterList{
			{"AttributesToGet", in.AttributesToGet != nil},
			{"QueryFilter", in.QueryFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""},
			{"KeyConditions", in.KeyConditions != nil},
		},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
	}
	if in.KeyConditions != nil && in.KeyConditionExpression == nil { // those go with expressions
		p.legacy[3] = parameter{}
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if q.filter, err = legacyFilter(in.QueryFilter, in.ConditionalOperator); err != nil {
		return nil, err
	}
	if err := checkSelect(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet, true); err != nil {
		return nil, err
	}
	if q.projection, err = attributesToGet(in.AttributesToGet); err != nil {
		return nil, err
	}
	if q.start, err = normaliseStart(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil && in.KeyConditions == nil {
		return nil, errValidation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	return q, q.expressions(&p, in)
}

// expressions reads those of a query.
func (q *query) expressions(p *parameters, in *ddb.QueryInput) error {
	holders, err := p.placeholders()
	if err != nil {
		return err
	}
	key, err := condition(holders, expression.KeyConditionExpression, in.KeyConditionExpression)
	if err != nil {
		return err
	}
	if in.FilterExpression != nil {
		q.filterName = "Filter Expression"
		if q.filter, err = condition(holders, expression.FilterExpression, in.FilterExpression); err != nil {
			return err
		}
	}
	if in.ProjectionExpression != nil {
		if q.projection, err = projection(holders, in.ProjectionExpression); err != nil {
			return err
		}
	}
	if err := unused(holders); err != nil {
		return err
	}
	if key == nil {
		q.terms, err = keyConditions(in.KeyConditions)
		return err
	}
	if q.terms, err = key.KeyTerms(); err != nil {
		return errInvalid(err)
	}
	if q.index == "" && len(q.terms) > 2 { // the keys of indexes may have more parts
		return errKeyLength()
	}
	return nil
}

// term is what the query says of an attribute, nil for nothing.
func (q *query) term(name string) *expression.KeyTerm {
	for i := range q.terms {
		if q.terms[i].Attribute == name {
			return &q.terms[i]
		}
	}
	return nil
}

// check checks the query against what it reads.
func (q *query) check(s *source) error {
	if q.start != nil && len(q.start) != len(s.startNames()) {
		return errStartKey("")
	}
	if err := q.checkTerms(s); err != nil {
		return err
	}
	if q.start != nil {
		if err := s.checkStart(q.start); err != nil {
			return err
		}
		if err := q.checkPosition(s); err != nil {
			return err
		}
	}
	if err := q.checkExpressions(s); err != nil {
		return err
	}
	if q.filter != nil {
		for _, a := range s.keys.all {
			for use := range q.filter.Uses() {
				if use.Attribute == a.name {
					return errValidation("%s can only contain non-primary key attributes: Primary key attribute: %s", q.filterName, a.name)
				}
			}
		}
	}
	if err := q.checkProjected(s); err != nil {
		return err
	}
	return q.checkFilterPaths(s)
}

// checkTerms checks the key condition against the key, attribute by attribute,
// and the starting key along with it.
func (q *query) checkTerms(s *source) error {
	if len(s.keys.all) <= 2 && len(q.terms) > 2 {
		return errKeyLength()
	}
	if len(s.keys.all) > 2 {
		if err := q.checkEqualities(s.keys); err != nil {
			return err
		}
	}
	left := len(q.terms)
	open := true // no condition but equality so far
	for i, a := range s.keys.all {
		partition := i < len(s.keys.partition)
		if q.start != nil {
			if q.start[a.name] == nil {
				return errStartKey("")
			}
			if err := a.check(q.start[a.name], partition); err != nil {
				return err
			}
		}
		if len(s.keys.all) == 1 && len(q.terms) > 1 {
			return errKeyCondition()
		}
		t := q.term(a.name)
		if t == nil {
			if partition || left > 0 {
				return errValidation("Query condition missed key schema element: %s", a.name)
			}
			continue
		}
		left--
		if t.Operator == "" {
			return errValidation("Attempted conditional constraint is not an indexable operation")
		}
		for _, v := range t.Values {
			if attribute.TypeOf(v) != a.kind {
				return errParameter("Condition parameter type does not match schema type")
			}
			if kind := empty(v); kind != "" {
				return errValidation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.name)
			}
		}
		if !open || partition && t.Operator != "=" || t.Operator == "begins_with" && a.kind == "N" {
			return errKeyCondition()
		}
		open = t.Operator == "="
	}
	if left > 0 {
		return errKeyCondition()
	}
	return nil
}

// checkEqualities checks the conditions on a key of many attributes: those of
// the partition are equalities, and so are those before the last condition.
func (q *query) checkEqualities(k *keySchema) error {
	var lacking []string
	equal := func(a keyAttribute) bool {
		t := q.term(a.name)
		return t != nil && t.Operator == "="
	}
	for _, a := range k.partition {
		if !equal(a) {
			lacking = append(lacking, a.name)
		}
	}
	if lacking != nil {
		return errValidation("HASH key attributes %s must have equality conditions specified in the query", strings.Join(lacking, ", "))
	}
	for _, a := range k.sort {
		if lacking != nil && q.term(a.name) != nil {
			return errValidation("RANGE key attributes %s must have equality conditions specified in the query because a condition is present on key attribute %s",
				strings.Join(lacking, ", "), a.name)
		}
		if !equal(a) {
			lacking = append(lacking, a.name)
		}
	}
	return nil
}

func errKeyLength() error { return errValidation("Conditions can be of length 1 or 2 only") }

func errKeyCondition() error { return errValidation("Query key condition not supported") }

// checkPosition checks that the starting key is one that the query can have
// answered with.
func (q *query) checkPosition(s *source) error {
	same := true
	for _, a := range s.keys.partition {
		same = same && item.Equal(q.start[a.name], q.term(a.name).Values[0])
	}
	ranged := false
	for _, a := range s.keys.sort {
		t := q.term(a.name)
		if t == nil {
			break
		}
		ranged = true
		if !holds(t, q.start[a.name]) {
			return errValidation("The provided starting key does not match the range key predicate")
		}
	}
	switch {
	case same && len(s.keys.all) == 1 && s.index == nil: // it is the one item there can be
		return errValidation("The provided exclusive start key is invalid: ExclusiveStartKey: %s", showKey(q.start))
	case same:
		return nil
	case ranged:
		return errValidation("The query can return at most one row and cannot be restarted")
	}
	return errValidation("The provided starting key is outside query boundaries based on provided conditions")
}

// showKey is a key as AWS shows it in messages.
func showKey(key item.Item) string {
	parts := make([]string, 0, len(key))
	for _, name := range slices.Sorted(maps.Keys(key)) {
		text := ""
		switch v := key[name].(type) {
		case attribute.S:
			text = string(v)
		case attribute.N:
			text = string(v)
		case attribute.B:
			text = base64.StdEncoding.EncodeToString(v)
		}
		parts = append(parts, name+"=AttributeValue: {"+attribute.TypeOf(key[name])+":"+text+"}")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// holds says whether a term holds of a value of its type.
func holds(t *expression.KeyTerm, v attribute.Value) bool {
	order, _ := item.Compare(v, t.Values[0])
	switch t.Operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "BETWEEN":
		high, _ := item.Compare(v, t.Values[1])
		return order >= 0 && high <= 0
	}
	return bytes.HasPrefix(appendBeginning(nil, v), appendBeginning(nil, t.Values[0]))
}

// keyRange is the range of the entries that the key condition allows, behind
// the starting key.
func (q *query) keyRange(s *source) storage.Range {
	equal := make(item.Item, len(q.terms))
	for _, t := range q.terms {
		equal[t.Attribute] = t.Values[0]
	}
	b := s.keys.appendPartition(bytes.Clone(s.entriesPrefix()), equal)
	r := storage.Prefix(b)
	for _, a := range s.keys.sort {
		t := q.term(a.name)
		if t == nil {
			break
		}
		r = termRange(b, t)
		b = appendValue(b, t.Values[0])
	}
	r.Reverse = q.reverse
	if q.start != nil {
		at := s.keyOf(q.start)
		if q.reverse {
			r.End = at
		} else {
			r.Start = append(at, 0)
		}
	}
	return r
}

// termRange is the range of the keys under base whose next value the term allows.
func termRange(base []byte, t *expression.KeyTerm) storage.Range {
	base = base[:len(base):len(base)]
	r := storage.Prefix(base)
	if t.Operator == "begins_with" {
		return storage.Prefix(appendBeginning(base, t.Values[0]))
	}
	at := appendValue(base, t.Values[0])
	switch t.Operator {
	case "=":
		return storage.Prefix(at)
	case "<":
		r.End = at
	case "<=":
		r.End = storage.PrefixEnd(at)
	case ">":
		r.Start = storage.PrefixEnd(at)
	case ">=":
		r.Start = at
	case "BETWEEN":
		r.Start, r.End = at, storage.PrefixEnd(appendValue(base, t.Values[1]))
	}
	return r
}
