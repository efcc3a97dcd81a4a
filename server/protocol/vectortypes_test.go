package protocol

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/cmd/apigen/model"
)

// vectorTypes makes Go types of a suite's shapes as the generator would have
// written them, and moves values between them and the vectors' parameters.
type vectorTypes struct {
	model *model.Model
	made  map[string]reflect.Type
}

// maxUnrolled is how deep recursive shapes are unrolled: types made at run time
// have no names to refer to themselves by.
const maxUnrolled = 7

func (v *vectorTypes) shape(ref *model.Ref) *model.Shape {
	if ref == nil {
		return &model.Shape{Type: "structure"}
	}
	return v.model.Shapes.ByName[ref.Shape]
}

// newStructure is a pointer to a new value of a structure; a reference that is
// not there stands for an empty one.
func (v *vectorTypes) newStructure(ref *model.Ref) reflect.Value {
	if ref == nil {
		return reflect.ValueOf(new(struct{}))
	}
	if v.made == nil {
		v.made = map[string]reflect.Type{}
	}
	t := v.made[ref.Shape]
	if t == nil {
		t = v.structType(v.shape(ref), nil)
		v.made[ref.Shape] = t
	}
	return reflect.New(t)
}

// structType is a structure's type; within are the shapes around it.
func (v *vectorTypes) structType(s *model.Shape, within []string) reflect.Type {
	within = append(within[:len(within):len(within)], s.Name)
	fields := []reflect.StructField{}
	for i, name := range s.Members.Names {
		t := v.memberType(s, name, within)
		if t == nil {
			continue
		}
		fields = append(fields, reflect.StructField{
			Name: fieldOf(i),
			Type: t,
			Tag:  reflect.StructTag("aws:" + strconv.Quote(v.model.Tag(s, name, func(string) bool { return false }))),
		})
	}
	return reflect.StructOf(fields)
}

func fieldOf(i int) string { return "F" + strconv.Itoa(i) }

func (v *vectorTypes) memberType(s *model.Shape, name string, within []string) reflect.Type {
	ref := s.Members.ByName[name]
	target := v.shape(ref)
	if model.IsStream(ref, target) {
		return reflect.TypeFor[io.ReadCloser]()
	}
	t := v.elemType(target, within)
	switch target.Type {
	case "integer", "long", "float", "double", "boolean":
		return reflect.PointerTo(t)
	}
	return t
}

// elemType is the type of a shape as an element; nil where a recursion ends.
func (v *vectorTypes) elemType(s *model.Shape, within []string) reflect.Type {
	switch s.Type {
	case "string":
		return reflect.TypeFor[string]()
	case "boolean":
		return reflect.TypeFor[bool]()
	case "integer":
		return reflect.TypeFor[int32]()
	case "long":
		return reflect.TypeFor[int64]()
	case "float":
		return reflect.TypeFor[float32]()
	case "double":
		return reflect.TypeFor[float64]()
	case "timestamp":
		return reflect.TypeFor[time.Time]()
	case "blob":
		return reflect.TypeFor[[]byte]()
	case "structure":
		if s.Document {
			return reflect.TypeFor[any]()
		}
		times := 0
		for _, name := range within {
			if name == s.Name {
				times++
			}
		}
		if times >= maxUnrolled || times > 1 && len(within) > 3*maxUnrolled {
			return nil
		}
		return reflect.PointerTo(v.structType(s, within))
	case "list":
		if e := v.elemType(v.shape(s.Member), within); e != nil {
			return reflect.SliceOf(e)
		}
		return nil
	case "map":
		if e := v.elemType(v.shape(s.Value), within); e != nil {
			return reflect.MapOf(reflect.TypeFor[string](), e)
		}
		return nil
	}
	panic("vector with a shape of type " + s.Type)
}

// params is a structure as a vector has it: absent members left out, blobs as
// text, timestamps in seconds.
func (v *vectorTypes) params(ref *model.Ref, value reflect.Value, p api.Presence) any {
	return v.get(v.shape(ref), value, p)
}

