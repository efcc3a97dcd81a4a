package protocol

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
)

// kind is what a shape is, in the words of the service models.
type kind uint8

const (
	kindString    kind = iota + 1 // string and enum
	kindBool                      // bool
	kindInt32                     // int32
	kindInt64                     // int64
	kindFloat32                   // float32
	kindFloat64                   // float64
	kindTime                      // time.Time
	kindBlob                      // []byte
	kindList                      // []T
	kindMap                       // map[string]T
	kindStruct                    // struct
	kindDocument                  // any
	kindAttribute                 // attribute.Value
	kindItem                      // attribute.Item
	kindStream                    // io.ReadCloser
	kindEvents                    // iter.Seq2[*T, error]
	kindPointer                   // *T: optional numbers and booleans, structures, elements of sparse collections
)

// shape is the plan of one Go type: what all codecs need to know of it, found
// once by reflection and kept. A shape never changes after planFor returned it.
type shape struct {
	kind kind
	// typ is the Go type.
	typ reflect.Type
	// elem is the shape of a list's elements, of a map's values, of what a
	// pointer points at, and of the structure that is an event stream's union.
	elem *shape
	// enum is the values of an enum in the model's order; nil for plain strings.
	enum []string

	// What follows is of structures.

	// name is the Go type's name, which is the model's name of the shape.
	name string
	// members are all members in the model's order.
	members []*member
	// body are the members that are bound to nothing but the body.
	body []*member
	// all are the members that an RPC body holds: these and what REST binds
	// elsewhere, but no event stream.
	all []*member
	// bound are the members bound to a header, the path, the query or the status.
	bound []*member
	// headers are the places in bound of what is bound to a header, by the
	// header's canonical name.
	headers map[string]int
	// payload is the member that is the whole body, or nil. An event stream and
	// a streaming blob are payloads.
	payload *member
	// answer is this structure as an output, where members that are bound to
	// the path or the query live in the body: itself when it has none.
	answer *shape
	// union says that exactly one member is set.
	union bool
	// attributed says that a member is an XML attribute.
	attributed bool
	// byName finds the members of an RPC body by the model's name. byWire and
	// byEC2 find those of other bodies by the wire name and the name in
	// ec2Query requests.
	byName, byWire, byEC2 map[string]*member
	// constrained says that the validator has something to check in here, and
	// checked are the members that it looks at.
	constrained bool
	checked     []*member
}

// value is the shape behind a pointer, and s itself where there is none.
func (s *shape) value() *shape {
	if s.kind == kindPointer {
		return s.elem
	}
	return s
}

// sparse says that elements of the list or map may be null: they are behind
// pointers without being structures.
func (s *shape) sparse() bool {
	return s.elem.kind == kindPointer && s.elem.elem.kind != kindStruct
}

// streams says that the structure's payload is not read with the rest of it.
func (s *shape) streams() bool {
	return s.payload != nil && (s.payload.shape.kind == kindStream || s.payload.shape.kind == kindEvents)
}

var (
	plans    sync.Map // reflect.Type -> *shape
	planning sync.Mutex
)

// planFor is the shape of a Go type. It panics when the type or a tag is not
// as package api documents it, which only a fault of the generator can cause.
func planFor(t reflect.Type) *shape {
	if s, ok := plans.Load(t); ok {
		return s.(*shape)
	}
	planning.Lock()
	defer planning.Unlock()
	p := planner{}
	s := p.plan(t)
	p.findConstrained()
	for t, made := range p {
		plans.LoadOrStore(t, made)
	}
	return s
}

// planOf is the shape and the slot of the structure that v points at.
func planOf(v any) (*shape, slot) {
	id, s := parts(v)
	if sh := (*structures.Load())[id]; sh != nil {
		return sh, s
	}
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("protocol: %T is not a pointer to a structure", v))
	}
	sh := planFor(t.Elem())
	planning.Lock()
	defer planning.Unlock()
	more := maps.Clone(*structures.Load())
	more[id] = sh
	structures.Store(&more)
	return sh, s
}

// structures are the plans of structures that were asked for, by the type of a pointer to
// one. Each message asks twice or three times, which plans would take longer to answer.
var structures atomic.Pointer[map[typeID]*shape]

func init() { structures.Store(new(map[typeID]*shape{})) }

// planner holds the shapes that are being made, so that types may be recursive.
type planner map[reflect.Type]*shape

