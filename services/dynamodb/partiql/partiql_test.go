package partiql

import (
	"fmt"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
)

const prefix = "Statement wasn't well formed, can't be processed: "

// What AWS says of statements that it can not read.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ statement, want string }{
		{`SLECT * FROM "t" WHERE pk = 'x'`, prefix + noManipulation},
		{`UPDATE Payment-x SET active = 1`, prefix + noManipulation},
		{``, prefix + noManipulation},
		{`SELECT * FROM "t" WHERE pk = 1 foo`, prefix + leftover},
		{`SELECT * FROM "t" WHERE pk = 1 e5`, prefix + leftover},
		{`INSERT INTO "t" VALUE {'pk': 1} foo`, prefix + leftover},
		{`UPDATE "t" SET a = 9 WHERE pk = 1 foo`, prefix + leftover},
		{`DELETE FROM "t" WHERE pk = 1 foo`, prefix + leftover},
		{`SELECT * FROM "t" WHERE pk = 1)`, prefix + leftover},
		{`DELETE FROM "t" WHERE pk = 1 ORDER BY pk`, prefix + leftover},
		{`SELECT * FROM "t" ORDER BY pk WHERE pk = 1`, prefix + leftover},
		{`FROM "t" SET c = 1 WHERE pk = 'x'`, prefix + leftover},
		{`INSERT INTO "t" t VALUE {'pk': 'x'}`, prefix + leftover},
		{`SELECT * FROM "t" WHERE pk = 1e2147483648`, prefix},
		{`SELECT * FROM "t" WHERE pk = 1e99999999999`, prefix},
		{`SELECT * FROM "t" WHERE pk = 1.5e-2147483647`, prefix},
		{`SELECT * FROM "t" WHERE pk = 1 # note`, prefix},
		{`SELECT * FROM "t" WHERE pk = 1 /* note`, prefix},
		{`SELECT * FROM "t" WHERE pk = 'x`, prefix},
		{`SELECT * FROM "t" t WHERE pk = 'x'`, "Aliasing is not supported"},
		{`SELECT * FROM "t" AS t WHERE pk = 'x'`, "Aliasing is not supported"},
		{`UPDATE "t" t SET a = 3 WHERE pk = 'x'`, "Aliasing is not supported"},
		{`DELETE FROM "t" t WHERE pk = 'x'`, "Aliasing is not supported"},
		{`SELECT * FROM "t" WHERE`, prefix + unexpectedTerm},
		{`SELECT * FROM "t" WHERE;`, prefix + unexpectedTerm},
		{`UPDATE "t" SET a = 1 WHERE`, prefix + unexpectedTerm},
		{`DELETE FROM "t" WHERE   `, prefix + unexpectedTerm},
		{`SELECT * FROM "t" WHERE NOT`, prefix + unexpectedTerm},
		{`SELECT * FROM "t" WHERE (`, prefix + unexpectedTerm},
		{`SELECT * FROM`, prefix + unexpectedTerm},
		{`SELECT * FROM "t" WHERE pk = 'p' AND`, prefix + missingRightSide},
		{`SELECT * FROM "t" WHERE pk = 'p' OR`, prefix + missingRightSide},
		{`SELECT * FROM "t" WHERE ORDER BY pk`, prefix + unexpectedWord},
		{`SELECT * FROM "t" WHERE pk = 'a' AND x IS FOO`, prefix + "Expected type name"},
		{`SELECT * FROM "t" WHERE IS NULL`, prefix + "Unexpected operator"},
		{`SELECT * FROM "t" WHERE pk = LIKE`, prefix + "Unexpected operator"},
		{`DELETE FROM`, prefix + "Expected identifier for simple path"},
		{`DELETE FROM;`, prefix + "Expected identifier for simple path"},
		{`DELETE FROM WHERE pk = 'a'`, prefix + "Expected identifier for simple path"},
		{`SELECT * FROM "t" WHERE attribute_exists(m.inner)`, prefix + "Invalid path dot component"},
		{`SELECT attribute_exists(ss) FROM "t"`, "Unexpected path component at 1:8:16"},
		{`SELECT *, a FROM "t"`, "Other attributes should not be present in the projection when '*' is used."},
		{`SELECT a, m.a FROM "t"`, "Duplicate identifiers in select clause: a"},
		{`SELECT * FROM "t", "u"`, "Only select from a single table or index is supported."},
		{`SELECT * FROM "t"."i"."j"`, "A path may contain at most 2 components in the FROM clause"},
		{`SELECT * FROM "t" LIMIT 1`, "Unsupported clause: LIMIT"},
		{`SELECT * FROM "t" ORDER BY pk`, "Must have WHERE clause in the statement when using ORDER BY clause."},
		{`DELETE FROM "t" WHERE pk = 'a' RETURNING MODIFIED OLD *`, "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements."},
		{`DELETE FROM "t"."i" WHERE pk = 'a'`, "This operation is not supported on an index"},
		{`INSERT INTO "t" VALUE 'x'`, "Unsupported format in item expression. Please use struct format {...} to express item values for insert statement."},
		{`INSERT INTO "t" VALUE {'pk': 'x'} RETURNING ALL OLD *`, "RETURNING is not supported in INSERT"},
	} {
		if _, err := Parse(c.statement); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.statement, err, c.want)
		}
	}
}

