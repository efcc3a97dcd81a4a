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

func errSameString(set []string) error {
	return Error(invalid + "Input collection [" + strings.Join(set, ", ") + "] contains duplicates.")
}

// AWS leaves out a space here.
func errSameBinary(set []string) error {
	texts := make([]string, len(set))
	for i, b := range set {
		texts[i] = base64.StdEncoding.EncodeToString([]byte(b))
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
		if err := checkName(name); err != nil {
			return nil, false, err
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

func checkName(name string) error {
	switch {
	case name == "":
		return errNoName
	case len(name) > MaxName:
		return errLongName
	}
	return nil
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
		return given, false, checkStrings(v)
	case attribute.NS:
		set, changed, err := normaliseNumbers(v)
		if err != nil || !changed {
			return given, false, err
		}
		return attribute.NS(set), true, nil
	case attribute.BS:
		texts := make([]string, len(v))
		for i, b := range v {
			texts[i] = string(b)
		}
		return given, false, checkBinaries(texts)
	case attribute.Unfit:
		return nil, false, unfit(len(v), func(i int) error {
			_, _, err := normalise(v[i], depth)
			return err
		})
	}
	return nil, false, errNoType
}

// unfit says what is wrong with what is no value but n of them. Of several AWS
// looks at each before it says that there is more than one.
func unfit(n int, check func(i int) error) error {
	switch n {
	case 0:
		return errNoType
	case 1:
		return errFalseNull
	}
	for i := range n {
		if err := check(i); err != nil {
			return err
		}
	}
	return errTypes
}

// checkStrings and checkBinaries check the elements of sets.
func checkStrings(set []string) error {
	switch {
	case len(set) == 0:
		return errEmptyStrings
	case repeats(set):
		return errSameString(set)
	}
	return nil
}

func checkBinaries(set []string) error {
	switch {
	case len(set) == 0:
		return errEmptyBinary
	case repeats(set):
		return errSameBinary(set)
	}
	return nil
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

// normaliseNumbers checks the elements of a set and makes them normal, in a copy
// where that changes any.
func normaliseNumbers(set []string) (_ []string, changed bool, err error) {
	if len(set) == 0 {
		return nil, false, errEmptyNumbers
	}
	out := set
	for i, e := range set {
		n, err := number.Normalise(e)
		if err != nil {
			return nil, false, err
		}
		if n == e {
			continue
		}
		if !changed {
			out, changed = slices.Clone(set), true
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
