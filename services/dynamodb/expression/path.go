package expression

import (
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// pathText is a path as AWS shows it: [a, b, [1]].
func (b *bindings) pathText(p *path) string {
	parts := make([]string, len(p.elements))
	for i, e := range p.elements {
		if e.isIndex() {
			parts[i] = "[" + strconv.Itoa(e.index) + "]"
		} else {
			parts[i] = b.at(e)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (b *bindings) sameElement(e, f element) bool {
	if e.isIndex() || f.isIndex() {
		return e.isIndex() && f.isIndex() && e.index == f.index
	}
	return b.at(e) == b.at(f)
}

func (b *bindings) samePath(p, q *path) bool {
	if len(p.elements) != len(q.elements) {
		return false
	}
	for i, e := range p.elements {
		if !b.sameElement(e, q.elements[i]) {
			return false
		}
	}
	return true
}

// clashes finds two paths of which one lies in the other, or that need one
// attribute to be a list and a map. The later paths are looked at first, as
// AWS does. It returns "" when there are none.
func (b *bindings) clashes(paths []*path) string {
	for j := len(paths) - 1; j > 0; j-- {
		for i := j - 1; i >= 0; i-- {
			if how := b.clash(paths[i], paths[j]); how != "" {
				return "Two document paths " + how + " with each other; must remove or rewrite one of these paths; path one: " +
					b.pathText(paths[i]) + ", path two: " + b.pathText(paths[j])
			}
		}
	}
	return ""
}

func (b *bindings) clash(p, q *path) string {
	for i, e := range p.elements {
		if i == len(q.elements) {
			break
		}
		f := q.elements[i]
		if e.isIndex() != f.isIndex() {
			return "conflict"
		}
		if !b.sameElement(e, f) {
			return ""
		}
	}
	return "overlap"
}

// get is the value at a path, nil when there is none.
func (b *bindings) get(from item.Item, p *path) attribute.Value {
	v := from[b.at(p.elements[0])]
	for _, e := range p.elements[1:] {
		v = b.step(v, e)
	}
	return v
}

// step is the value of one element in a map or list, nil when there is none.
func (b *bindings) step(v attribute.Value, e element) attribute.Value {
	switch v := v.(type) {
	case attribute.M:
		if !e.isIndex() {
			return v[b.at(e)]
		}
	case attribute.L:
		if e.isIndex() && e.index < len(v) {
			return v[e.index]
		}
	}
	return nil
}
