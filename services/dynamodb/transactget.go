package dynamodb

import (
	"context"
	"maps"
	"slices"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// transactionFactor is how much more transactions take than other requests:
// AWS reads and writes every item twice.
const transactionFactor = 2

// transactedGet is one get of a transaction.
type transactedGet struct {
	get
	name string // of the table, as the request has it
	id   tableID
	// compile makes the key where that needs the schema; nil where it does not.
	compile func(*schema) (item.Item, error)
}

func (s *Service) transactGetItems(ctx context.Context, in *ddb.TransactGetItemsInput) (*ddb.TransactGetItemsOutput, error) {
	gets := make([]*transactedGet, len(in.TransactItems))
	for i, t := range in.TransactItems {
		g := t.Get
		id, err := tableNamed(ctx, g.TableName)
		if err != nil {
			return nil, err
		}
		gets[i] = &transactedGet{name: g.TableName, id: id}
		p := projecting(g.ProjectionExpression, nil, g.ExpressionAttributeNames)
		if err := p.check(); err != nil {
			return nil, err
		}
		if gets[i].key, err = item.Normalise(g.Key); err != nil {
			return nil, errInvalid(err)
		}
		if gets[i].projection, err = p.projection(g.ProjectionExpression, nil); err != nil {
			return nil, err
		}
	}
	found, err := s.transactGet(gets)
	if err != nil {
		return nil, err
	}
	out := &ddb.TransactGetItemsOutput{}
	out.Responses, out.ConsumedCapacity = answerGets(gets, found, in.ReturnConsumedCapacity)
	return out, nil
}

// answerGets is what a transaction answers of what it found.
func answerGets(gets []*transactedGet, found []gotten, asked ddb.ReturnConsumedCapacity) ([]*ddb.ItemResponse, []*ddb.ConsumedCapacity) {
	out := make([]*ddb.ItemResponse, len(found))
	took := map[string]*consumed{}
	for i, got := range found {
		out[i] = &ddb.ItemResponse{Item: got.item}
		addTo(took, gets[i].name, consumed{table: transactionFactor * readUnits(got.size, true)})
	}
	return out, describeAll(took, asked, readCapacity)
}

// transactGet reads all items as they are at one time.
func (s *Service) transactGet(gets []*transactedGet) ([]gotten, error) {
	found := make([]gotten, len(gets))
	err := s.env.DB.View(func(tx storage.Tx) error {
		schemas := make([]*schema, len(gets))
		keys := transactedKeys{newDistinctKeys(len(gets))}
		for i, g := range gets {
			var err error
			if schemas[i], err = s.table(tx, g.id); err != nil {
				return err
			}
			if g.compile != nil {
				if g.key, err = g.compile(schemas[i]); err != nil {
					return err
				}
			}
			if _, err := keys.add(schemas[i], g.key); err != nil {
				return err
			}
		}
		for i, g := range gets {
			if err := g.check(schemas[i]); err != nil {
				return cancelled(len(gets), i, err)
			}
		}
		for i, g := range gets {
			var err error
			if found[i], err = schemas[i].get(tx, &g.get); err != nil {
				return err
			}
		}
		return s.consumeGets(schemas, found)
	})
	return found, err
}

// describeAll describes what a transaction took of several tables.
func describeAll(took map[string]*consumed, asked ddb.ReturnConsumedCapacity, of kind) (out []*ddb.ConsumedCapacity) {
	for _, name := range slices.Sorted(maps.Keys(took)) {
		if told := took[name].describe(asked, name, of); told != nil {
			out = append(out, told)
		}
	}
	return out
}

// transactedKeys are the items of a transaction, each of which may occur once.
type transactedKeys struct{ distinctKeys }

// add returns the item's key in the store; nil for what is no key, which is found
// where the item's turn comes.
func (k *transactedKeys) add(t *schema, key item.Attributes) (at []byte, err error) {
	if t.checkValues(key) != nil {
		return nil, nil
	}
	at, added := k.distinctKeys.add(t, key)
	if !added {
		return nil, errValidation("Transaction request cannot include multiple operations on one item")
	}
	return at, nil
}