// What AWS says of statements that can be read, and mean nothing.
func TestMeaningErrors(t *testing.T) {
	for _, c := range []struct{ statement, want string }{
		{`SELECT * FROM "t" WHERE pk = 1e126`, "Number overflow. Attempting to store a number with magnitude larger than supported range under root"},
		{`SELECT * FROM "t" WHERE pk = 123456789012345678901234567890123456789`, "Attempting to store more than 38 significant digits in a Number under root"},
		{`INSERT INTO "t" VALUE {'pk': 1e126}`, "Number overflow. Attempting to store a number with magnitude larger than supported range under root"},
		{`INSERT INTO "t" VALUE {'pk': 1, 'm': {'x': 1e-131}}`, "Number underflow. Attempting to store a number with magnitude smaller than supported range under root.x"},
		{`INSERT INTO "t" VALUE {'pk': 1, 'l': [1, 1e126]}`, "Number overflow. Attempting to store a number with magnitude larger than supported range under root[1]"},
		{`INSERT INTO "t" VALUE {'ss': set_add(<<'a'>>, <<'b'>>)}`, "Unsupported data type: set_add under key root at 1:30:7"},
		{`SELECT * FROM "t" WHERE EXISTS(ss)`, "Unrecognized function: exists at 1:25:6"},
		{`SELECT * FROM "t" WHERE set_add(ss, <<'x'>>) = ss`, "Unrecognized function: set_add at 1:25:7"},
		{`SELECT * FROM "t" WHERE attribute_exists('ss')`, "Operator or function requires a document path; operator or function: attribute_exists"},
		{`SELECT * FROM "t" WHERE attribute_exists()`, "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 0"},
		{`SELECT * FROM "t" WHERE attribute_exists(a, b)`, "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
		{`SELECT * FROM "t" WHERE a >= true`, "Incorrect operand type for operator or function; operator or function: >=, operand type: BOOL"},
		{`SELECT * FROM "t" WHERE a`, "WHERE clause must contain an expression that resolves to a boolean"},
		{`SELECT * FROM "t" WHERE a = MISSING`, "MISSING must be compared using IS operator"},
		{`SELECT * FROM "t" WHERE 'a' IN [1]`, "IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member"},
		{`UPDATE "t" SET t = set_add(ss, <<'x'>>)`, "The first argument to SET_ADD must equal the assignment value at 1:20:7"},
		{`UPDATE "t" SET ss = set_add(<<'a'>>, <<'b'>>)`, "The first argument to SET_ADD must equal the assignment value at 1:21:7"},
		{`UPDATE "t" SET ss = set_add(ss, 'x')`, "The second argument to SET_ADD must be a value with type SET at 1:29:2"},
		{`UPDATE "t" SET ss = set_delete(ss, ['x'])`, "The second argument to SET_DELETE must be a value with type SET at 1:32:2"},
		{`UPDATE "t" SET ss = set_add(ss)`, "SET_ADD must have exactly two arguments at 1:21:7"},
		{`UPDATE "t" SET ss = set_add(ss, <<'x', 'x'>>)`, "One or more parameter values were invalid: Input collection [x, x] contains duplicates."},
		{`UPDATE "t" SET ss = set_add(ss, <<>>)`, "Empty bags are not supported"},
		{`UPDATE "t" SET ss = <<'x', 1>>`, "Unexpected data type N in String Set under key root"},
		{`UPDATE "t" SET a = 1 REMOVE a`, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"},
	} {
		s, err := Parse(c.statement)
		if err != nil {
			t.Errorf("%s: %v", c.statement, err)
			continue
		}
		if err := meaning(s); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.statement, err, c.want)
		}
	}
}

