package expression

import (
	"reflect"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// sample is an item of every type.
func sample() item.Item {
	return item.Item{
		"s": attribute.S("hello"), "wide": attribute.S("ÿ😀"), "n": attribute.N("5"), "b": attribute.B("hello"), "t": attribute.BOOL(true), "z": attribute.NULL{},
		"l":  attribute.L{attribute.N("1"), attribute.N("2"), attribute.M{"x": attribute.S("deep")}},
		"m":  attribute.M{"a": attribute.N("1"), "b": attribute.M{"c": attribute.L{attribute.S("end")}}},
		"ss": attribute.SS{"a", "b"}, "ns": attribute.NS{"1", "2"}, "bs": attribute.BS{[]byte("x")},
	}
}

func TestMatches(t *testing.T) {
	names := map[string]string{"#m": "m", "#b": "b"}
	v := values{
		":5": attribute.N("5"), ":6": attribute.N("6"), ":10": attribute.N("10"), ":1": attribute.N("1"), ":3": attribute.N("3"),
		":hello": attribute.S("hello"), ":he": attribute.S("he"), ":ll": attribute.S("ll"), ":a": attribute.S("a"),
		":bin": attribute.B("he"), ":x": attribute.B("x"), ":true": attribute.BOOL(true), ":null": attribute.NULL{},
		":ss": attribute.SS{"b", "a"}, ":S": attribute.S("S"), ":L": attribute.S("L"), ":end": attribute.L{attribute.S("end")},
	}
	for _, c := range []struct {
		text string
		want bool
	}{
		{"n = :5", true}, {"n = :6", false}, {"n <> :6", true}, {"n <> :5", false}, {"n < :10", true}, {"n > :10", false},
		{"n <= :5", true}, {"n >= :5", true}, {"n >= :6", false}, {":5 = n", true},
		{"n = s", false}, {"n <> s", true}, {"n < s", false}, {"n >= s", false},
		{"q = :5", false}, {"q <> :5", true}, {"q <> r", true}, {"q = r", false}, {"q < :5", false}, {"NOT q = :5", true},
		{"ss = :ss", true}, {"ss <> :ss", false}, {"t = :true", true}, {"z = :null", true},
		{"n BETWEEN :5 AND :6", true}, {"n BETWEEN :6 AND :10", false}, {"s BETWEEN :he AND :ll", true}, {"q BETWEEN :5 AND :6", false},
		{":5 BETWEEN n AND n", true}, {"n in (:6, :5)", true}, {"n IN (:6)", false}, {"q IN (r)", false}, {"s IN (n, :hello)", true},
		{"attribute_exists(n)", true}, {"attribute_exists(q)", false}, {"attribute_exists(#m.#b.c[0])", true}, {"attribute_exists(m.b.c[1])", false},
		{"attribute_exists(n.x)", false}, {"attribute_exists(l[2].x)", true}, {"attribute_exists(m[0])", false}, {"attribute_not_exists(q)", true},
		{"attribute_not_exists(n)", false}, {"attribute_type(s, :S)", true}, {"attribute_type(l, :L)", true}, {"attribute_type(n, :S)", false}, {"attribute_type(q, :S)", false},
		{"begins_with(s, :he)", true}, {"begins_with(s, :ll)", false}, {"begins_with(b, :bin)", true}, {"begins_with(b, :he)", false}, {"begins_with(q, :he)", false},
		{"contains(s, :ll)", true}, {"contains(ss, :a)", true}, {"contains(ss, :he)", false}, {"contains(ns, :1)", true}, {"contains(bs, :x)", true},
		{"contains(l, :1)", true}, {"contains(l, :a)", false}, {"contains(m, :a)", false}, {"contains(b, :bin)", true}, {"contains(:hello, s)", true},
		{"size(s) = :5", true}, {"size(wide) = :3", true}, {"size(b) = :5", true}, {"size(l) = :3", true}, {"size(m) < :3", true}, {"size(ss) < :3", true}, {"size(n) = :1", false}, {"size(q) = :1", false},
		{"n = :5 AND s = :hello", true}, {"n = :6 OR s = :hello", true}, {"n = :6 AND s = :hello OR t = :true", true},
		{"n = :6 AND (s = :hello OR t = :true)", false}, {"NOT n = :6 AND s = :hello", true}, {"not (n = :5 and s = :hello)", false},
		{"m.b.c = :end", true}, {"(m).b.c = :end", true}, {"(n) = (:5)", true}, {"l[0]=:1", true}, {"n=(:5)and s=:hello", true},
	} {
		f, err := placeholders(t, names, v).Condition(FilterExpression, c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := f.Matches(sample()); got != c.want {
			t.Errorf("%s is %v", c.text, got)
		}
	}
}

func TestApply(t *testing.T) {
	n := func(s string) attribute.Value { return attribute.N(s) }
	names := map[string]string{"#m": "m", "#x": "odd.name[0]"}
	v := values{
		":1": n("1"), ":2": n("2"), ":s": attribute.S("new"), ":list": attribute.L{n("9")}, ":map": attribute.M{"k": n("1")},
		":ss": attribute.SS{"b", "c"}, ":all": attribute.SS{"a", "b"}, ":ns": attribute.NS{"2", "3"}, ":bs": attribute.BS{[]byte("y"), []byte("x")},
	}
	for _, c := range []struct {
		text string
		want item.Item // what differs from sample; nil values are gone
		err  string
	}{
		{text: "SET s = :s", want: item.Item{"s": attribute.S("new")}},
		{text: "SET #x = :1", want: item.Item{"odd.name[0]": n("1")}},
		{text: "SET q = s, s = n, n = s", want: item.Item{"q": attribute.S("hello"), "s": n("5"), "n": attribute.S("hello")}},
		{text: "SET n = n + :1", want: item.Item{"n": n("6")}},
		{text: "SET n = :1 - n", want: item.Item{"n": n("-4")}},
		{text: "SET n = (n + :1)", want: item.Item{"n": n("6")}},
		{text: "SET n = ((l[1])+(m.a))", want: item.Item{"n": n("3")}},
		{text: "SET q = if_not_exists(q, :1) + :2", want: item.Item{"q": n("3")}},
		{text: "SET n = if_not_exists(n, :1)", want: item.Item{}},
		{text: "SET q = if_not_exists(q, if_not_exists(r, s))", want: item.Item{"q": attribute.S("hello")}},
		{text: "SET q = list_append(:list, if_not_exists(q, :list))", want: item.Item{"q": attribute.L{n("9"), n("9")}}},
		{text: "SET m.a = :s, m.fresh = :1", want: item.Item{"m": attribute.M{"a": attribute.S("new"), "fresh": n("1"), "b": attribute.M{"c": attribute.L{attribute.S("end")}}}}},
		{text: "SET #m.b.c[0] = :1", want: item.Item{"m": attribute.M{"a": n("1"), "b": attribute.M{"c": attribute.L{n("1")}}}}},
		{text: "SET l[1] = :s, l[9] = :1, l[4] = :2", want: item.Item{"l": attribute.L{n("1"), attribute.S("new"), attribute.M{"x": attribute.S("deep")}, n("2"), n("1")}}},
		{text: "REMOVE l[0], l[1]", want: item.Item{"l": attribute.L{attribute.M{"x": attribute.S("deep")}}}},
		{text: "REMOVE l[0] SET l[2].x = :1, l[7] = :2", want: item.Item{"l": attribute.L{n("2"), attribute.M{"x": n("1")}, n("2")}}},
		{text: "REMOVE s, q, m.b.c, m.nought, l[9]", want: item.Item{"s": nil, "m": attribute.M{"a": n("1"), "b": attribute.M{}}}},
		{text: "ADD n :1, q :2, ss :ss, ns :ns, bs :bs", want: item.Item{"n": n("6"), "q": n("2"), "ss": attribute.SS{"a", "b", "c"}, "ns": attribute.NS{"1", "2", "3"}, "bs": attribute.BS{[]byte("x"), []byte("y")}}},
		{text: "ADD q :ss, m.a :1", want: item.Item{"q": attribute.SS{"b", "c"}, "m": attribute.M{"a": n("2"), "b": attribute.M{"c": attribute.L{attribute.S("end")}}}}},
		{text: "DELETE ss :ss, ns :ns, q :ss", want: item.Item{"ss": attribute.SS{"a"}, "ns": attribute.NS{"1"}}},
		{text: "DELETE ss :all", want: item.Item{"ss": nil}},
		{text: "delete bs :bs remove t set q = :map", want: item.Item{"bs": nil, "t": nil, "q": attribute.M{"k": n("1")}}},

		{text: "SET q = r", err: "The provided expression refers to an attribute that does not exist in the item"},
		{text: "SET q = r + :1", err: "The provided expression refers to an attribute that does not exist in the item"},
		{text: "SET q = s + :1", err: "An operand in the update expression has an incorrect data type"},
		{text: "SET q = list_append(s, :list)", err: "An operand in the update expression has an incorrect data type"},
		{text: "ADD s :1", err: "An operand in the update expression has an incorrect data type"},
		{text: "ADD ns :ss", err: "An operand in the update expression has an incorrect data type"},
		{text: "DELETE n :ss", err: "An operand in the update expression has an incorrect data type"},
		{text: "SET q.r = :1", err: "The document path provided in the update expression is invalid for update"},
		{text: "SET l.x = :1", err: "The document path provided in the update expression is invalid for update"},
		{text: "SET m[0] = :1", err: "The document path provided in the update expression is invalid for update"},
		{text: "REMOVE q.r", err: "The document path provided in the update expression is invalid for update"},
	} {
		u, err := placeholders(t, names, v).Update(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		old := sample()
		got, err := u.Apply(old)
		if text(err) != c.err {
			t.Errorf("%s: error %v, want %s", c.text, err, c.err)
			continue
		}
		if !reflect.DeepEqual(old, sample()) {
			t.Fatalf("%s changed the old item to %#v", c.text, old)
		}
		if c.err != "" {
			continue
		}
		want := sample()
		for name, v := range c.want {
			if want[name] = v; v == nil {
				delete(want, name)
			}
		}
		if !item.EqualItems(got, want) {
			t.Errorf("%s\n got %#v\nwant %#v", c.text, got, want)
		}
	}
}

func TestApplyNumberOverflow(t *testing.T) {
	u, err := placeholders(t, nil, values{":v": attribute.N("9e125")}).Update("SET a = :v + :v")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Apply(nil); text(err) != "Number overflow. Attempting to store a number with magnitude larger than supported range" {
		t.Error(err)
	}
}

func TestProjection(t *testing.T) {
	for _, c := range []struct {
		text string
		want item.Item
	}{
		{"s, q, n", item.Item{"s": attribute.S("hello"), "n": attribute.N("5")}},
		{"m.b.c[0], m.a", item.Item{"m": attribute.M{"a": attribute.N("1"), "b": attribute.M{"c": attribute.L{attribute.S("end")}}}}},
		{"l[2].x, l[0]", item.Item{"l": attribute.L{attribute.N("1"), attribute.M{"x": attribute.S("deep")}}}},
		{"l[5], m.nought, s.x", item.Item{}},
		{"#b", item.Item{"b": attribute.B("hello")}},
	} {
		p, err := placeholders(t, map[string]string{"#b": "b"}, nil).Projection(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := p.Apply(sample()); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, want %#v", c.text, got, c.want)
		}
	}
}

func TestKeyTerms(t *testing.T) {
	s := func(s string) attribute.Value { return attribute.S(s) }
	v := values{":a": s("1"), ":b": s("2")}
	for _, c := range []struct {
		text string
		want []KeyTerm
	}{
		{"p = :a", []KeyTerm{{"p", "=", []attribute.Value{s("1")}}}},
		{"p = :a AND begins_with(r, :b)", []KeyTerm{{"p", "=", []attribute.Value{s("1")}}, {"r", "begins_with", []attribute.Value{s("2")}}}},
		{"(:b >= r) AND (:a = p)", []KeyTerm{{"r", "<=", []attribute.Value{s("2")}}, {"p", "=", []attribute.Value{s("1")}}}},
		{"r between :a and :b and p = :a", []KeyTerm{{"r", "BETWEEN", []attribute.Value{s("1"), s("2")}}, {"p", "=", []attribute.Value{s("1")}}}},
	} {
		k, err := placeholders(t, nil, v).Condition(KeyConditionExpression, c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.KeyTerms(); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
}

// FuzzExpressions reads any text as every kind of expression. What is accepted
// must apply to items without a panic, and leave the old item alone.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		"a = :a AND size(s) BETWEEN :n AND :n", "((a)) IN (:a)", "SET m.b.c[0] = list_append(l, :l) REMOVE l[1], l[9] ADD n :n DELETE ss :ss",
		"m.a, l[2].x, #s", "contains(l, :a) or not begins_with(#s, :a)", "SET l[4] = :a, l[1] = if_not_exists(q, s) + :n", "attribute_type(m.b.c, :a)",
	} {
		f.Add(s)
	}
	names := map[string]string{"#s": "s"}
	v := values{":a": attribute.S("S"), ":n": attribute.N("1"), ":l": attribute.L{attribute.S("x")}, ":ss": attribute.SS{"a"}}
	f.Fuzz(func(t *testing.T, s string) {
		p := placeholders(t, names, v)
		old := sample()
		if c, err := p.Condition(FilterExpression, s); err == nil {
			c.Matches(old)
			c.Matches(nil)
			for range c.Uses() {
			}
			c.KeyTerms()
		}
		if u, err := p.Update(s); err == nil {
			if next, err := u.Apply(old); err == nil {
				u.Touched().Apply(next)
			}
			u.Apply(nil)
			for range u.Targets() {
			}
		}
		if p, err := p.Projection(s); err == nil {
			p.Apply(old)
		}
		if !reflect.DeepEqual(old, sample()) {
			t.Fatalf("%q changed the item it was applied to", s)
		}
	})
}

func BenchmarkCondition(b *testing.B) {
	names := map[string]string{"#s": "s"}
	v := values{":a": attribute.S("hello"), ":n": attribute.N("1")}
	old := sample()
	b.ReportAllocs()
	for b.Loop() {
		p, err := NewPlaceholders(names, v)
		if err != nil {
			b.Fatal(err)
		}
		c, err := p.Condition(ConditionExpression, "#s = :a AND n > :n")
		if err != nil || p.Unused() != nil || !c.Matches(old) {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	v := values{":a": attribute.S("hello"), ":n": attribute.N("1")}
	old := sample()
	b.ReportAllocs()
	for b.Loop() {
		p, err := NewPlaceholders(nil, v)
		if err != nil {
			b.Fatal(err)
		}
		u, err := p.Update("SET s = :a ADD n :n")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := u.Apply(old); err != nil {
			b.Fatal(err)
		}
	}
}
