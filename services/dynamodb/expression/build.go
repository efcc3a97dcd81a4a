package expression

import (
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// PartiQL says in another grammar what expressions say. A Builder makes the
// same trees without a text: attributes stand for themselves, values are
// literals. What comes out is checked as a text's tree is, with AWS's texts,
// which name no parameter here.

// Builder makes one expression. The zero Builder is ready.
type Builder struct{ b *bindings }

// Operand is a part of an expression that has a value.
type Operand struct{ operand }

// Test is a part of an expression that holds or does not.
type Test struct{ condition }

// Step is one step of a document path: the name of an attribute, or the index
// of a list where Name is "".
type Step struct {
	Name  string
	Index int
}

func (b *Builder) bindings() *bindings {
	if b.b == nil {
		b.b = &bindings{parsed: &parsed{}}
	}
	return b.b
}

func pathOf(steps []Step) *path {
	p := &path{elements: make([]element, len(steps))}
	for i, s := range steps {
		p.elements[i] = element{name: s.Name, slot: -1, index: s.Index}
	}
	return p
}

// Path is what lies at a document path.
func (b *Builder) Path(steps ...Step) Operand { return Operand{pathOf(steps)} }

// Value is a normalised value.
func (b *Builder) Value(v attribute.Value) Operand {
	return Operand{b.bindings().literal(v)}
}

// Call is a function of the expression language; it is a Test where it is a condition.
func (b *Builder) Call(name string, args ...Operand) Operand {
	return Operand{&call{name: name, args: operandsOf(args)}}
}

// Test is the call of a function that is a condition.
func (o Operand) Test() Test { return Test{o.operand} }

// Sum is the sum or, with "-", the difference of two operands, which only updates have.
func (b *Builder) Sum(operator string, x, y Operand) Operand {
	return Operand{&arithmetic{operator: operator, args: [2]operand{x.operand, y.operand}}}
}

// Compare compares with =, <>, <, <=, > or >=.
func (b *Builder) Compare(operator string, x, y Operand) Test {
	return Test{&comparison{operator: operator, a: x.operand, b: y.operand}}
}

// Between holds of what lies between two bounds, or is one of them.
func (b *Builder) Between(x, low, high Operand) Test {
	return Test{&between{of: x.operand, low: low.operand, high: high.operand}}
}

// In holds of what is one of the list.
func (b *Builder) In(x Operand, list []Operand) Test {
	return Test{&membership{of: x.operand, list: operandsOf(list)}}
}

// And holds when two tests do.
func (b *Builder) And(x, y Test) Test { return Test{&logical{a: x.condition, b: y.condition}} }

// Or holds when one of two tests does.
func (b *Builder) Or(x, y Test) Test { return Test{&logical{or: true, a: x.condition, b: y.condition}} }

// Not holds when a test does not.
func (b *Builder) Not(x Test) Test { return Test{&negation{of: x.condition}} }

func operandsOf(list []Operand) []operand {
	out := make([]operand, len(list))
	for i, o := range list {
		out[i] = o.operand
	}
	return out
}

// Condition is the condition of a test made with b.
func (b *Builder) Condition(t Test) (*Condition, error) {
	c := &Condition{bindings: b.bindings(), root: t.condition}
	if problem := c.checkCondition(c.root); problem != "" {
		return nil, Error(problem)
	}
	return c, nil
}

// Action is one step of an update.
type Action struct{ action }

// Set gives a path a value.
func (b *Builder) Set(target []Step, to Operand) Action {
	return Action{action{verb: verbSet, path: pathOf(target), with: to.operand}}
}

// Remove removes what lies at a path.
func (b *Builder) Remove(target []Step) Action {
	return Action{action{verb: verbRemove, path: pathOf(target)}}
}

// Add adds the members of a set to the set at a path.
func (b *Builder) Add(target []Step, set attribute.Value) Action {
	return Action{action{verb: verbAdd, path: pathOf(target), with: b.Value(set).operand}}
}

// Delete removes the members of a set from the set at a path.
func (b *Builder) Delete(target []Step, set attribute.Value) Action {
	return Action{action{verb: verbDelete, path: pathOf(target), with: b.Value(set).operand}}
}

// Update is the update that does all actions, which were made with b.
func (b *Builder) Update(actions []Action) (*Update, error) {
	u := &Update{bindings: b.bindings()}
	for _, a := range actions {
		u.actions = append(u.actions, a.action)
	}
	if problem := u.check(); problem != "" {
		return nil, Error(problem)
	}
	return u, nil
}

// Column is a path that a projection gives a name of its own.
type Column struct {
	Name  string
	Steps []Step
}

// Columns is the projection to what lies at the columns' paths, by their names.
func Columns(list []Column) *Projection {
	out := &Projection{bindings: &bindings{parsed: &parsed{}}}
	for _, c := range list {
		out.paths = append(out.paths, pathOf(c.Steps))
		out.columns = append(out.columns, c.Name)
	}
	return out
}

// flat gives the columns of an item that are there.
func (p *Projection) flat(of item.Item) item.Item {
	out := make(item.Item, len(p.columns))
	for i, name := range p.columns {
		if v := p.get(of, p.paths[i]); v != nil {
			out[name] = v
		}
	}
	return out
}
