package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func (s *Service) updateItem(ctx context.Context, in *ddb.UpdateItemInput) (*ddb.UpdateItemOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	p := parameters{
		expressions: parameterList{
			{string(expression.UpdateExpression), in.UpdateExpression != nil},
			{string(expression.ConditionExpression), in.ConditionExpression != nil},
		},
		legacy: parameterList{
			{"AttributeUpdates", in.AttributeUpdates != nil},
			{"Expected", in.Expected != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""},
		},
		names:  in.ExpressionAttributeNames,
		values: in.ExpressionAttributeValues,
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	key, err := item.Normalise(in.Key)
	if err != nil {
		return nil, errInvalid(err)
	}
	c := &change{key: key, showOnFailure: in.ReturnValuesOnConditionCheckFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld}
	if err := p.updateAndCondition(c, in); err != nil {
		return nil, err
	}
	t, e, err := s.write(id, c)
	if err != nil {
		return nil, err
	}
	out := &ddb.UpdateItemOutput{
		Attributes:       attribute.ItemOf(c.update.answer(in.ReturnValues, e)),
		ConsumedCapacity: e.consumed.describe(in.ReturnConsumedCapacity, in.TableName, untold),
	}
	out.ItemCollectionMetrics, err = s.collectionMetrics(in.ReturnItemCollectionMetrics, t, key)
	return out, err
}

// updateAndCondition reads what an UpdateItem does and when.
func (p *parameters) updateAndCondition(c *change, in *ddb.UpdateItemInput) (err error) {
	if in.AttributeUpdates != nil {
		if c.update, err = attributeUpdates(in.AttributeUpdates); err != nil {
			return err
		}
	}
	if in.Expected != nil || in.ConditionalOperator != "" {
		if c.condition, err = expected(in.Expected, in.ConditionalOperator); err != nil {
			return err
		}
	}
	if in.AttributeUpdates != nil || c.condition != nil {
		if c.update == nil {
			c.update = &update{}
		}
		return nil
	}
	holders, err := p.placeholders()
	if err != nil {
		return err
	}
	if c.update, err = newUpdate(holders, in.UpdateExpression); err != nil {
		return err
	}
	if c.condition, err = condition(holders, expression.ConditionExpression, in.ConditionExpression); err != nil {
		return err
	}
	return unused(holders)
}

// newUpdate reads an update.
func newUpdate(p *expression.Placeholders, text *string) (*update, error) {
	if text == nil {
		return &update{}, nil
	}
	u, err := p.Update(*text)
	if err != nil {
		return nil, errInvalid(err)
	}
	return updateOf(u), nil
}

func updateOf(u *expression.Update) *update {
	out := &update{Update: u}
	for t := range u.Targets() {
		switch t.Type {
		case "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS":
			out.deep = out.deep || t.Nested
		default: // a document, or what may be one
			out.deep = true
		}
	}
	return out
}

// answer is what an update answers with: all of the old or new item, or the
// parts that the update acts on.
func (u *update) answer(asked ddb.ReturnValue, e *effect) item.Item {
	var out item.Item
	switch asked {
	case ddb.ReturnValueAllOld:
		out = e.old
	case ddb.ReturnValueAllNew:
		out = e.new
	case ddb.ReturnValueUpdatedOld:
		if u.Update != nil {
			out = u.Touched().Apply(e.old)
		}
	case ddb.ReturnValueUpdatedNew:
		if u.Update != nil {
			out = u.Touched().Apply(e.new)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
