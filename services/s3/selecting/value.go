package selecting

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// typ is the type of a value.
type typ uint8

const (
	missing typ = iota
	null
	boolean
	integer
	float
	decimal
	text
	instant
	list
	structure
)

// value is a value of a row or of an expression. The zero value is MISSING.
type value struct {
	typ typ
	i   int64   // of an integer; 1 is true
	f   float64 // of a float
	s   string  // of a text; of a decimal as it was written, if it was
	r   *big.Rat
	t   *timestamp
	in  []member // of a structure, and without names of a list
}

// member is a member of a structure, in the order of its text.
type member struct {
	name  string
	value value
}

func boolOf(b bool) value {
	v := value{typ: boolean}
	if b {
		v.i = 1
	}
	return v
}

func intOf(i int64) value     { return value{typ: integer, i: i} }
func floatOf(f float64) value { return value{typ: float, f: f} }
func textOf(s string) value   { return value{typ: text, s: s} }
func timeOf(t timestamp) value {
	return value{typ: instant, t: &t}
}

func decimalOf(r *big.Rat) value { return value{typ: decimal, r: r} }

// isTrue says that a condition holds: unknown does not.
func (v value) isTrue() bool { return v.typ == boolean && v.i != 0 }

// unknown says that there is no value.
func (v value) unknown() bool { return v.typ <= null }

func (v value) number() bool { return v.typ == integer || v.typ == float || v.typ == decimal }

// maxExponent bounds decimals: larger ones would cost more than they are worth.
const maxExponent = 1000

// maxBits bounds what is computed of them likewise: a product of two such is within it.
const maxBits = 16 << 10

// parseNumber reads a number: whole ones that fit are integers, others decimals.
func parseNumber(s string) (value, bool) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return intOf(i), true
	}
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" || len(s) > maxExponent {
		return value{}, false
	}
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		if e, err := strconv.Atoi(s[at+1:]); err != nil || e > maxExponent || e < -maxExponent {
			return value{}, false
		}
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		return value{typ: decimal, r: r, s: s}, true
	}
	return value{}, false
}

// rat is a number as a fraction; floats that are none have no such.
func (v value) rat() *big.Rat {
	switch v.typ {
	case integer:
		return new(big.Rat).SetInt64(v.i)
	case decimal:
		return v.r
	}
	return new(big.Rat).SetFloat64(v.f)
}

func (v value) float64() float64 {
	switch v.typ {
	case integer:
		return float64(v.i)
	case decimal:
		f, _ := v.r.Float64()
		return f
	}
	return v.f
}

// precision is how many digits decimals have at most.
const precision = 38

// rounded is r as a decimal of the largest precision.
func rounded(r *big.Rat) *big.Rat {
	digits, exact := r.FloatPrec()
	if exact && digits <= precision {
		return r
	}
	whole := len(new(big.Int).Quo(r.Num(), r.Denom()).String())
	out, _ := new(big.Rat).SetString(r.FloatString(max(0, precision-whole)))
	return out
}

// String is the value as results show it, and as it is cast to a string.
func (v value) String() string {
	switch v.typ {
	case boolean:
		return strconv.FormatBool(v.i != 0)
	case integer:
		return strconv.FormatInt(v.i, 10)
	case float:
		if a := math.Abs(v.f); a != 0 && (a < 1e-6 || a >= 1e21) {
			return strconv.FormatFloat(v.f, 'e', -1, 64)
		}
		return strconv.FormatFloat(v.f, 'f', -1, 64)
	case decimal:
		if v.s != "" {
			return v.s
		}
		digits, _ := v.r.FloatPrec()
		return v.r.FloatString(digits)
	case text:
		return v.s
	case instant:
		return v.t.String()
	case list, structure:
		return string(appendJSON(nil, v))
	}
	return ""
}

// compare orders two values of a type, or of numbers; others have no order.
func compare(a, b value) (order int, ok bool) {
	switch {
	case a.typ == integer && b.typ == integer || a.typ == boolean && b.typ == boolean:
		return cmp.Compare(a.i, b.i), true
	case a.number() && b.number():
		if a.typ == float || b.typ == float {
			x, y := a.float64(), b.float64()
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, x == y // not a number equals nothing
		}
		return a.rat().Cmp(b.rat()), true
	case a.typ != b.typ:
		return 0, false
	case a.typ == text:
		return strings.Compare(a.s, b.s), true
	case a.typ == instant:
		return a.t.at.Compare(b.t.at), true
	case a.typ == list || a.typ == structure:
		return strings.Compare(a.String(), b.String()), true
	}
	return 0, false
}
