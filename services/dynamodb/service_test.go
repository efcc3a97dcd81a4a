package dynamodb

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/api/clock"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

type (
	S = attribute.S
	N = attribute.N
	B = attribute.B
)

// host is a service with a store and a clock of its own.
type host struct {
	*Service
	t     testing.TB
	clock *clock.Clock
}

func newHost(t testing.TB) *host {
	t.Helper()
	return newHostOn(t, "memory:")
}

// newHostOn is a host with the store of a URL.
func newHostOn(t testing.TB, store string) *host {
	t.Helper()
	db, err := storage.Open(store, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c := clock.At(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
	return &host{New(service.Env{DB: db, Clock: c, IDs: ids.Random(), Log: slog.New(slog.DiscardHandler)}, &bucketed{}), t, c}
}

// call is the context of a request in account 000000000000, us-east-1.
func (h *host) call() context.Context {
	return api.WithCall(context.Background(), &api.Call{
		Account: api.DefaultAccount, Region: api.DefaultRegion, Principal: api.Root(api.DefaultAccount), Time: h.clock.Now(), Host: "localhost:4566",
	})
}

// must runs an operation that may not fail.
func must[In, Out any](h *host, f func(context.Context, *In) (*Out, error), in *In) *Out {
	h.t.Helper()
	out, err := f(h.call(), in)
	if err != nil {
		h.t.Fatalf("%T: %v", in, err)
	}
	return out
}

// fails runs an operation that must fail, and gives what it says.
func fails[In, Out any](h *host, f func(context.Context, *In) (*Out, error), in *In) string {
	h.t.Helper()
	_, err := f(h.call(), in)
	if err == nil {
		h.t.Errorf("%T did not fail", in)
		return ""
	}
	if modelled, ok := err.(api.ModelledError); ok {
		return strings.TrimPrefix(err.Error(), modelled.Shape().Name+": ")
	}
	return message(err)
}

// schemaOf reads "name:S" as a definition and a key element.
func define(key ...string) (attributes []*ddb.AttributeDefinition, elements []*ddb.KeySchemaElement) {
	for i, k := range key {
		kind := ddb.KeyTypeHash
		if i > 0 {
			kind = ddb.KeyTypeRange
		}
		name := k[:len(k)-2]
		attributes = append(attributes, &ddb.AttributeDefinition{AttributeName: name, AttributeType: ddb.ScalarAttributeType(k[len(k)-1:])})
		elements = append(elements, &ddb.KeySchemaElement{AttributeName: name, KeyType: kind})
	}
	return attributes, elements
}

// create makes an on-demand table with the key: a partition, and perhaps a sort attribute.
func (h *host) create(name string, key ...string) *ddb.TableDescription {
	h.t.Helper()
	attributes, elements := define(key...)
	return must(h, h.createTable, &ddb.CreateTableInput{TableName: name, AttributeDefinitions: attributes, KeySchema: elements, BillingMode: ddb.BillingModePayPerRequest}).TableDescription
}

// indexed is a table with p, s (strings), a global index g (gp string, gs
// number; all attributes), and a local index l (ls number; keys only).
func (h *host) indexed(name string) {
	h.t.Helper()
	attributes, key := define("p:S", "s:S")
	globalAttributes, globalKey := define("gp:S", "gs:N")
	localAttributes, localKey := define("p:S", "ls:N")
	must(h, h.createTable, &ddb.CreateTableInput{
		TableName: name, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions:   append(append(attributes, globalAttributes...), localAttributes[1]),
		GlobalSecondaryIndexes: []*ddb.GlobalSecondaryIndex{{IndexName: "global", KeySchema: globalKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}},
		LocalSecondaryIndexes:  []*ddb.LocalSecondaryIndex{{IndexName: "local", KeySchema: localKey, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeKeysOnly}}},
	})
}

func (h *host) put(table string, it item.Item) {
	h.t.Helper()
	must(h, h.putItem, &ddb.PutItemInput{TableName: table, Item: it})
}

func (h *host) get(table string, key item.Item) item.Item {
	h.t.Helper()
	return valuesOf(must(h, h.getItem, &ddb.GetItemInput{TableName: table, Key: key}).Item)
}

// valuesOf are the values of an item of an answer, nil for no item.
func valuesOf(it attribute.Item) item.Item {
	if it == nil {
		return nil
	}
	m, err := it.Map()
	if err != nil {
		panic(err)
	}
	return m
}

// itemsOf are the values of each item of an answer, nil for no list of them.
func itemsOf(list []attribute.Item) []item.Item {
	if list == nil {
		return nil
	}
	out := []item.Item{}
	for _, it := range list {
		out = append(out, valuesOf(it))
	}
	return out
}

// keysUnder counts the store's keys that begin with a prefix.
func (h *host) keysUnder(prefix []byte) int {
	h.t.Helper()
	n := 0
	err := h.env.DB.View(func(tx storage.Tx) error {
		n = 0
		for _, err := range tx.Scan(storage.Prefix(prefix)) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}
