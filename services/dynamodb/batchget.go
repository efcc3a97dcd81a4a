package dynamodb

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// What one BatchGetItem may ask for, and how many bytes of items it answers with.
const maxBatchGets, maxBatchBytes = 100, 16 << 20

// tableGets are the keys that a batch asks for in one table.
type tableGets struct {
	name       string // as the request has it
	id         tableID
	keys       []item.Item
	get        get // without a key
	consistent bool
	// What was read, what that took, and why there is not more, if capacity is why.
	read    int
	took    consumed
	refused error
}

func (s *Service) batchGetItem(ctx context.Context, in *ddb.BatchGetItemInput) (*ddb.BatchGetItemOutput, error) {
	var tables []*tableGets
	total := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		t, err := newTableGets(ctx, name, in.RequestItems[name])
		if err != nil {
			return nil, err
		}
		if total += len(t.keys); total > maxBatchGets {
			return nil, errValidation("Too many items requested for the BatchGetItem call")
		}
		tables = append(tables, t)
	}
	var out *ddb.BatchGetItemOutput
	err := s.env.DB.View(func(tx storage.Tx) error {
		out = &ddb.BatchGetItemOutput{Responses: map[string][]attribute.Item{}, UnprocessedKeys: map[string]*ddb.KeysAndAttributes{}}
		schemas := make([]*schema, len(tables))
		for i, t := range tables {
			var err error
			if schemas[i], err = s.table(tx, t.id); err != nil {
				return err
			}
			if err := t.check(schemas[i]); err != nil {
				return err
			}
		}
		left := maxBatchBytes
		for i, t := range tables {
			if err := t.readAll(tx, s, schemas[i], in, out, &left); err != nil {
				return err
			}
		}
		return s.consumeBatch(tables, schemas)
	})
	return out, err
}

func newTableGets(ctx context.Context, name string, in *ddb.KeysAndAttributes) (*tableGets, error) {
	id, err := tableNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	t := &tableGets{name: name, id: id, consistent: in.ConsistentRead != nil && *in.ConsistentRead}
	p := projecting(in.ProjectionExpression, in.AttributesToGet, in.ExpressionAttributeNames)
	if err := p.check(); err != nil {
		return nil, err
	}
	if t.get.projection, err = p.projection(in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	for _, key := range in.Keys {
		k, err := item.Normalise(key)
		if err != nil {
			return nil, errInvalid(err)
		}
		if slices.ContainsFunc(t.keys, func(other item.Item) bool { return item.EqualItems(k, other) }) {
			return nil, errDuplicateKeys()
		}
		t.keys = append(t.keys, k)
	}
	return t, nil
}

func (t *tableGets) check(s *schema) error {
	for _, key := range t.keys {
		g := get{key: key, projection: t.get.projection}
		if err := g.check(s); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads the items of one table, as long as the answer has room and the
// table capacity.
func (t *tableGets) readAll(tx storage.Tx, s *Service, of *schema, in *ddb.BatchGetItemInput, out *ddb.BatchGetItemOutput, left *int) error {
	t.read, t.took, t.refused = 0, consumed{}, nil
	found := []attribute.Item{}
	for i, key := range t.keys {
		got, err := of.get(tx, &get{key: key, projection: t.get.projection})
		if err != nil {
			return err
		}
		takes := consumed{table: readUnits(got.size, t.consistent)}
		t.refused = s.admit(of, &takes, &t.took, false)
		if got.size > *left {
			*left = 0
		}
		if *left == 0 || t.refused != nil {
			rest := *in.RequestItems[t.name]
			rest.Keys = rest.Keys[i:]
			out.UnprocessedKeys[t.name] = &rest
			break
		}
		*left -= got.size
		t.read++
		t.took.add(takes)
		if got.item != nil {
			found = append(found, got.item)
		}
	}
	out.Responses[t.name] = found
	if told := t.took.describe(in.ReturnConsumedCapacity, t.name, untold); told != nil {
		out.ConsumedCapacity = append(out.ConsumedCapacity, told)
	}
	return nil
}

// consumeBatch lets a request have what it has read, unless that is nothing.
func (s *Service) consumeBatch(tables []*tableGets, schemas []*schema) error {
	read := 0
	var refused error
	for i, t := range tables {
		s.charge(schemas[i], &t.took, false)
		read += t.read
		refused = cmp.Or(refused, t.refused)
	}
	if read > 0 {
		return nil
	}
	return refused
}
