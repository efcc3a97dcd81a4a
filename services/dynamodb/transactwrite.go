package dynamodb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	all := make([]*transacted, len(in.TransactItems))
	size := 0
	for i, t := range in.TransactItems {
		var err error
		if all[i], err = newTransacted(ctx, t); err != nil {
			return nil, err
		}
		size += item.Size(all[i].key)
	}
	if size > maxTransaction {
		return nil, errValidation("Transaction request size cannot exceed %d bytes", maxTransaction)
	}
	var done *doneBefore
	if in.ClientRequestToken != "" {
		done = newDoneBefore(api.CallFrom(ctx), in.ClientRequestToken, digest(in))
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
		m, err := s.collectionMetrics(in.ReturnItemCollectionMetrics, t.schema, t.key)
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
		addTo(took, t.name, consumed{table: transactionFactor * readUnits(item.Size(t.key), true)})
	}
	return took
}

func addTo(took map[string]*consumed, name string, c consumed) {
	if took[name] == nil {
		took[name] = &consumed{}
	}
	took[name].add(c)
}

// newTransacted checks one write as far as that goes without its table.
func newTransacted(ctx context.Context, in *ddb.TransactWriteItem) (*transacted, error) {
	members := 0
	t := &transacted{}
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
		take(c.TableName, c.Item, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression, c.ReturnValuesOnConditionCheckFailure)
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
		return nil, errValidation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	var err error
	if t.id, err = tableNamed(ctx, t.name); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if t.key, err = item.Normalise(key); err != nil {
		return nil, errInvalid(err)
	}
	if in.Put != nil {
		if t.put, err = newPut(t.key); err != nil {
			return nil, err
		}
	}
	t.showOnFailure = onFailure == ddb.ReturnValuesOnConditionCheckFailureAllOld
	return t, t.expressions(&p, updateText, conditionText)
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
		if t.at, err = keys.add(t.schema, t.key); err != nil {
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

// tokenKept is how long a token stands for the request it first came with.
const tokenKept = 10 * time.Minute

// doneBefore recognises a transaction that is sent again with its token.
type doneBefore struct {
	account, region, token string
	now                    time.Time
	request                [sha256.Size]byte
}

// doneToken is the record of a token.
type doneToken struct {
	Request [sha256.Size]byte
	At      time.Time
}

func newDoneBefore(call *api.Call, token string, request [sha256.Size]byte) *doneBefore {
	return &doneBefore{account: call.Account, region: call.Region, token: token, now: call.Time, request: request}
}

// check says whether the transaction was done before, and notes that it is
// done now when it was not.
func (d *doneBefore) check(tx storage.Tx) (repeated bool, err error) {
	key := tokenKey(d.account, d.region, d.token)
	old, err := storage.GetRecord[doneToken](tx, key)
	switch {
	case err == nil && d.now.Sub(old.At) < tokenKept:
		if old.Request != d.request {
			return false, &ddb.IdempotentParameterMismatchException{Message: "Request parameters do not match those of an earlier request with the same client token"}
		}
		return true, nil
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return false, err
	}
	if err := forgetTokens(tx, d); err != nil {
		return false, err
	}
	if err := tx.Set(expiryKey(d.account, d.region, d.now.Add(tokenKept), d.token), nil); err != nil {
		return false, err
	}
	return false, storage.PutRecord(tx, key, &doneToken{Request: d.request, At: d.now})
}

// forgottenAtOnce is how many old tokens a new one removes: more than one, so
// that they become fewer.
const forgottenAtOnce = 4

// forgetTokens removes tokens whose time is over.
func forgetTokens(tx storage.Tx, d *doneBefore) error {
	prefix := expiriesKey(d.account, d.region)
	old, err := storage.FirstKeys(tx, storage.Range{Start: prefix, End: prefix.Time(d.now)}, forgottenAtOnce)
	if err != nil {
		return err
	}
	for _, key := range old {
		r := storage.ReadKey(key).Skip(len(prefix))
		r.Time()
		token := r.String()
		if err := r.Err(); err != nil {
			return err
		}
		if err := tx.Delete(key); err != nil {
			return err
		}
		// The token may have been used anew since.
		record, err := storage.GetRecord[doneToken](tx, tokenKey(d.account, d.region, token))
		if err == nil && d.now.Sub(record.At) >= tokenKept {
			err = tx.Delete(tokenKey(d.account, d.region, token))
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return nil
}

// digest is the same for the same requests.
func digest(in *ddb.TransactWriteItemsInput) [sha256.Size]byte {
	var b []byte
	text := func(s string) { b = fmt.Appendf(b, "%d:%s", len(s), s) }
	part := func(kind, table string, key, values item.Item, names map[string]string, texts ...*string) {
		text(kind)
		text(table)
		b = item.AppendCanonical(item.AppendCanonical(b, key), values)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			text(name)
			text(names[name])
		}
		for _, t := range texts {
			if t != nil {
				text(*t)
			}
			text("")
		}
	}
	for _, t := range in.TransactItems {
		if c := t.ConditionCheck; c != nil {
			part("ConditionCheck", c.TableName, c.Key, c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression)
		}
		if c := t.Put; c != nil {
			part("Put", c.TableName, c.Item, c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression)
		}
		if c := t.Delete; c != nil {
			part("Delete", c.TableName, c.Key, c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression)
		}
		if c := t.Update; c != nil {
			part("Update", c.TableName, c.Key, c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression, c.UpdateExpression)
		}
	}
	return sha256.Sum256(b)
}
