package expression

import (
	"maps"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
)

// Before there were expressions, conditions and updates were structures. They
// mean the same, so they become the same trees, with their values in slots
// that nothing but this binding fills.

// Term is a condition on one attribute.
type Term struct {
	Attribute string
	// Operator is one of EQ, NE, LE, LT, GE, GT, NOT_NULL, NULL, CONTAINS,
	// NOT_CONTAINS, BEGINS_WITH, IN and BETWEEN.
	Operator string
	// Values are as many as the operator takes, and normalised.
	Values []attribute.Value
}

// Terms is the condition that all terms hold, or one of them. There is one at least.
func Terms(terms []Term, any bool) *Condition {
	c := &Condition{bindings: &bindings{parsed: &parsed{}}}
	for _, t := range terms {
		part := c.term(t)
		if c.root != nil {
			part = &logical{or: any, a: c.root, b: part}
		}
		c.root = part
	}
	return c
}

// comparatorOf are the comparators of the operators that are one.
var comparatorOf = map[string]string{"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}

func (b *bindings) term(t Term) condition {
	p := attributePath(t.Attribute)
	values := make([]operand, len(t.Values))
	for i, v := range t.Values {
		values[i] = b.literal(v)
	}
	function := func(name string) condition { return &call{name: name, args: append([]operand{p}, values...)} }
	switch t.Operator {
	case "NULL":
		return function("attribute_not_exists")
	case "NOT_NULL":
		return function("attribute_exists")
	case "BEGINS_WITH":
		return function("begins_with")
	case "CONTAINS":
		return function("contains")
	case "NOT_CONTAINS": // what is not there contains nothing, and yet this does not hold
		return &logical{a: &call{name: "attribute_exists", args: []operand{p}}, b: &negation{of: function("contains")}}
	case "IN":
		return &membership{of: p, list: values}
	case "BETWEEN":
		return &between{of: p, low: values[0], high: values[1]}
	}
	return &comparison{operator: comparatorOf[t.Operator], a: p, b: values[0]}
}

func attributePath(name string) *path { return &path{elements: []element{{name: name, slot: -1}}} }

// literal is a value without a placeholder.
func (b *bindings) literal(v attribute.Value) *value {
	b.value = append(b.value, v)
	return &value{slot: len(b.value) - 1}
}

// Change is an update of one attribute.
type Change struct {
	// Action is PUT, ADD or DELETE.
	Action string
	// Value is nil where a DELETE removes the attribute.
	Value attribute.Value
}

// Changes is the update that makes all changes.
func Changes(changes map[string]Change) *Update {
	u := &Update{bindings: &bindings{parsed: &parsed{}}, legacy: true}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		c := changes[name]
		a := action{path: attributePath(name), verb: verbRemove}
		switch {
		case c.Value == nil:
		case c.Action == "ADD":
			a.verb = verbAdd
		case c.Action == "DELETE":
			a.verb = verbDelete
		default:
			a.verb = verbSet
		}
		if c.Value != nil {
			a.with = u.literal(c.Value)
		}
		u.actions = append(u.actions, a)
	}
	return u
}
