package partiql

import (
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// Update is what an UPDATE does to an item.
func (b *Bound) Update() (*expression.Update, error) {
	u := where{Bound: b}
	actions := make([]expression.Action, len(b.actions))
	for i, a := range b.actions {
		var err error
		if actions[i], err = u.action(a); err != nil {
			return nil, err
		}
	}
	return u.builder.Update(actions)
}

// action makes one SET or REMOVE.
func (w *where) action(a assignment) (out expression.Action, err error) {
	if a.to == nil {
		return w.builder.Remove(a.target.steps), nil
	}
	if c, ok := a.to.(*call); ok && (c.name == "set_add" || c.name == "set_delete") {
		return w.setAction(a.target, c)
	}
	to, err := w.assigned(a.to)
	return w.builder.Set(a.target.steps, to), err
}

// setAction is an assignment that adds members to a set, or removes some.
func (w *where) setAction(target *pathExpr, c *call) (out expression.Action, err error) {
	name := map[string]string{"set_add": "SET_ADD", "set_delete": "SET_DELETE"}[c.name]
	if len(c.args) != 2 {
		return out, errorf("%s must have exactly two arguments at %s", name, c.at)
	}
	first, ok := c.args[0].(*pathExpr)
	if !ok || !slices.Equal(first.steps, target.steps) {
		return out, errorf("The first argument to %s must equal the assignment value at %s", name, c.at)
	}
	set, err := w.value(c.args[1], root)
	if err != nil {
		return out, err
	}
	switch set.(type) {
	case attribute.SS, attribute.NS, attribute.BS:
	default:
		return out, errorf("The second argument to %s must be a value with type SET at %s", name, first.at)
	}
	if c.name == "set_add" {
		return w.builder.Add(target.steps, set), nil
	}
	return w.builder.Delete(target.steps, set), nil
}

// assigned is the right side of a SET.
func (w *where) assigned(e expr) (out expression.Operand, err error) {
	switch e := e.(type) {
	case *pathExpr:
		return w.builder.Path(e.steps...), nil
	case *binary:
		if e.operator != "+" && e.operator != "-" {
			return out, errorf("Unsupported operator in Update Expression. Operator: %s", e.operator)
		}
		x, err := w.assigned(e.x)
		if err != nil {
			return out, err
		}
		y, err := w.assigned(e.y)
		return w.builder.Sum(e.operator, x, y), err
	case *call:
		if e.name != "list_append" {
			return out, errFunction(e)
		}
		args := make([]expression.Operand, len(e.args))
		for i, a := range e.args {
			if args[i], err = w.assigned(a); err != nil {
				return out, err
			}
		}
		return w.builder.Call(e.name, args...), nil
	case *is:
		return out, Error("IS operator is not supported in update expressions")
	}
	v, err := w.value(e, root)
	if err != nil {
		return out, err
	}
	if v, err = item.NormaliseValue(v); err != nil { // how deep it is
		return out, err
	}
	return w.builder.Value(v), nil
}

func errFunction(c *call) error { return errorf("Unrecognized function: %s at %s", c.name, c.at) }
