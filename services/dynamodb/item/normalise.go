package item

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/number"
)

// What AWS says of values that it does not take.
const (
	invalid = "One or more parameter values were invalid: "

	errNoType       Error = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	errTypes        Error = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	errFalseNull    Error = invalid + "Null attribute value types must have the value of true"
	errDepth        Error = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	errSameNumber   Error = "Input collection contains duplicates"
	errNoName       Error = invalid + "Empty attribute name"
	errLongName     Error = invalid + "Attribute name is too large, must be less than 65536 bytes"
	errEmptyStrings Error = invalid + "An string set  may not be empty"
	errEmptyNumbers Error = invalid + "An number set  may not be empty"
	errEmptyBinary  Error = invalid + "Binary sets should not be empty"
)

func errSameString(set attribute.SS) error {
	return Error(invalid + "Input collection [" + strings.Join(set, ", ") + "] contains duplicates.")
}

// AWS leaves out a space here.
func errSameBinary(set attribute.BS) error {
	texts := make([]string, len(set))
	for i, b := range set {
		texts[i] = base64.StdEncoding.EncodeToString(b)
	}
	return Error(invalid + "Input collection [" + strings.Join(texts, ", ") + "]of type BS contains duplicates.")
}

// Normalise checks every value of m and returns m with its numbers as AWS
// keeps them. m itself is not changed, and is returned when nothing differs.
func Normalise(m Item) (Item, error) {
	out, _, err := normaliseMap(m, 1)
	return out, err
}

// NormaliseValue checks one value, as Normalise does those of an item.
func NormaliseValue(v attribute.Value) (attribute.Value, error) {
	out, _, err := normalise(v, 1)
	return out, err
}

// normaliseMap also says whether its answer differs from m.
func normaliseMap(m map[string]attribute.Value, depth int) (_ map[string]attribute.Value, changed bool, err error) {
	if depth > MaxDepth {
		return nil, false, errDepth
	}
	out := m
	for name, v := range m {
		if name == "" {
			return nil, false, errNoName
		}
		if len(name) > MaxName {
			return nil, false, errLongName
		}
		n, differs, err := normalise(v, depth)
		if err != nil {
			return nil, false, err
		}
		if !differs {
			continue
		}
		if !changed {
			out, changed = maps.Clone(m), true
		}
		out[name] = n
	}
	return out, changed, nil
}

// normalise also says whether its answer differs from what is given. depth is that of the
// map or list v lies in.
func normalise(given attribute.Value, depth int) (_ attribute.Value, changed bool, err error) {
	switch v := given.(type) { // given is returned, and not v, of which another value would be made
	case attribute.S, attribute.B, attribute.BOOL, attribute.NULL:
		return given, false, nil
	case attribute.N:
		n, err := number.Normalise(string(v))
		if err != nil {
			return nil, false, err
		}
		if n == string(v) {
			return given, false, nil
		}
		return attribute.N(n), true, nil
	case attribute.M:
		m, changed, err := normaliseMap(v, depth+1)
		if err != nil || !changed {
			return given, false, err
		}
		return attribute.M(m), true, nil
	case attribute.L:
		return normaliseList(v, depth+1)
	case attribute.SS:
		if len(v) == 0 {
			return nil, false, errEmptyStrings
		}
		if repeats(v) {
			return nil, false, errSameString(v)
		}
		return given, false, nil
	case attribute.NS:
		return normaliseNumbers(v)
	case attribute.BS:
		if len(v) == 0 {
			return nil, false, errEmptyBinary
		}
		texts := make([]string, len(v))
		for i, b := range v {
			texts[i] = string(b)
		}
		if repeats(texts) {
			return nil, false, errSameBinary(v)
		}
		return given, false, nil
	case attribute.Unfit:
		return nil, false, unfit(v, depth)
	}
	return nil, false, errNoType
}

// unfit says what is wrong with what is no value. Of several values AWS looks
// at each before it says that there is more than one.
func unfit(v attribute.Unfit, depth int) error {
	switch len(v) {
	case 0:
		return errNoType
	case 1:
		return errFalseNull
	}
	for _, one := range v {
		if _, _, err := normalise(one, depth); err != nil {
			return err
		}
	}
	return errTypes
}

func normaliseList(v attribute.L, depth int) (attribute.Value, bool, error) {
	if depth > MaxDepth {
		return nil, false, errDepth
	}
	out, changed := v, false
	for i, e := range v {
		n, differs, err := normalise(e, depth)
		if err != nil {
			return nil, false, err
		}
		if !differs {
			continue
		}
		if !changed {
			out, changed = slices.Clone(v), true
		}
		out[i] = n
	}
	return out, changed, nil
}

func normaliseNumbers(v attribute.NS) (attribute.Value, bool, error) {
	if len(v) == 0 {
		return nil, false, errEmptyNumbers
	}
	out, changed := v, false
	for i, e := range v {
		n, err := number.Normalise(e)
		if err != nil {
			return nil, false, err
		}
		if n == e {
			continue
		}
		if !changed {
			out, changed = slices.Clone(v), true
		}
		out[i] = n
	}
	if repeats(out) {
		return nil, false, errSameNumber
	}
	return out, changed, nil
}

// repeats says whether a string occurs twice.
func repeats(list []string) bool {
	if len(list) <= 8 {
		for i, s := range list {
			if slices.Contains(list[:i], s) {
				return true
			}
		}
		return false
	}
	seen := make(map[string]struct{}, len(list))
	for _, s := range list {
		seen[s] = struct{}{}
	}
	return len(seen) < len(list)
}
