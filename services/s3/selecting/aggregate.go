package selecting

import (
	"math/big"
)

// aggregate is a function of all rows. Unknown values do not count.
type aggregate struct {
	name string
	of   expression // nil for COUNT(*)
	// number is which of the query's aggregates it is.
	number int

	count int64
	// so is the sum, or the least or greatest value.
	so value
}

// eval is its value, once all rows have been seen.
func (a *aggregate) eval(row *row) (value, error) {
	if row.totals == nil {
		return value{}, fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference.")
	}
	return row.totals[a.number], nil
}

// add counts a row.
func (a *aggregate) add(row *row) error {
	if a.of == nil {
		a.count++
		return nil
	}
	v, err := a.of.eval(row)
	if err != nil || v.unknown() {
		return err
	}
	a.count++
	switch {
	case a.name == "count":
		return nil
	case a.name == "sum" || a.name == "avg":
		if !v.number() {
			return errArgumentType()
		}
		if a.count == 1 {
			a.so = v
			return nil
		}
		a.so, err = arithmetic{'+', literal{a.so}, literal{v}}.eval(row)
		return err
	case a.count == 1:
		a.so = v
		return nil
	}
	order, ok := compare(v, a.so)
	if !ok {
		return errArgumentType()
	}
	if a.name == "min" && order < 0 || a.name == "max" && order > 0 {
		a.so = v
	}
	return nil
}

// total is what has been counted. Of no rows only the count is known.
func (a *aggregate) total() value {
	switch {
	case a.name == "count":
		return intOf(a.count)
	case a.count == 0:
		return value{typ: null}
	case a.name != "avg":
		return a.so
	case a.so.typ == float:
		return floatOf(a.so.f / float64(a.count))
	}
	return decimalOf(rounded(new(big.Rat).Quo(a.so.rat(), new(big.Rat).SetInt64(a.count))))
}
