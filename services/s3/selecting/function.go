package selecting

import (
	"strings"
	"unicode/utf8"
)

// function is a built-in function with ordinary arguments.
type function struct {
	min, max int
	call     func(*row, []value) (value, error)
}

// functions are those with nothing but arguments between their parentheses;
// the parser knows the forms of the others.
var functions = map[string]function{
	"char_length":      {1, 1, charLength},
	"character_length": {1, 1, charLength},
	"lower":            {1, 1, ofText(strings.ToLower)},
	"upper":            {1, 1, ofText(strings.ToUpper)},
	"to_string":        {2, 2, toString},
	"to_timestamp":     {1, 1, toTimestamp},
	"utcnow": {0, 0, func(row *row, _ []value) (value, error) {
		return timeOf(timestamp{row.now.UTC(), second, 3, true}), nil
	}},
}

// call is a call of a function.
type call struct {
	function
	arguments []expression
	// nulls says that the function sees unknown arguments itself.
	nulls bool
}

func (c call) eval(row *row) (value, error) {
	arguments := make([]value, len(c.arguments))
	for i, e := range c.arguments {
		v, err := e.eval(row)
		if err != nil {
			return v, err
		}
		if v.unknown() && !c.nulls {
			return value{typ: null}, nil
		}
		arguments[i] = v
	}
	return c.function.call(row, arguments)
}

func charLength(_ *row, a []value) (value, error) {
	if a[0].typ != text {
		return value{}, errArgumentType()
	}
	return intOf(int64(utf8.RuneCountInString(a[0].s))), nil
}

func ofText(f func(string) string) func(*row, []value) (value, error) {
	return func(_ *row, a []value) (value, error) {
		if a[0].typ != text {
			return value{}, errArgumentType()
		}
		return textOf(f(a[0].s)), nil
	}
}

func toString(_ *row, a []value) (value, error) {
	if a[0].typ != instant || a[1].typ != text {
		return value{}, errArgumentType()
	}
	s, err := a[0].t.format(a[1].s)
	return textOf(s), err
}

func toTimestamp(_ *row, a []value) (value, error) {
	if a[0].typ != text {
		return value{}, errArgumentType()
	}
	t, ok := parseTimestamp(a[0].s)
	if !ok {
		return value{}, fail("ValueParseFailure", "Time stamp parse failure in the SQL expression.")
	}
	return timeOf(t), nil
}

// substring counts characters from 1; what is before the first counts too.
func substring(_ *row, a []value) (value, error) {
	if a[0].typ != text || a[1].typ != integer || len(a) > 2 && a[2].typ != integer {
		return value{}, errArgumentType()
	}
	runes := []rune(a[0].s)
	length := int64(len(runes))
	from, to := a[1].i, length+1
	if len(a) > 2 {
		if a[2].i < 0 {
			return value{}, fail("IllegalSqlFunctionArgument", "An illegal argument was used in the SQL function.")
		}
		if from <= length && a[2].i < to-from {
			to = from + a[2].i
		}
	}
	from = max(from, 1)
	if from >= to {
		return textOf(""), nil
	}
	return textOf(string(runes[from-1 : to-1])), nil
}

// trim takes characters off the ends of a text: a[0] is the text, a[1] the characters.
func trim(leading, trailing bool) func(*row, []value) (value, error) {
	return func(_ *row, a []value) (value, error) {
		if a[0].typ != text || a[1].typ != text {
			return value{}, errArgumentType()
		}
		s := a[0].s
		if leading {
			s = strings.TrimLeft(s, a[1].s)
		}
		if trailing {
			s = strings.TrimRight(s, a[1].s)
		}
		return textOf(s), nil
	}
}

// maxShift bounds what dates are moved by.
const maxShift = 1 << 31

func dateAdd(p part) func(*row, []value) (value, error) {
	return func(_ *row, a []value) (value, error) {
		if a[0].typ != integer || a[1].typ != instant {
			return value{}, errArgumentType()
		}
		if a[0].i > maxShift || a[0].i < -maxShift {
			return value{}, fail("IntegerOverflow", "Int overflow or underflow in the SQL expression.")
		}
		t := a[1].t.add(p, int(a[0].i))
		if y := t.at.Year(); y < 1 || y > 9999 {
			return value{}, fail("IntegerOverflow", "Int overflow or underflow in the SQL expression.")
		}
		return timeOf(t), nil
	}
}

func dateDiff(p part) func(*row, []value) (value, error) {
	return func(_ *row, a []value) (value, error) {
		if a[0].typ != instant || a[1].typ != instant {
			return value{}, errArgumentType()
		}
		return intOf(a[0].t.until(p, *a[1].t)), nil
	}
}

func extract(p part) func(*row, []value) (value, error) {
	return func(_ *row, a []value) (value, error) {
		if a[0].typ != instant {
			return value{}, errArgumentType()
		}
		return intOf(a[0].t.extract(p)), nil
	}
}

// coalesce is the first argument that is known.
func coalesce(_ *row, a []value) (value, error) {
	for _, v := range a {
		if !v.unknown() {
			return v, nil
		}
	}
	return value{typ: null}, nil
}

// nullIf is its first argument, but NULL where it equals the second.
func nullIf(_ *row, a []value) (value, error) {
	if order, ok := compare(a[0], a[1]); ok && order == 0 {
		return value{typ: null}, nil
	}
	return a[0], nil
}
