package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// run executes a statement that may not fail, and gives what it answers with.
func (h *host) run(text string, parameters ...attribute.Value) []item.Item {
	h.t.Helper()
	out := must(h, h.executeStatement, &ddb.ExecuteStatementInput{Statement: text, Parameters: parameters})
	return h.maps(out.Items)
}

func (h *host) maps(list []attribute.Item) []item.Item {
	h.t.Helper()
	out := make([]item.Item, len(list))
	for i, it := range list {
		m, err := it.Map()
		if err != nil {
			h.t.Fatal(err)
		}
		out[i] = m
	}
	return out
}

// refuse executes a statement that must fail, and gives what it says.
func (h *host) refuse(text string, parameters ...attribute.Value) string {
	h.t.Helper()
	return fails(h, h.executeStatement, &ddb.ExecuteStatementInput{Statement: text, Parameters: parameters})
}

// sorts are the sort keys of items, in order.
func sorts(list []item.Item) string {
	var out []string
	for _, it := range list {
		out = append(out, string(it["p"].(S))+string(it["s"].(S)))
	}
	return strings.Join(out, " ")
}

func TestStatementsThatRead(t *testing.T) {
	h := newHost(t)
	h.indexed("table")
	for _, p := range []string{"a", "b"} {
		for i, s := range []string{"1", "2", "3"} {
			h.put("table", item.Item{"p": S(p), "s": S(s), "gp": S("g" + s), "gs": N(fmt.Sprint(i)), "m": attribute.M{"k": S(p + s), "l": attribute.L{N("7")}}, "nul": attribute.NULL{}})
		}
	}
	for _, c := range []struct{ where, want string }{
		{`p = 'a'`, "a1 a2 a3"},
		{`p = 'a' AND s = '2'`, "a2"},
		{`'2' <= s AND p = 'a'`, "a2 a3"},
		{`p = 'a' AND s > '1' AND s < '3'`, "a2"},
		{`p = 'a' AND s BETWEEN '1' AND '2'`, "a1 a2"},
		{`p = 'a' AND begins_with(s, '3')`, "a3"},
		{`p = 'a' AND NOT begins_with(s, '3')`, "a1 a2"},
		{`p IN ['b', 'a'] AND s = '1'`, "b1 a1"},
		{`p = 'b' OR p = 'a' AND s = '1'`, "b1 b2 b3 a1"},
		{`p = 'a' AND s IN ('3', '1')`, "a1 a3"},
		{`p = 'a' AND s <> '1' OR p = 'a' AND s = '2'`, "a2 a3"},
		{`p = 'a' OR p = 'a' AND NOT s = '1'`, "a1 a2 a3"},
		{`p = 'a' ORDER BY s DESC`, "a3 a2 a1"},
		{`p = 'a' ORDER BY s ASC`, "a1 a2 a3"},
		{`p = 'a' AND s IN ['1', '3'] ORDER BY s DESC`, "a3 a1"},
		{`p IN ['a', 'b'] AND s > '1' ORDER BY p DESC, s DESC`, "b3 b2 a3 a2"},
		{`p = 'a' AND m.k = 'a2'`, "a2"},
		{`p = 'a' AND m.l[0] = 7 AND m['k'] > 'a2'`, "a3"},
		{`p = 'a' AND m.k IS MISSING`, ""},
		{`p = 'a' AND nul IS NULL AND m IS STRUCT AND gs IS NOT NULL`, "a1 a2 a3"},
		{`p = 'a' AND attribute_exists(gs) = false`, ""},
		{`p = 'a' AND SIZE(s) = 1 AND attribute_type(gs, 'N')`, "a1 a2 a3"},
		{`p = 'a' AND contains(m.k, '3')`, "a3"},
		{`p = 'c'`, ""},
	} {
		if got := sorts(h.run(`SELECT * FROM "table" WHERE ` + c.where)); got != c.want {
			t.Errorf("%s: %q, want %q", c.where, got, c.want)
		}
	}
	if got := h.run(`SELECT p, m.k, m.l[0] FROM "table" WHERE p = ? AND s = ?`, S("a"), S("1")); len(got) != 1 || !item.EqualItems(got[0], item.Item{"p": S("a"), "k": S("a1"), "_3": N("7")}) {
		t.Errorf("columns: %v", got)
	}
	if got := sorts(h.run(`SELECT * FROM "table"."global" WHERE gp = 'g2' AND gs = 1`)); len(got) != 5 {
		t.Errorf("by an index: %q", got)
	}
	if got := sorts(h.run(`SELECT * FROM "table"."global" WHERE p = 'a' AND s = '3'`)); got != "a3" {
		t.Errorf("an index scanned: %q", got)
	}
	for _, c := range []struct{ statement, want string }{
		{`SELECT * FROM "table" WHERE p = 'a' AND x = '1' OR p = 'a' AND s = '2'`, "Overlapping conditions with range keys are not supported in where clause"},
		{`SELECT * FROM "table" WHERE p = 'a' AND p = 'b'`, "Only single equality condition should be present on hash key p"},
		{`SELECT * FROM "table" WHERE s = 'a' ORDER BY s`, "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."},
		{`SELECT * FROM "table" WHERE p IN ['a', 'b'] ORDER BY s`, "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."},
		{`SELECT * FROM "table" WHERE p = 'a' ORDER BY gs`, "Variable reference gs in ORDER BY clause must be part of the primary key"},
		{`SELECT * FROM "nowhere" WHERE p = 'a'`, "Requested resource not found"},
		{`SELECT * FROM "no"`, "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'."},
		{`SELECT * FROM "table"."none"`, "The table does not have the specified index: none"},
		{`SELECT * FROM "table" WHERE p = ?`, "Number of parameters in request and statement don't match."},
		{`EXISTS(SELECT * FROM "table" WHERE p = 'a' AND s = '1' AND gs = 1)`, "EXISTS can only be used in ExecuteTransaction write requests."},
	} {
		if got := h.refuse(c.statement); got != c.want {
			t.Errorf("%s: %q, want %q", c.statement, got, c.want)
		}
	}
}

