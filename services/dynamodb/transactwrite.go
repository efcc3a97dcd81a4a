package dynamodb

import (
	"context"
	"errors"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
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
	size, room := 0, 0
	for _, t := range in.TransactItems {
		if t.Put != nil {
			room += roomFor(t.Put.Item)
		}
	}
	n := len(in.TransactItems)
	all, each, puts, stored := make([]*transacted, n), make([]transacted, n), make([]put, n), make([]byte, 0, room)
	for i, t := range in.TransactItems {
		var err error
		all[i] = &each[i]
		if stored, err = all[i].read(ctx, t, &puts[i], stored); err != nil {
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

// request is one write of a transaction as it was sent: what the four kinds of
// them have in common, and the item of a put and the expression of an update.
type request struct {
	table             string
	key               item.Item
	item              attribute.Item
	names             map[string]string
	values            item.Item
	condition, update *string
	onFailure         ddb.ReturnValuesOnConditionCheckFailure
}

// requestOf takes the one write that there has to be.
func requestOf(in *ddb.TransactWriteItem) (r request, err error) {
	members := 0
	if c := in.ConditionCheck; c != nil {
		members++
		r = request{c.TableName, c.Key, nil, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, nil, c.ReturnValuesOnConditionCheckFailure}
	}
	if c := in.Put; c != nil {
		members++
		r = request{c.TableName, nil, c.Item, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, nil, c.ReturnValuesOnConditionCheckFailure}
	}
	if c := in.Delete; c != nil {
		members++
		r = request{c.TableName, c.Key, nil, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, nil, c.ReturnValuesOnConditionCheckFailure}
	}
	if c := in.Update; c != nil {
		members++
		r = request{c.TableName, c.Key, nil, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, c.UpdateExpression, c.ReturnValuesOnConditionCheckFailure}
	}
	if members != 1 {
		err = errValidation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return r, err
}

// read checks one write as far as that goes without its table. The stored form
// of an item that is put is behind what is in the room.
func (t *transacted) read(ctx context.Context, in *ddb.TransactWriteItem, p *put, room []byte) (_ []byte, err error) {
	r, err := requestOf(in)
	if err != nil {
		return nil, err
	}
	t.name = r.table
	if t.id, err = tableNamed(ctx, t.name); err != nil {
		return nil, err
	}
	given := parameters{names: r.names, values: r.values, expressions: parameterList{
		{string(expression.UpdateExpression), r.update != nil}, {string(expression.ConditionExpression), r.condition != nil}}}
	if in.Update == nil {
		given.expressions[0] = parameter{}
	}
	if err := given.check(); err != nil {
		return nil, err
	}
	if in.Put != nil {
		t.put = p
		if room, err = p.read(r.item, room); err != nil {
			return nil, err
		}
		if err := p.check(); err != nil {
			return nil, err
		}
	} else if t.key, err = item.Normalise(r.key); err != nil {
		return nil, errInvalid(err)
	}
	t.remove = in.Delete != nil
	t.showOnFailure = r.onFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld
	return room, t.expressions(&given, r.update, r.condition)
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
	keys := transactedKeys{newDistinctKeys(len(all))}
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