func (v *vectorTypes) get(s *model.Shape, value reflect.Value, p api.Presence) any {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	switch s.Type {
	case "structure":
		if s.Document {
			return plainParams(value.Interface())
		}
		out := map[string]any{}
		for i, name := range s.Members.Names {
			f := value.FieldByName(fieldOf(i))
			if !f.IsValid() || f.IsZero() && !p.Sent(f.Addr().Interface()) {
				continue
			}
			if body, ok := f.Interface().(io.Reader); ok {
				b, err := io.ReadAll(body)
				if err != nil {
					panic(err)
				}
				if len(b) > 0 {
					out[name] = string(b)
				}
				continue
			}
			out[name] = v.get(v.shape(s.Members.ByName[name]), f, p)
		}
		return out
	case "list":
		out := []any{}
		for i := range value.Len() {
			out = append(out, v.get(v.shape(s.Member), value.Index(i), p))
		}
		return out
	case "map":
		out := map[string]any{}
		for it := value.MapRange(); it.Next(); {
			out[it.Key().String()] = v.get(v.shape(s.Value), it.Value(), p)
		}
		return out
	case "blob":
		return string(value.Bytes())
	case "timestamp":
		return fmt.Sprint(float64(value.Interface().(time.Time).UnixMilli()) / 1000)
	case "integer", "long":
		return fmt.Sprint(float64(value.Int()))
	case "float", "double":
		switch f := value.Float(); {
		case math.IsNaN(f):
			return "NaN"
		case math.IsInf(f, 1):
			return "Infinity"
		case math.IsInf(f, -1):
			return "-Infinity"
		case s.Type == "float":
			return fmt.Sprint(float32(f))
		default:
			return fmt.Sprint(f)
		}
	case "boolean":
		return value.Bool()
	}
	return value.String()
}

// set makes value, of shape s, what the parameters say.
func (v *vectorTypes) set(s *model.Shape, value reflect.Value, params any) {
	if value.Kind() == reflect.Pointer {
		value.Set(reflect.New(value.Type().Elem()))
		value = value.Elem()
	}
	switch s.Type {
	case "structure":
		if s.Document {
			if params != nil {
				value.Set(reflect.ValueOf(params))
			}
			return
		}
		for i, name := range s.Members.Names {
			p, ok := params.(map[string]any)[name]
			if !ok {
				continue
			}
			f := value.FieldByName(fieldOf(i))
			if f.Type() == reflect.TypeFor[io.ReadCloser]() {
				f.Set(reflect.ValueOf(io.NopCloser(strings.NewReader(p.(string)))))
				continue
			}
			v.set(v.shape(s.Members.ByName[name]), f, p)
		}
	case "list":
		list := params.([]any)
		value.Set(reflect.MakeSlice(value.Type(), len(list), len(list)))
		for i, p := range list {
			v.set(v.shape(s.Member), value.Index(i), p)
		}
	case "map":
		value.Set(reflect.MakeMap(value.Type()))
		for key, p := range params.(map[string]any) {
			e := reflect.New(value.Type().Elem()).Elem()
			v.set(v.shape(s.Value), e, p)
			value.SetMapIndex(reflect.ValueOf(key), e)
		}
	case "blob":
		value.SetBytes([]byte(params.(string)))
	case "timestamp":
		value.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(floatOf(params) * 1000))).UTC()))
	case "integer", "long":
		value.SetInt(int64(floatOf(params)))
	case "float", "double":
		value.SetFloat(floatOf(params))
	case "boolean":
		value.SetBool(params.(bool))
	default:
		value.SetString(params.(string))
	}
}

// floatOf is a number of plainParams, or one of the words for what is none.
func floatOf(v any) float64 {
	f, err := strconv.ParseFloat(v.(string), 64)
	if err != nil {
		panic(err)
	}
	return f
}
