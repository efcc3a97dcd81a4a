package protocol

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/virga-cloud/virga/api/jsontext"
)

// Documents are JSON without a model, held as encoding/json holds it with UseNumber.

// document reads any value as encoding/json does with UseNumber.
func (r *jsonReader) document() (any, error) {
	switch c := r.space(); c {
	case '{':
		if err := r.open(); err != nil {
			return nil, err
		}
		object := map[string]any{}
		for first := true; ; first = false {
			more, err := r.next('}', first)
			if err != nil || !more {
				return object, err
			}
			key, err := r.keyString()
			if err != nil {
				return nil, err
			}
			if object[key], err = r.document(); err != nil {
				return nil, err
			}
		}
	case '[':
		if err := r.open(); err != nil {
			return nil, err
		}
		array := []any{}
		for first := true; ; first = false {
			more, err := r.next(']', first)
			if err != nil || !more {
				return array, err
			}
			v, err := r.document()
			if err != nil {
				return nil, err
			}
			array = append(array, v)
		}
	case '"':
		return r.string()
	case 't':
		return true, r.literal("true")
	case 'f':
		return false, r.literal("false")
	case 'n':
		return nil, r.literal("null")
	default:
		raw, err := r.number()
		return json.Number(raw), err
	}
}

// document writes what jsonReader.document reads, and numbers of Go's own types.
func (w jsonWriter) document(v any) error {
	switch v := v.(type) {
	case nil:
		w.buf = append(w.buf, "null"...)
	case string:
		w.buf = jsontext.AppendString(w.buf, v)
	case bool:
		w.buf = strconv.AppendBool(w.buf, v)
	case json.Number:
		w.buf = append(w.buf, v...)
	case float64:
		w.buf = appendJSONFloat(w.buf, v, 64)
	case int:
		w.buf = strconv.AppendInt(w.buf, int64(v), 10)
	case int64:
		w.buf = strconv.AppendInt(w.buf, v, 10)
	case []any:
		w.buf = append(w.buf, '[')
		for i, e := range v {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			if err := w.document(e); err != nil {
				return err
			}
		}
		w.buf = append(w.buf, ']')
	case map[string]any:
		w.buf = append(w.buf, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.buf = append(jsontext.AppendString(w.buf, key), ':')
			if err := w.document(v[key]); err != nil {
				return err
			}
		}
		w.buf = append(w.buf, '}')
	default:
		return fmt.Errorf("protocol: a document cannot hold %T", v)
	}
	return nil
}
