package dump

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/amazon-ion/ion-go/ion"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// Ion has a type for every one of DynamoDB's but sets, which are lists with an
// annotation.
const (
	ionStrings  = "$dynamodb_SS"
	ionNumbers  = "$dynamodb_NS"
	ionBinaries = "$dynamodb_BS"
)

// ionReader reads Ion: a struct with the field Item for each item.
type ionReader struct{ ion.Reader }

func openIon(r io.Reader) Reader { return &ionReader{ion.NewReader(r)} }

// Next implements Reader.
func (r *ionReader) Next() (Record, error) {
	for more := true; more; more = r.isVersion() {
		if !r.Reader.Next() {
			if err := r.Err(); err != nil {
				return Record{}, err
			}
			return Record{}, io.EOF
		}
	}
	it, err := r.record()
	if r.Err() != nil { // the file, and not the record
		return Record{}, r.Err()
	}
	return normalised(it, err), nil
}

// ionVersion stands before every record of an export.
const ionVersion = "$ion_1_0"

// isVersion says whether the reader is at a version, which the library gives as
// a symbol where it is not the first.
func (r *ionReader) isVersion() bool {
	if r.Type() != ion.SymbolType {
		return false
	}
	v, err := r.SymbolValue()
	return err == nil && v != nil && v.Text != nil && *v.Text == ionVersion
}

func (r *ionReader) record() (it item.Item, err error) {
	if r.Type() != ion.StructType || r.IsNull() {
		return nil, errNoItem
	}
	if err := r.StepIn(); err != nil {
		return nil, err
	}
	for r.Reader.Next() {
		name, nameErr := r.FieldName()
		if nameErr != nil {
			err = nameErr
			continue
		}
		if name.Text == nil || *name.Text != "Item" || r.Type() != ion.StructType {
			continue
		}
		it, err = r.structure(1)
	}
	if out := r.StepOut(); out != nil {
		return nil, out
	}
	if err == nil && it == nil {
		err = errNoItem
	}
	return it, err
}

// structure reads the struct at which the reader is. It reads past what is
// wrong with it, so that the next record can be read.
func (r *ionReader) structure(depth int) (out map[string]attribute.Value, err error) {
	if depth > item.MaxDepth {
		return nil, errors.New("the item is nested too deep")
	}
	if err := r.StepIn(); err != nil {
		return nil, err
	}
	out = map[string]attribute.Value{}
	for r.Reader.Next() {
		name, nameErr := r.FieldName()
		if nameErr != nil || name.Text == nil {
			err = errors.Join(err, errors.New("a field has no name"))
			continue
		}
		v, valueErr := r.value(depth)
		if err = errors.Join(err, valueErr); v != nil {
			out[*name.Text] = v
		}
	}
	return out, errors.Join(err, r.StepOut())
}

func (r *ionReader) list(depth int) (out attribute.L, err error) {
	if depth > item.MaxDepth {
		return nil, errors.New("the item is nested too deep")
	}
	if err := r.StepIn(); err != nil {
		return nil, err
	}
	out = attribute.L{}
	for r.Reader.Next() {
		v, valueErr := r.value(depth)
		err = errors.Join(err, valueErr)
		out = append(out, v)
	}
	return out, errors.Join(err, r.StepOut())
}

// value reads the value at which the reader is.
func (r *ionReader) value(depth int) (attribute.Value, error) {
	if r.IsNull() {
		return attribute.NULL{}, nil
	}
	switch r.Type() {
	case ion.BoolType:
		v, err := r.BoolValue()
		return set(v, err, func(v *bool) attribute.Value { return attribute.BOOL(*v) })
	case ion.StringType:
		v, err := r.StringValue()
		return set(v, err, func(v *string) attribute.Value { return attribute.S(*v) })
	case ion.IntType:
		v, err := r.BigIntValue()
		if err != nil {
			return nil, err
		}
		return attribute.N(v.String()), nil
	case ion.DecimalType:
		v, err := r.DecimalValue()
		if err != nil {
			return nil, err
		}
		digits, exponent := v.CoEx()
		return attribute.N(fmt.Sprintf("%sE%d", digits, exponent)), nil
	case ion.BlobType:
		v, err := r.ByteValue()
		return attribute.B(v), err
	case ion.StructType:
		v, err := r.structure(depth + 1)
		return attribute.M(v), err
	case ion.ListType:
		return r.listOrSet(depth + 1)
	}
	return nil, fmt.Errorf("a value has the type %s", r.Type())
}

