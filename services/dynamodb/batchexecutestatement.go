package dynamodb

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/partiql"
	"github.com/virga-cloud/virga/storage"
)

// batchExecuteStatement carries out statements one by one: what is wrong with
// one of them does not concern the others.
func (s *Service) batchExecuteStatement(ctx context.Context, in *ddb.BatchExecuteStatementInput) (*ddb.BatchExecuteStatementOutput, error) {
	statements := make([]*statement, len(in.Statements))
	problems := make([]error, len(in.Statements))
	reads, writes := false, false
	for i, r := range in.Statements {
		st, err := newStatement(ctx, r.Statement, r.Parameters, r.ReturnValuesOnConditionCheckFailure)
		if err == nil && st.Kind == partiql.Exists {
			err = errValidation("EXISTS can only be used in ExecuteTransaction write requests.")
		}
		if statements[i], problems[i] = st, err; err == nil {
			reads, writes = reads || st.Kind.Reads(), writes || !st.Kind.Reads()
		}
	}
	if reads && writes {
		return nil, errValidation("BatchExecuteStatement API does not support both read and write operations in the same request.")
	}
	out := &ddb.BatchExecuteStatementOutput{Responses: make([]*ddb.BatchStatementResponse, len(statements))}
	for i, st := range statements {
		r := &ddb.BatchStatementResponse{}
		out.Responses[i] = r
		var took consumed
		err := problems[i]
		if st != nil {
			r.TableName = st.id.name
		}
		if err == nil {
			consistent := in.Statements[i].ConsistentRead
			r.Item, took, err = s.executeOne(st, consistent != nil && *consistent)
		}
		if err != nil {
			if r.Error_ = statementError(err); r.Error_ == nil {
				return nil, err
			}
			continue
		}
		if told := took.describe(in.ReturnConsumedCapacity, st.Table, untold); told != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, told)
		}
	}
	return out, nil
}

// executeOne carries out a statement about one item.
func (s *Service) executeOne(st *statement, consistent bool) (answer attribute.Item, took consumed, err error) {
	if st.Kind != partiql.Select {
		it, e, err := s.executeWrite(st)
		if err != nil {
			return nil, took, err
		}
		return attribute.ItemOf(it), e.consumed, nil
	}
	var got gotten
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.table(tx, st.id)
		if err != nil {
			return err
		}
		g, err := st.get(t, "BatchExecuteStatement")
		if err != nil {
			return err
		}
		if got, err = t.get(tx, g); err != nil {
			return err
		}
		took.table = readUnits(got.size, consistent)
		return s.consumeRead(t, took)
	})
	return got.item, took, err
}

// get is the reading that a SELECT of one item by its key is. within is the
// operation that allows no other.
func (st *statement) get(t *schema, within string) (*get, error) {
	key, rest, err := st.Key(attributeNames(t.all))
	if err != nil || len(rest) > 0 || st.Index != "" {
		return nil, errValidation("Select statements within %s must specify the primary key in the where clause.", within)
	}
	if err := t.checkStatementKey(key); err != nil {
		return nil, err
	}
	g := &get{key: item.Item(key)}
	if st.Columns != nil {
		g.projection = expression.Columns(st.Columns)
	}
	return g, g.check(t)
}

// statementError is how a batch tells of an error; nil for one that is not the
// statement's.
func statementError(err error) *ddb.BatchStatementError {
	var condition *ddb.ConditionalCheckFailedException
	var duplicate *ddb.DuplicateItemException
	var missing *ddb.ResourceNotFoundException
	var throttled *ddb.ProvisionedThroughputExceededException
	var invalid *api.Error
	var most *ddb.ThrottlingException
	switch {
	case errors.As(err, &condition):
		return &ddb.BatchStatementError{Code: ddb.BatchStatementErrorCodeEnumConditionalCheckFailed, Message: condition.Message, Item: condition.Item}
	case errors.As(err, &duplicate):
		return &ddb.BatchStatementError{Code: ddb.BatchStatementErrorCodeEnumDuplicateItem, Message: duplicate.Message}
	case errors.As(err, &missing):
		return &ddb.BatchStatementError{Code: ddb.BatchStatementErrorCodeEnumResourceNotFound, Message: missing.Message}
	case errors.As(err, &throttled):
		return &ddb.BatchStatementError{Code: ddb.BatchStatementErrorCodeEnumProvisionedThroughputExceeded, Message: throttled.Message}
	case errors.As(err, &most):
		return &ddb.BatchStatementError{Code: ddb.BatchStatementErrorCodeEnumThrottlingError, Message: most.Message}
	case errors.As(err, &invalid):
		return &ddb.BatchStatementError{Code: ddb.BatchStatementErrorCodeEnumValidationError, Message: invalid.Message}
	}
	return nil
}
