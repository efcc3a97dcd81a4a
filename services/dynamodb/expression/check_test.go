package expression

import (
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
)

// names and values of the requests below: what an expression does not use is
// no error before Unused is asked.
func placeholders(t testing.TB, names map[string]string, values map[string]attribute.Value) *Placeholders {
	t.Helper()
	p, err := NewPlaceholders(names, values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type values = map[string]attribute.Value

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestConditionErrors states what AWS answers to faulty conditions.
func TestConditionErrors(t *testing.T) {
	const (
		syntax   = "Syntax error; token: "
		parens   = "The expression has redundant parentheses;"
		function = "Invalid function name; function: "
		misuse   = "The function is not allowed to be used this way in an expression; function: "
		reserved = "Attribute name is a reserved keyword; reserved keyword: "
		noName   = "An expression attribute name used in the document path is not defined; attribute name: "
		noValue  = "An expression attribute value used in expression is not defined; attribute value: "
		arity    = "Incorrect number of operands for operator or function; operator or function: "
		typed    = "Incorrect operand type for operator or function; operator or function: "
		distinct = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
		path     = "Operator or function requires a document path; operator or function: "
	)
	n := values{":a": attribute.N("1")}
	for _, c := range []struct {
		text   string
		values values
		want   string
	}{
		{"", nil, "The expression can not be empty;"},
		{" \t\r\n", nil, "The expression can not be empty;"},
		{strings.Repeat("a", 4097), nil, "Expression size has exceeded the maximum allowed size; expression size: 4097"},
		{strings.Repeat("(", 5000), nil, "Expression size has exceeded the maximum allowed size; expression size: 5000"},

		{"a-b", nil, syntax + `"-", near: "a-b"`},
		{"things are not gonna be ok", nil, syntax + `"are", near: "things are not"`},
		{"a > 4", nil, syntax + `"4", near: "> 4"`},
		{"foo", nil, syntax + `"<EOF>", near: "foo"`},
		{"attribute_not_exists(", nil, syntax + `"<EOF>", near: "("`},
		{"begins_with()", nil, syntax + `")", near: "()"`},
		{"a = :hashId a", nil, syntax + `"a", near: ":hashId a"`},
		{"tenantAgent:abc123-default = :v", nil, syntax + `":abc123", near: "tenantAgent:abc123-"`},
		{`attribute_exists("Pictures.RearView")`, nil, syntax + `""", near: "("Pictures"`},
		{"attribute_exists(Pictures..RearView)", nil, syntax + `".", near: "..RearView"`},
		{"attribute_exists(asdf[a])", nil, syntax + `"a", near: "[a]"`},
		{"a in b, c", nil, syntax + `"b", near: "in b,"`},
		{"a > between", nil, syntax + `"between", near: "> between"`},
		{"a in (b,c,)", nil, syntax + `")", near: ",)"`},
		{"(a)between(b.(c.d))and(c)", nil, syntax + `"(", near: ".(c"`},
		{"(a)between(b.c.d)and((c)", nil, syntax + `"<EOF>", near: ")"`},
		{"#$.b > a", nil, syntax + `"#", near: "#$"`},
		{"a > :things.stuff", nil, syntax + `".", near: ":things.stuff"`},
		{"b[:a] > a", nil, syntax + `":a", near: "[:a]"`},
		{"ü > a", nil, syntax + `"ü", near: "ü >"`},
		{"b.c[4.5] > a", nil, syntax + `".", near: "4.5"`},
		{"size(a).b > a", nil, syntax + `".", near: ").b"`},
		{"(size(a)).b > a", nil, syntax + `".", near: ").b"`},
		{"size(a)[0] > a", nil, syntax + `"[", near: ")[0"`},
		{"a AND b = c", nil, syntax + `"AND", near: "a AND b"`},
		{"(a) AND b = c", nil, syntax + `"AND", near: ") AND b"`},
		{"(a = b) = c", nil, syntax + `"=", near: ") = c"`},
		{"a = b OR", nil, syntax + `"<EOF>", near: "OR"`},
		{"_a = b", nil, syntax + `"_", near: "_a"`},

		{"a=a and a > ((views))", nil, parens},
		{"(a)between(((b.c)).d)and(c)", nil, parens},
		{"a > whatever((:things), ((a)))", nil, parens},
		{"a=a AND ((a=a AND a=a)) AND a=a", nil, parens},
		{"a=a OR ((a=a OR (a=a OR a=a)))", nil, parens},
		{strings.Repeat("(", 2000) + "a<b" + strings.Repeat(")", 2000), nil, parens},

		{"a=a and whatever((:things)) > a", nil, function + "whatever"},
		{"attRIbute_exIsts((views), #a)", nil, function + "attRIbute_exIsts"},
		{"a < " + strings.Repeat("f(", 1300) + "b" + strings.Repeat(")", 1300), nil, function + "f"},

		{"a=a and attribute_exists((views), (#a)) > b", nil, misuse + "attribute_exists"},
		{"attribute_not_exists(things) > b", nil, misuse + "attribute_not_exists"},
		{"begins_with(things, a) > b", nil, misuse + "begins_with"},
		{"size(contains(a, b)) > a", nil, misuse + "contains"},
		{"size(things)", nil, misuse + "size"},
		{"a = b AND size(things)", nil, misuse + "size"},
		{"NOT (size(things))", nil, misuse + "size"},
		{"a between b and attribute_exists(things)", nil, misuse + "attribute_exists"},
		{"a in (b, attribute_exists(things))", nil, misuse + "attribute_exists"},
		{"if_not_exists(a, b) = c", nil, "The function is not allowed in a condition expression; function: if_not_exists"},

		{"attribute_exists(views, #a)", nil, reserved + "views"},
		{":a < abOrT", nil, reserved + "abOrT"},
		{"a.name = :a", nil, reserved + "name"},

		{"attribute_exists(#Pictures.RearView, :a) and a=a", nil, noName + "#Pictures"},
		{"begins_with(Pictures.#RearView)", nil, noName + "#RearView"},
		{"(#P between :lo and :hi) and (#PC in (:cat1, :cat2))", nil, noName + "#P"},
		{"#4g > a", nil, noName + "#4g"},
		{"#_ > a", nil, noName + "#_"},
		{"(a)between(b.c[45].#d)and(:a)", nil, noName + "#d"},

		{"begins_with(:hello, #a, #b)", nil, noValue + ":hello"},
		{":a < :b", nil, noValue + ":a"},
		{":_ > a", nil, noValue + ":_"},

		{"attribute_exists(things, a) and a=a", nil, arity + "attribute_exists, number of operands: 2"},
		{"attribute_type(things)", nil, arity + "attribute_type, number of operands: 1"},
		{"begins_with(things, size(a), b)", nil, arity + "begins_with, number of operands: 3"},
		{"size(things, a) > b", nil, arity + "size, number of operands: 2"},

		{"attribute_type(ab.bc[1].a, SS)", nil, typed + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
		{"attribute_type(a, size(a)) and a=a and a=:a", n, typed + "attribute_type, operand type: N"},
		{"attribute_type(a, :a)", values{":a": attribute.L{}}, typed + "attribute_type, operand type: L"},
		{"attribute_type(a, :a)", values{":a": attribute.S("1")}, "Invalid attribute type name found; type: 1, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{"begins_with(a, size(a)) and a=:a", n, typed + "begins_with, operand type: N"},
		{"begins_with(:a, a)", values{":a": attribute.SS{"1"}}, typed + "begins_with, operand type: SS"},
		{"size(size(a)) > :a", n, typed + "size, operand type: N"},
		{"attribute_not_exists(size(:a))", n, typed + "size, operand type: N"},
		{"size(:a) > a", values{":a": attribute.NULL{}}, typed + "size, operand type: NULL"},
		{"a < :a", values{":a": attribute.L{}}, typed + "<, operand type: L"},
		{":a >= a", values{":a": attribute.BOOL(true)}, typed + ">=, operand type: BOOL"},

		{"attribute_exists(:a) and a=a", values{":a": attribute.S("1")}, path + "attribute_exists"},
		{"attribute_not_exists(size(:a))", values{":a": attribute.S("1")}, path + "attribute_not_exists"},

		{"a = a AND #a = b AND :views > a", nil, distinct + "=, first operand: [a]"},
		{"#a <> a", nil, distinct + "<>, first operand: [a]"},
		{"((a=a) OR (a=a))", nil, distinct + "=, first operand: [a]"},
		{"contains(ab.bc[1].a, ab.bc[1].#a)", nil, distinct + "contains, first operand: [ab, bc, [1], a]"},
		{"attribute_type(ab.bc[1].#a, ab.bc[1].a)", nil, distinct + "attribute_type, first operand: [ab, bc, [1], a]"},

		{"a between :b and :a", values{":a": attribute.S("a"), ":b": attribute.N("1")},
			"The BETWEEN operator requires same data type for lower and upper bounds; " +
				"lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}"},
		{"a between :b and :a", values{":a": attribute.S("a"), ":b": attribute.S("b")},
			"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
				"lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"},

		{"a[2147483648] = :a", n, "List index is not within the allowable range; index: [2147483648]"},
		{"a" + strings.Repeat(".b", 32) + " = :a", n, "The document path has too many nesting levels; nesting levels: 33"},
		{"a<b" + strings.Repeat(" or a<b", 150), nil, "The expression contains too many operators; operator count: 301"},
		{strings.Repeat("not ", 1000) + "a<b", nil, "The expression contains too many operators; operator count: 301"},
		{"a in (:a" + strings.Repeat(",:a", 100) + ")", n, "The IN operator is provided with too many operands; number of operands: 101"},
	} {
		names := map[string]string{"#a": "a"}
		_, err := placeholders(t, names, c.values).Condition(FilterExpression, c.text)
		if got, want := text(err), "Invalid FilterExpression: "+c.want; got != want {
			t.Errorf("%.80s\n got %s\nwant %s", c.text, got, want)
		}
	}
}

func TestConditionLimits(t *testing.T) {
	for _, s := range []string{
		"a<b " + strings.Repeat("or (a<b ", 149) + strings.Repeat(")", 149), // 299 operators
		"a" + strings.Repeat(".b", 31) + " = b",
		"a in (b" + strings.Repeat(",b", 99) + ")",
		"attribute_exists((a.b).c)",
		"(a = b) and ((a = b) or (b = c))",
		"((a = b) or (b = c))",
		"not not a = b",
	} {
		if _, err := placeholders(t, nil, nil).Condition(ConditionExpression, s); err != nil {
			t.Errorf("%.60s: %v", s, err)
		}
	}
}

// TestUpdateErrors states what AWS answers to faulty updates.
func TestUpdateErrors(t *testing.T) {
	const (
		syntax   = "Syntax error; token: "
		typed    = "Incorrect operand type for operator or function; operator or function: "
		operator = "Incorrect operand type for operator or function; operator: "
		overlap  = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
		conflict = "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "
	)
	all := values{
		":a": attribute.S("a"), ":n": attribute.N("1"), ":b": attribute.B("b"), ":t": attribute.BOOL(true), ":0": attribute.NULL{},
		":ss": attribute.SS{"a"}, ":l": attribute.L{attribute.N("1")}, ":m": attribute.M{},
	}
	names := map[string]string{"#a": "a", "#b": "b", "#c": "c", "#d": "[3]", "#rest": "x"}
	for _, c := range [][2]string{
		{"", "The expression can not be empty;"},
		{"INVALID SYNTAX HERE", syntax + `"INVALID", near: "INVALID SYNTAX"`},
		{"ADD hits : incr", syntax + `":", near: "hits : incr"`},
		{"SET _123 = :a", syntax + `"_", near: "SET _123"`},
		{"SET path = VALUE 1", syntax + `"1", near: "VALUE 1"`},
		{"SET a = :a,", syntax + `"<EOF>", near: ","`},
		{"SET a = :a, #, b = :a", syntax + `"#", near: ", #,"`},
		{"set a", syntax + `"<EOF>", near: "a"`},
		{"set a=set", syntax + `"set", near: "=set"`},
		{"remove a = b", syntax + `"=", near: "a = b"`},
		{"delete a b", syntax + `"b", near: "a b"`},
		{"add a if_not_exist(b)", syntax + `"if_not_exist", near: "a if_not_exist("`},
		{"remove a b", syntax + `"b", near: "a b"`},
		{"set :a = b", syntax + `":a", near: "set :a ="`},
		{"set a = b / c", syntax + `"/", near: "b / c"`},
		{"set a[1] = 1", syntax + `"1", near: "= 1"`},
		{"SET if_not_exist(a, b) = a", syntax + `"(", near: "if_not_exist(a"`},
		{"set (a = (b + c))", syntax + `"(", near: "set (a"`},
		{"set a = (b.c).d + e", syntax + `".", near: ").d"`},
		{"set a = b + c + d", syntax + `"+", near: "c + d"`},
		{"SET c = if_not_exists(c, :a+:b)", syntax + `"+", near: ":a+:b"`},

		{" set #c = :c set abOrt = true ", "Attribute name is a reserved keyword; reserved keyword: abOrt"},
		{"remove Absolute", "Attribute name is a reserved keyword; reserved keyword: Absolute"},
		{"set #c = if_not_exist(:c) set c = d", "Invalid function name; function: if_not_exist"},
		{"set a = size(b)", "The function is not allowed in an update expression; function: size"},
		{"SET a = list_append(list_append(:l, :l), :l)", "The function is not allowed to be used this way in an expression; function: list_append"},

		{"set a = #c set c = :d", `The "SET" section can only be used once in an update expression;`},
		{"remove #d set a = b remove e", `The "REMOVE" section can only be used once in an update expression;`},
		{"delete #d :e set a = b delete #e :f", `The "DELETE" section can only be used once in an update expression;`},

		{"SET #x = if_not_exists(:c)", "An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"SET #a = if_not_exists(:c)", "An expression attribute value used in expression is not defined; attribute value: :c"},

		{"set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", overlap + "[c, [1], a], path two: [c]"},
		{"set #c[3].#d = a, #c[3] = a", overlap + "[c, [3], [3]], path two: [c, [3]]"},
		{"set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", conflict + "[c, [3], [3]], path two: [c, [3], [3]]"},
		{"remove a.#c set a[1] = #d", conflict + "[a, c], path two: [a, [1]]"},
		{"SET f = :a, f = :a", overlap + "[f], path two: [f]"},

		{"set b = list_append(:a, a), c = if_not_exists(a) add a.b :a", operator + "ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"delete a.b :n", operator + "DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"add a.b :m", operator + "ADD, operand type: MAP, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"delete a.b :l", operator + "DELETE, operand type: LIST, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"add a.b :0", operator + "ADD, operand type: NULL, typeSet: ALLOWED_FOR_ADD_OPERAND"},

		{"set a = if_not_exists(c)", "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1"},
		{"set a = list_append(c)", "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1"},
		{"set a = if_not_exists(:a, c)", "Operator or function requires a document path; operator or function: if_not_exists"},
		{"set a = if_not_exists(if_not_exists(a, b), c)", "Operator or function requires a document path; operator or function: if_not_exists"},
		{"set a = list_append(:a, a)", typed + "list_append, operand type: S"},
		{"set a = list_append(a, :ss)", typed + "list_append, operand type: SS"},
		{"set a = a + :a", typed + "+, operand type: S"},
		{"set a = :b - a", typed + "-, operand type: B"},
		{"set a = a - :l", typed + "-, operand type: L"},
	} {
		_, err := placeholders(t, names, all).Update(c[0])
		if got, want := text(err), "Invalid UpdateExpression: "+c[1]; got != want {
			t.Errorf("%.80s\n got %s\nwant %s", c[0], got, want)
		}
	}
}

// TestProjectionErrors states what AWS answers to faulty projections.
func TestProjectionErrors(t *testing.T) {
	for _, c := range [][2]string{
		{"", "The expression can not be empty;"},
		{"!!! INVALID !!!", `Syntax error; token: "!", near: "!!"`},
		{"a b", `Syntax error; token: "b", near: "a b"`},
		{"a,", `Syntax error; token: "<EOF>", near: ","`},
		{"a[-1]", `Syntax error; token: "-", near: "[-1"`},
		{"a[]", `Syntax error; token: "]", near: "[]"`},
		{"a.abort", "Attribute name is a reserved keyword; reserved keyword: abort"},
		{"a, #x", "An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"a, #a", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"},
		{"a.b, a[1]", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]"},
		{"a[99999999999999]", "List index is not within the allowable range; index: [99999999999999]"},
		{"a" + strings.Repeat(".b", 32), "The document path has too many nesting levels; nesting levels: 33"},
	} {
		_, err := placeholders(t, map[string]string{"#a": "a"}, nil).Projection(c[0])
		if got, want := text(err), "Invalid ProjectionExpression: "+c[1]; got != want {
			t.Errorf("%.80s\n got %s\nwant %s", c[0], got, want)
		}
	}
}

// TestKeyConditionErrors states what AWS answers to key conditions.
func TestKeyConditionErrors(t *testing.T) {
	const (
		operator = "Invalid operator used in KeyConditionExpression: "
		first    = " operator must have the key attribute as its first operand"
		nested   = "KeyConditionExpressions cannot contain nested operations"
	)
	for _, c := range [][2]string{
		{"attribute_type(a, :s)", operator + "attribute_type"},
		{"a > b and size(b) > c or a > c", operator + "OR"},
		{"a in (b, size(c), d)", operator + "IN"},
		{"attribute_exists(a)", operator + "attribute_exists"},
		{"contains(a.d, b)", operator + "contains"},
		{"not a > b", operator + "NOT"},
		{"a <> b", operator + "<>"},
		{":a between size(b) and size(a) and b > :b", "Invalid condition in KeyConditionExpression: BETWEEN" + first},
		{"begins_with(:a, b) and a > :b", "Invalid condition in KeyConditionExpression: begins_with" + first},
		{"size(b) > a AND a.b > b AND b > c", nested},
		{"a > size(b.d)", nested},
		{"a between size(b) and size(a)", nested},
		{"b > a.b", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"},
		{"a between b and size(a)", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"},
		{"b.d > a AND c.d > e.f", "KeyConditionExpressions cannot have conditions on nested attributes"},
		{"b[0] > a", "KeyConditionExpressions cannot have conditions on nested attributes"},
		{":b > :a AND a < :b", "Invalid condition in KeyConditionExpression: No key attribute specified"},
		{"b > :a AND b < :a and c = :a and d = :a", "KeyConditionExpressions must only contain one condition per key"},
		{"(a > :a and b > :a) and (b > :a and c > :a)", "KeyConditionExpressions must only contain one condition per key"},
	} {
		k, err := placeholders(t, nil, values{":a": attribute.S("1"), ":b": attribute.S("1"), ":s": attribute.S("S")}).Condition(KeyConditionExpression, c[0])
		if err == nil {
			_, err = k.KeyTerms()
		}
		if got := text(err); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestPlaceholderErrors(t *testing.T) {
	for _, c := range []struct {
		names  map[string]string
		values values
		want   string
	}{
		{map[string]string{}, values{}, "ExpressionAttributeNames must not be empty"},
		{map[string]string{"a": "a"}, values{}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		{map[string]string{"#": "a"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{map[string]string{"#a-b": "a"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		{map[string]string{"#a": ""}, nil, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"},
		{nil, values{}, "ExpressionAttributeValues must not be empty"},
		{nil, values{":b": nil, "b": attribute.S("a")}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "b"`},
		{nil, values{":b": attribute.L{nil}}, "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :b"},
		{nil, values{":b": attribute.SS{}}, "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :b"},
		{nil, values{":b": attribute.N("b")}, "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: b for key :b"},
	} {
		if _, err := NewPlaceholders(c.names, c.values); text(err) != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}

func TestUnused(t *testing.T) {
	p := placeholders(t, map[string]string{"#a": "x", "#b": "y"}, values{":v": attribute.N("1"), ":w": attribute.N("2")})
	if _, err := p.Condition(ConditionExpression, "#a = :v or #a = :v"); err != nil {
		t.Fatal(err)
	}
	if got, want := text(p.Unused()), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"; got != want {
		t.Errorf("got %s", got)
	}
	if _, err := p.Projection("#b"); err != nil {
		t.Fatal(err)
	}
	if got, want := text(p.Unused()), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"; got != want {
		t.Errorf("got %s", got)
	}
	if _, err := p.Update("SET z = :w"); err != nil {
		t.Fatal(err)
	}
	if err := p.Unused(); err != nil {
		t.Error(err)
	}
}

func TestReservedWords(t *testing.T) {
	if n := len(reservedWords); n != 573 {
		t.Errorf("%d reserved words, AWS has 573", n)
	}
	for word, want := range map[string]bool{"ABORT": true, "zone": true, "Name": true, "tRuE": true, "pk": false, "names_": false} {
		if reserved(word) != want {
			t.Errorf("reserved(%s) is %v", word, !want)
		}
	}
}