func set[T any](v *T, err error, as func(*T) attribute.Value) (attribute.Value, error) {
	if err != nil {
		return nil, err
	}
	return as(v), nil
}

func (r *ionReader) listOrSet(depth int) (attribute.Value, error) {
	annotations, err := r.Annotations()
	if err != nil {
		return nil, err
	}
	list, err := r.list(depth)
	if err != nil || len(annotations) == 0 || annotations[0].Text == nil {
		return list, err
	}
	switch *annotations[0].Text {
	case ionStrings:
		return elements(list, func(v attribute.S) string { return string(v) }, func(l []string) attribute.Value { return attribute.SS(l) })
	case ionNumbers:
		return elements(list, func(v attribute.N) string { return string(v) }, func(l []string) attribute.Value { return attribute.NS(l) })
	case ionBinaries:
		return elements(list, func(v attribute.B) []byte { return v }, func(l [][]byte) attribute.Value { return attribute.BS(l) })
	}
	return list, nil
}

// elements makes a set of a list, whose elements have one type.
func elements[T attribute.Value, E any](list attribute.L, as func(T) E, set func([]E) attribute.Value) (attribute.Value, error) {
	out := make([]E, len(list))
	for i, e := range list {
		v, ok := e.(T)
		if !ok {
			return nil, fmt.Errorf("a set has an element of type %s", attribute.TypeOf(e))
		}
		out[i] = as(v)
	}
	return set(out), nil
}

// writeIon writes a struct, by their names.
func writeIon(w ion.Writer, fields []field) error {
	err := w.BeginStruct()
	for _, f := range fields {
		err = errors.Join(err, w.FieldName(ion.NewSymbolTokenFromString(f.name)), writeIonValue(w, f.value))
	}
	return errors.Join(err, w.EndStruct())
}

func writeIonValue(w ion.Writer, v attribute.Value) error {
	switch v := v.(type) {
	case attribute.S:
		return w.WriteString(string(v))
	case attribute.N:
		return writeIonNumber(w, string(v))
	case attribute.B:
		return w.WriteBlob(v)
	case attribute.BOOL:
		return w.WriteBool(bool(v))
	case attribute.NULL:
		return w.WriteNull()
	case attribute.M:
		var fields []field
		for _, name := range slices.Sorted(maps.Keys(v)) {
			fields = append(fields, field{name, v[name]})
		}
		return writeIon(w, fields)
	case attribute.L:
		return writeIonList(w, "", v, writeIonValue)
	case attribute.SS:
		return writeIonList(w, ionStrings, v, func(w ion.Writer, s string) error { return w.WriteString(s) })
	case attribute.NS:
		return writeIonList(w, ionNumbers, v, writeIonNumber)
	case attribute.BS:
		return writeIonList(w, ionBinaries, v, func(w ion.Writer, b []byte) error { return w.WriteBlob(b) })
	}
	return fmt.Errorf("a value has no type")
}

func writeIonNumber(w ion.Writer, text string) error {
	d, err := ion.ParseDecimal(text)
	if err != nil {
		return err
	}
	return w.WriteDecimal(d)
}

func writeIonList[T any](w ion.Writer, annotation string, list []T, write func(ion.Writer, T) error) error {
	var err error
	if annotation != "" {
		err = w.Annotation(ion.NewSymbolTokenFromString(annotation))
	}
	err = errors.Join(err, w.BeginList())
	for _, e := range list {
		err = errors.Join(err, write(w, e))
	}
	return errors.Join(err, w.EndList())
}
