package item

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/number"
)

// Equal says whether two normalised values are the same: of one type, sets
// without regard to order, lists and maps through and through.
func Equal(a, b attribute.Value) bool {
	switch a := a.(type) {
	case attribute.S, attribute.N, attribute.BOOL, attribute.NULL:
		switch b.(type) {
		case attribute.S, attribute.N, attribute.BOOL, attribute.NULL:
			return a == b
		}
	case attribute.B:
		b, ok := b.(attribute.B)
		return ok && bytes.Equal(a, b)
	case attribute.L:
		b, ok := b.(attribute.L)
		return ok && slices.EqualFunc(a, b, Equal)
	case attribute.M:
		b, ok := b.(attribute.M)
		return ok && EqualItems(a, b)
	case attribute.SS:
		b, ok := b.(attribute.SS)
		return ok && sameSet(a, b)
	case attribute.NS:
		b, ok := b.(attribute.NS)
		return ok && sameSet(a, b)
	case attribute.BS:
		b, ok := b.(attribute.BS)
		return ok && len(a) == len(b) && !slices.ContainsFunc(a, func(x []byte) bool { return !ContainsBytes(b, x) })
	}
	return false
}

// EqualItems says whether two items have the same names with equal values.
func EqualItems(a, b Item) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if w, ok := b[name]; !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

// sameSet compares sets, which have no element twice.
func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	if slices.Equal(a, b) {
		return true
	}
	in := make(map[string]struct{}, len(b))
	for _, s := range b {
		in[s] = struct{}{}
	}
	for _, s := range a {
		if _, ok := in[s]; !ok {
			return false
		}
	}
	return true
}

// ContainsBytes says whether x is in the set.
func ContainsBytes(set [][]byte, x []byte) bool {
	return slices.ContainsFunc(set, func(b []byte) bool { return bytes.Equal(b, x) })
}

// Compare orders two normalised values of one ordered type: numbers as
// numbers, strings by their UTF-8 bytes, binary by unsigned bytes. ok is false
// for all others.
func Compare(a, b attribute.Value) (order int, ok bool) {
	switch a := a.(type) {
	case attribute.S:
		if b, ok := b.(attribute.S); ok {
			return cmp.Compare(a, b), true
		}
	case attribute.N:
		if b, ok := b.(attribute.N); ok {
			x, errX := number.Parse(string(a))
			y, errY := number.Parse(string(b))
			return x.Cmp(y), errX == nil && errY == nil
		}
	case attribute.B:
		if b, ok := b.(attribute.B); ok {
			return bytes.Compare(a, b), true
		}
	}
	return 0, false
}
