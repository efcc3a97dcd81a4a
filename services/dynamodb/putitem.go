package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
)

func (s *Service) putItem(ctx context.Context, in *ddb.PutItemInput) (*ddb.PutItemOutput, error) {
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
	it := &put{}
	if _, err := it.read(in.Item, make([]byte, 0, roomFor(in.Item))); err != nil {
		return nil, err
	}
	wantOld, err := onlyOld(in.ReturnValues)
	if err != nil {
		return nil, err
	}
	c := &change{put: it, wantOld: wantOld, showOnFailure: in.ReturnValuesOnConditionCheckFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld}
	if err := it.check(); err != nil {
		return nil, err
	}
	if c.condition, err = p.writeCondition(in.ConditionExpression, in.Expected, in.ConditionalOperator); err != nil {
		return nil, err
	}
	t, e, err := s.write(id, c)
	if err != nil {
		return nil, err
	}
	out := &ddb.PutItemOutput{ConsumedCapacity: e.consumed.describe(in.ReturnConsumedCapacity, in.TableName, untold)}
	if wantOld {
		out.Attributes = attribute.ItemOf(e.old)
	}
	out.ItemCollectionMetrics, err = s.collectionMetrics(in.ReturnItemCollectionMetrics, t, it)
	return out, err
}

// onlyOld reads the ReturnValues of operations that can answer with the old
// item and nothing else.
func onlyOld(asked ddb.ReturnValue) (bool, error) {
	switch asked {
	case "", ddb.ReturnValueNone:
		return false, nil
	case ddb.ReturnValueAllOld:
		return true, nil
	}
	return false, errValidation("ReturnValues can only be ALL_OLD or NONE")
}
