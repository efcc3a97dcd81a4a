package expression

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// naive makes conditions at random, as texts and as functions that say what
// they mean. What it knows of values it does not have from the packages under
// test: it compares texts, and numbers as big.Rats.
type naive struct {
	random *rand.Rand
	values values
}

// meaning is what a condition means of an item.
type meaning func(item.Item) bool

// operand is a text with the value it has in an item; nil is none.
type naiveOperand struct {
	text string
	of   func(item.Item) attribute.Value
}

var naiveValues = []attribute.Value{
	attribute.S(""), attribute.S("a"), attribute.S("ab"), attribute.S("b"), attribute.S("ü"), attribute.N("0"), attribute.N("-1"), attribute.N("1"),
	attribute.N("10"), attribute.N("2.5"), attribute.B(""), attribute.B("a"), attribute.B("ab"), attribute.BOOL(true), attribute.BOOL(false), attribute.NULL{},
	attribute.SS{"a", "b"}, attribute.NS{"1", "10"}, attribute.BS{[]byte("a")}, attribute.L{attribute.S("a"), attribute.N("1")}, attribute.L{}, attribute.M{"x": attribute.S("a")}, attribute.M{},
}

func (n *naive) value() attribute.Value { return naiveValues[n.random.IntN(len(naiveValues))] }

// item has some of the attributes a to e, and a map and a list of others.
func (n *naive) item() item.Item {
	it := item.Item{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if n.random.IntN(4) > 0 {
			it[name] = n.value()
		}
	}
	it["deep"] = attribute.M{"x": n.value(), "l": attribute.L{n.value(), n.value()}}
	return it
}

func (n *naive) path() naiveOperand {
	switch n.random.IntN(8) {
	case 0:
		return naiveOperand{"deep.x", func(it item.Item) attribute.Value { return it["deep"].(attribute.M)["x"] }}
	case 1:
		return naiveOperand{"deep.l[1]", func(it item.Item) attribute.Value { return it["deep"].(attribute.M)["l"].(attribute.L)[1] }}
	case 2:
		return naiveOperand{"deep.q.r", func(item.Item) attribute.Value { return nil }}
	}
	name := string("abcde"[n.random.IntN(5)])
	return naiveOperand{name, func(it item.Item) attribute.Value { return it[name] }}
}

func (n *naive) constant(v attribute.Value) naiveOperand {
	name := fmt.Sprintf(":v%d", len(n.values))
	n.values[name] = v
	return naiveOperand{name, func(item.Item) attribute.Value { return v }}
}

func (n *naive) constantOf(types ...string) naiveOperand {
	for {
		if v := n.value(); slices.Contains(types, attribute.TypeOf(v)) {
			return n.constant(v)
		}
	}
}

// show writes a value so that equal ones, and no others, have equal texts.
func show(v attribute.Value) string {
	list := func(kind string, parts []string) string { return kind + "(" + strings.Join(parts, ",") + ")" }
	var parts []string
	switch v := v.(type) {
	case attribute.L:
		for _, e := range v {
			parts = append(parts, show(e))
		}
		return list("L", parts)
	case attribute.M:
		for name, e := range v {
			parts = append(parts, name+"="+show(e))
		}
	case attribute.BS:
		for _, e := range v {
			parts = append(parts, string(e))
		}
	case attribute.SS:
		parts = slices.Clone(v)
	case attribute.NS:
		parts = slices.Clone(v)
	default:
		return fmt.Sprintf("%T:%v", v, v)
	}
	slices.Sort(parts)
	return list(attribute.TypeOf(v), parts)
}

// naiveOrder compares ordered values of one type.
func naiveOrder(a, b attribute.Value) (int, bool) {
	if attribute.TypeOf(a) != attribute.TypeOf(b) {
		return 0, false
	}
	switch a := a.(type) {
	case attribute.S:
		return strings.Compare(string(a), string(b.(attribute.S))), true
	case attribute.B:
		return strings.Compare(string(a), string(b.(attribute.B))), true
	case attribute.N:
		x, _ := new(big.Rat).SetString(string(a))
		y, _ := new(big.Rat).SetString(string(b.(attribute.N)))
		return x.Cmp(y), true
	}
	return 0, false
}

// naiveSize is what size() is of.
func naiveSize(v attribute.Value) (int, bool) {
	switch v := v.(type) {
	case attribute.S:
		n := 0
		for _, r := range string(v) {
			if n++; r > 0xffff {
				n++
			}
		}
		return n, true
	case attribute.B:
		return len(v), true
	case attribute.L:
		return len(v), true
	case attribute.M:
		return len(v), true
	case attribute.SS:
		return len(v), true
	case attribute.NS:
		return len(v), true
	case attribute.BS:
		return len(v), true
	}
	return 0, false
}

func naiveContains(v, what attribute.Value) bool {
	switch v := v.(type) {
	case attribute.S:
		w, ok := what.(attribute.S)
		return ok && strings.Contains(string(v), string(w))
	case attribute.B:
		w, ok := what.(attribute.B)
		return ok && strings.Contains(string(v), string(w))
	case attribute.SS:
		w, ok := what.(attribute.S)
		return ok && slices.Contains(v, string(w))
	case attribute.NS:
		w, ok := what.(attribute.N)
		return ok && slices.Contains(v, string(w))
	case attribute.BS:
		w, ok := what.(attribute.B)
		return ok && slices.ContainsFunc(v, func(b []byte) bool { return string(b) == string(w) })
	case attribute.L:
		return slices.ContainsFunc(v, func(e attribute.Value) bool { return show(e) == show(what) })
	}
	return false
}

