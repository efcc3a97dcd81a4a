package dynamodb

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

func (s *Service) getItem(ctx context.Context, in *ddb.GetItemInput) (*ddb.GetItemOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	p := projecting(in.ProjectionExpression, in.AttributesToGet, in.ExpressionAttributeNames)
	if err := p.check(); err != nil {
		return nil, err
	}
	key, err := item.Normalise(in.Key)
	if err != nil {
		return nil, errInvalid(err)
	}
	g := get{key: key}
	if g.projection, err = p.projection(in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	consistent := in.ConsistentRead != nil && *in.ConsistentRead
	var got gotten
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.table(tx, id)
		if err != nil {
			return err
		}
		if err := g.check(t); err != nil {
			return err
		}
		if got, err = t.get(tx, &g); err != nil {
			return err
		}
		return s.consumeRead(t, consumed{table: readUnits(got.size, consistent)})
	})
	if err != nil {
		return nil, err
	}
	took := consumed{table: readUnits(got.size, consistent)}
	return &ddb.GetItemOutput{Item: got.item, ConsumedCapacity: took.describe(in.ReturnConsumedCapacity, in.TableName, untold)}, nil
}

// projecting are the parameters of requests that can only choose parts of items.
func projecting(text *string, attributes []string, names map[string]string) *parameters {
	return &parameters{
		expressions: parameterList{{string(expression.ProjectionExpression), text != nil}},
		legacy:      parameterList{{"AttributesToGet", attributes != nil}},
		names:       names,
	}
}

// projection reads the one projection of a request, nil when all is wanted.
func (p *parameters) projection(text *string, attributes []string) (*expression.Projection, error) {
	if attributes != nil {
		return attributesToGet(attributes)
	}
	if text == nil {
		return nil, nil
	}
	holders, err := p.placeholders()
	if err != nil {
		return nil, err
	}
	out, err := projection(holders, text)
	if err != nil {
		return nil, err
	}
	return out, unused(holders)
}

// get is the reading of one item by its key.
type get struct {
	key        item.Item
	projection *expression.Projection
}

// gotten is what a get found: nil when there is no such item.
type gotten struct {
	item attribute.Item
	size int // of the whole item
}

// check checks a get against the schema of its table.
func (g *get) check(t *schema) error {
	if err := t.checkKey(g.key); err != nil {
		return err
	}
	if g.projection != nil {
		for use := range g.projection.Uses() {
			if err := t.checkUse(use); err != nil {
				return err
			}
		}
	}
	return nil
}

// get reads an item.
func (t *schema) get(tx storage.Tx, g *get) (gotten, error) {
	data, err := tx.Get(t.itemKey(g.key))
	if errors.Is(err, storage.ErrNotFound) {
		return gotten{}, nil
	}
	if err != nil {
		return gotten{}, err
	}
	size, err := item.EncodedSize(data)
	if err != nil {
		return gotten{}, err
	}
	if g.projection == nil {
		return gotten{item.Stored(data), size}, nil
	}
	it, err := item.Decode(data)
	if err != nil {
		return gotten{}, err
	}
	return gotten{attribute.M(g.projection.Apply(it)), size}, nil
}
