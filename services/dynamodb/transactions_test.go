package dynamodb

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// reasons are the codes of a cancelled transaction.
func reasons(t *testing.T, err error) []string {
	t.Helper()
	e, ok := err.(*ddb.TransactionCanceledException)
	if !ok {
		t.Fatalf("%v is not a cancelled transaction", err)
	}
	var codes []string
	for _, r := range e.CancellationReasons {
		codes = append(codes, r.Code)
	}
	if want := "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"; e.Message != want {
		t.Errorf("%s, want %s", e.Message, want)
	}
	return codes
}

func TestTransactWrite(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.put("things", item.Item{"p": S("a"), "n": N("1")})
	h.put("things", item.Item{"p": S("b")})
	h.put("things", item.Item{"p": S("c"), "n": N("1")})
	items := []*ddb.TransactWriteItem{
		{Put: &ddb.Put{TableName: "things", Item: item.Item{"p": S("d")}, ConditionExpression: new("attribute_not_exists(p)")}},
		{Update: &ddb.Update{TableName: "things", Key: item.Item{"p": S("a")}, UpdateExpression: new("ADD n :n"), ExpressionAttributeValues: item.Item{":n": N("1")}}},
		{Delete: &ddb.Delete{TableName: "things", Key: item.Item{"p": S("b")}}},
		{ConditionCheck: &ddb.ConditionCheck{TableName: "things", Key: item.Item{"p": S("c")}, ConditionExpression: new("n = :n"), ExpressionAttributeValues: item.Item{":n": N("1")},
			ReturnValuesOnConditionCheckFailure: ddb.ReturnValuesOnConditionCheckFailureAllOld}},
	}
	out := must(h, h.transactWriteItems, &ddb.TransactWriteItemsInput{TransactItems: items, ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal})
	if c := out.ConsumedCapacity[0]; *c.CapacityUnits != 8 || *c.WriteCapacityUnits != 8 || c.TableName != "things" {
		t.Errorf("%v", *c.CapacityUnits)
	}
	if h.get("things", item.Item{"p": S("a")})["n"] != N("2") || h.get("things", item.Item{"p": S("b")}) != nil || h.get("things", item.Item{"p": S("d")}) == nil {
		t.Error("not all was written")
	}
	h.put("things", item.Item{"p": S("c"), "n": N("2")})
	_, err := h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: items})
	if got, want := reasons(t, err), []string{"ConditionalCheckFailed", "None", "None", "ConditionalCheckFailed"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if r := err.(*ddb.TransactionCanceledException).CancellationReasons; r[0].Item != nil || r[0].Message != "The conditional request failed" || valuesOf(r[3].Item)["n"] != N("2") || r[1].Message != "" {
		t.Errorf("%#v, %#v", r[0], r[3])
	}
	if h.get("things", item.Item{"p": S("a")})["n"] != N("2") {
		t.Error("a cancelled transaction wrote something")
	}
}

