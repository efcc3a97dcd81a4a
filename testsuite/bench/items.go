package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const (
	// itemCount is how many items the table has that single items are read
	// from and written to.
	itemCount = 20_000
	// listCount is how many partitions the table has that is queried, and
	// listLength how many items are in each.
	listCount, listLength = 20, 100
	// batch is the most items that BatchWriteItem takes, and transaction how many
	// TransactWriteItems is given.
	batch, transaction = 25, 10
)

// itemText is an item of n bytes, by DynamoDB's way of counting, without its key,
// whose bytes are counted in.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func itemText(n, key int) string {
	const rest = 5 + 60 + 5 + 4 + 6 + 1 + 4 + 3 + 1 + 4 + 1 + 5 + 4  // all but the text
	return `"title":{"S":"` + strings.Repeat("virga ", 10) + `"},` + // 5 + 60
		`"price":{"N":"129.95"},` + // 5 + 4
		`"active":{"BOOL":true},` + // 6 + 1
		`"tags":{"L":[{"S":"rain"},{"S":"cloud"}]},` + // 4 + 3 + 1+4 + 1+5
		`"text":{"S":"` + strings.Repeat("evaporates before it lands ", 14)[:n-key-rest] + `"}` // 4 + what is left
}

// The sizes of items in bytes, and those of their keys, the names included.
const (
	itemBytes, itemKeyBytes         = 480, 2 + 12
	listItemBytes, listItemKeyBytes = 400, itemKeyBytes + 4 + 13
)

// writtenItem is an item of the table that single items are written to.
func writtenItem() string { return `{` + itemKey + `,` + itemText(itemBytes, itemKeyBytes) + `}` }

// itemKey is the key of an item, of 12 bytes; the number is put in later.
const itemKey = `"id":{"S":"key-` + numberMark + `"}`

func itemRequest(operation, body string, numbers int) request {
	return newRequest("POST /", "dynamodb", []string{
		"Content-Type: application/x-amz-json-1.0",
		"X-Amz-Target: DynamoDB_20120810." + operation,
	}, body, numbers)
}

func itemCases() []requestCase {
	get := itemRequest("GetItem", `{"TableName":"items","Key":{`+itemKey+`}}`, itemCount)
	put := itemRequest("PutItem", `{"TableName":"items","Item":`+writtenItem()+`}`, itemCount)
	update := itemRequest("UpdateItem", `{"TableName":"items","Key":{`+itemKey+`},"UpdateExpression":"SET price = :p",`+
		`"ConditionExpression":"attribute_exists(id) AND #a = :a","ExpressionAttributeNames":{"#a":"active"},`+
		`"ExpressionAttributeValues":{":p":{"N":"129.95"},":a":{"BOOL":true}}}`, itemCount)
	query := listQuery("list-"+numberMark, listCount)
	puts := make([]string, transaction)
	for i := range puts {
		puts[i] = `{"Put":{"TableName":"items","Item":` + writtenItem() + `}}`
	}
	transact := itemRequest("TransactWriteItems", `{"TransactItems":[`+strings.Join(puts, ",")+`]}`, itemCount)
	write := batchRequest("items")
	write.numbers = itemCount
	return []requestCase{
		{load: load{name: "GetItem", request: get, connections: 16, check: contains(`"129.95"`)}, goal: goal{0.6, 0.8}, others: true},
		{load: load{name: "PutItem", request: put, connections: 16, check: contains("{}")}, goal: goal{0.4, 0.6}, others: true},
		{load: load{name: "UpdateItem with a condition", request: update, connections: 16, check: contains("{}")}, goal: goal{0.5, 0.5}},
		{load: load{name: "Query of 100", request: query, connections: 16, check: contains(`"Count":100`)}, goal: goal{0.7, 0.7}, others: true,
			moved: moved{items: listLength, bytes: listItemBytes, aimBytes: 300e6}},
		{load: load{name: "TransactWriteItems of 10", request: transact, connections: 16, check: contains("{}")}, goal: goal{0.3, 0.3},
			moved: moved{items: transaction, bytes: itemBytes}},
		{load: load{name: "BatchWriteItem of 25", request: write, connections: 16, check: contains(`"UnprocessedItems":{}`)},
			moved: moved{items: batch, bytes: itemBytes, aimItems: 150_000}},
	}
}

// listQuery asks for a list.
func listQuery(list string, numbers int) request {
	return itemRequest("Query", `{"TableName":"lists","KeyConditionExpression":"#l = :l",`+
		`"ExpressionAttributeNames":{"#l":"list"},"ExpressionAttributeValues":{":l":{"S":"`+list+`"}}}`, numbers)
}

// batchRequest writes batch items. Their numbers follow each other.
func batchRequest(table string) request {
	puts := make([]string, batch)
	for i := range puts {
		item := writtenItem()
		if table == "lists" {
			item = `{"list":{"S":"list-` + listMark + `"},` + itemKey + `,` + itemText(listItemBytes, listItemKeyBytes) + `}`
		}
		puts[i] = `{"PutRequest":{"Item":` + item + `}}`
	}
	return itemRequest("BatchWriteItem", `{"RequestItems":{"`+table+`":[`+strings.Join(puts, ",")+`]}}`, 1)
}

// listMark stands for the number of a list in what writes to it.
const listMark = "LLLLLLLL"

// makeTable makes a table with a hash key, and a range key where it has a name.
func makeTable(c *conn, name string, keys ...string) error {
	var attributes, schema []string
	for i, key := range keys {
		attributes = append(attributes, `{"AttributeName":"`+key+`","AttributeType":"S"}`)
		schema = append(schema, `{"AttributeName":"`+key+`","KeyType":"`+[]string{"HASH", "RANGE"}[i]+`"}`)
	}
	_, err := c.do(itemRequest("CreateTable", `{"TableName":"`+name+`","BillingMode":"PAY_PER_REQUEST",`+
		`"AttributeDefinitions":[`+strings.Join(attributes, ",")+`],"KeySchema":[`+strings.Join(schema, ",")+`]}`, 0))
	if err != nil {
		return err
	}
	return waitFor(func() (bool, error) {
		body, err := c.do(itemRequest("DescribeTable", `{"TableName":"`+name+`"}`, 0))
		return bytes.Contains(body, []byte(`"TableStatus":"ACTIVE"`)), err
	})
}

// fillItems makes the tables and their items.
func fillItems(c *conn) error {
	if err := errors.Join(makeTable(c, "items", "id"), makeTable(c, "lists", "list", "id")); err != nil {
		return err
	}
	put := batchRequest("items")
	for n := 0; n < itemCount; n += batch {
		put.number(n)
		if err := writeBatch(c, put); err != nil {
			return err
		}
	}
	template := batchRequest("lists")
	for list := range listCount {
		if err := fillList(c, template, list); err != nil {
			return err
		}
	}
	return nil
}

// fillList writes the items of one list.
func fillList(c *conn, template request, list int) error {
	put := template.clone()
	put.text = bytes.ReplaceAll(put.text, []byte(listMark), fmt.Appendf(nil, "%08d", list))
	for n := 0; n < listLength; n += batch {
		put.number(n)
		if err := writeBatch(c, put); err != nil {
			return err
		}
	}
	return nil
}

// writeBatch sends a BatchWriteItem all of which has to be written.
func writeBatch(c *conn, r request) error {
	body, err := c.do(r)
	if err == nil && bytes.Contains(body, []byte("PutRequest")) {
		return fmt.Errorf("unprocessed items: %.300q", body)
	}
	return err
}
