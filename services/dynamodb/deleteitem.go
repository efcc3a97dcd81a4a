package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func (s *Service) deleteItem(ctx context.Context, in *ddb.DeleteItemInput) (*ddb.DeleteItemOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	p := parameters{
		expressions: parameterList{{string(expression.ConditionExpression), in.ConditionExpression != nil}},
		legacy:      parameterList{{"Expected", in.Expected != nil}, {"ConditionalOperator", in.ConditionalOperator != ""}},
		names:       in.ExpressionAttributeNames,
		values:      in.ExpressionAttributeValues,
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	key, err := item.Normalise(in.Key)
	if err != nil {
		return nil, errInvalid(err)
	}
	wantOld, err := onlyOld(in.ReturnValues)
	if err != nil {
		return nil, err
	}
	c := &change{key: key, remove: true, wantOld: wantOld, showOnFailure: in.ReturnValuesOnConditionCheckFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld}
	if c.condition, err = p.writeCondition(in.ConditionExpression, in.Expected, in.ConditionalOperator); err != nil {
		return nil, err
	}
	t, e, err := s.write(id, c)
	if err != nil {
		return nil, err
	}
	out := &ddb.DeleteItemOutput{ConsumedCapacity: e.consumed.describe(in.ReturnConsumedCapacity, in.TableName, untold)}
	if wantOld {
		out.Attributes = attribute.ItemOf(e.old)
	}
	out.ItemCollectionMetrics, err = s.collectionMetrics(in.ReturnItemCollectionMetrics, t, key)
	return out, err
}
