package protocol

import (
	"io"
	"iter"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"github.com/virga-cloud/virga/api/attribute"
)

// slot is the address of a Go value whose shape the caller knows: a field, an
// element, or a whole structure. This file is the only one of the package that
// uses unsafe; the plan says which method fits a slot, and each method may be
// called on slots of that kind only.
//
// A slot is a real pointer, so what it points at stays alive.
type slot struct{ p unsafe.Pointer }

// typeID is what a type is told from others by.
type typeID unsafe.Pointer

// parts are the type of a value that is a pointer, and the slot that it points at. Of other
// values the slot must not be used.
func parts(v any) (typeID, slot) {
	words := (*[2]unsafe.Pointer)(unsafe.Pointer(&v))
	return typeID(words[0]), slot{words[1]}
}

// slotOf is the slot of the structure that v points at.
func slotOf(v any) slot { return slot{reflect.ValueOf(v).UnsafePointer()} }

// stringSlot is the slot of a string.
func stringSlot(p *string) slot { return slot{unsafe.Pointer(p)} }

// behind is the shape and slot behind the pointer at s, and what it was given
// where there is no pointer. A nil pointer has a zero value behind it.
func behind(sh *shape, s slot) (*shape, slot) {
	if sh.kind != kindPointer {
		return sh, s
	}
	target, ok := s.target()
	if !ok {
		target = newValue(sh.elem)
	}
	return sh.elem, target
}

// field is the slot of a member of the structure at s.
func (s slot) field(m *member) slot { return slot{unsafe.Add(s.p, m.offset)} }

func (s slot) string() *string             { return (*string)(s.p) }
func (s slot) bool() *bool                 { return (*bool)(s.p) }
func (s slot) int32() *int32               { return (*int32)(s.p) }
func (s slot) int64() *int64               { return (*int64)(s.p) }
func (s slot) float32() *float32           { return (*float32)(s.p) }
func (s slot) float64() *float64           { return (*float64)(s.p) }
func (s slot) time() *time.Time            { return (*time.Time)(s.p) }
func (s slot) blob() *[]byte               { return (*[]byte)(s.p) }
func (s slot) document() *any              { return (*any)(s.p) }
func (s slot) attribute() *attribute.Value { return (*attribute.Value)(s.p) }
func (s slot) item() *attribute.Item       { return (*attribute.Item)(s.p) }
func (s slot) stream() *io.ReadCloser      { return (*io.ReadCloser)(s.p) }

// strings and attributes are maps of the kinds that are quick to make; the
// types are those, or have them as underlying types.
func (s slot) strings() *map[string]string { return (*map[string]string)(s.p) }
func (s slot) attributes() *attribute.M    { return (*attribute.M)(s.p) }

// address is a typed pointer to the value at s, as package api's Presence has it.
func (s slot) address(sh *shape) any { return reflect.NewAt(sh.typ, s.p).Interface() }

// reflect is the value at s for what has no quicker way.
func (s slot) reflect(sh *shape) reflect.Value { return reflect.NewAt(sh.typ, s.p).Elem() }

// target is the slot that the pointer at s points at; ok is false when it is nil.
func (s slot) target() (_ slot, ok bool) {
	p := *(*unsafe.Pointer)(s.p)
	return slot{p}, p != nil
}

// makeTarget gives the pointer at s (of shape sh) a new zero value and returns its slot.
func (s slot) makeTarget(sh *shape) slot {
	p := reflect.New(sh.elem.typ).UnsafePointer()
	*(*unsafe.Pointer)(s.p) = p
	return slot{p}
}

// slab is memory for values of one shape, of which lists have many.
type slab struct {
	of         *shape
	at         unsafe.Pointer
	left, size int
}

// maxSlab is how many values have their memory in one piece.
const maxSlab = 16

