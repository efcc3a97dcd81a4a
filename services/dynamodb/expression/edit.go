package expression

import (
	"maps"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// edit gives a path a value; nil removes what is there.
type edit struct {
	path *path
	to   attribute.Value
}

// edit makes all edits at once. None of them lies in another, and all their
// paths are reachable.
func (b *bindings) edit(old item.Item, edits []edit) item.Item { return b.editMap(old, edits, 0) }

// inner says whether an edit goes on below the element of the given depth.
func (e edit) inner(depth int) bool { return len(e.path.elements) > depth+1 }

// below are the edits that go through the same element as the first.
func (b *bindings) below(edits []edit, depth int) []edit {
	var out []edit
	for _, e := range edits {
		if b.sameElement(e.path.elements[depth], edits[0].path.elements[depth]) {
			out = append(out, e)
		}
	}
	return out
}

// editValue makes edits within a value, at elements of the given depth.
func (b *bindings) editValue(old attribute.Value, edits []edit, depth int) attribute.Value {
	switch old := old.(type) {
	case attribute.M:
		return attribute.M(b.editMap(old, edits, depth))
	case attribute.L:
		return b.editList(old, edits, depth)
	}
	return old
}

func (b *bindings) editMap(old map[string]attribute.Value, edits []edit, depth int) map[string]attribute.Value {
	out := make(map[string]attribute.Value, len(old)+len(edits))
	maps.Copy(out, old)
	for i, e := range edits {
		name := b.at(e.path.elements[depth])
		switch {
		case e.inner(depth):
			// All edits below one element are made with the first of them.
			if b.firstOf(edits[:i], e, depth) {
				out[name] = b.editValue(old[name], b.below(edits[i:], depth), depth+1)
			}
		case e.to == nil:
			delete(out, name)
		default:
			out[name] = e.to
		}
	}
	return out
}

// firstOf says whether none of the edits before goes through e's element.
func (b *bindings) firstOf(before []edit, e edit, depth int) bool {
	return !slices.ContainsFunc(before, func(f edit) bool {
		return b.sameElement(f.path.elements[depth], e.path.elements[depth])
	})
}

// editList keeps the meaning of indexes: they are those of the old list. What
// is set beyond its end is appended, in the order of the indexes.
func (b *bindings) editList(old attribute.L, edits []edit, depth int) attribute.L {
	out := slices.Clone(old)
	var removed []int
	var appended []edit
	for i, e := range edits {
		index := e.path.elements[depth].index
		switch {
		case index >= len(old):
			if e.to != nil {
				appended = append(appended, e)
			}
		case e.inner(depth):
			if b.firstOf(edits[:i], e, depth) {
				out[index] = b.editValue(old[index], b.below(edits[i:], depth), depth+1)
			}
		case e.to == nil:
			removed = append(removed, index)
		default:
			out[index] = e.to
		}
	}
	slices.Sort(removed)
	for _, index := range slices.Backward(removed) {
		out = slices.Delete(out, index, index+1)
	}
	slices.SortFunc(appended, func(e, f edit) int { return e.path.elements[depth].index - f.path.elements[depth].index })
	for _, e := range appended {
		out = append(out, e.to)
	}
	return out
}
