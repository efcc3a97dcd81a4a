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
	// batch is the most items that BatchWriteItem takes.
	batch = 25
)

// itemText is an item of 480 bytes, by DynamoDB's way of counting, without its key:
// 14 bytes of key (2 of the name, 12 of the value) are counted in.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
var itemText = `"title":{"S":"` + strings.Repeat("virga ", 10) + `"},` + // 5 + 60
	`"price":{"N":"129.95"},` + // 5 + 4
	`"active":{"BOOL":true},` + // 6 + 1
	`"tags":{"L":[{"S":"rain"},{"S":"cloud"}]},` + // 4 + 3 + 1+4 + 1+5
	`"text":{"S":"` + strings.Repeat("evaporates before it lands ", 14)[:363] + `"}` // 4 + 363

// itemKey is the key of an item, of 12 bytes; the number is put in later.
const itemKey = `"id":{"S":"key-` + numberMark + `"}`

func itemRequest(operation, body string, numbers int) request {
	return newRequest("POST /", "dynamodb", []string{
		"Content-Type: application/x-amz-json-1.0",
		"X-Amz-Target: DynamoDB_20120810." + operation,
	}, body, numbers)
}

func itemCases() []requestCase {
	contains := func(part string) func([]byte) error {
		return func(body []byte) error {
			if !bytes.Contains(body, []byte(part)) {
				return fmt.Errorf("no %q in the answer %.300q", part, body)
			}
			return nil
		}
	}
	get := itemRequest("GetItem", `{"TableName":"items","Key":{`+itemKey+`}}`, itemCount)
	put := itemRequest("PutItem", `{"TableName":"items","Item":{`+itemKey+`,`+itemText+`}}`, itemCount)
	query := itemRequest("Query", `{"TableName":"lists","KeyConditionExpression":"#l = :l",`+
		`"ExpressionAttributeNames":{"#l":"list"},"ExpressionAttributeValues":{":l":{"S":"list-`+numberMark+`"}}}`, listCount)
	return []requestCase{
		{load: load{name: "GetItem", request: get, connections: 16, check: contains(`"129.95"`)}, goal: goal{0.6, 0.8}},
		{load: load{name: "PutItem", request: put, connections: 16, check: contains("{}")}, goal: goal{0.4, 0.6}},
		{load: load{name: "Query of 100", request: query, connections: 16, check: contains(`"Count":100`)}},
	}
}

// batchRequest writes batch items. Their numbers follow each other.
func batchRequest(table string) request {
	puts := make([]string, batch)
	for i := range puts {
		key := itemKey
		if table == "lists" {
			key = `"list":{"S":"list-LLLLLLLL"},` + itemKey
		}
		puts[i] = `{"PutRequest":{"Item":{` + key + `,` + itemText + `}}}`
	}
	return itemRequest("BatchWriteItem", `{"RequestItems":{"`+table+`":[`+strings.Join(puts, ",")+`]}}`, 1)
}

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
		put := template.clone()
		put.text = bytes.ReplaceAll(put.text, []byte("LLLLLLLL"), fmt.Appendf(nil, "%08d", list))
		for n := 0; n < listLength; n += batch {
			put.number(n)
			if err := writeBatch(c, put); err != nil {
				return err
			}
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
