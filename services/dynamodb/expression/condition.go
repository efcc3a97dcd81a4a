package expression

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// Condition is a condition, filter or key condition of one request.
type Condition struct {
	*bindings
	root condition
}

// Condition reads text as the kind of condition it is.
func (p *Placeholders) Condition(kind Kind, text string) (*Condition, error) {
	parsed, err := conditionTexts.get(text, func(text string) (*parsedCondition, error) { return parseCondition(kind, text) })
	if err != nil {
		return nil, err
	}
	c := &Condition{bindings: p.bind(&parsed.parsed), root: parsed.root}
	if problem := c.checkCondition(c.root); problem != "" {
		return nil, kind.errorf("%s", problem)
	}
	return c, nil
}

// Matches says whether the condition holds of an item; one that does not
// exist is nil.
func (c *Condition) Matches(of item.Item) bool { return c.holds(of, c.root) }

func (b *bindings) holds(of item.Item, c condition) bool {
	switch c := c.(type) {
	case *logical:
		if c.or {
			return b.holds(of, c.a) || b.holds(of, c.b)
		}
		return b.holds(of, c.a) && b.holds(of, c.b)
	case *negation:
		return !b.holds(of, c.of)
	case *comparison:
		return compare(c.operator, b.eval(of, c.a), b.eval(of, c.b))
	case *between:
		v := b.eval(of, c.of)
		return compare(">=", v, b.eval(of, c.low)) && compare("<=", v, b.eval(of, c.high))
	case *membership:
		v := b.eval(of, c.of)
		return slices.ContainsFunc(c.list, func(o operand) bool { return item.Equal(v, b.eval(of, o)) })
	case *call:
		return b.holdsCall(of, c)
	}
	return false
}

// compare compares two values, of which either may be absent. Values of
// different types are different, and otherwise not comparable.
func compare(operator string, a, b attribute.Value) bool {
	switch operator {
	case "=":
		return item.Equal(a, b)
	case "<>":
		return !item.Equal(a, b)
	}
	order, ok := item.Compare(a, b)
	if !ok {
		return false
	}
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (b *bindings) holdsCall(of item.Item, c *call) bool {
	v := b.eval(of, c.args[0])
	switch c.name {
	case "attribute_exists":
		return v != nil
	case "attribute_not_exists":
		return v == nil
	}
	w := b.eval(of, c.args[1])
	if v == nil || w == nil {
		return false
	}
	switch c.name {
	case "attribute_type":
		return attribute.S(attribute.TypeOf(v)) == w
	case "begins_with":
		return beginsWith(v, w)
	}
	return contains(v, w)
}

func beginsWith(v, prefix attribute.Value) bool {
	switch v := v.(type) {
	case attribute.S:
		p, ok := prefix.(attribute.S)
		return ok && strings.HasPrefix(string(v), string(p))
	case attribute.B:
		p, ok := prefix.(attribute.B)
		return ok && bytes.HasPrefix(v, p)
	}
	return false
}

// contains says whether a string or binary has a part, or a set or list an
// element.
func contains(v, part attribute.Value) bool {
	switch v := v.(type) {
	case attribute.S:
		p, ok := part.(attribute.S)
		return ok && strings.Contains(string(v), string(p))
	case attribute.B:
		p, ok := part.(attribute.B)
		return ok && bytes.Contains(v, p)
	case attribute.SS:
		p, ok := part.(attribute.S)
		return ok && slices.Contains(v, string(p))
	case attribute.NS:
		p, ok := part.(attribute.N)
		return ok && slices.Contains(v, string(p))
	case attribute.BS:
		p, ok := part.(attribute.B)
		return ok && item.ContainsBytes(v, p)
	case attribute.L:
		return slices.ContainsFunc(v, func(e attribute.Value) bool { return item.Equal(e, part) })
	}
	return false
}

// eval is the value of a condition's operand, nil when it has none.
func (b *bindings) eval(of item.Item, o operand) attribute.Value {
	switch o := o.(type) {
	case *path:
		return b.get(of, o)
	case *value:
		return b.value[o.slot]
	case *call: // size
		if n, ok := sizeOf(b.eval(of, o.args[0])); ok {
			return attribute.N(strconv.Itoa(n))
		}
	}
	return nil
}

// sizeOf is what the function size gives. Of a string it gives the length in
// characters as Java counts them, not in bytes.
func sizeOf(v attribute.Value) (int, bool) {
	switch v := v.(type) {
	case attribute.S:
		n := 0
		for _, r := range string(v) {
			n += utf16.RuneLen(r)
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