// makeTarget is slot's, with the memory of a slab.
func (b *slab) makeTarget(s slot) slot {
	if b.left == 0 {
		b.size = min(max(1, 2*b.size), maxSlab)
		b.at = reflect.New(reflect.ArrayOf(b.size, b.of.typ)).UnsafePointer()
		b.left = b.size
	}
	p := b.at
	if b.left--; b.left > 0 { // or it would point behind the memory
		b.at = unsafe.Add(p, b.of.typ.Size())
	}
	*(*unsafe.Pointer)(s.p) = p
	return slot{p}
}

// setNil makes the pointer at s nil.
func (s slot) setNil() { *(*unsafe.Pointer)(s.p) = nil }

// absent says whether the value at s is what an absent member looks like: the
// zero value of every kind but booleans and numbers, which are behind pointers
// where they can be absent. An empty list or map that is not nil is there.
func (s slot) absent(sh *shape) bool {
	switch sh.kind {
	case kindString:
		return *s.string() == ""
	case kindTime:
		return s.time().IsZero()
	case kindPointer, kindMap, kindEvents:
		return *(*unsafe.Pointer)(s.p) == nil
	case kindBlob, kindList:
		return (*sliceHeader)(s.p).data == nil
	case kindDocument:
		return *s.document() == nil
	case kindAttribute:
		return *s.attribute() == nil
	case kindItem:
		return *s.item() == nil
	case kindStream:
		return *s.stream() == nil
	}
	return false
}

// sliceHeader is how Go lays out a slice.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// len is the number of elements of the list at s.
func (s slot) len() int { return (*sliceHeader)(s.p).len }

// elem is the slot of the i-th element of the list at s, of shape sh.
func (s slot) elem(sh *shape, i int) slot {
	return slot{unsafe.Add((*sliceHeader)(s.p).data, uintptr(i)*sh.elem.typ.Size())}
}

// makeList makes the list at s an empty one that is not nil.
func (s slot) makeList(sh *shape) {
	s.reflect(sh).Set(reflect.MakeSlice(sh.typ, 0, 0))
}

// appendZero lengthens the list at s by a zero element and returns its slot.
// Slots of earlier elements are stale afterwards.
func (s slot) appendZero(sh *shape) slot {
	h := (*sliceHeader)(s.p)
	if h.len == h.cap {
		s.reflect(sh).Grow(1)
	}
	h.len++
	e := s.elem(sh, h.len-1)
	e.clear(sh.elem)
	return e
}

// clear makes the value at s zero.
func (s slot) clear(sh *shape) { s.reflect(sh).SetZero() }

// makeMap makes the map at s an empty one.
func (s slot) makeMap(sh *shape) { s.reflect(sh).Set(reflect.MakeMap(sh.typ)) }

// mapLen is the number of entries of the map at s.
func (s slot) mapLen(sh *shape) int { return s.reflect(sh).Len() }

// newValue is the slot of a new zero value of a shape: a map's entry in the
// making.
func newValue(sh *shape) slot { return slot{reflect.New(sh.typ).UnsafePointer()} }

// put sets an entry of the map at s, which is not nil, to the value at v.
func (s slot) put(sh *shape, key string, v slot) {
	k := reflect.ValueOf(key)
	if kt := sh.typ.Key(); k.Type() != kt {
		k = k.Convert(kt)
	}
	s.reflect(sh).SetMapIndex(k, v.reflect(sh.elem))
}

// entries yields the map at s in the order of its keys. The slots are valid
// until the next step.
func (s slot) entries(sh *shape) iter.Seq2[string, slot] {
	return func(yield func(string, slot) bool) {
		m := s.reflect(sh)
		keys := make([]string, 0, m.Len())
		for it := m.MapRange(); it.Next(); {
			keys = append(keys, it.Key().String())
		}
		slices.Sort(keys)
		v := reflect.New(sh.elem.typ)
		kt := sh.typ.Key()
		for _, key := range keys {
			v.Elem().Set(m.MapIndex(reflect.ValueOf(key).Convert(kt)))
			if !yield(key, slot{v.UnsafePointer()}) {
				return
			}
		}
	}
}
