package dynamodb

import (
	"bytes"
	"context"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/vector"
	"github.com/virga-cloud/virga/storage"
)

// maxTopK is how many items a search may answer with.
const maxTopK = 100

// search is a search of a vector index. It is exact: it looks at all vectors of
// the partition, where AWS looks at those that are likely to be near.
type search struct {
	table      tableID
	index      string
	vector     vector.Vector
	top        int
	condition  *expression.Condition
	projection *expression.Projection
}

// found is an item that a search ranks.
type found struct {
	score float64
	data  []byte // of its entry
	key   []byte // which tells those of the same score apart
}

func (s *Service) searchVectors(ctx context.Context, in *ddb.SearchVectorsInput) (*ddb.SearchVectorsOutput, error) {
	q, err := newSearch(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &ddb.SearchVectorsOutput{}
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.table(tx, q.table)
		if err != nil {
			return err
		}
		x, r, err := q.check(t)
		if err != nil {
			return err
		}
		best, size, err := q.read(tx, x, r)
		if err != nil {
			return err
		}
		if out.SearchResults, err = q.answer(x, best); err != nil {
			return err
		}
		if in.ReturnConsumedCapacity == ddb.ReturnConsumedCapacityTotal || in.ReturnConsumedCapacity == ddb.ReturnConsumedCapacityIndexes {
			out.ConsumedCapacity = &ddb.VectorCapacity{VectorSearchRequestBytes: new(float64(max(size, vectorFloor)))}
		}
		return nil
	})
	return out, err
}

// newSearch checks a request as far as that goes without its table.
func newSearch(ctx context.Context, in *ddb.SearchVectorsInput) (*search, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	q := &search{table: id, index: in.IndexName, top: int(*in.TopK)}
	if q.top > maxTopK {
		return nil, errValidation("Provided TopK value '%d' is out of valid range. The value must be between 1 and %d inclusive", q.top, maxTopK)
	}
	for _, e := range in.SearchVector {
		f, ok := vector.Element(e)
		if !ok {
			return nil, errValidation("Search vector contains invalid values. All values in the search vector must be a 32-bit floating-point number attribute")
		}
		q.vector = append(q.vector, f)
	}
	var condition, projected *string
	if in.SearchConditionExpression != "" {
		condition = &in.SearchConditionExpression
	}
	if in.ProjectionExpression != "" {
		projected = &in.ProjectionExpression
	}
	p := parameters{
		expressions: parameterList{
			{string(expression.ProjectionExpression), projected != nil},
			{string(expression.SearchConditionExpression), condition != nil},
		},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return q, q.expressions(&p, condition, projected)
}

func (q *search) expressions(p *parameters, text, projected *string) error {
	if text == nil && projected == nil {
		return nil
	}
	holders, err := p.placeholders()
	if err != nil {
		return err
	}
	if q.condition, err = condition(holders, expression.SearchConditionExpression, text); err != nil {
		return err
	}
	if q.projection, err = projection(holders, projected); err != nil {
		return err
	}
	return unused(holders)
}

// check finds the index, checks the search against it, and gives the range of
// the entries that are to be looked at.
func (q *search) check(t *schema) (x *index, r storage.Range, err error) {
	i := slices.IndexFunc(t.indexes, func(x *index) bool { return x.Vector != nil && x.Name == q.index })
	if i < 0 {
		return nil, r, errValidation("The table does not have the specified index: %s", q.index)
	}
	x = t.indexes[i]
	if x.Backfilling {
		return nil, r, errValidation("Cannot search backfilling vector index: %s", x.Name)
	}
	if n := int64(len(q.vector)); n != x.Vector.Dimensions {
		return nil, r, errValidation("Input search vector dimension %d does not match vector index dimension %d", n, x.Vector.Dimensions)
	}
	if q.condition != nil {
		for use := range q.condition.Uses() {
			if !slices.ContainsFunc(x.Vector.Schema, func(e *ddb.SearchSchemaElement) bool { return e.AttributeName == use.Attribute }) {
				return nil, r, errValidation("SearchConditionExpression must not contain any attributes that is not in SearchSchema. Invalid attribute: %s", use.Attribute)
			}
		}
	}
	key, err := q.partition(x)
	if err != nil {
		return nil, r, err
	}
	if len(key) == 0 {
		return x, storage.Prefix(x.prefix), nil
	}
	return x, storage.Prefix(x.appendPartition(bytes.Clone(x.prefix), key)), nil
}

// partition is the key of the partition that the search is limited to, empty
// where the index has no partitions.
func (q *search) partition(x *index) (item.Item, error) {
	key := item.Item{}
	var terms []expression.KeyTerm
	if q.condition != nil {
		var err error
		if terms, err = q.condition.Equalities(); err != nil {
			return nil, errInvalid(err)
		}
	}
	for _, a := range x.partition {
		i := slices.IndexFunc(terms, func(t expression.KeyTerm) bool { return t.Attribute == a.name })
		if i < 0 {
			return nil, errValidation("SearchConditionExpression must be provided when SearchSchema has a HASH key")
		}
		v := terms[i].Values[0]
		if kind := attribute.TypeOf(v); kind != a.kind {
			return nil, errValidation("Type of '%s' attribute in SearchConditionExpression (%s) does not match type in search schema (%s)", a.name, kind, a.kind)
		}
		if kind := empty(v); kind != "" {
			return nil, errValidation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.name)
		}
		key[a.name] = v
	}
	return key, nil
}

// read finds the best entries of a range, in order, and how many bytes it
// looked at.
func (q *search) read(tx storage.Tx, x *index, r storage.Range) (best []found, size int, err error) {
	by := x.Vector.Distance
	before := func(a, b found) int {
		switch {
		case vector.Better(a.score, b.score, by):
			return -1
		case vector.Better(b.score, a.score, by):
			return 1
		}
		return bytes.Compare(a.key, b.key)
	}
	for e, err := range tx.Scan(r) {
		if err != nil {
			return nil, 0, err
		}
		n, err := item.EncodedSize(e.Value)
		if err != nil {
			return nil, 0, err
		}
		size += n
		it, err := item.Decode(e.Value)
		if err != nil {
			return nil, 0, err
		}
		if q.condition != nil && !q.condition.Matches(it) {
			continue
		}
		f := found{score: q.vector.Score(it[x.Vector.Attribute].(attribute.B), by), key: e.Key}
		if len(best) == q.top && before(f, best[len(best)-1]) >= 0 {
			continue
		}
		f.key, f.data = bytes.Clone(e.Key), bytes.Clone(e.Value)
		at, _ := slices.BinarySearchFunc(best, f, before)
		best = slices.Insert(best, at, f)
		best = best[:min(len(best), q.top)]
	}
	return best, size, nil
}

// answer is what the search answers of entries. The vector itself is told only
// when it was asked for, and projected.
func (q *search) answer(x *index, best []found) ([]*ddb.SearchResultItem, error) {
	out := make([]*ddb.SearchResultItem, len(best))
	for i, f := range best {
		it, err := item.Decode(f.data)
		if err != nil {
			return nil, err
		}
		name := x.Vector.Attribute
		stored := it[name].(attribute.B)
		delete(it, name)
		if q.projection != nil {
			if x.projected == nil || x.projected[name] {
				it[name] = vector.List(stored)
			}
			it = q.projection.Apply(it)
		}
		out[i] = &ddb.SearchResultItem{Item: attribute.M(it), Score: &f.score}
	}
	return out, nil
}
