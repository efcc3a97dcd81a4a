package partiql

import (
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/number"
)

// Bound is a statement with its parameters.
type Bound struct {
	*Statement
	parameters []attribute.Value
}

// Bind gives a statement its parameters, which are normalised here, in the
// order AWS looks at them.
func Bind(s *Statement, parameters []attribute.Value) (*Bound, error) {
	b := &Bound{Statement: s, parameters: make([]attribute.Value, len(parameters))}
	for i, v := range parameters {
		var err error
		if b.parameters[i], err = item.NormaliseValue(v); err != nil {
			return nil, err
		}
	}
	if len(parameters) != s.parameters {
		return nil, Error("Number of parameters in request and statement don't match.")
	}
	return b, nil
}

// root is what AWS calls the outermost value in messages.
const root = "root"

// value is the value that an expression stands for. under is where it lies,
// for messages.
func (b *Bound) value(e expr, under string) (attribute.Value, error) {
	switch e := e.(type) {
	case *parameter:
		return b.parameters[e.number], nil
	case *literal:
		return e.value(under)
	case *list:
		out := make(attribute.L, len(e.items))
		for i, element := range e.items {
			var err error
			if out[i], err = b.value(element, under+"["+itoa(i)+"]"); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *tuple:
		return b.tuple(e, func(key string) string { return under + "." + key }, under)
	case *bag:
		return b.bag(e, under)
	case *call:
		return nil, errorf("Unsupported data type: %s under key %s at %s", e.name, under, e.at)
	}
	return nil, errorf("Unsupported data type: %s under key %s", typeName(e), under)
}

func (l *literal) value(under string) (attribute.Value, error) {
	switch l.kind {
	case stringLiteral:
		return attribute.S(l.text), nil
	case numberLiteral:
		n, err := number.Normalise(l.text)
		if err != nil {
			return nil, errorf("%s under %s", err, under)
		}
		return attribute.N(n), nil
	case boolLiteral:
		return attribute.BOOL(l.text == "true"), nil
	case nullLiteral:
		return attribute.NULL{}, nil
	case ionLiteral:
		return nil, errorf("Ion Literals are not supported: %s under key %s", l.text, under)
	}
	return nil, Error("MISSING must be compared using IS operator")
}

// tuple is a map; of says where the value of a key lies.
func (b *Bound) tuple(e *tuple, of func(key string) string, under string) (attribute.M, error) {
	out := make(attribute.M, len(e.keys))
	for i, k := range e.keys {
		key, ok := k.(*literal)
		if !ok || key.kind != stringLiteral {
			return nil, errorf("Tuple keys must be of type String. Actual type: %s under %s", typeName(k), under)
		}
		if _, twice := out[key.text]; twice {
			return nil, errorf("Duplicate keys in tuple. Key: %s under %s", key.text, under)
		}
		v, err := b.value(e.values[i], of(key.text))
		if err != nil {
			return nil, err
		}
		out[key.text] = v
	}
	return out, nil
}

// bag is a set: of numbers, strings or binaries, the last of which only
// parameters can be.
func (b *Bound) bag(e *bag, under string) (attribute.Value, error) {
	if len(e.items) == 0 {
		return nil, Error("Empty bags are not supported")
	}
	var texts, numbers []string
	var binaries [][]byte
	kind := ""
	for _, element := range e.items {
		v, err := b.value(element, under)
		if err != nil {
			return nil, err
		}
		of := attribute.TypeOf(v)
		if kind == "" {
			kind = of
		}
		if kind != of {
			return nil, errorf("Unexpected data type %s in %s Set under key %s", of, map[string]string{"N": "Number", "S": "String", "B": "Binary"}[kind], under)
		}
		switch v := v.(type) {
		case attribute.S:
			texts = append(texts, string(v))
		case attribute.N:
			numbers = append(numbers, string(v))
		case attribute.B:
			binaries = append(binaries, v)
		default:
			return nil, Error("Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags")
		}
	}
	switch kind {
	case "S":
		return item.NormaliseValue(attribute.SS(texts))
	case "N":
		return item.NormaliseValue(attribute.NS(numbers))
	}
	return item.NormaliseValue(attribute.BS(binaries))
}

// Item is the item of an INSERT, normalised.
func (b *Bound) Item() (item.Item, error) {
	if p, ok := b.item.(*parameter); ok {
		m, ok := b.parameters[p.number].(attribute.M)
		if !ok {
			return nil, Error("Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.")
		}
		return item.Item(m), nil
	}
	m, err := b.tuple(b.item.(*tuple), func(string) string { return root }, root)
	if err != nil {
		return nil, err
	}
	return item.Normalise(item.Item(m))
}

// Condition is the condition of the whole WHERE clause, nil when there is none.
func (b *Bound) Condition() (*expression.Condition, error) {
	if b.where == nil {
		return nil, nil
	}
	return b.condition(b.where)
}

func (b *Bound) condition(of expr) (*expression.Condition, error) {
	w := where{Bound: b}
	t, err := w.test(of)
	if err != nil {
		return nil, err
	}
	return w.builder.Condition(t)
}

// WriteCondition is the condition of an UPDATE or DELETE: that the rest of its
// WHERE clause holds, for an UPDATE of an item that is there, and for a DELETE
// of one that is there if any. present is an attribute that every item has.
// It is nil where nothing is asked.
func (b *Bound) WriteCondition(rest []Rest, present string) (*expression.Condition, error) {
	w := where{Bound: b}
	there := w.builder.Call("attribute_exists", w.builder.Path(expression.Step{Name: present})).Test()
	var parts []expression.Test
	if b.Kind == Update {
		parts = append(parts, there)
	}
	for _, r := range rest {
		t, err := w.test(r.expr)
		if err != nil {
			return nil, err
		}
		parts = append(parts, t)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	all := parts[0]
	for _, t := range parts[1:] {
		all = w.builder.And(all, t)
	}
	if b.Kind == Delete {
		all = w.builder.Or(w.builder.Not(there), all)
	}
	return w.builder.Condition(all)
}

// Rest is a part of a WHERE clause that is not about the key.
type Rest struct{ expr }

// Conditions is the condition that all parts hold, nil when there are none.
func (b *Bound) Conditions(rest []Rest) (*expression.Condition, error) {
	if len(rest) == 0 {
		return nil, nil
	}
	all := rest[0].expr
	for _, r := range rest[1:] {
		all = &binary{operator: "AND", x: all, y: r.expr}
	}
	return b.condition(all)
}