var (
	typeTime      = reflect.TypeFor[time.Time]()
	typeStream    = reflect.TypeFor[io.ReadCloser]()
	typeAttribute = reflect.TypeFor[attribute.Value]()
	typeItem      = reflect.TypeFor[attribute.Item]()
	typeStringMap = reflect.TypeFor[map[string]string]()
	typeEnum      = reflect.TypeFor[api.Enum]()
	typeUnion     = reflect.TypeFor[api.Union]()
)

func (p planner) plan(t reflect.Type) *shape {
	if s, ok := plans.Load(t); ok {
		return s.(*shape)
	}
	if s, ok := p[t]; ok {
		return s
	}
	s := &shape{typ: t}
	p[t] = s
	switch t {
	case typeTime:
		s.kind = kindTime
		return s
	case typeAttribute:
		s.kind = kindAttribute
		return s
	case typeItem:
		s.kind = kindItem
		return s
	case typeStream:
		s.kind = kindStream
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		s.kind, s.elem = kindPointer, p.plan(t.Elem())
	case reflect.String:
		s.kind = kindString
		if t.Implements(typeEnum) {
			s.enum = reflect.Zero(t).Interface().(api.Enum).Values()
		}
	case reflect.Bool:
		s.kind = kindBool
	case reflect.Int32:
		s.kind = kindInt32
	case reflect.Int64:
		s.kind = kindInt64
	case reflect.Float32:
		s.kind = kindFloat32
	case reflect.Float64:
		s.kind = kindFloat64
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			s.kind = kindBlob
			break
		}
		s.kind, s.elem = kindList, p.plan(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic("protocol: map without string keys: " + t.String())
		}
		s.kind, s.elem = kindMap, p.plan(t.Elem())
	case reflect.Interface:
		if t.NumMethod() != 0 {
			panic("protocol: no plan for " + t.String())
		}
		s.kind = kindDocument
	case reflect.Func:
		s.kind, s.elem = kindEvents, p.plan(t.In(0).In(0).Elem())
	case reflect.Struct:
		p.planStruct(s)
	default:
		panic("protocol: no plan for " + t.String())
	}
	return s
}

func (p planner) planStruct(s *shape) {
	s.kind, s.name = kindStruct, s.typ.Name()
	s.union = reflect.PointerTo(s.typ).Implements(typeUnion)
	n := s.typ.NumField()
	s.byName, s.byWire, s.byEC2 = make(map[string]*member, n), make(map[string]*member, n), make(map[string]*member, n)
	for i := range n {
		f := s.typ.Field(i)
		tag, ok := f.Tag.Lookup("aws")
		if !ok {
			panic("protocol: " + s.typ.String() + "." + f.Name + " has no aws tag")
		}
		m := parseTag(tag)
		m.offset, m.shape = f.Offset, p.plan(f.Type)
		s.members = append(s.members, m)
		s.attributed = s.attributed || m.attr
		if k := m.shape.kind; k != kindEvents && k != kindStream {
			s.all = append(s.all, m)
			s.byName[m.name] = m
		}
		switch m.loc {
		case inPayload:
			s.payload = m
		case inBody:
			s.body = append(s.body, m)
			s.byWire[m.wire], s.byEC2[m.ec2] = m, m
		default:
			s.bound = append(s.bound, m)
		}
	}
	s.indexHeaders()
	s.answer = s
	if slices.ContainsFunc(s.bound, (*member).ofRequests) {
		s.answer = s.asAnswer()
	}
}

// ofRequests says that the member is bound to what only a request has.
func (m *member) ofRequests() bool { return m.loc == inQuery || m.loc == inURI }

// asAnswer is the structure with the members that only requests bind in the body.
func (s *shape) asAnswer() *shape {
	a := *s
	a.body, a.bound, a.byWire = nil, nil, maps.Clone(s.byWire)
	for _, m := range s.members {
		switch {
		case m.loc == inBody, m.ofRequests():
			a.body = append(a.body, m)
			a.byWire[m.wire] = m
		case m.loc != inPayload:
			a.bound = append(a.bound, m)
		}
	}
	a.indexHeaders()
	return &a
}

// maxBound is how many members of a structure may be bound to places outside the body.
const maxBound = 64

func (s *shape) indexHeaders() {
	if len(s.bound) > maxBound {
		panic("protocol: " + s.typ.String() + " has more bound members than maxBound")
	}
	s.headers = map[string]int{}
	for i, m := range s.bound {
		if m.loc == inHeader {
			s.headers[m.header] = i
		}
	}
}
