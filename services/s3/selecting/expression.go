package selecting

import (
	"math"
	"math/big"
	"strings"
	"time"
)

// expression is something that has a value for each row.
type expression interface {
	eval(*row) (value, error)
}

// row is a row with what else an expression may ask for.
type row struct {
	// fields are those of a CSV record, of which names are the header's, if there is one.
	fields, names []string
	// value is a row that is no CSV record.
	value value
	now   time.Time
	// totals are the values of the aggregates, once all rows have been seen.
	totals []value
}

type literal struct{ value value }

func (l literal) eval(*row) (value, error) { return l.value, nil }

// reference is a path into the row. It begins with the table's name, or with a
// column, until it is bound to a kind of rows (see bind.go).
type reference struct {
	steps []step
	// column is which field of a CSV record it is; negative for other rows.
	column int
}

func (r *reference) eval(row *row) (value, error) {
	if r.column >= 0 {
		if r.column < len(row.fields) {
			return textOf(row.fields[r.column]), nil
		}
		return value{}, nil
	}
	return descend(row.value, r.steps), nil
}

// descend follows a path into a value. What is not there is MISSING.
func descend(v value, steps []step) value {
	for _, s := range steps {
		switch {
		case s.name == "":
			if v.typ != list || s.index >= len(v.in) {
				return value{}
			}
			v = v.in[s.index].value
		case v.typ != structure:
			return value{}
		default:
			found := value{}
			for _, m := range v.in {
				if s.matches(m.name) {
					found = m.value
					break
				}
			}
			v = found
		}
	}
	return v
}

// matches says that the step leads to a member with a name.
func (s step) matches(name string) bool {
	return s.name == name || !s.quoted && strings.EqualFold(s.name, name)
}

// logic is AND and OR in the logic of three values.
type logic struct {
	or          bool
	left, right expression
}

func (l logic) eval(row *row) (value, error) {
	a, err := condition(l.left, row)
	if err != nil || a.typ == boolean && a.isTrue() == l.or {
		return a, err
	}
	b, err := condition(l.right, row)
	if err != nil || b.typ == boolean && b.isTrue() == l.or {
		return b, err
	}
	if a.unknown() {
		return a, nil
	}
	return b, nil
}

// condition is the value of an expression that has to be true, false or unknown.
func condition(e expression, row *row) (value, error) {
	v, err := e.eval(row)
	if err == nil && v.typ != boolean && !v.unknown() {
		err = errArgumentType()
	}
	return v, err
}

func errArgumentType() error {
	return fail("IncorrectSqlFunctionArgumentType", "Incorrect type of arguments in function call in the SQL expression.")
}

type not struct{ of expression }

func (n not) eval(row *row) (value, error) {
	v, err := condition(n.of, row)
	if err != nil || v.unknown() {
		return v, err
	}
	return boolOf(!v.isTrue()), nil
}

// comparison compares two values. Between those of different types "=" does
// not hold, and "<" is unknown.
type comparison struct {
	op          string
	left, right expression
}

func (c comparison) eval(row *row) (value, error) {
	a, b, err := both(c.left, c.right, row)
	if err != nil || a.unknown() || b.unknown() {
		return value{typ: null}, err
	}
	order, ok := compare(a, b)
	switch c.op {
	case "=":
		return boolOf(ok && order == 0), nil
	case "<>", "!=":
		return boolOf(!ok || order != 0), nil
	}
	if !ok {
		return value{typ: null}, nil
	}
	switch c.op {
	case "<":
		return boolOf(order < 0), nil
	case "<=":
		return boolOf(order <= 0), nil
	case ">":
		return boolOf(order > 0), nil
	}
	return boolOf(order >= 0), nil
}

func both(left, right expression, row *row) (a, b value, err error) {
	if a, err = left.eval(row); err == nil {
		b, err = right.eval(row)
	}
	return a, b, err
}

// membership is IN.
type membership struct {
	value expression
	of    []expression
}

func (m membership) eval(row *row) (value, error) {
	v, err := m.value.eval(row)
	if err != nil || v.unknown() {
		return value{typ: null}, err
	}
	open := false
	for _, e := range m.of {
		found, err := comparison{"=", literal{v}, e}.eval(row)
		if err != nil || found.isTrue() {
			return found, err
		}
		open = open || found.unknown()
	}
	if open {
		return value{typ: null}, nil
	}
	return boolOf(false), nil
}

// between is BETWEEN. What it looks at is evaluated once: of a chain of them each
// would else double the work.
type between struct{ value, low, high expression }

func (b between) eval(row *row) (value, error) {
	v, err := b.value.eval(row)
	if err != nil {
		return v, err
	}
	return logic{false, comparison{">=", literal{v}, b.low}, comparison{"<=", literal{v}, b.high}}.eval(row)
}

// existence is IS NULL and IS MISSING. MISSING is NULL too.
type existence struct {
	value   expression
	missing bool
}

func (e existence) eval(row *row) (value, error) {
	v, err := e.value.eval(row)
	return boolOf(v.typ == missing || v.typ == null && !e.missing), err
}

// concatenation is "||".
type concatenation struct{ left, right expression }

