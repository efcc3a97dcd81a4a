package protocol

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"sync"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
)

// Validate checks an input against what its model demands: required members,
// lengths, ranges, enums and patterns. p is what Decode returned. The error is
// an *api.Error with all defects in the words of AWS's validator, or in those
// of the service where it has its own.
func Validate(svc *api.Service, op *api.Operation, in any, p api.Presence) error {
	sh, s := planOf(in)
	if !sh.constrained {
		return nil
	}
	v := validators.Get().(*validator)
	defer validators.Put(v)
	v.presence, v.style, v.op, v.defects, v.way = p, &quirkOf(svc).validation, op, nil, v.way[:0]
	v.structure(sh, s)
	return v.failure()
}

// validators are kept for the next input: every request has one.
var validators = sync.Pool{New: func() any { return &validator{way: make([]step, 0, 8)} }}

// maxDefects is how many defects AWS's validator reports at once.
const maxDefects = 10

// validator walks an input and collects its defects.
type validator struct {
	presence api.Presence
	style    *validationStyle
	op       *api.Operation
	defects  []defect
	// way leads to the value that is being looked at.
	way []step
}

// defect is one thing that is wrong.
type defect struct {
	member     *member
	path       string
	named      string // the path with names as the model has them
	shape      *shape
	at         slot
	missing    bool
	check      check // that failed, of those of a value itself
	constraint string
}

// step is a part of the way to a value: a member, or an element behind one.
type step struct {
	member *member // nil for elements
	key    string  // of a map's value
	index  int     // of a list's element, from 1; 0 for other steps
}

// path is the way in the words of messages: "keySchema.1.member.keyType", or
// with the model's own names.
func (v *validator) path(modelled bool) string {
	var b []byte
	for i, p := range v.way {
		if i > 0 {
			b = append(b, '.')
		}
		switch {
		case p.member != nil && modelled:
			b = append(b, p.member.name...)
		case p.member != nil:
			b = append(b, p.member.shown...)
		case p.index > 0:
			b = append(strconv.AppendInt(b, int64(p.index), 10), ".member"...)
		default:
			b = append(append(b, p.key...), ".member"...)
		}
	}
	return string(b)
}

func (v *validator) structure(sh *shape, s slot) {
	for _, m := range sh.checked {
		at := s.field(m)
		absent := at.absent(m.shape) && !(m.shape.kind == kindString && v.sent(m, at))
		if absent && !m.required {
			continue
		}
		v.way = append(v.way, step{member: m})
		if absent {
			v.defects = append(v.defects, defect{member: m, path: v.path(false), named: v.path(true), missing: true, constraint: "Member must not be null"})
		} else {
			if !v.style.requiredOnly {
				v.simple(m, m.shape, at)
			}
			v.inside(m, m.shape, at)
		}
		v.way = v.way[:len(v.way)-1]
	}
}

func (v *validator) sent(m *member, at slot) bool {
	return v.presence != nil && v.presence.Sent(at.address(m.shape))
}

// inside checks what a value holds: members of structures, elements, entries.
func (v *validator) inside(m *member, sh *shape, s slot) {
	switch sh.kind {
	case kindPointer:
		if target, ok := s.target(); ok && sh.elem.constrained {
			v.inside(m, sh.elem, target)
		}
	case kindStruct:
		v.structure(sh, s)
	case kindList:
		v.list(m, sh, s)
	case kindMap:
		v.mapping(m, sh, s)
	case kindItem:
		v.item(m, *s.item())
	}
}

// element checks what an element holds.
func (v *validator) element(m *member, sh *shape, s slot, way step) {
	if sh.constrained {
		v.way = append(v.way, way)
		v.inside(m, sh, s)
		v.way = v.way[:len(v.way)-1]
	}
}