func TestTransactErrors(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	put := func(it item.Item) *ddb.TransactWriteItem {
		return &ddb.TransactWriteItem{Put: &ddb.Put{TableName: "things", Item: it}}
	}
	for i, c := range []struct {
		items []*ddb.TransactWriteItem
		want  string
	}{
		{[]*ddb.TransactWriteItem{{}}, "TransactItems can only contain one of Check, Put, Update or Delete"},
		{[]*ddb.TransactWriteItem{put(item.Item{"p": S("a")}), put(item.Item{"p": S("a"), "x": S("")})}, "Transaction request cannot include multiple operations on one item"},
		{[]*ddb.TransactWriteItem{{Put: &ddb.Put{TableName: "nothing", Item: item.Item{"p": S("a")}}}}, "Requested resource not found"},
		{[]*ddb.TransactWriteItem{{Update: &ddb.Update{TableName: "things", Key: item.Item{"p": S("a")}, UpdateExpression: new("SET n = :v")}}},
			"Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :v"},
		{[]*ddb.TransactWriteItem{{ConditionCheck: &ddb.ConditionCheck{TableName: "things", Key: item.Item{"p": S("a")}, ConditionExpression: new("attribute_not_exists(")}}},
			`Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("`},
		{[]*ddb.TransactWriteItem{{Delete: &ddb.Delete{TableName: "things", Key: item.Item{"p": S("a")}, ConditionExpression: new("attribute_exists(p)"), ExpressionAttributeNames: map[string]string{"#x": "x"}}}},
			"Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"},
	} {
		if got := fails(h, h.transactWriteItems, &ddb.TransactWriteItemsInput{TransactItems: c.items}); got != c.want {
			t.Errorf("%d\n got %s\nwant %s", i, got, c.want)
		}
	}
	// Of changes that are not valid only the first is told, and no condition is looked at.
	never := put(item.Item{"p": S("x")})
	never.Put.ConditionExpression = new("attribute_exists(p)")
	_, err := h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{put(item.Item{"p": N("7")}), put(item.Item{"p": N("8")}), never}})
	if got, want := reasons(t, err), []string{"ValidationError", "None", "None"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	_, err = h.transactGetItems(h.call(), &ddb.TransactGetItemsInput{TransactItems: []*ddb.TransactGetItem{{Get: &ddb.Get{TableName: "things", Key: item.Item{}}}}})
	if got, want := reasons(t, err), []string{"ValidationError"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestTransactGet(t *testing.T) {
	h := newHost(t)
	h.create("one", "p:S")
	h.create("two", "p:S", "s:N")
	h.put("one", item.Item{"p": S("a"), "x": N("1"), "y": N("2")})
	h.put("two", item.Item{"p": S("a"), "s": N("1")})
	out := must(h, h.transactGetItems, &ddb.TransactGetItemsInput{ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal, TransactItems: []*ddb.TransactGetItem{
		{Get: &ddb.Get{TableName: "two", Key: item.Item{"p": S("a"), "s": N("1")}}},
		{Get: &ddb.Get{TableName: "one", Key: item.Item{"p": S("a")}, ProjectionExpression: new("y")}},
		{Get: &ddb.Get{TableName: "one", Key: item.Item{"p": S("none")}}},
	}})
	var got []item.Item
	for _, r := range out.Responses {
		got = append(got, valuesOf(r.Item))
	}
	if want := []item.Item{{"p": S("a"), "s": N("1")}, {"y": N("2")}, nil}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if c := out.ConsumedCapacity; len(c) != 2 || *c[0].CapacityUnits != 4 || *c[0].ReadCapacityUnits != 4 || *c[1].CapacityUnits != 2 {
		t.Errorf("%v", c)
	}
}

func TestIdempotency(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	add := func(token, n string) *ddb.TransactWriteItemsInput {
		return &ddb.TransactWriteItemsInput{ClientRequestToken: token, TransactItems: []*ddb.TransactWriteItem{{Update: &ddb.Update{
			TableName: "things", Key: item.Item{"p": S("a")}, UpdateExpression: new("ADD n :n"), ExpressionAttributeValues: item.Item{":n": N(n)}}}}}
	}
	n := func() any { return h.get("things", item.Item{"p": S("a")})["n"] }
	must(h, h.transactWriteItems, add("token", "1"))
	must(h, h.transactWriteItems, add("token", "1"))
	if n() != N("1") {
		t.Errorf("a repeated transaction was done again: %v", n())
	}
	if _, err := h.transactWriteItems(h.call(), add("token", "2")); !isA[*ddb.IdempotentParameterMismatchException](err) {
		t.Errorf("%v", err)
	}
	h.clock.Advance(10 * time.Minute)
	must(h, h.transactWriteItems, add("token", "2"))
	if n() != N("3") {
		t.Errorf("after ten minutes a token is still known: %v", n())
	}
	for i := range 20 {
		h.clock.Advance(10 * time.Minute)
		must(h, h.transactWriteItems, add(fmt.Sprint("token", i), "1"))
	}
	if left := h.keysUnder(serviceKey().String("000000000000").String("us-east-1").String("token")); left > 2 {
		t.Errorf("%d tokens are kept", left)
	}
}

func isA[E error](err error) bool {
	_, ok := err.(E)
	return ok
}

// TestTransactionsAreSerialisable moves amounts between accounts, of which the
// sum stays the same whenever it is read.
func TestTransactionsAreSerialisable(t *testing.T) {
	h := newHost(t)
	h.create("accounts", "p:S")
	for i := range 4 {
		h.put("accounts", item.Item{"p": S(fmt.Sprint(i)), "n": N("100")})
	}
	move := func(from, to int) error {
		change := func(i int, by string) *ddb.TransactWriteItem {
			return &ddb.TransactWriteItem{Update: &ddb.Update{TableName: "accounts", Key: item.Item{"p": S(fmt.Sprint(i))}, UpdateExpression: new("ADD n :by"), ExpressionAttributeValues: item.Item{":by": N(by)}}}
		}
		_, err := h.transactWriteItems(h.call(), &ddb.TransactWriteItemsInput{TransactItems: []*ddb.TransactWriteItem{change(from, "-1"), change(to, "1")}})
		return err
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 100 {
				if err := move(i, (i+1+j%3)%4); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			var gets []*ddb.TransactGetItem
			for i := range 4 {
				gets = append(gets, &ddb.TransactGetItem{Get: &ddb.Get{TableName: "accounts", Key: item.Item{"p": S(fmt.Sprint(i))}}})
			}
			out, err := h.transactGetItems(h.call(), &ddb.TransactGetItemsInput{TransactItems: gets})
			if err != nil {
				t.Error(err)
				return
			}
			sum := 0
			for _, r := range out.Responses {
				var n int
				fmt.Sscan(string(valuesOf(r.Item)["n"].(N)), &n)
				sum += n
			}
			if sum != 400 {
				t.Errorf("the sum is %d", sum)
			}
		}
	})
	wg.Wait()
}
