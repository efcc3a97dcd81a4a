package expression

import (
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/number"
)

// Update is an update of one request.
type Update struct {
	*bindings
	actions []action
	legacy  bool // from before there were expressions
}

// What AWS says of updates that do not fit an item.
const (
	errOperandType Error = "An operand in the update expression has an incorrect data type"
	errMissing     Error = "The provided expression refers to an attribute that does not exist in the item"
	errLegacyType  Error = "Type mismatch for attribute to update"
	errPath        Error = "The document path provided in the update expression is invalid for update"
)

// Update reads an UpdateExpression.
func (p *Placeholders) Update(text string) (*Update, error) {
	parsed, err := updateTexts.get(text, parseUpdate)
	if err != nil {
		return nil, err
	}
	u := &Update{bindings: p.bind(&parsed.parsed), actions: parsed.actions}
	if problem := u.check(); problem != "" {
		return nil, UpdateExpression.errorf("%s", problem)
	}
	return u, nil
}

// check finds what is wrong without an item: paths first, then names and
// values from the last action to the first.
func (u *Update) check() string {
	for _, a := range u.actions {
		if text := u.undefinedName(a.path); text != "" {
			return text
		}
	}
	if text := u.clashes(u.paths()); text != "" {
		return text
	}
	for _, a := range slices.Backward(u.actions) {
		if text := u.undefined(a.with); text != "" {
			return text
		}
	}
	for _, a := range slices.Backward(u.actions) {
		if text := u.checkAction(a); text != "" {
			return text
		}
	}
	return ""
}

func (u *Update) paths() []*path {
	paths := make([]*path, len(u.actions))
	for i, a := range u.actions {
		paths[i] = a.path
	}
	return paths
}

func (u *Update) checkAction(a action) string {
	if a.verb == verbAdd || a.verb == verbDelete {
		return u.checkVerb(a.verb, a.with.(*value))
	}
	c := checker{bindings: u.bindings}
	c.operand(a.with)
	for _, text := range c.found {
		if text != "" {
			return text
		}
	}
	return ""
}

// checkVerb checks the operand of ADD and DELETE, whose types AWS names in full.
func (u *Update) checkVerb(v verb, with *value) string {
	long := ""
	switch u.value[with.slot].(type) {
	case attribute.SS, attribute.NS, attribute.BS:
		return ""
	case attribute.N:
		if v == verbAdd {
			return ""
		}
		long = "NUMBER"
	case attribute.S:
		long = "STRING"
	case attribute.B:
		long = "BINARY"
	case attribute.BOOL:
		long = "BOOLEAN"
	case attribute.NULL:
		long = "NULL"
	case attribute.L:
		long = "LIST"
	case attribute.M:
		long = "MAP"
	}
	return "Incorrect operand type for operator or function; operator: " + string(v) + ", operand type: " + long +
		", typeSet: ALLOWED_FOR_" + string(v) + "_OPERAND"
}

// Creates says whether the update makes an item where there was none: not when
// all it does is take something away.
func (u *Update) Creates() bool {
	takes := func(a action) bool { return a.verb == verbRemove || a.verb == verbDelete }
	return len(u.actions) == 0 || slices.ContainsFunc(u.actions, func(a action) bool { return !takes(a) })
}

// Apply gives the item that the update makes of the old one, which is nil or
// holds the key alone where there was none. All values are taken from the
// item as it was.
func (u *Update) Apply(old item.Item) (item.Item, error) {
	edits := make([]edit, len(u.actions))
	missing := make([]bool, len(u.actions))
	for i, a := range u.actions {
		var err error
		edits[i].path = a.path
		edits[i].to, err = u.result(old, a)
		switch {
		case err == errMissing:
			missing[i] = true
		case err == errOperandType && u.legacy:
			return nil, errLegacyType
		case err != nil:
			return nil, err
		}
	}
	for i, a := range slices.Backward(u.actions) {
		if !u.reachable(old, a.path) {
			return nil, errPath
		}
		if missing[i] {
			return nil, errMissing
		}
	}
	return u.edit(old, edits), nil
}

// reachable says whether what a path's last element lies in is there, and is a
// map or list as the element needs.
func (u *Update) reachable(old item.Item, p *path) bool {
	last := len(p.elements) - 1
	if last == 0 {
		return true
	}
	switch u.get(old, &path{elements: p.elements[:last]}).(type) {
	case attribute.M:
		return !p.elements[last].isIndex()
	case attribute.L:
		return p.elements[last].isIndex()
	}
	return false
}

// result is the value that an action gives its path; nil removes it.
func (u *Update) result(old item.Item, a action) (attribute.Value, error) {
	switch a.verb {
	case verbSet:
		return u.setValue(old, a.with)
	case verbAdd:
		return add(u.get(old, a.path), u.value[a.with.(*value).slot])
	case verbDelete:
		return subtract(u.get(old, a.path), u.value[a.with.(*value).slot])
	}
	return nil, nil
}

