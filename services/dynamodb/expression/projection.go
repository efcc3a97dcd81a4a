package expression

import (
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// Projection is a choice of parts of items.
type Projection struct {
	*bindings
	paths []*path
	// columns are the names that the paths' values get; nil to keep them where
	// they lie.
	columns []string
}

// Projection reads a ProjectionExpression.
func (p *Placeholders) Projection(text string) (*Projection, error) {
	parsed, err := projectionTexts.get(text, parseProjection)
	if err != nil {
		return nil, err
	}
	out := &Projection{bindings: p.bind(&parsed.parsed), paths: parsed.paths}
	for _, path := range out.paths {
		if problem := out.undefinedName(path); problem != "" {
			return nil, ProjectionExpression.errorf("%s", problem)
		}
	}
	if problem := out.clashes(out.paths); problem != "" {
		return nil, ProjectionExpression.errorf("%s", problem)
	}
	return out, nil
}

// Attributes is the projection to whole attributes.
func Attributes(names []string) *Projection {
	out := &Projection{bindings: &bindings{parsed: &parsed{}}}
	for _, name := range names {
		out.paths = append(out.paths, &path{elements: []element{{name: name, slot: -1}}})
	}
	return out
}

// Touched is the projection to the paths that the update acts on.
func (u *Update) Touched() *Projection { return &Projection{bindings: u.bindings, paths: u.paths()} }

// Apply gives the parts of an item that are there. Of a list it gives the
// chosen elements in their order, without gaps.
func (p *Projection) Apply(of item.Item) item.Item {
	if p.columns != nil {
		return p.flat(of)
	}
	out := make(item.Item, len(p.paths))
	for i, one := range p.paths {
		name := p.at(one.elements[0])
		if len(one.elements) == 1 {
			if v, ok := of[name]; ok {
				out[name] = v
			}
			continue
		}
		if _, done := out[name]; done {
			continue
		}
		if v := p.part(of[name], p.through(p.paths[i:], one, 0), 1); v != nil {
			out[name] = v
		}
	}
	return out
}

// through are the paths that go through the same element as one.
func (p *Projection) through(paths []*path, one *path, depth int) []*path {
	var out []*path
	for _, q := range paths {
		if p.sameElement(q.elements[depth], one.elements[depth]) {
			out = append(out, q)
		}
	}
	return out
}

// part is what the paths choose of a value, nil when that is nothing. One path
// that ends before depth chooses all of it; no other can lie within.
func (p *Projection) part(of attribute.Value, paths []*path, depth int) attribute.Value {
	if len(paths[0].elements) == depth {
		return of
	}
	switch of := of.(type) {
	case attribute.M:
		out := attribute.M{}
		for i, one := range paths {
			e := one.elements[depth]
			if e.isIndex() {
				continue
			}
			name := p.at(e)
			if _, done := out[name]; done {
				continue
			}
			if v := p.part(of[name], p.through(paths[i:], one, depth), depth+1); v != nil {
				out[name] = v
			}
		}
		if len(out) > 0 {
			return out
		}
	case attribute.L:
		chosen := map[int]attribute.Value{}
		var order []int
		for i, one := range paths {
			e := one.elements[depth]
			if !e.isIndex() || e.index >= len(of) {
				continue
			}
			if _, done := chosen[e.index]; done {
				continue
			}
			if v := p.part(of[e.index], p.through(paths[i:], one, depth), depth+1); v != nil {
				chosen[e.index] = v
				order = append(order, e.index)
			}
		}
		slices.Sort(order)
		out := make(attribute.L, len(order))
		for i, index := range order {
			out[i] = chosen[index]
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