// condition is one that nests no deeper than depth.
func (n *naive) condition(depth int) (string, meaning) {
	if depth > 0 {
		switch n.random.IntN(4) {
		case 0:
			a, f := n.condition(depth - 1)
			b, g := n.condition(depth - 1)
			return "(" + a + ") AND (" + b + ")", func(it item.Item) bool { return f(it) && g(it) }
		case 1:
			a, f := n.condition(depth - 1)
			b, g := n.condition(depth - 1)
			return "(" + a + ") OR (" + b + ")", func(it item.Item) bool { return f(it) || g(it) }
		case 2:
			a, f := n.condition(depth - 1)
			return "NOT (" + a + ")", func(it item.Item) bool { return !f(it) }
		}
	}
	p := n.path()
	switch n.random.IntN(9) {
	case 0:
		return "attribute_exists(" + p.text + ")", func(it item.Item) bool { return p.of(it) != nil }
	case 1:
		return "attribute_not_exists(" + p.text + ")", func(it item.Item) bool { return p.of(it) == nil }
	case 2:
		kind := n.constant(attribute.S([]string{"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}[n.random.IntN(10)]))
		return "attribute_type(" + p.text + ", " + kind.text + ")", func(it item.Item) bool { return attribute.S(attribute.TypeOf(p.of(it))) == kind.of(it) }
	case 3:
		c := n.constantOf("S", "B")
		return "begins_with(" + p.text + ", " + c.text + ")", func(it item.Item) bool {
			switch v := p.of(it).(type) {
			case attribute.S:
				w, ok := c.of(it).(attribute.S)
				return ok && strings.HasPrefix(string(v), string(w))
			case attribute.B:
				w, ok := c.of(it).(attribute.B)
				return ok && strings.HasPrefix(string(v), string(w))
			}
			return false
		}
	case 4:
		c := n.constantOf("S", "N", "B", "BOOL")
		return "contains(" + p.text + ", " + c.text + ")", func(it item.Item) bool { return naiveContains(p.of(it), c.of(it)) }
	case 5:
		a, b := n.constantOf("N"), n.constantOf("N")
		if order, _ := naiveOrder(a.of(nil), b.of(nil)); order > 0 {
			a, b = b, a
		}
		return p.text + " BETWEEN " + a.text + " AND " + b.text, func(it item.Item) bool {
			low, ok := naiveOrder(p.of(it), a.of(it))
			high, _ := naiveOrder(p.of(it), b.of(it))
			return ok && low >= 0 && high <= 0
		}
	case 6:
		a, b := n.constant(n.value()), n.constant(n.value())
		return p.text + " IN (" + a.text + ", " + b.text + ")", func(it item.Item) bool {
			v := p.of(it)
			return v != nil && (show(v) == show(a.of(it)) || show(v) == show(b.of(it)))
		}
	case 7:
		c := n.constantOf("N")
		return "size(" + p.text + ") >= " + c.text, func(it item.Item) bool {
			size, ok := naiveSize(p.of(it))
			order, _ := naiveOrder(attribute.N(fmt.Sprint(size)), c.of(it))
			return ok && order >= 0
		}
	}
	return n.comparison(p)
}

func (n *naive) comparison(p naiveOperand) (string, meaning) {
	operator := []string{"=", "<>", "<", "<=", ">", ">="}[n.random.IntN(6)]
	var c naiveOperand
	switch {
	case n.random.IntN(4) == 0:
		if c = n.path(); c.text == p.text { // which AWS does not allow
			c = n.constantOf("S")
		}
	case operator == "=" || operator == "<>":
		c = n.constant(n.value())
	default:
		c = n.constantOf("S", "N", "B")
	}
	return p.text + " " + operator + " " + c.text, func(it item.Item) bool {
		a, b := p.of(it), c.of(it)
		order, ordered := naiveOrder(a, b)
		switch operator {
		case "=":
			return a != nil && b != nil && show(a) == show(b)
		case "<>":
			return a == nil || b == nil || show(a) != show(b)
		case "<":
			return ordered && order < 0
		case "<=":
			return ordered && order <= 0
		case ">":
			return ordered && order > 0
		}
		return ordered && order >= 0
	}
}

func TestConditionsAgainstNaiveEvaluator(t *testing.T) {
	n := &naive{random: rand.New(rand.NewPCG(3, 5))}
	held := 0
	for range 4000 {
		n.values = values{}
		text, holds := n.condition(n.random.IntN(4))
		var v values
		if len(n.values) > 0 {
			v = n.values
		}
		c, err := placeholders(t, nil, v).Condition(FilterExpression, text)
		if err != nil {
			t.Fatalf("%s with %v: %v", text, n.values, err)
		}
		for range 5 {
			it := n.item()
			want := holds(it)
			if want {
				held++
			}
			if got := c.Matches(it); got != want {
				t.Fatalf("%s with %v of %v is %v", text, n.values, it, got)
			}
		}
	}
	if held < 2000 || held > 18000 {
		t.Errorf("%d of 20000 conditions held: these are not conditions to try", held)
	}
}
