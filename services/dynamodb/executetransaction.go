package dynamodb

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/partiql"
)

func (s *Service) executeTransaction(ctx context.Context, in *ddb.ExecuteTransactionInput) (*ddb.ExecuteTransactionOutput, error) {
	statements := make([]*statement, len(in.TransactStatements))
	for i, r := range in.TransactStatements {
		parsed, err := partiql.Parse(r.Statement)
		if err != nil {
			return nil, errInStatement(i, errInvalid(err))
		}
		if statements[i], err = bindStatement(ctx, parsed, r.Parameters, r.ReturnValuesOnConditionCheckFailure); err != nil {
			return nil, err
		}
		if statements[i].Kind.Reads() != statements[0].Kind.Reads() {
			return nil, errValidation("ExecuteTransaction API does not support both read and write operations in the same request.")
		}
	}
	if statements[0].Kind.Reads() {
		return s.executeReads(statements, in.ReturnConsumedCapacity)
	}
	return s.executeWrites(ctx, statements, in)
}

// errInStatement is an error of one statement of a transaction, if it is one
// of the request.
func errInStatement(number int, err error) error {
	var invalid *api.Error
	if errors.As(err, &invalid) {
		return errValidation("Validation failed in TransactStatements[%d]: %s", number, invalid.Message)
	}
	return err
}

func (s *Service) executeReads(statements []*statement, asked ddb.ReturnConsumedCapacity) (*ddb.ExecuteTransactionOutput, error) {
	gets := make([]*transactedGet, len(statements))
	for i, st := range statements {
		g := &transactedGet{name: st.Table, id: st.id}
		g.compile = func(t *schema) (item.Item, error) {
			one, err := st.get(t, "ExecuteTransaction")
			if err != nil {
				return nil, errInStatement(i, err)
			}
			g.projection = one.projection
			return one.key, nil
		}
		gets[i] = g
	}
	found, err := s.transactGet(gets)
	if err != nil {
		return nil, err
	}
	out := &ddb.ExecuteTransactionOutput{}
	out.Responses, out.ConsumedCapacity = answerGets(gets, found, asked)
	return out, nil
}

func (s *Service) executeWrites(ctx context.Context, statements []*statement, in *ddb.ExecuteTransactionInput) (*ddb.ExecuteTransactionOutput, error) {
	all := make([]*transacted, len(statements))
	for i, st := range statements {
		all[i] = &transacted{name: st.Table, id: st.id, compile: func(t *schema) (*change, error) {
			if st.Index != "" {
				return nil, errInStatement(i, errValidation("Operations on indices are not supported in transactions"))
			}
			c, err := st.change(t)
			if err != nil {
				return nil, errInStatement(i, err)
			}
			return c, nil
		}}
	}
	var done *doneBefore
	if in.ClientRequestToken != "" {
		done = newDoneBefore(api.CallFrom(ctx), in.ClientRequestToken, transactionDigest(in.TransactStatements))
	}
	took, repeated, err := s.transact(all, done)
	if err != nil {
		return nil, err
	}
	of := writeCapacity
	if repeated {
		took, of = repeatedReads(all), readCapacity
	}
	return &ddb.ExecuteTransactionOutput{Responses: []*ddb.ItemResponse{}, ConsumedCapacity: describeAll(took, in.ReturnConsumedCapacity, of)}, nil
}

// transactionDigest is the same for the same statements.
func transactionDigest(list []*ddb.ParameterizedStatement) [sha256.Size]byte {
	var b []byte
	for _, st := range list {
		one := statementDigest(st.Statement, st.Parameters)
		b = append(b, one[:]...)
	}
	return sha256.Sum256(b)
}
