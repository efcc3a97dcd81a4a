package selecting

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// types are the names of types that values are cast to.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-data-types.html
var types = map[string]typ{
	"bool": boolean, "boolean": boolean, "int": integer, "integer": integer, "string": text, "char": text, "varchar": text,
	"float": float, "decimal": decimal, "dec": decimal, "numeric": decimal, "timestamp": instant,
}

// conversion is CAST.
type conversion struct {
	of expression
	to typ
	// scale is how many digits of a decimal are behind its point; negative is any number.
	scale int
}

func (c conversion) eval(row *row) (value, error) {
	v, err := c.of.eval(row)
	if err != nil || v.unknown() {
		return v, err
	}
	out, ok := c.cast(v)
	if !ok {
		return value{}, fail("CastFailed", "Attempt to convert from one data type to another using CAST failed in the SQL expression.")
	}
	return out, nil
}

func (c conversion) cast(v value) (value, bool) {
	switch {
	case v.typ >= list:
		return v, false
	case v.typ == c.to && (c.to != decimal || c.scale < 0):
		return v, true
	}
	switch c.to {
	case text:
		return textOf(v.String()), true
	case instant:
		t, ok := parseTimestamp(v.s)
		return timeOf(t), ok && v.typ == text
	case boolean:
		return toBoolean(v)
	}
	switch v.typ {
	case boolean:
		v = intOf(v.i)
	case text:
		s := strings.TrimSpace(v.s)
		number, ok := parseNumber(s)
		if f, err := strconv.ParseFloat(s, 64); !ok && err == nil && c.to == float && !math.IsInf(f, 0) && !math.IsNaN(f) {
			number, ok = floatOf(f), true
		}
		if !ok {
			return v, false
		}
		v = number
	case instant:
		return v, false
	}
	return c.toNumber(v)
}

func toBoolean(v value) (value, bool) {
	switch {
	case v.number():
		return boolOf(v.float64() != 0), true
	case v.typ == text && strings.EqualFold(v.s, "true"):
		return boolOf(true), true
	case v.typ == text && strings.EqualFold(v.s, "false"):
		return boolOf(false), true
	}
	return v, false
}

// toNumber makes a number of another; whole ones lose what is behind the point.
func (c conversion) toNumber(v value) (value, bool) {
	if c.to == float {
		f := v.float64()
		return floatOf(f), !math.IsInf(f, 0)
	}
	r := v.rat()
	if r == nil {
		return v, false // of infinity
	}
	if c.to == integer {
		whole := new(big.Int).Quo(r.Num(), r.Denom())
		return intOf(whole.Int64()), whole.IsInt64()
	}
	if c.scale >= 0 {
		r, _ = new(big.Rat).SetString(r.FloatString(c.scale))
		return value{typ: decimal, r: r, s: r.FloatString(c.scale)}, true
	}
	return decimalOf(rounded(r)), true
}