// A page ends where it is told, and its token leads on, however the WHERE
// clause is taken apart.
func TestStatementPages(t *testing.T) {
	h := newHost(t)
	h.create("table", "p:S", "s:S")
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		h.put("table", item.Item{"p": S(fmt.Sprint(r.IntN(4))), "s": S(fmt.Sprintf("%02d", r.IntN(30))), "n": N(fmt.Sprint(r.IntN(5)))})
	}
	for _, where := range []string{
		`n < 4`, `p = '1'`, `p IN ['1', '2', '3']`, `p = '1' AND s > '10' OR p = '2' AND s IN ['01', '07', '11']`,
		`p IN ['3', '0'] AND n > 1 ORDER BY p DESC, s DESC`, `p = '2' AND s < '05' OR p = '2' AND s >= '20'`,
	} {
		text := `SELECT * FROM "table" WHERE ` + where
		want := sorts(h.run(text))
		for _, limit := range []int32{1, 3, 7, 100} {
			in := &ddb.ExecuteStatementInput{Statement: text, Limit: &limit}
			var got []item.Item
			for {
				out := must(h, h.executeStatement, in)
				got = append(got, h.maps(out.Items)...)
				if in.NextToken = out.NextToken; in.NextToken == "" {
					break
				}
			}
			if sorts(got) != want || want == "" {
				t.Errorf("%s by %d: %q, want %q", where, limit, sorts(got), want)
			}
		}
	}
	limit := int32(1)
	token := must(h, h.executeStatement, &ddb.ExecuteStatementInput{Statement: `SELECT * FROM "table"`, Limit: &limit}).NextToken
	for _, c := range []struct{ statement, token, want string }{
		{`SELECT * FROM "table" WHERE n = 1`, token, "NextToken does not match request"},
		{`SELECT * FROM "table"`, "nonsense", "Invalid NextToken"},
	} {
		if got := fails(h, h.executeStatement, &ddb.ExecuteStatementInput{Statement: c.statement, NextToken: c.token}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestStatementsThatWrite(t *testing.T) {
	h := newHost(t)
	h.create("table", "p:S")
	if got := h.run(`INSERT INTO "table" VALUE {'p': 'a', 'n': 1.50, 'l': ['x', true, null], 'm': {'k': <<1, 2>>}, 'q': 'it''s', 'v': ?}`, attribute.B{1}); got == nil || len(got) != 0 {
		t.Errorf("an INSERT answers %v", got)
	}
	want := item.Item{"p": S("a"), "n": N("1.5"), "l": attribute.L{S("x"), attribute.BOOL(true), attribute.NULL{}}, "m": attribute.M{"k": attribute.NS{"1", "2"}}, "q": S("it's"), "v": B{1}}
	if got := h.get("table", item.Item{"p": S("a")}); !item.EqualItems(got, want) {
		t.Errorf("%v", got)
	}
	steps := []struct {
		statement string
		returned  item.Item // nil for nothing
		after     item.Item // of the item a; nil for unchanged
	}{
		{`UPDATE "table" SET n = n + 2 REMOVE l REMOVE m REMOVE q REMOVE v WHERE p = 'a' RETURNING MODIFIED NEW *`, item.Item{"n": N("3.5")}, item.Item{"p": S("a"), "n": N("3.5")}},
		{`UPDATE "table" SET l = [1], m = {'x': 1} WHERE p = 'a' AND n = 3.5 RETURNING ALL OLD *`, item.Item{"p": S("a"), "n": N("3.5")}, nil},
		{`UPDATE "table" SET l = list_append(l, [2]), m.x = 5 SET s = set_add(s, <<'x'>>) WHERE p = 'a' RETURNING MODIFIED OLD *`, item.Item{"l": attribute.L{N("1")}, "m": attribute.M{"x": N("1")}}, nil},
		{`UPDATE "table" SET s = SET_ADD(s, <<'y', 'x'>>) WHERE p = 'a' RETURNING MODIFIED NEW *`, item.Item{"s": attribute.SS{"x", "y"}}, nil},
		{`UPDATE "table" SET s = set_delete(s, <<'y', 'x'>>) WHERE p = 'a' RETURNING MODIFIED NEW *`, nil, nil},
		{`FROM "table" WHERE p = 'a' AND attribute_exists(l) REMOVE l[0] RETURNING MODIFIED NEW *`, item.Item{"l": attribute.L{N("2")}}, nil},
		{`UPDATE "table" SET n = 1 REMOVE l WHERE p = 'a' RETURNING ALL NEW *`, item.Item{"p": S("a"), "n": N("1"), "m": attribute.M{"x": N("5")}}, nil},
		{`DELETE FROM "table" WHERE p = 'none' AND n = 1 RETURNING ALL OLD *`, nil, nil},
		{`DELETE FROM "table" WHERE p = 'a' AND n = 1 RETURNING ALL OLD *`, item.Item{"p": S("a"), "n": N("1"), "m": attribute.M{"x": N("5")}}, item.Item{}},
	}
	for _, c := range steps {
		got := h.run(c.statement)
		if (c.returned == nil) != (len(got) == 0) || c.returned != nil && !item.EqualItems(got[0], c.returned) {
			t.Errorf("%s\n answers %v, want %v", c.statement, got, c.returned)
		}
		if c.after != nil {
			if it := h.get("table", item.Item{"p": S("a")}); !item.EqualItems(it, c.after) {
				t.Errorf("%s\n makes %v, want %v", c.statement, it, c.after)
			}
		}
	}
	h.put("table", item.Item{"p": S("a"), "n": N("1"), "ss": attribute.SS{"x"}})
	for _, c := range []struct{ statement, want string }{
		{`INSERT INTO "table" VALUE {'p': 'a'}`, "Duplicate primary key exists in table"},
		{`INSERT INTO "table" VALUE {'n': 1}`, "Key attribute should be present in the item: Key p"},
		{`INSERT INTO "table" VALUE {'p': 1}`, "Key attribute's data type should match its data type in table's schema: Key p"},
		{`UPDATE "table" SET n = 2 WHERE p = 'none'`, "The conditional request failed"},
		{`UPDATE "table" SET n = 2 WHERE p = 'a' AND n = 2`, "The conditional request failed"},
		{`UPDATE "table" SET n = 2`, "Where clause does not contain a mandatory equality on all key attributes"},
		{`UPDATE "table" SET n = 2 WHERE n = 1`, "Where clause does not contain a mandatory equality on all key attributes"},
		{`UPDATE "table" SET n = 2 WHERE p = 'a' OR p = 'b'`, "Where clause does not contain a mandatory equality on all key attributes"},
		{`UPDATE "table" SET n = 2 WHERE p = 'a' AND p = 'b'`, "Multiple conditions on same key p. Only single item Update/Insert/Delete are supported"},
		{`UPDATE "table" SET p = 'b' WHERE p = 'a'`, "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"},
		{`UPDATE "table" SET none[0] = 'x' WHERE p = 'a'`, "The document path provided in the update expression is invalid for update"},
		{`UPDATE "table" SET ss = set_add(ss, <<1>>) WHERE p = 'a'`, "An operand in the update expression has an incorrect data type"},
		{`DELETE FROM "table" WHERE p = 'a' AND n = 2`, "The conditional request failed"},
	} {
		if got := h.refuse(c.statement); got != c.want {
			t.Errorf("%s: %q, want %q", c.statement, got, c.want)
		}
	}
}

func TestBatchExecuteStatement(t *testing.T) {
	h := newHost(t)
	h.create("table", "p:S", "s:S")
	h.put("table", item.Item{"p": S("a"), "s": S("1"), "x": N("1")})
	batch := func(texts ...string) *ddb.BatchExecuteStatementOutput {
		in := &ddb.BatchExecuteStatementInput{ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal}
		for _, text := range texts {
			in.Statements = append(in.Statements, &ddb.BatchStatementRequest{Statement: text, ReturnValuesOnConditionCheckFailure: ddb.ReturnValuesOnConditionCheckFailureAllOld})
		}
		return must(h, h.batchExecuteStatement, in)
	}
	told := func(out *ddb.BatchExecuteStatementOutput) string {
		var parts []string
		for _, r := range out.Responses {
			switch {
			case r.Error_ != nil:
				parts = append(parts, string(r.Error_.Code)+": "+r.Error_.Message)
			case r.Item != nil:
				parts = append(parts, r.TableName+" item")
			default:
				parts = append(parts, r.TableName)
			}
		}
		return strings.Join(parts, "\n")
	}
	const onlyKey = "ValidationError: Select statements within BatchExecuteStatement must specify the primary key in the where clause."
	if got, want := told(batch(`SELECT * FROM "table" WHERE p = 'a' AND s = '1'`, `SELECT x FROM "table" WHERE p = 'a' AND s = '2'`, `SELECT * FROM "table" WHERE p = 'a'`,
		`SELECT * FROM "table" WHERE p = 'a' AND s = '1' AND x = 1`, `SELECT * FROM "nowhere" WHERE p = 'x'`, `SLECT`)),
		"table item\ntable\n"+onlyKey+"\n"+onlyKey+"\nResourceNotFound: Requested resource not found\nValidationError: Statement wasn't well formed, can't be processed: Expected data manipulation"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	out := batch(`INSERT INTO "table" VALUE {'p': 'b', 's': '1'}`, `INSERT INTO "table" VALUE {'p': 'b', 's': '1'}`,
		`UPDATE "table" SET x = 3 WHERE p = 'a' AND s = '1' AND x = 2`, `DELETE FROM "table" WHERE p = 'b' AND s = '1' RETURNING ALL OLD *`)
	if got, want := told(out), "table\nDuplicateItem: Duplicate primary key exists in table\nConditionalCheckFailed: The conditional request failed\ntable item"; got != want || len(out.ConsumedCapacity) != 2 || out.Responses[2].Error_.Item == nil {
		t.Errorf("%s\nwant\n%s (%v)", got, want, out.ConsumedCapacity)
	}
	if got := fails(h, h.batchExecuteStatement, &ddb.BatchExecuteStatementInput{Statements: []*ddb.BatchStatementRequest{
		{Statement: `SELECT * FROM "table" WHERE p = 'a' AND s = '1'`}, {Statement: `DELETE FROM "table" WHERE p = 'a' AND s = '1'`},
	}}); !strings.Contains(got, "does not support both read and write operations") {
		t.Error(got)
	}
}

func TestExecuteTransaction(t *testing.T) {
	h := newHost(t)
	h.create("table", "p:S")
	h.put("table", item.Item{"p": S("a"), "n": N("1")})
	in := func(token string, texts ...string) *ddb.ExecuteTransactionInput {
		in := &ddb.ExecuteTransactionInput{ClientRequestToken: token, ReturnConsumedCapacity: ddb.ReturnConsumedCapacityTotal}
		for _, text := range texts {
			in.TransactStatements = append(in.TransactStatements, &ddb.ParameterizedStatement{Statement: text})
		}
		return in
	}
	const add = `UPDATE "table" SET n = n + 1 WHERE p = 'a'`
	for range 2 { // the second time it was done before
		out := must(h, h.executeTransaction, in("token", add, `INSERT INTO "table" VALUE {'p': 'b'}`, `EXISTS(SELECT * FROM "table" WHERE p = 'c' AND n IS MISSING)`))
		if out.Responses == nil || len(out.Responses) != 0 || len(out.ConsumedCapacity) != 1 {
			t.Errorf("%+v", out)
		}
	}
	if got := fails(h, h.executeTransaction, in("token", add)); !strings.Contains(got, "client token") {
		t.Errorf("another request with the token: %s", got)
	}
	out := must(h, h.executeTransaction, in("", `SELECT n FROM "table" WHERE p = 'a'`, `SELECT * FROM "table" WHERE p = 'none'`, `SELECT * FROM "table" WHERE p = 'b'`))
	if found := out.Responses; len(found) != 3 || found[1].Item != nil ||
		!item.EqualItems(h.maps([]attribute.Item{found[0].Item})[0], item.Item{"n": N("2")}) || !item.EqualItems(h.maps([]attribute.Item{found[2].Item})[0], item.Item{"p": S("b")}) {
		t.Errorf("%+v", found)
	}
	_, err := h.executeTransaction(h.call(), in("", add, `INSERT INTO "table" VALUE {'p': 'b'}`, `DELETE FROM "table" WHERE p = 'x'`))
	cancelled, ok := err.(*ddb.TransactionCanceledException)
	if !ok || !slices.EqualFunc(cancelled.CancellationReasons, []string{"None", "DuplicateItem", "None"}, func(r *ddb.CancellationReason, code string) bool { return r.Code == code }) {
		t.Errorf("%v", err)
	}
	if got := h.get("table", item.Item{"p": S("a")})["n"]; got != N("2") {
		t.Errorf("n is %v after it was added to once", got)
	}
	for _, c := range []struct {
		want  string
		texts []string
	}{
		{"ExecuteTransaction API does not support both read and write operations in the same request.", []string{add, `SELECT * FROM "table" WHERE p = 'b'`}},
		{"Validation failed in TransactStatements[1]: Statement wasn't well formed, can't be processed: Unexpected term", []string{add, `DELETE FROM "table" WHERE`}},
		{"Validation failed in TransactStatements[0]: Select statements within ExecuteTransaction must specify the primary key in the where clause.", []string{`SELECT * FROM "table" WHERE p = 'a' AND n = 1`}},
		{"Validation failed in TransactStatements[0]: EXISTS() must contain a single item read with additional condition", []string{`EXISTS(SELECT * FROM "table" WHERE p = 'a')`, add}},
		{"Transaction request cannot include multiple operations on one item", []string{add, add}},
	} {
		if got := fails(h, h.executeTransaction, in("", c.texts...)); got != c.want {
			t.Errorf("%v: %q, want %q", c.texts, got, c.want)
		}
	}
}

// A token that was not given out here is refused, whatever is in it.
func TestStatementTokensOfOthers(t *testing.T) {
	h := newHost(t)
	h.create("things", "n:N")
	const text = "SELECT * FROM things"
	request := statementDigest(text, nil)
	for _, after := range []item.Item{{"n": N("no number")}, {"n": N("1E999")}, {"n": S("a")}, {"n": B{}}, {}} {
		token := (&statementPlace{after: after}).token(request)
		if got := fails(h, h.executeStatement, &ddb.ExecuteStatementInput{Statement: text, NextToken: token}); got != "Invalid NextToken" {
			t.Errorf("%v: %q", after, got)
		}
	}
}