func (c concatenation) eval(row *row) (value, error) {
	a, b, err := both(c.left, c.right, row)
	switch {
	case err != nil || a.unknown() || b.unknown():
		return value{typ: null}, err
	case a.typ != text || b.typ != text:
		return value{}, errArgumentType()
	case len(a.s)+len(b.s) > maxRecord: // many of them would grow without bound
		return value{}, errRecordTooLong()
	}
	return textOf(a.s + b.s), nil
}

// arithmetic is an operation on numbers: whole ones stay whole, and with a
// float the result is one.
type arithmetic struct {
	op          byte
	left, right expression
}

func (a arithmetic) eval(row *row) (value, error) {
	x, y, err := both(a.left, a.right, row)
	switch {
	case err != nil || x.unknown() || y.unknown():
		return value{typ: null}, err
	case !x.number() || !y.number():
		return value{}, errArgumentType()
	case x.typ == float || y.typ == float:
		return floatOf(a.floats(x.float64(), y.float64())), nil
	case x.typ == integer && y.typ == integer:
		return a.integers(x.i, y.i)
	}
	return a.decimals(x.rat(), y.rat())
}

func (a arithmetic) floats(x, y float64) float64 {
	switch a.op {
	case '+':
		return x + y
	case '-':
		return x - y
	case '*':
		return x * y
	case '/':
		return x / y
	}
	return math.Mod(x, y)
}

func errDivideByZero() error {
	return fail("ExternalEvalException", "The query cannot be evaluated. Check the file and try again.")
}

func (a arithmetic) integers(x, y int64) (value, error) {
	var z int64
	fits := true
	switch a.op {
	case '+':
		z = x + y
		fits = (z > x) == (y > 0)
	case '-':
		z = x - y
		fits = (z < x) == (y > 0)
	case '*':
		z = x * y
		fits = x == 0 || z/x == y && !(x == -1 && y == math.MinInt64)
	case '/', '%':
		if y == 0 {
			return value{}, errDivideByZero()
		}
		if a.op == '%' {
			return intOf(x % y), nil
		}
		z = x / y
		fits = !(x == math.MinInt64 && y == -1)
	}
	if !fits {
		return value{}, fail("IntegerOverflow", "Int overflow or underflow in the SQL expression.")
	}
	return intOf(z), nil
}

func (a arithmetic) decimals(x, y *big.Rat) (value, error) {
	z := new(big.Rat)
	switch a.op {
	case '+':
		z.Add(x, y)
	case '-':
		z.Sub(x, y)
	case '*':
		z.Mul(x, y)
	default:
		if y.Sign() == 0 {
			return value{}, errDivideByZero()
		}
		z.Quo(x, y)
		if a.op == '%' {
			whole := new(big.Int).Quo(z.Num(), z.Denom())
			z.Sub(x, z.Mul(y, new(big.Rat).SetInt(whole)))
		}
	}
	if z.Num().BitLen() > maxBits {
		return value{}, fail("IntegerOverflow", "Int overflow or underflow in the SQL expression.")
	}
	return decimalOf(rounded(z)), nil
}

// choice is CASE: with a subject its conditions are values to compare it with.
type choice struct {
	subject    expression // nil is none
	conditions []expression
	results    []expression
	otherwise  expression // nil is NULL
}

func (c choice) eval(row *row) (value, error) {
	var subject literal // evaluated once, as in between
	if c.subject != nil {
		v, err := c.subject.eval(row)
		if err != nil {
			return v, err
		}
		subject.value = v
	}
	for i, when := range c.conditions {
		if c.subject != nil {
			when = comparison{"=", subject, when}
		}
		v, err := condition(when, row)
		if err != nil {
			return v, err
		}
		if v.isTrue() {
			return c.results[i].eval(row)
		}
	}
	if c.otherwise == nil {
		return value{typ: null}, nil
	}
	return c.otherwise.eval(row)
}

// likeness is LIKE.
type likeness struct {
	value, pattern, escape expression // escape may be nil
	// read is the pattern that was read last, and written how it and its escape are written:
	// mostly they are the same for every row.
	read    *likePattern
	written [2]string
}

func (l *likeness) eval(row *row) (value, error) {
	v, p, err := both(l.value, l.pattern, row)
	if err != nil {
		return v, err
	}
	escape := textOf("")
	if l.escape != nil {
		if escape, err = l.escape.eval(row); err != nil {
			return escape, err
		}
		if escape.typ == text && len([]rune(escape.s)) != 1 {
			return value{}, errLikeEscape()
		}
	}
	if v.unknown() || p.unknown() || escape.unknown() {
		return value{typ: null}, nil
	}
	if v.typ != text || p.typ != text || escape.typ != text {
		return value{}, errLike()
	}
	if written := [2]string{p.s, escape.s}; l.read == nil || l.written != written {
		pattern, ok := parseLike(p.s, escape.s)
		if !ok {
			return value{}, errLikeEscape()
		}
		l.read, l.written = &pattern, written
	}
	return boolOf(l.read.matches(v.s)), nil
}

func errLikeEscape() error {
	return fail("EvaluatorLikePatternInvalidEscapeSequence", "An argument given to the LIKE expression was not valid.")
}

func errLike() error {
	return fail("LikeInvalidInputs", "Invalid argument given to the LIKE clause in the SQL expression.")
}
