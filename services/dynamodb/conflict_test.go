package dynamodb

import (
	"errors"
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// contended is a store on which others are always quicker.
type contended struct{ storage.DB }

func (contended) Update(func(storage.Tx) error) error { return storage.ErrConflict }

func TestConflicts(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.env.DB = contended{h.env.DB}
	key := item.Item{"p": S("a")}
	_, put := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: key})
	_, update := h.updateItem(h.call(), &ddb.UpdateItemInput{TableName: "things", Key: key})
	_, remove := h.deleteItem(h.call(), &ddb.DeleteItemInput{TableName: "things", Key: key})
	for _, err := range []error{put, update, remove} {
		var conflict *ddb.TransactionConflictException
		if !errors.As(err, &conflict) || conflict.Message != "Transaction is ongoing for the item" {
			t.Error(err)
		}
	}
	_, err := h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{
		{Put: &ddb.Put{TableName: "things", Item: key}},
		{Delete: &ddb.Delete{TableName: "things", Key: item.Item{"p": S("b")}}},
	}})
	var cancelled *ddb.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 ||
		cancelled.Message != "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, TransactionConflict]" {
		t.Error(err)
	}
}