func (v *validator) list(m *member, sh *shape, s slot) {
	l := &m.itemLimits
	if sh != m.shape || v.style.requiredOnly {
		l = &noLimits // the tag knows the elements of the member's own list only
	}
	checked := !v.style.requiredOnly && (sh.elem.enum != nil || !l.none())
	if !sh.elem.constrained && !checked {
		return
	}
	for i := range s.len() {
		e := s.elem(sh, i)
		if checked && !l.fits(sh.elem, e) {
			v.add(m, sh, s, "Member must satisfy constraint: "+l.all(sh.elem))
			return
		}
		v.element(m, sh.elem, e, step{index: i + 1})
	}
}

func (v *validator) mapping(m *member, sh *shape, s slot) {
	keys, values := &m.keyLimits, &m.valueLimits
	if sh != m.shape || v.style.requiredOnly {
		keys, values = &noLimits, &noLimits
	}
	if names := v.style.namesIn(m); names != nil {
		for key := range s.entries(sh) {
			if names.misfit(key) {
				keys = &names.limits
				break
			}
		}
	}
	if !s.keysFit(sh, keys) {
		v.add(m, sh, s, "Map keys must satisfy constraint: "+keys.all(shapeString))
	}
	checked := !v.style.requiredOnly && (sh.elem.enum != nil || !values.none())
	if checked && !s.valuesFit(sh, values) {
		v.add(m, sh, s, "Map value must satisfy constraint: "+values.all(sh.elem))
	}
	if sh.elem.constrained {
		for key, e := range s.entries(sh) {
			v.element(m, sh.elem, e, step{key: key})
		}
	}
}

// item checks the names of an item's attributes.
func (v *validator) item(m *member, it attribute.Item) {
	l := &m.keyLimits
	if l.none() || v.style.requiredOnly {
		return
	}
	if sent, ok := it.(*attribute.Sent); ok && l.min == nil && l.pattern == nil && float64(sent.Len()) <= l.max.value {
		return // no name is longer than the whole
	}
	if sh, s := shapeOfItem(it); !s.keysFit(sh, l) {
		v.add(m, sh, s, "Map keys must satisfy constraint: "+l.all(shapeString))
	}
}

// shapeOfItem is an item as a map.
func shapeOfItem(it attribute.Item) (*shape, slot) {
	m, err := it.Map()
	if err != nil { // what was sent, or made of values, is an item
		panic("protocol: " + err.Error())
	}
	return planFor(reflect.TypeOf(m)), slotOf(&m)
}

// keysFit says whether all keys of a map fit, without a look at its values.
func (s slot) keysFit(sh *shape, l *limits) bool {
	if l.none() {
		return true
	}
	if sh.elem.kind == kindAttribute {
		for key := range *s.attributes() {
			if !l.fits(shapeString, stringSlot(&key)) {
				return false
			}
		}
		return true
	}
	for key := range s.entries(sh) {
		if !l.fits(shapeString, stringSlot(&key)) {
			return false
		}
	}
	return true
}

// valuesFit says whether all values of a map fit.
func (s slot) valuesFit(sh *shape, l *limits) bool {
	if sh.typ == typeStringMap {
		for _, value := range *s.strings() {
			if !l.fits(shapeString, stringSlot(&value)) {
				return false
			}
		}
		return true
	}
	for _, e := range s.entries(sh) {
		if !l.fits(sh.elem, e) {
			return false
		}
	}
	return true
}

// simple checks the value itself.
func (v *validator) simple(m *member, sh *shape, s slot) {
	sh, s = behind(sh, s)
	of := &m.limits
	if names := v.style.namesIn(m); names != nil && sh.kind == kindString && names.misfit(*s.string()) {
		of = &names.limits
	}
	for c := range checks {
		if !of.holds(c, sh, s) {
			v.add(m, sh, s, of.text(c, sh))
			v.defects[len(v.defects)-1].check = c
		}
	}
}