// setValue is the value of the right side of a SET.
func (u *Update) setValue(old item.Item, o operand) (attribute.Value, error) {
	switch o := o.(type) {
	case *value:
		return u.value[o.slot], nil
	case *path:
		if v := u.get(old, o); v != nil {
			return v, nil
		}
		return nil, errMissing
	case *arithmetic:
		return u.arithmetic(old, o)
	case *call:
		if o.name == "list_append" {
			return u.listAppend(old, o)
		}
		if v := u.get(old, o.args[0].(*path)); v != nil {
			return v, nil
		}
		return u.setValue(old, o.args[1])
	}
	return nil, errOperandType
}

// both evaluates two operands that must be of one type. A wrong type counts
// more than one that is missing.
func both[T attribute.Value](u *Update, old item.Item, a, b operand) (x, y T, err error) {
	v, errA := u.setValue(old, a)
	w, errB := u.setValue(old, b)
	x, okA := v.(T)
	y, okB := w.(T)
	switch {
	case errA != nil && errA != errMissing:
		return x, y, errA
	case errB != nil && errB != errMissing:
		return x, y, errB
	case errA == nil && !okA, errB == nil && !okB:
		return x, y, errOperandType
	case errA != nil || errB != nil:
		return x, y, errMissing
	}
	return x, y, nil
}

func (u *Update) arithmetic(old item.Item, o *arithmetic) (attribute.Value, error) {
	a, b, err := both[attribute.N](u, old, o.args[0], o.args[1])
	if err != nil {
		return nil, err
	}
	return sum(a, b, o.operator == "-")
}

func sum(a, b attribute.N, minus bool) (attribute.Value, error) {
	x, err := number.Parse(string(a))
	if err != nil {
		return nil, err
	}
	y, err := number.Parse(string(b))
	if err != nil {
		return nil, err
	}
	if minus {
		y = y.Neg()
	}
	if x, err = x.Add(y); err != nil {
		return nil, Error(err.Error())
	}
	return attribute.N(x.String()), nil
}

func (u *Update) listAppend(old item.Item, o *call) (attribute.Value, error) {
	a, b, err := both[attribute.L](u, old, o.args[0], o.args[1])
	if err != nil {
		return nil, err
	}
	return slices.Concat(a, b), nil
}

// add is what ADD makes of a value, which may be absent.
func add(old, with attribute.Value) (attribute.Value, error) {
	if old == nil {
		return with, nil
	}
	switch with := with.(type) {
	case attribute.N:
		if n, ok := old.(attribute.N); ok {
			return sum(n, with, false)
		}
	case attribute.SS:
		if set, ok := old.(attribute.SS); ok {
			return attribute.SS(union(set, with)), nil
		}
	case attribute.NS:
		if set, ok := old.(attribute.NS); ok {
			return attribute.NS(union(set, with)), nil
		}
	case attribute.L: // which only the older form can add
		if list, ok := old.(attribute.L); ok {
			return slices.Concat(list, with), nil
		}
	case attribute.BS:
		if set, ok := old.(attribute.BS); ok {
			out := slices.Clone(set)
			for _, b := range with {
				if !item.ContainsBytes(set, b) {
					out = append(out, b)
				}
			}
			return out, nil
		}
	}
	return nil, errOperandType
}

func union(a, b []string) []string {
	in := make(map[string]struct{}, len(a))
	for _, s := range a {
		in[s] = struct{}{}
	}
	out := slices.Clone(a)
	for _, s := range b {
		if _, ok := in[s]; !ok {
			out = append(out, s)
		}
	}
	return out
}

// subtract is what DELETE leaves of a set; nothing is left of an empty one.
func subtract(old, with attribute.Value) (attribute.Value, error) {
	if old == nil {
		return nil, nil
	}
	switch with := with.(type) {
	case attribute.SS:
		if set, ok := old.(attribute.SS); ok {
			return orNothing(attribute.SS(difference(set, with)))
		}
	case attribute.NS:
		if set, ok := old.(attribute.NS); ok {
			return orNothing(attribute.NS(difference(set, with)))
		}
	case attribute.BS:
		if set, ok := old.(attribute.BS); ok {
			return orNothing(slices.DeleteFunc(slices.Clone(set), func(b []byte) bool { return item.ContainsBytes(with, b) }))
		}
	}
	return nil, errOperandType
}

func difference(a, b []string) []string {
	out := make(map[string]struct{}, len(b))
	for _, s := range b {
		out[s] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool {
		_, gone := out[s]
		return gone
	})
}

func orNothing[S interface {
	~[]E
	attribute.Value
}, E any](set S) (attribute.Value, error) {
	if len(set) == 0 {
		return nil, nil
	}
	return set, nil
}
