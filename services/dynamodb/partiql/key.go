package partiql

import (
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// MaxBranches is how many reads a SELECT may be taken apart into.
const MaxBranches = 50

// Key takes the WHERE clause of a write, or of a read of one item, apart: into
// the key that it names, whose attributes are names, and the rest.
func (b *Bound) Key(names []string) (key item.Item, rest []Rest, err error) {
	key = item.Item{}
	for _, part := range conjuncts(b.where) {
		t, ok, err := b.term(part)
		if err != nil {
			return nil, nil, err
		}
		if !ok || t.Operator != "=" || !slices.Contains(names, t.Attribute) {
			rest = append(rest, Rest{part})
			continue
		}
		if key[t.Attribute] != nil {
			return nil, nil, errorf("Multiple conditions on same key %s. Only single item Update/Insert/Delete are supported", t.Attribute)
		}
		key[t.Attribute] = t.Values[0]
	}
	if len(key) != len(names) {
		return nil, nil, Error("Where clause does not contain a mandatory equality on all key attributes")
	}
	return key, rest, nil
}

// conjuncts are the parts that AND joins.
func conjuncts(e expr) []expr {
	switch e := e.(type) {
	case nil:
		return nil
	case *binary:
		if e.operator == "AND" {
			return append(conjuncts(e.x), conjuncts(e.y)...)
		}
	}
	return []expr{e}
}

// Branch is one of the ways to satisfy a WHERE clause, as far as keys care.
type Branch struct {
	// Terms are conditions on key attributes, one of each attribute at most.
	Terms []expression.KeyTerm
	// Negated says that there is a condition on a sort key that is no range.
	Negated bool
	// Whole says that the terms are all that the branch asks for.
	Whole bool
}

func (b *Branch) term(name string) *expression.KeyTerm {
	for i := range b.Terms {
		if b.Terms[i].Attribute == name {
			return &b.Terms[i]
		}
	}
	return nil
}

// Has says whether the branch has a condition on the attribute.
func (b *Branch) Has(name string) bool { return b.term(name) != nil }

// Branches takes the WHERE clause of a SELECT apart, whose source has these key
// attributes. There is one branch, which has no terms, when the clause says
// nothing of them.
func (b *Bound) Branches(partition, sort []string) ([]Branch, error) {
	if b.where == nil {
		return []Branch{{Whole: true}}, nil
	}
	k := keys{Bound: b, partition: partition, sort: sort}
	return k.branches(b.where)
}

// keys takes conditions apart with regard to a key.
type keys struct {
	*Bound
	partition, sort []string
}

func (k *keys) about(name string) bool {
	return slices.Contains(k.partition, name) || slices.Contains(k.sort, name)
}

func (k *keys) branches(e expr) ([]Branch, error) {
	switch e := e.(type) {
	case *binary:
		switch e.operator {
		case "AND":
			return k.both(e)
		case "OR":
			return k.either(e)
		}
	case *not:
		return []Branch{{Negated: k.mentionsSort(e.of)}}, nil
	case *in:
		if out, ok, err := k.members(e); ok || err != nil {
			return out, err
		}
	}
	t, ok, err := k.term(e)
	if err != nil {
		return nil, err
	}
	if !ok || !k.about(t.Attribute) || slices.Contains(k.partition, t.Attribute) && t.Operator != "=" {
		return []Branch{{Negated: k.mentionsSort(e)}}, nil
	}
	return []Branch{{Terms: []expression.KeyTerm{t}, Whole: true}}, nil
}

// both are the branches of two conditions that both hold.
func (k *keys) both(e *binary) ([]Branch, error) {
	x, err := k.branches(e.x)
	if err != nil {
		return nil, err
	}
	y, err := k.branches(e.y)
	if err != nil {
		return nil, err
	}
	var out []Branch
	for _, a := range x {
		for _, b := range y {
			joined, err := k.join(a, b)
			if err != nil {
				return nil, err
			}
			out = append(out, joined)
		}
	}
	return k.limited(out)
}

// limited refuses more branches than there may be, unless there is one that
// does not name its partition: then everything is read, and they make no difference.
func (k *keys) limited(list []Branch) ([]Branch, error) {
	if len(list) <= MaxBranches {
		return list, nil
	}
	for _, b := range list {
		for _, name := range k.partition {
			if !b.Has(name) {
				return []Branch{{}}, nil
			}
		}
	}
	return nil, Error("Too many decomposed read operations for a given query.")
}

// join is the branch that two are at once. A second condition on a sort key is
// left to the filter.
func (k *keys) join(a, b Branch) (Branch, error) {
	out := Branch{Terms: slices.Clone(a.Terms), Negated: a.Negated || b.Negated, Whole: a.Whole && b.Whole}
	for _, t := range b.Terms {
		if !out.Has(t.Attribute) {
			out.Terms = append(out.Terms, t)
			continue
		}
		if slices.Contains(k.partition, t.Attribute) {
			return out, errorf("Only single equality condition should be present on hash key %s", t.Attribute)
		}
		out.Whole = false
	}
	return out, nil
}

// either are the branches of two conditions of which one holds. Those that say
// nothing of the key are one.
func (k *keys) either(e *binary) ([]Branch, error) {
	x, err := k.branches(e.x)
	if err != nil {
		return nil, err
	}
	y, err := k.branches(e.y)
	if err != nil {
		return nil, err
	}
	if silent(x) && silent(y) {
		return []Branch{{}}, nil
	}
	return k.limited(slices.Concat(x, y))
}

func silent(list []Branch) bool {
	return len(list) == 1 && len(list[0].Terms) == 0 && !list[0].Negated
}

// members are the branches of IN, where it is about a key.
func (k *keys) members(e *in) (out []Branch, ok bool, err error) {
	path, isPath := e.of.(*pathExpr)
	if !isPath || len(path.steps) > 1 || !k.about(path.steps[0].Name) {
		return nil, false, nil
	}
	for _, m := range membersOf(e.list) {
		if !constant(m) {
			return nil, false, nil
		}
		v, err := k.value(m, root)
		if err != nil {
			return nil, false, err
		}
		t := expression.KeyTerm{Attribute: path.steps[0].Name, Operator: "=", Values: []attribute.Value{v}}
		if !slices.ContainsFunc(out, func(b Branch) bool { return item.Equal(b.Terms[0].Values[0], v) }) {
			out = append(out, Branch{Terms: []expression.KeyTerm{t}, Whole: true})
		}
	}
	if len(out) == 0 {
		return nil, false, nil
	}
	out, err = k.limited(out)
	return out, true, err
}

// mentionsSort says whether a condition is about an attribute of the sort key.
func (k *keys) mentionsSort(e expr) bool {
	switch e := e.(type) {
	case *pathExpr:
		return slices.Contains(k.sort, e.steps[0].Name)
	case *binary:
		return k.mentionsSort(e.x) || k.mentionsSort(e.y)
	case *not:
		return k.mentionsSort(e.of)
	case *between:
		return k.mentionsSort(e.of)
	case *in:
		return k.mentionsSort(e.of)
	case *is:
		return k.mentionsSort(e.of)
	case *call:
		return slices.ContainsFunc(e.args, k.mentionsSort)
	}
	return false
}

// mirrored are comparators with their operands exchanged.
var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// term reads a condition that compares one whole attribute with values, as
// conditions on keys do; ok is false of all others.
func (b *Bound) term(e expr) (t expression.KeyTerm, ok bool, err error) {
	var of expr
	var values []expr
	switch e := e.(type) {
	case *binary:
		if mirrored[e.operator] == "" {
			return t, false, nil
		}
		t.Operator, of, values = e.operator, e.x, []expr{e.y}
		if _, isPath := of.(*pathExpr); !isPath {
			t.Operator, of, values = mirrored[e.operator], e.y, []expr{e.x}
		}
	case *between:
		t.Operator, of, values = "BETWEEN", e.of, []expr{e.low, e.high}
	case *call:
		if e.name != "begins_with" || len(e.args) != 2 {
			return t, false, nil
		}
		t.Operator, of, values = e.name, e.args[0], e.args[1:]
	}
	path, isPath := of.(*pathExpr)
	if !isPath || len(path.steps) > 1 {
		return t, false, nil
	}
	t.Attribute = path.steps[0].Name
	for _, v := range values {
		if !constant(v) {
			return t, false, nil
		}
		of, err := b.value(v, root)
		if err != nil {
			return t, false, err
		}
		t.Values = append(t.Values, of)
	}
	return t, true, nil
}

// constant says whether an expression has the same value for every item.
func constant(e expr) bool {
	switch e := e.(type) {
	case *literal:
		return e.kind != missingLiteral
	case *parameter, *list, *bag, *tuple:
		return true
	}
	return false
}
