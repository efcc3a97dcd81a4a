package dump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// jsonReader reads DynamoDB JSON: {"Item": {...}} on each line.
type jsonReader struct{ lines *bufio.Scanner }

// Next implements Reader.
func (r *jsonReader) Next() (Record, error) {
	for r.lines.Scan() {
		if line := bytes.TrimSpace(r.lines.Bytes()); len(line) > 0 {
			return normalised(jsonItem(line)), nil
		}
	}
	if err := r.lines.Err(); err != nil {
		return Record{}, err
	}
	return Record{}, io.EOF
}

func jsonItem(line []byte) (item.Item, error) {
	var record struct {
		Item map[string]json.RawMessage
	}
	if err := json.Unmarshal(line, &record); err != nil {
		return nil, err
	}
	if record.Item == nil {
		return nil, errNoItem
	}
	return jsonMap(record.Item, 1)
}

func jsonMap(in map[string]json.RawMessage, depth int) (map[string]attribute.Value, error) {
	if depth > item.MaxDepth {
		return nil, errors.New("the item is nested too deep")
	}
	out := make(map[string]attribute.Value, len(in))
	for name, raw := range in {
		var err error
		if out[name], err = jsonValue(raw, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// jsonValue reads {"S": "text"} and the like.
func jsonValue(raw []byte, depth int) (attribute.Value, error) {
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(raw, &typed); err != nil {
		return nil, err
	}
	if len(typed) != 1 {
		return nil, fmt.Errorf("a value has %d types", len(typed))
	}
	for kind, raw := range typed {
		return jsonTyped(kind, raw, depth)
	}
	return nil, nil
}

func jsonTyped(kind string, raw []byte, depth int) (attribute.Value, error) {
	switch kind {
	case "S":
		return decoded[attribute.S](raw)
	case "N":
		return decoded[attribute.N](raw)
	case "B":
		return decoded[attribute.B](raw)
	case "BOOL":
		return decoded[attribute.BOOL](raw)
	case "SS":
		return decoded[attribute.SS](raw)
	case "NS":
		return decoded[attribute.NS](raw)
	case "BS":
		return decoded[attribute.BS](raw)
	case "NULL":
		return attribute.NULL{}, nil
	case "M":
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, err
		}
		out, err := jsonMap(m, depth+1)
		return attribute.M(out), err
	case "L":
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		if depth+1 > item.MaxDepth {
			return nil, errors.New("the item is nested too deep")
		}
		out := make(attribute.L, len(list))
		for i, e := range list {
			var err error
			if out[i], err = jsonValue(e, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("there is no type %q", kind)
}

func decoded[T attribute.Value](raw []byte) (attribute.Value, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}
