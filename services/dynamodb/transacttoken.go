package dynamodb

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

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

// digest is the same for the same requests, of which all are the writes.
func digest(in *ddb.TransactWriteItemsInput, all []*transacted) [sha256.Size]byte {
	whole := sha256.New()
	var b []byte // what is to be written to it
	text := func(s string) { b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...) }
	part := func(kind string, t *transacted, values item.Item, names map[string]string, texts ...*string) {
		text(kind)
		text(t.name)
		if t.put != nil {
			whole.Write(b)
			whole.Write(t.put.data)
			b = b[:0]
		} else {
			b = item.AppendCanonical(b, t.key)
		}
		b = item.AppendCanonical(b, values)
		if len(names) > 0 {
			for _, name := range slices.Sorted(maps.Keys(names)) {
				text(name)
				text(names[name])
			}
		}
		for _, t := range texts {
			if t != nil {
				text(*t)
			}
			text("")
		}
	}
	for i, t := range in.TransactItems {
		if c := t.ConditionCheck; c != nil {
			part("ConditionCheck", all[i], c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression)
		}
		if c := t.Put; c != nil {
			part("Put", all[i], c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression)
		}
		if c := t.Delete; c != nil {
			part("Delete", all[i], c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression)
		}
		if c := t.Update; c != nil {
			part("Update", all[i], c.ExpressionAttributeValues, c.ExpressionAttributeNames, c.ConditionExpression, c.UpdateExpression)
		}
	}
	whole.Write(b)
	return [sha256.Size]byte(whole.Sum(nil))
}
