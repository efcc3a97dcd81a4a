package partiql

import (
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
)

// where makes an expression of parts of a statement.
type where struct {
	*Bound
	builder expression.Builder
}

// conditions are the functions that are conditions; size is an operand.
var conditions = map[string]bool{
	"attribute_exists": true, "attribute_not_exists": true, "attribute_type": true, "begins_with": true, "contains": true,
}

// test makes the test of a condition.
func (w *where) test(e expr) (out expression.Test, err error) {
	switch e := e.(type) {
	case *binary:
		return w.infix(e)
	case *not:
		of, err := w.test(e.of)
		return w.builder.Not(of), err
	case *between:
		x, err := w.operands(e.of, e.low, e.high)
		if err != nil {
			return out, err
		}
		return w.builder.Between(x[0], x[1], x[2]), nil
	case *in:
		return w.membership(e)
	case *is:
		return w.typed(e)
	case *call:
		switch {
		case conditions[e.name]:
			args, err := w.operands(e.args...)
			return w.builder.Call(e.name, args...).Test(), err
		case e.name != "size":
			return out, errFunction(e)
		}
	}
	return out, Error("WHERE clause must contain an expression that resolves to a boolean")
}

func (w *where) infix(e *binary) (out expression.Test, err error) {
	switch e.operator {
	case "AND", "OR":
		x, err := w.test(e.x)
		if err != nil {
			return out, err
		}
		y, err := w.test(e.y)
		if e.operator == "OR" {
			return w.builder.Or(x, y), err
		}
		return w.builder.And(x, y), err
	case "=", "<>", "<", "<=", ">", ">=":
	default:
		return out, errorf("Unsupported operator in Condition Expression. Operator: %s", e.operator)
	}
	if t, ok, err := w.truth(e); ok || err != nil {
		return t, err
	}
	x, err := w.operands(e.x, e.y)
	if err != nil {
		return out, err
	}
	return w.builder.Compare(e.operator, x[0], x[1]), nil
}

// truth makes the test of a condition that is compared with TRUE or FALSE.
func (w *where) truth(e *binary) (out expression.Test, ok bool, err error) {
	c, isCall := e.x.(*call)
	l, isLiteral := e.y.(*literal)
	if !isCall || !isLiteral || !conditions[c.name] || l.kind != boolLiteral || e.operator != "=" && e.operator != "<>" {
		return out, false, nil
	}
	if out, err = w.test(c); (l.text == "true") != (e.operator == "=") {
		out = w.builder.Not(out)
	}
	return out, true, err
}

func (w *where) membership(e *in) (out expression.Test, err error) {
	_, isPath := e.of.(*pathExpr)
	members := membersOf(e.list)
	if !isPath || len(members) == 0 {
		return out, Error("IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member")
	}
	x, err := w.operands(append([]expr{e.of}, members...)...)
	if err != nil {
		return out, err
	}
	return w.builder.In(x[0], x[1:]), nil
}

// membersOf are what stands on the right side of IN.
func membersOf(e expr) []expr {
	switch e := e.(type) {
	case *list:
		return e.items
	case *bag:
		return e.items
	case *literal, *parameter: // the parentheses of a single one mean nothing
		return []expr{e}
	}
	return nil
}

// typed makes the test of IS.
func (w *where) typed(e *is) (out expression.Test, err error) {
	x, err := w.operand(e.of)
	if err != nil {
		return out, err
	}
	if e.name == "MISSING" {
		return w.builder.Call("attribute_not_exists", x).Test(), nil
	}
	return w.builder.Call("attribute_type", x, w.builder.Value(attribute.S(e.name))).Test(), nil
}

func (w *where) operands(list ...expr) ([]expression.Operand, error) {
	out := make([]expression.Operand, len(list))
	for i, e := range list {
		var err error
		if out[i], err = w.operand(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// operand makes something that has a value.
func (w *where) operand(e expr) (out expression.Operand, err error) {
	switch e := e.(type) {
	case *pathExpr:
		return w.builder.Path(e.steps...), nil
	case *call:
		if e.name != "size" {
			return out, errFunction(e)
		}
		args, err := w.operands(e.args...)
		return w.builder.Call(e.name, args...), err
	case *binary:
		return out, errorf("Unsupported operator in Condition Expression. Operator: %s", e.operator)
	}
	v, err := w.value(e, root)
	if err != nil {
		return out, err
	}
	return w.builder.Value(v), nil
}
