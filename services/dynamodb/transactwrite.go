package dynamodb

import (
	"context"
	"errors"
	"strings"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// maxTransaction is how large the items and keys of one transaction may be together.
const maxTransaction = 4 << 20

// transacted is one write of a transaction.
type transacted struct {
	change
	name   string // of the table, as the request has it
	id     tableID
	schema *schema
	// compile makes the change where that needs the schema; nil where it does not.
	compile func(*schema) (*change, error)
}

func (s *Service) transactWriteItems(ctx context.Context, in *ddb.TransactWriteItemsInput) (*ddb.TransactWriteItemsOutput, error) {
	all, each := make([]*transacted, len(in.TransactItems)), make([]transacted, len(in.TransactItems))
	size := 0
	for i, t := range in.TransactItems {
		all[i] = &each[i]
		if err := all[i].read(ctx, t); err != nil {
			return nil, err
		}
		size += all[i].size()
	}
	if size > maxTransaction {
		return nil, errValidation("Transaction request size cannot exceed %d bytes", maxTransaction)
	}
	var done *doneBefore
	if in.ClientRequestToken != "" {
		done = newDoneBefore(api.CallFrom(ctx), in.ClientRequestToken, digest(in, all))
	}
	took, repeated, err := s.transact(all, done)
	if err != nil {
		return nil, err
	}
	if repeated {
		took = repeatedReads(all)
		return &ddb.TransactWriteItemsOutput{ConsumedCapacity: describeAll(took, in.ReturnConsumedCapacity, readCapacity)}, nil
	}
	out := &ddb.TransactWriteItemsOutput{ConsumedCapacity: describeAll(took, in.ReturnConsumedCapacity, writeCapacity)}
	for _, t := range all {
		m, err := s.collectionMetrics(in.ReturnItemCollectionMetrics, t.schema, t.attributes())
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
	return out, nil
}

// transact does all writes or none, and says what they took, or that they were
// done before.
func (s *Service) transact(all []*transacted, done *doneBefore) (took map[string]*consumed, repeated bool, err error) {
	err = s.update(func(tx storage.Tx, w *writes) error {
		took = map[string]*consumed{}
		var err error
		if err = findTables(tx, w, all); err != nil {
			return err
		}
		if done != nil {
			if repeated, err = done.check(tx); err != nil || repeated {
				return err
			}
		}
		return carryOutAll(tx, w, all, took)
	})
	if errors.Is(err, storage.ErrConflict) {
		reasons := make([]*ddb.CancellationReason, len(all))
		for i := range reasons { // which item it was is not known
			reasons[i] = &ddb.CancellationReason{Code: "TransactionConflict", Message: ongoing}
		}
		err = errCancelled(reasons)
	}
	return took, repeated, err
}

// repeatedReads is what a transaction takes that was done before: the reading
// of what was written then.
func repeatedReads(all []*transacted) map[string]*consumed {
	took := map[string]*consumed{}
	for _, t := range all {
		addTo(took, t.name, consumed{table: transactionFactor * readUnits(t.size(), true)})
	}
	return took
}

func addTo(took map[string]*consumed, name string, c consumed) {
	if took[name] == nil {
		took[name] = &consumed{}
	}
	took[name].add(c)
}

// size is that of the item that is put, or of the key of another one.
func (t *transacted) size() int {
	if t.put != nil {
		return t.put.size
	}
	return item.Size(t.key)
}

// read checks one write as far as that goes without its table.
func (t *transacted) read(ctx context.Context, in *ddb.TransactWriteItem) error {
	members := 0
	var p parameters
	var key item.Item
	var conditionText, updateText *string
	var onFailure ddb.ReturnValuesOnConditionCheckFailure
	take := func(table string, k item.Item, names map[string]string, values item.Item, c *string, f ddb.ReturnValuesOnConditionCheckFailure) {
		members++
		t.name, key, conditionText, onFailure = table, k, c, f
		p = parameters{names: names, values: values, expressions: []parameter{{string(expression.ConditionExpression), c != nil}}}
	}
	if c := in.ConditionCheck; c != nil {
		take(c.TableName, c.Key, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, c.ReturnValuesOnConditionCheckFailure)
	}
	if c := in.Put; c != nil {
		take(c.TableName, nil, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, c.ReturnValuesOnConditionCheckFailure)
	}
	if c := in.Delete; c != nil {
		take(c.TableName, c.Key, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, c.ReturnValuesOnConditionCheckFailure)
		t.remove = true
	}
	if c := in.Update; c != nil {
		take(c.TableName, c.Key, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, c.ReturnValuesOnConditionCheckFailure)
		updateText = c.UpdateExpression
		p.expressions = append([]parameter{{string(expression.UpdateExpression), updateText != nil}}, p.expressions...)
	}
	if members != 1 {
		return errValidation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	var err error
	if t.id, err = tableNamed(ctx, t.name); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	if in.Put != nil {
		t.put = &put{}
		if _, err := t.put.read(in.Put.Item, make([]byte, 0, roomFor(in.Put.Item))); err != nil {
			return err
		}
		if err := t.put.check(); err != nil {
			return err
		}
	} else if t.key, err = item.Normalise(key); err != nil {
		return errInvalid(err)
	}
	t.showOnFailure = onFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld
	return t.expressions(&p, updateText, conditionText)
}

func (t *transacted) expressions(p *parameters, updateText, conditionText *string) error {
	if updateText == nil && conditionText == nil {
		return nil
	}
	holders, err := p.placeholders()
	if err != nil {
		return err
	}
	if updateText != nil {
		if t.update, err = newUpdate(holders, updateText); err != nil {
			return err
		}
	}
	if t.condition, err = condition(holders, expression.ConditionExpression, conditionText); err != nil {
		return err
	}
	return unused(holders)
}

// findTables finds the tables, and refuses an item that occurs twice.
func findTables(tx storage.Tx, w *writes, all []*transacted) (err error) {
	var keys transactedKeys
	for i, t := range all {
		if i > 0 && t.id == all[i-1].id { // as a rule
			t.schema = all[i-1].schema
		} else if t.schema, err = w.table(tx, t.id); err != nil {
			return err
		}
		if t.compile != nil {
			c, err := t.compile(t.schema)
			if err != nil {
				return err
			}
			t.change = *c
		}
		if t.at, err = keys.add(t.schema, t.attributes()); err != nil {
			return err
		}
	}
	return nil
}

// carryOutAll makes all changes or, when one is not possible, says why of each.
// AWS looks at conditions only when all changes are valid.
func carryOutAll(tx storage.Tx, w *writes, all []*transacted, took map[string]*consumed) error {
	for i, t := range all {
		if err := t.check(t.schema); err != nil {
			return cancelled(len(all), i, err)
		}
	}
	var reasons []*ddb.CancellationReason // nil while there is none but "None"
	for i, t := range all {
		e, err := w.carryOut(tx, t.schema, &t.change)
		if e != nil {
			e.consumed.table *= transactionFactor
			for j := range e.consumed.indexes {
				e.consumed.indexes[j].units *= transactionFactor
			}
			if refused := w.consume(t.schema, &e.consumed); refused != nil {
				err = refused
			}
		}
		if err != nil {
			if reasons == nil {
				reasons = noReasons(len(all))
			}
			if reasons[i] = reason(err); reasons[i] == nil {
				return err
			}
			continue
		}
		addTo(took, t.name, e.consumed)
	}
	if reasons != nil {
		return errCancelled(reasons)
	}
	return nil
}

// noReasons are those of n changes that are possible.
func noReasons(n int) []*ddb.CancellationReason {
	reasons := make([]*ddb.CancellationReason, n)
	for i := range reasons {
		reasons[i] = reason(nil)
	}
	return reasons
}

// reason is why a change was or was not possible; nil for errors that are not
// the request's.
func reason(err error) *ddb.CancellationReason {
	if err == nil {
		return &ddb.CancellationReason{Code: "None"}
	}
	var condition *ddb.ConditionalCheckFailedException
	var duplicate *ddb.DuplicateItemException
	var validation *api.Error
	code, text := throttled(err)
	switch {
	case code != "":
		return &ddb.CancellationReason{Code: code, Message: text}
	case errors.As(err, &condition):
		return &ddb.CancellationReason{Code: "ConditionalCheckFailed", Message: condition.Message, Item: condition.Item}
	case errors.As(err, &duplicate):
		return &ddb.CancellationReason{Code: "DuplicateItem", Message: duplicate.Message}
	case errors.As(err, &validation):
		return &ddb.CancellationReason{Code: "ValidationError", Message: validation.Message}
	}
	return nil
}

// cancelled is the error of a transaction of n items of which one is not valid.
func cancelled(n, at int, err error) error {
	reasons := noReasons(n)
	if reasons[at] = reason(err); reasons[at] == nil {
		return err
	}
	return errCancelled(reasons)
}

func errCancelled(reasons []*ddb.CancellationReason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return &ddb.TransactionCanceledException{
		Message:             "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		CancellationReasons: reasons,
	}
}
