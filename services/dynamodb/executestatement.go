package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/partiql"
	"github.com/virga-cloud/virga/storage"
)

// statement is a PartiQL statement on its way to its table.
type statement struct {
	*partiql.Bound
	id            tableID
	showOnFailure bool
}

func (s *Service) executeStatement(ctx context.Context, in *ddb.ExecuteStatementInput) (*ddb.ExecuteStatementOutput, error) {
	st, err := newStatement(ctx, in.Statement, in.Parameters, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, err
	}
	switch st.Kind {
	case partiql.Select:
		return s.executeSelect(st, in)
	case partiql.Exists:
		return nil, errValidation("EXISTS can only be used in ExecuteTransaction write requests.")
	}
	answer, e, err := s.executeWrite(st)
	if err != nil {
		return nil, err
	}
	out := &ddb.ExecuteStatementOutput{Items: []attribute.Item{}, ConsumedCapacity: e.consumed.describe(in.ReturnConsumedCapacity, st.Table, untold)}
	if answer != nil {
		out.Items = append(out.Items, attribute.M(answer))
	}
	return out, nil
}

// newStatement reads a statement, as far as that goes without its table.
func newStatement(ctx context.Context, text string, parameters []attribute.Value, onFailure ddb.ReturnValuesOnConditionCheckFailure) (*statement, error) {
	parsed, err := partiql.Parse(text)
	if err != nil {
		return nil, errInvalid(err)
	}
	return bindStatement(ctx, parsed, parameters, onFailure)
}

// bindStatement gives a statement its parameters and its table.
func bindStatement(ctx context.Context, parsed *partiql.Statement, parameters []attribute.Value, onFailure ddb.ReturnValuesOnConditionCheckFailure) (st *statement, err error) {
	st = &statement{showOnFailure: onFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld}
	if st.Bound, err = partiql.Bind(parsed, parameters); err != nil {
		return nil, errInvalid(err)
	}
	if st.id, err = tableNamed(ctx, parsed.Table); err != nil {
		return nil, errValidation("Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.")
	}
	return st, nil
}

// executeWrite carries out a statement that writes, and gives what it answers
// with, nil for nothing.
func (s *Service) executeWrite(st *statement) (answer item.Item, e *effect, err error) {
	err = s.update(func(tx storage.Tx, w *writes) error {
		t, err := w.table(tx, st.id)
		if err != nil {
			return err
		}
		c, err := st.change(t)
		if err != nil {
			return err
		}
		if err := c.check(t); err != nil {
			return err
		}
		if e, err = w.serve(tx, t, c); err != nil {
			return err
		}
		answer = st.answer(c, e)
		return nil
	})
	return answer, e, err
}

// change is what a statement does to an item of the table, not yet checked
// against it. A mere check is what an EXISTS is.
func (st *statement) change(t *schema) (*change, error) {
	c := &change{showOnFailure: st.showOnFailure, wantOld: st.Returning.Asked}
	if st.Kind == partiql.Insert {
		it, err := st.Item()
		if err != nil {
			return nil, errInvalid(err)
		}
		if err := t.checkInserted(it); err != nil {
			return nil, err
		}
		c.fresh = true
		c.put, err = newPut(it)
		return c, err
	}
	key, rest, err := st.Key(attributeNames(t.all))
	if err != nil {
		return nil, errInvalid(err)
	}
	if err := t.checkStatementKey(key); err != nil {
		return nil, err
	}
	c.key = key
	if st.Kind == partiql.Exists {
		if len(rest) == 0 {
			return nil, errExists()
		}
		c.condition, err = st.Conditions(rest)
		return c, asInvalid(err)
	}
	if c.condition, err = st.WriteCondition(rest, t.all[0].name); err != nil {
		return nil, errInvalid(err)
	}
	if c.remove = st.Kind == partiql.Delete; c.remove {
		return c, nil
	}
	u, err := st.Update()
	if err != nil {
		return nil, errInvalid(err)
	}
	c.update = updateOf(u)
	return c, nil
}

func errExists() error {
	return errValidation("EXISTS() must contain a single item read with additional condition")
}

func asInvalid(err error) error {
	if err != nil {
		return errInvalid(err)
	}
	return nil
}

// answer is what a statement that was carried out answers with, nil for nothing.
func (st *statement) answer(c *change, e *effect) item.Item {
	if !st.Returning.Asked {
		return nil
	}
	asked := ddb.ReturnValueAllOld
	switch {
	case st.Kind == partiql.Delete:
		return e.old
	case st.Returning.Modified && st.Returning.New:
		asked = ddb.ReturnValueUpdatedNew
	case st.Returning.Modified:
		asked = ddb.ReturnValueUpdatedOld
	case st.Returning.New:
		asked = ddb.ReturnValueAllNew
	}
	return c.update.answer(asked, e)
}

func attributeNames(list []keyAttribute) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.name
	}
	return names
}

// checkInserted checks the key of an item that a statement inserts.
func (t *schema) checkInserted(it item.Item) error {
	for _, a := range t.all {
		if it[a.name] == nil {
			return errValidation("Key attribute should be present in the item: Key %s", a.name)
		}
	}
	return t.checkStatementKey(it)
}

// checkStatementKey checks the types of a key in a statement.
func (t *schema) checkStatementKey(key item.Item) error {
	for _, a := range t.all {
		if attribute.TypeOf(key[a.name]) != a.kind {
			return errStatementKeyType(a.name)
		}
	}
	return nil
}

func errStatementKeyType(name string) error {
	return errValidation("Key attribute's data type should match its data type in table's schema: Key %s", name)
}
