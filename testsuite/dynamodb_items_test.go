package testsuite

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Items come back as they were put, in every type.
func TestItems(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a)
	key := row{"artist": s("Nina"), "song": n(1)}
	put := func(item row) (*dynamodb.PutItemOutput, error) {
		return a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: item, ReturnValues: types.ReturnValueAllOld})
	}
	must(put(row{
		"artist": s("Nina"), "song": n(1), "bool": &types.AttributeValueMemberBOOL{Value: true}, "null": &types.AttributeValueMemberNULL{Value: true},
		"bytes": &types.AttributeValueMemberB{Value: []byte{0, 255}}, "strings": &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
		"list":  &types.AttributeValueMemberL{Value: []types.AttributeValue{s("l"), n(2)}},
		"map":   &types.AttributeValueMemberM{Value: row{"in": s("m")}},
		"exact": &types.AttributeValueMemberN{Value: "0.10000000000000000000000000000000000001"}, "empty": s(""),
	}))(t)
	got := must(a.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: key, ConsistentRead: aws.Bool(true)}))(t).Item
	if len(got) != 10 || got["exact"].(*types.AttributeValueMemberN).Value != "0.10000000000000000000000000000000000001" ||
		got["bytes"].(*types.AttributeValueMemberB).Value[1] != 255 || got["map"].(*types.AttributeValueMemberM).Value["in"].(*types.AttributeValueMemberS).Value != "m" ||
		len(got["list"].(*types.AttributeValueMemberL).Value) != 2 || len(got["strings"].(*types.AttributeValueMemberSS).Value) != 2 {
		t.Errorf("%v", got)
	}
	part := must(a.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: name, Key: key, ProjectionExpression: aws.String("#l[1], #m.#in"), ExpressionAttributeNames: map[string]string{"#l": "list", "#m": "map", "#in": "in"},
	}))(t).Item
	if len(part) != 2 || len(part["list"].(*types.AttributeValueMemberL).Value) != 1 {
		t.Errorf("a projection gives %v", part)
	}

	_, err := put(row{"artist": s("Nina")})
	refused(t, err, "ValidationException")
	_, err = put(row{"artist": n(1), "song": n(1)})
	refused(t, err, "ValidationException")
	_, err = put(row{"artist": s(""), "song": n(1)})
	refused(t, err, "ValidationException")
	_, err = put(row{"artist": s("Nina"), "song": n(2), "large": s(strings.Repeat("x", 400<<10))})
	if said := refused(t, err, "ValidationException"); said != "Item size has exceeded the maximum allowed size" {
		t.Errorf("too large: %q", said)
	}
	_, err = a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: key, ConditionExpression: aws.String("attribute_not_exists(artist)")})
	if said := refused(t, err, "ConditionalCheckFailedException"); said != "The conditional request failed" {
		t.Errorf("condition: %q", said)
	}
	old := must(put(key))(t)
	if len(old.Attributes) != 10 {
		t.Errorf("the old item was %v", old.Attributes)
	}
	gone := must(a.DynamoDB.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: key, ReturnValues: types.ReturnValueAllOld}))(t)
	if len(gone.Attributes) != 2 {
		t.Errorf("deleted %v", gone.Attributes)
	}
	if none := must(a.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: key}))(t); none.Item != nil {
		t.Errorf("after deletion %v", none.Item)
	}
}

// Updates act on the item as it is, and lose nothing when they come at once.
func TestUpdates(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	name := table(t, a)
	key := row{"artist": s("Nina"), "song": n(1)}
	update := func(ctx context.Context, expression string, values row) (*dynamodb.UpdateItemOutput, error) {
		return a.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: name, Key: key, UpdateExpression: &expression, ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew,
		})
	}
	out := must(update(t.Context(), "SET plays = if_not_exists(plays, :zero) + :one, tags = :list ADD heard :one", row{":zero": n(0), ":one": n(1), ":list": &types.AttributeValueMemberL{}}))(t)
	if len(out.Attributes) != 5 || out.Attributes["plays"].(*types.AttributeValueMemberN).Value != "1" {
		t.Errorf("%v", out.Attributes)
	}
	out = must(update(t.Context(), "SET tags = list_append(tags, :more) REMOVE heard", row{":more": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("jazz")}}}))(t)
	if _, left := out.Attributes["heard"]; left || len(out.Attributes["tags"].(*types.AttributeValueMemberL).Value) != 1 {
		t.Errorf("%v", out.Attributes)
	}
	_, err := update(t.Context(), "SET artist = :text", row{":text": s("x")})
	refused(t, err, "ValidationException")
	_, err = update(t.Context(), "SET plays = plays + :unused", row{":unused": n(1), ":other": n(1)})
	refused(t, err, "ValidationException")

	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 25 {
				if _, err := update(t.Context(), "ADD plays :one", row{":one": n(1)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got := must(a.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: name, Key: key}))(t).Item
	if plays := got["plays"].(*types.AttributeValueMemberN).Value; plays != "201" {
		t.Errorf("200 updates at once, after one, made %s", plays)
	}
}