// meaning is the first error of all that a statement can be taken apart into.
func meaning(s *Statement) error {
	b, err := Bind(s, make([]attribute.Value, 0))
	if s.parameters > 0 {
		values := make([]attribute.Value, s.parameters)
		for i := range values {
			values[i] = attribute.S("x")
		}
		b, err = Bind(s, values)
	}
	if err != nil {
		return err
	}
	switch s.Kind {
	case Insert:
		_, err = b.Item()
		return err
	case Update:
		if _, err := b.Update(); err != nil {
			return err
		}
	}
	if _, err := b.Condition(); err != nil {
		return err
	}
	if _, err := b.Branches([]string{"pk"}, []string{"sk"}); err != nil {
		return err
	}
	_, rest, err := b.Key([]string{"pk"})
	if err != nil {
		return err
	}
	_, err = b.WriteCondition(rest, "pk")
	return err
}

// The branches that WHERE clauses are made of.
func TestBranches(t *testing.T) {
	for _, c := range []struct {
		where string
		want  int // branches
		whole bool
		terms int // of the first
	}{
		{`pk = 'a'`, 1, true, 1},
		{`'a' = pk AND sk > 1`, 1, true, 2},
		{`pk = 'a' AND x = 1`, 1, false, 1},
		{`pk = 'a' AND sk > 1 AND sk < 3`, 1, false, 2},
		{`pk IN ['a', 'b', 'a']`, 2, true, 1},
		{`pk IN ('a', 'b') AND sk = 1`, 2, true, 2},
		{`pk = 'a' OR pk = 'b'`, 2, true, 1},
		{`pk = 'a' AND (x = 1 OR x = 2 OR y = 3)`, 1, false, 1},
		{`x = 1 OR pk = 'a'`, 2, false, 0},
		{`pk > 'a'`, 1, false, 0},
		{`NOT pk = 'a'`, 1, false, 0},
		{`pk = 'a' AND NOT sk = 1`, 1, false, 1},
		{`begins_with(sk, 'x') AND pk = ?`, 1, true, 2},
		{`pk = 'a' AND sk BETWEEN 1 AND 2`, 1, true, 2},
		{`pk = 'a' AND sk = x`, 1, false, 1},
	} {
		s, err := Parse(`SELECT * FROM "t" WHERE ` + c.where)
		if err != nil {
			t.Fatal(err)
		}
		b := &Bound{Statement: s, parameters: []attribute.Value{attribute.S("p")}}
		got, err := b.Branches([]string{"pk"}, []string{"sk"})
		if err != nil || len(got) != c.want || got[0].Whole != c.whole || len(got[0].Terms) != c.terms {
			t.Errorf("%s: %+v, %v", c.where, got, err)
		}
	}
}

// More reads than a statement may be taken apart into are refused, unless it
// reads everything anyway.
func TestManyBranches(t *testing.T) {
	many := "[0"
	for i := 1; i <= MaxBranches; i++ {
		many += fmt.Sprintf(", %d", i)
	}
	many += "]"
	for _, c := range []struct {
		where string
		fails bool
	}{
		{"pk IN " + many, true}, {"sk IN " + many, false}, {"pk = 'a' AND sk IN " + many, false}, {"x IN " + many, false},
	} {
		s, err := Parse(`SELECT * FROM "t" WHERE ` + c.where)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Bind(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Branches([]string{"pk"}, []string{"sk"})
		if (err != nil) != c.fails || !c.fails && len(got) != 1 {
			t.Errorf("%.20s: %d branches, %v", c.where, len(got), err)
		}
	}
}

// Nothing that is sent makes the package panic, and comments mean nothing.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`SELECT a.b[0]."c d", e FROM "t"."i" WHERE pk = 'it''s' AND sk BETWEEN 1 AND -2.5e3 OR NOT x IN [1, ?] -- note`,
		`INSERT INTO t VALUE {'pk': 'a', 'l': [1, {'x': <<1, 2>>}], 'n': null, 'b': true}`,
		`UPDATE t SET a = list_append(a, [1]), b = b + 1 SET c = set_add(c, <<'x'>>) REMOVE d WHERE pk = ? AND x IS NOT MISSING RETURNING ALL NEW *`,
		`DELETE FROM t WHERE pk = 'a' AND contains(b, 'x') RETURNING ALL OLD *`,
		`EXISTS(SELECT * FROM t WHERE pk = 1 AND size(a) > 3)`,
		"FROM t WHERE pk = 1 SET c = `ion` /* x */;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := Parse(text + "\n-- a note"); err != nil {
			t.Fatalf("with a comment behind it: %v", err)
		}
		_ = meaning(s)
	})
}