func (v *validator) add(m *member, sh *shape, s slot, constraint string) {
	v.defects = append(v.defects, defect{member: m, path: v.path(false), named: v.path(true), shape: sh, at: s, constraint: constraint})
}

// failure is the error for what was found, or nil.
func (v *validator) failure() error {
	if len(v.defects) == 0 {
		return nil
	}
	if v.style.words != nil {
		if err := v.style.words(v.op, v.defects[0]); err != nil {
			return err
		}
	}
	v.defects = v.defects[:min(len(v.defects), maxDefects)]
	b := strconv.AppendInt(nil, int64(len(v.defects)), 10)
	b = append(b, " validation error"...)
	if len(v.defects) > 1 {
		b = append(b, 's')
	}
	b = append(b, " detected: "...)
	for i, d := range v.defects {
		if i > 0 {
			b = append(b, "; "...)
		}
		if !d.missing && (d.check == checkMin || d.check == checkMax) && v.style.unechoed[v.op.Name+"."+d.member.name] {
			b = d.appendUnechoed(b)
		} else {
			b = d.append(b)
		}
	}
	code := v.style.code
	if code == "" {
		code = "ValidationException"
	}
	return &api.Error{Code: code, Status: http.StatusBadRequest, Message: string(b)}
}

// append writes a defect in the words of AWS's validator, as in "Value ” at
// 'tableName' failed to satisfy constraint: Member must ...". A value that the
// model calls sensitive is not shown.
func (d defect) append(b []byte) []byte {
	b = append(b, "Value"...)
	switch {
	case d.missing:
		b = append(b, " null"...)
	case !d.member.sensitive:
		b = append(appendShown(append(b, " '"...), d.shape, d.at), '\'')
	}
	b = append(append(b, " at '"...), d.path...)
	return append(append(b, "' failed to satisfy constraint: "...), d.constraint...)
}

// appendUnechoed writes a defect as AWS's younger validator does: without the
// value, and with names as the model has them.
func (d defect) appendUnechoed(b []byte) []byte {
	b = append(append(b, "Value at '"...), d.named...)
	return append(append(b, "' failed to satisfy constraint: "...), d.constraint...)
}

// appendShown writes a value as messages have it, which is as Java does.
func appendShown(b []byte, sh *shape, s slot) []byte {
	switch sh, s := behind(sh, s); sh.kind {
	case kindString:
		return append(b, *s.string()...)
	case kindBool:
		return strconv.AppendBool(b, *s.bool())
	case kindInt32:
		return strconv.AppendInt(b, int64(*s.int32()), 10)
	case kindInt64:
		return strconv.AppendInt(b, *s.int64(), 10)
	case kindFloat32:
		return appendJSONFloat(b, float64(*s.float32()), 32)
	case kindFloat64:
		return appendJSONFloat(b, *s.float64(), 64)
	case kindTime:
		return appendTime(b, timeISO8601, *s.time())
	case kindBlob:
		return fmt.Appendf(b, "java.nio.HeapByteBuffer[pos=0 lim=%d cap=%[1]d]", len(*s.blob()))
	case kindList:
		b = append(b, '[')
		for i := range s.len() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendShown(b, sh.elem, s.elem(sh, i))
		}
		return append(b, ']')
	case kindMap:
		b = append(b, '{')
		first := true
		for key, e := range s.entries(sh) {
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = appendShown(append(append(b, key...), '='), sh.elem, e)
		}
		return append(b, '}')
	case kindStruct:
		b = append(append(b, sh.name...), '(')
		first := true
		for _, m := range sh.members {
			at := s.field(m)
			if at.absent(m.shape) {
				continue
			}
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = append(append(b, m.shown...), '=')
			b = appendShown(b, m.shape, at)
		}
		return append(b, ')')
	case kindAttribute:
		return attribute.AppendJSON(b, *s.attribute())
	case kindItem:
		sh, s := shapeOfItem(*s.item())
		return appendShown(b, sh, s)
	}
	return b
}
