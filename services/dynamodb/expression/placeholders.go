package expression

import (
	"maps"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// Placeholders are a request's names and values, which its expressions share.
// They serve one request.
type Placeholders struct {
	names  map[string]string
	values map[string]attribute.Value
	// Those that expressions have referred to, each once. As a rule they are few,
	// and have room.
	usedNames, usedValues []string
	room                  [2][4]string
}

const (
	inNames  = "ExpressionAttributeNames"
	inValues = "ExpressionAttributeValues"
)

// NewPlaceholders checks a request's ExpressionAttributeNames and
// ExpressionAttributeValues. Absent ones are nil; they may not be empty.
func NewPlaceholders(names map[string]string, values map[string]attribute.Value) (*Placeholders, error) {
	if err := checkKeys(inNames, '#', names); err != nil {
		return nil, err
	}
	if placeholder, bad := firstBad(names, func(_, name string) bool { return name == "" }); bad {
		return nil, errorf("%s contains invalid value: Empty attribute name for key %s", inNames, placeholder)
	}
	if err := checkKeys(inValues, ':', values); err != nil {
		return nil, err
	}
	normal, err := item.Normalise(values)
	if err != nil {
		return nil, badValue(values)
	}
	p := &Placeholders{names: names, values: normal}
	p.usedNames, p.usedValues = p.room[0][:0], p.room[1][:0]
	return p, nil
}

// badValue finds the value that is wrong.
func badValue(values map[string]attribute.Value) error {
	placeholder, _ := firstBad(values, func(_ string, v attribute.Value) bool {
		_, err := item.NormaliseValue(v)
		return err != nil
	})
	_, err := item.NormaliseValue(values[placeholder])
	return errorf("%s contains invalid value: %s for key %s", inValues, err, placeholder)
}

func checkKeys[V any](parameter string, first byte, m map[string]V) error {
	if m == nil {
		return nil
	}
	if len(m) == 0 {
		return errorf("%s must not be empty", parameter)
	}
	if _, bad := firstBad(m, func(key string, _ V) bool { return len(key) > maxPlaceholder || !isPlaceholder(key, first) }); !bad {
		return nil
	}
	if key, bad := firstBad(m, func(key string, _ V) bool { return len(key) > maxPlaceholder }); bad {
		return errorf("%s contains invalid key: The expression attribute map contains a key that is too long; size of key: %d", parameter, len(key))
	}
	key, _ := firstBad(m, func(key string, _ V) bool { return !isPlaceholder(key, first) })
	return errorf(`%s contains invalid key: Syntax error; key: "%s"`, parameter, key)
}

func isPlaceholder(key string, first byte) bool {
	if len(key) < 2 || key[0] != first {
		return false
	}
	for i := 1; i < len(key); i++ {
		if !word(key[i]) {
			return false
		}
	}
	return true
}

// firstBad is the first key, by name, of what is bad.
func firstBad[V any](m map[string]V, bad func(string, V) bool) (key string, found bool) {
	for k, v := range m {
		if bad(k, v) && (!found || k < key) {
			key, found = k, true
		}
	}
	return key, found
}

// Unused is the error of placeholders that no expression referred to.
func (p *Placeholders) Unused() error {
	if err := unused(inNames, p.names, p.usedNames); err != nil {
		return err
	}
	return unused(inValues, p.values, p.usedValues)
}

func unused[V any](parameter string, m map[string]V, used []string) error {
	if len(m) == len(used) {
		return nil
	}
	left := slices.DeleteFunc(slices.Sorted(maps.Keys(m)), func(k string) bool { return slices.Contains(used, k) })
	return errorf("Value provided in %s unused in expressions: keys: {%s}", parameter, strings.Join(left, ", "))
}

// bindings are what a parsed expression's slots hold in a request. Slots of
// placeholders that are not defined hold "" and nil.
type bindings struct {
	*parsed
	name  []string
	value []attribute.Value
	// The rooms are for as many of them as most expressions have.
	nameRoom  [2]string
	valueRoom [2]attribute.Value
}

// bind fills the slots of an expression.
func (p *Placeholders) bind(e *parsed) *bindings {
	b := &bindings{parsed: e}
	if len(e.names) > 0 {
		b.name = append(b.nameRoom[:0], make([]string, len(e.names))...)
		for i, placeholder := range e.names {
			if name, ok := p.names[placeholder]; ok {
				b.name[i] = name
				p.usedNames = use(p.usedNames, placeholder)
			}
		}
	}
	if len(e.values) > 0 {
		b.value = append(b.valueRoom[:0], make([]attribute.Value, len(e.values))...)
		for i, placeholder := range e.values {
			if v, ok := p.values[placeholder]; ok {
				b.value[i] = v
				p.usedValues = use(p.usedValues, placeholder)
			}
		}
	}
	return b
}

func use(used []string, placeholder string) []string {
	if slices.Contains(used, placeholder) {
		return used
	}
	return append(used, placeholder)
}

// at is the name of a path's element, "" for an index.
func (b *bindings) at(e element) string {
	if e.slot >= 0 {
		return b.name[e.slot]
	}
	return e.name
}

// undefinedName is the error of a path with a placeholder that is not defined.
func (b *bindings) undefinedName(p *path) string {
	for _, e := range p.elements {
		if e.slot >= 0 && b.name[e.slot] == "" {
			return "An expression attribute name used in the document path is not defined; attribute name: " + e.name
		}
	}
	return ""
}

// undefinedValue is the error of a value that is not defined.
func (b *bindings) undefinedValue(v *value) string {
	if b.value[v.slot] == nil {
		return "An expression attribute value used in expression is not defined; attribute value: " + b.values[v.slot]
	}
	return ""
}

// undefined is the error of the first placeholder in an operand that is not
// defined, "" when all are.
func (b *bindings) undefined(o operand) string {
	switch o := o.(type) {
	case *path:
		return b.undefinedName(o)
	case *value:
		return b.undefinedValue(o)
	case *call:
		return b.firstUndefined(o.args)
	case *arithmetic:
		return b.firstUndefined(o.args[:])
	}
	return ""
}

func (b *bindings) firstUndefined(list []operand) string {
	for _, o := range list {
		if problem := b.undefined(o); problem != "" {
			return problem
		}
	}
	return ""
}
