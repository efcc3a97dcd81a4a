package expression

import (
	"iter"
)

// Use is one document path of an expression, as far as keys and indexes care.
type Use struct {
	// Attribute is the top-level attribute.
	Attribute string
	// Nested says that the path goes into it.
	Nested bool
}

func (b *bindings) use(p *path) Use {
	return Use{Attribute: b.at(p.elements[0]), Nested: len(p.elements) > 1}
}

// Uses yields every path of the condition, in the order they are written.
func (c *Condition) Uses() iter.Seq[Use] {
	return func(yield func(Use) bool) { c.usesOf(c.root, yield) }
}

func (b *bindings) usesOf(c condition, yield func(Use) bool) bool {
	switch c := c.(type) {
	case *logical:
		return b.usesOf(c.a, yield) && b.usesOf(c.b, yield)
	case *negation:
		return b.usesOf(c.of, yield)
	case *comparison:
		return b.operandUses(yield, c.a, c.b)
	case *between:
		return b.operandUses(yield, c.of, c.low, c.high)
	case *membership:
		return b.operandUses(yield, c.of) && b.operandUses(yield, c.list...)
	}
	return b.operandUses(yield, c)
}

func (b *bindings) operandUses(yield func(Use) bool, list ...operand) bool {
	for _, o := range list {
		switch o := o.(type) {
		case *path:
			if !yield(b.use(o)) {
				return false
			}
		case *call:
			if !b.operandUses(yield, o.args...) {
				return false
			}
		case *arithmetic:
			if !b.operandUses(yield, o.args[:]...) {
				return false
			}
		}
	}
	return true
}

// Uses yields every path of the projection.
func (p *Projection) Uses() iter.Seq[Use] {
	return func(yield func(Use) bool) {
		for _, one := range p.paths {
			if !yield(p.use(one)) {
				return
			}
		}
	}
}

// Target is a path that an update acts on.
type Target struct {
	Use
	// Type is the type of what the path is given, "" where it is not known
	// without an item or nothing is given.
	Type string
}

// Targets yields the paths that the update acts on, in the order they are written.
func (u *Update) Targets() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		for _, a := range u.actions {
			t := Target{Use: u.use(a.path)}
			if a.with != nil {
				t.Type = u.typeOf(a.with)
			}
			if !yield(t) {
				return
			}
		}
	}
}

// Uses yields every path of the update: what it acts on and what it reads.
func (u *Update) Uses() iter.Seq[Use] {
	return func(yield func(Use) bool) {
		for _, a := range u.actions {
			if !u.operandUses(yield, a.path, a.with) {
				return
			}
		}
	}
}
