package testsuite

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Statements insert, read, change and remove items, page by page where asked.
func TestPartiQL(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := *table(t, a)
	run := func(text string, parameters ...types.AttributeValue) *dynamodb.ExecuteStatementOutput {
		t.Helper()
		return must(a.DynamoDB.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: &text, Parameters: parameters, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}))(t)
	}
	for _, song := range []string{"1", "2", "3"} {
		run(`INSERT INTO "`+name+`" VALUE {'artist': 'Nina', 'song': ?, 'info': {'year': 1958, 'tags': <<'jazz', 'soul'>>}}`, &types.AttributeValueMemberN{Value: song})
	}
	statement := `SELECT song, info.tags FROM "` + name + `" WHERE artist = ? AND song >= 2 ORDER BY song DESC`
	var songs []string
	in := &dynamodb.ExecuteStatementInput{Statement: &statement, Parameters: []types.AttributeValue{s("Nina")}, Limit: aws.Int32(1)}
	for {
		page := must(a.DynamoDB.ExecuteStatement(ctx, in))(t)
		for _, it := range page.Items {
			if len(it) != 2 || len(it["tags"].(*types.AttributeValueMemberSS).Value) != 2 {
				t.Errorf("an item is %v", it)
			}
			songs = append(songs, it["song"].(*types.AttributeValueMemberN).Value)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	if len(songs) != 2 || songs[0] != "3" || songs[1] != "2" {
		t.Errorf("songs %v", songs)
	}
	out := run(`UPDATE "` + name + `" SET plays = 1 SET info.tags = set_delete(info.tags, <<'soul'>>) WHERE artist = 'Nina' AND song = 1 RETURNING MODIFIED NEW *`)
	if len(out.Items) != 1 || out.Items[0]["plays"].(*types.AttributeValueMemberN).Value != "1" || *out.ConsumedCapacity.CapacityUnits != 1 {
		t.Errorf("an UPDATE answers %v, %v", out.Items, out.ConsumedCapacity)
	}
	refusedStatement := func(text, code, want string) {
		t.Helper()
		_, err := a.DynamoDB.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: &text})
		if said := refused(t, err, code); said != want {
			t.Errorf("%s: %q", text, said)
		}
	}
	refusedStatement(`INSERT INTO "`+name+`" VALUE {'artist': 'Nina', 'song': 1}`, "DuplicateItemException", "Duplicate primary key exists in table")
	refusedStatement(`UPDATE "`+name+`" SET plays = 2 WHERE artist = 'Nina' AND song = 9`, "ConditionalCheckFailedException", "The conditional request failed")
	refusedStatement(`DELETE FROM "`+name+`" WHERE artist = 'Nina'`, "ValidationException", "Where clause does not contain a mandatory equality on all key attributes")
	refusedStatement(`SELECTT * FROM "`+name+`"`, "ValidationException", "Statement wasn't well formed, can't be processed: Expected data manipulation")

	batch := must(a.DynamoDB.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{
		{Statement: aws.String(`SELECT * FROM "` + name + `" WHERE artist = 'Nina' AND song = 1`)},
		{Statement: aws.String(`SELECT * FROM "nowhere" WHERE artist = 'Nina' AND song = 1`)},
	}}))(t)
	if len(batch.Responses) != 2 || batch.Responses[0].Item == nil || batch.Responses[1].Error == nil || batch.Responses[1].Error.Code != types.BatchStatementErrorCodeEnumResourceNotFound {
		t.Errorf("a batch answers %+v", batch.Responses)
	}
	_, err := a.DynamoDB.ExecuteTransaction(ctx, &dynamodb.ExecuteTransactionInput{TransactStatements: []types.ParameterizedStatement{
		{Statement: aws.String(`DELETE FROM "` + name + `" WHERE artist = 'Nina' AND song = 1`)},
		{Statement: aws.String(`EXISTS(SELECT * FROM "` + name + `" WHERE artist = 'Nina' AND song = 2 AND plays > 0)`)},
	}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || *cancelled.CancellationReasons[1].Code != "ConditionalCheckFailed" {
		t.Errorf("a transaction whose condition does not hold: %v", err)
	}
	if left := run(`SELECT * FROM "` + name + `"`).Items; len(left) != 3 {
		t.Errorf("%d items are left", len(left))
	}
}
