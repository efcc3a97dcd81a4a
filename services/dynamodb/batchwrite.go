package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// maxBatchWrites is how many writes one BatchWriteItem may have.
const maxBatchWrites = 25

// tableChanges are the writes of a batch to one table.
type tableChanges struct {
	name    string // as the request has it
	id      tableID
	changes []change
	schema  *schema
	took    consumed
	// admitted is how many of the changes there is capacity for, as far as is
	// known, and refused why not for the others.
	admitted int
	refused  error
}

func (s *Service) batchWriteItem(ctx context.Context, in *ddb.BatchWriteItemInput) (*ddb.BatchWriteItemOutput, error) {
	var tables []*tableChanges
	total := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		t, err := newTableChanges(ctx, name, in.RequestItems[name])
		if err != nil {
			return nil, err
		}
		if total += len(t.changes); total > maxBatchWrites {
			return nil, errValidation("Too many items requested for the BatchWriteItem call")
		}
		tables = append(tables, t)
	}
	if err := s.writeBatch(tables); err != nil {
		return nil, err
	}
	out := &ddb.BatchWriteItemOutput{UnprocessedItems: map[string][]*ddb.WriteRequest{}}
	for _, t := range tables {
		if left := in.RequestItems[t.name][t.admitted:]; len(left) > 0 {
			out.UnprocessedItems[t.name] = left
		}
		if told := t.took.describe(in.ReturnConsumedCapacity, t.name, untold); told != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, told)
		}
		for i := range t.changes[:t.admitted] {
			m, err := s.collectionMetrics(in.ReturnItemCollectionMetrics, t.schema, t.changes[i].attributes())
			if err != nil {
				return nil, err
			}
			if m == nil {
				continue
			}
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = map[string][]*ddb.ItemCollectionMetrics{}
			}
			out.ItemCollectionMetrics[t.name] = append(out.ItemCollectionMetrics[t.name], m)
		}
	}
	return out, nil
}

// writeBatch carries out as many of the writes as there is capacity for, or says
// why there are none. One transaction for all is more than AWS promises, and
// cheaper than one for each.
func (s *Service) writeBatch(tables []*tableChanges) error {
	for {
		var short *tableChanges
		err := s.update(func(tx storage.Tx, w *writes) (err error) {
			short, err = w.writeBatch(tx, tables)
			return err
		})
		if short == nil || err != short.refused {
			return err
		}
		// Nothing of this try was written. The next one goes as far as this one came.
		if !slices.ContainsFunc(tables, func(t *tableChanges) bool { return t.admitted > 0 }) {
			return err
		}
	}
}

// writeBatch carries out the writes that are admitted, and gives the table that
// had no capacity for all of them.
func (w *writes) writeBatch(tx storage.Tx, tables []*tableChanges) (short *tableChanges, err error) {
	for _, t := range tables {
		if err := t.check(tx, w); err != nil {
			return nil, err
		}
	}
	for _, t := range tables {
		t.took = consumed{}
		for i := range t.changes[:t.admitted] {
			e, err := w.carryOut(tx, t.schema, &t.changes[i])
			if err != nil {
				return nil, err
			}
			if refused := w.consume(t.schema, &e.consumed); refused != nil {
				t.admitted, t.refused = i, refused
				return t, refused
			}
			t.took.add(e.consumed)
		}
	}
	return nil, nil
}

func newTableChanges(ctx context.Context, name string, requests []*ddb.WriteRequest) (*tableChanges, error) {
	id, err := tableNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	t := &tableChanges{name: name, id: id, changes: make([]change, len(requests)), admitted: len(requests)}
	room := 0
	for _, r := range requests {
		if r.PutRequest != nil {
			room += roomFor(r.PutRequest.Item)
		}
	}
	puts, stored := make([]put, len(requests)), make([]byte, 0, room)
	for i, r := range requests {
		if (r.PutRequest == nil) == (r.DeleteRequest == nil) {
			return nil, errValidation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		c := &t.changes[i]
		if c.remove = r.DeleteRequest != nil; c.remove {
			if c.key, err = item.Normalise(r.DeleteRequest.Key); err != nil {
				return nil, errInvalid(err)
			}
			continue
		}
		c.put = &puts[i]
		if stored, err = c.put.read(r.PutRequest.Item, stored); err != nil {
			return nil, err
		}
		if err := c.put.check(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// check finds the table and checks the writes against its schema.
func (t *tableChanges) check(tx storage.Tx, w *writes) (err error) {
	if t.schema, err = w.table(tx, t.id); err != nil {
		return err
	}
	keys := newDistinctKeys(len(t.changes))
	for i := range t.changes {
		c := &t.changes[i]
		if c.put != nil {
			// Of keys that do not fit, a batch says what reading says.
			for _, a := range t.schema.all {
				if attribute.TypeOf(c.put.Attribute(a.name)) != a.kind {
					return errKeySchema()
				}
			}
		}
		if err := c.check(t.schema); err != nil {
			return err
		}
		var added bool
		if c.at, added = keys.add(t.schema, c.attributes()); !added {
			return errDuplicateKeys()
		}
	}
	return nil
}
