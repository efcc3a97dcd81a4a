// Package number holds DynamoDB's numbers: decimals of up to 38 significant
// digits between 1E-130 and 9.99...E+125 on either side of zero, kept and
// added exactly.
//
// It is small code of our own because one thing has to be four: the text AWS
// answers with, exact sums that refuse what 38 digits cannot hold, the bytes
// that sort as the numbers do, and the size AWS counts. The general decimal
// libraries have none of the last two, and parse by way of a big.Int.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
package number

import "strings"

// MaxDigits is how many significant digits a number may have.
const MaxDigits = 38

// The exponents of a number's first digit, in scientific notation.
const (
	maxExponent = 125
	minExponent = -130
)

// Error says why a text or a sum is not a number. It is AWS's text.
type Error string

func (e Error) Error() string { return string(e) }

// What AWS says of numbers that it cannot hold.
const (
	ErrOverflow  Error = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	ErrUnderflow Error = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	ErrPrecision Error = "Attempting to store more than 38 significant digits in a Number"
	errEmpty     Error = "The parameter cannot be converted to a numeric value"
)

func errSyntax(text string) error {
	if text == "" {
		return errEmpty
	}
	return errEmpty + ": " + Error(text)
}

// Decimal is a number. The zero value is 0. Decimals that are equal as numbers
// are equal as values.
type Decimal struct {
	neg bool
	n   uint8 // significant digits, none of them a zero at either end
	exp int16 // the value is 0.d1d2...dn times ten to the power exp
	d   [MaxDigits]byte
}

// Parse reads a number in decimal or scientific notation. Its errors are of
// type Error.
func Parse(text string) (Decimal, error) {
	var x Decimal
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		x.neg = text[i] == '-'
		i++
	}
	var (
		seen    bool // a digit
		point   bool
		started bool // a digit that is not zero
		zeros   int  // zeros since the last such digit: inner ones, or trailing
		digits  int  // significant digits, up to the last that is not zero
		places  int  // digits before the point from the first significant one; less, the zeros after the point
	)
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen = true
		if !started && c == '0' {
			if point {
				places--
			}
			continue
		}
		started = true
		if !point {
			places++
		}
		if c == '0' {
			zeros++
			continue
		}
		for ; zeros > 0; zeros-- {
			digits++ // d holds zeros where nothing was written
		}
		if digits < MaxDigits {
			x.d[digits] = c - '0'
		}
		digits++
	}
	exp := places
	if seen && i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		e, rest, ok := parseExponent(text[i+1:])
		if !ok {
			return Decimal{}, errSyntax(text)
		}
		exp += e
		i = len(text) - rest
	}
	if !seen || i < len(text) {
		return Decimal{}, errSyntax(text)
	}
	if !started {
		return Decimal{}, nil
	}
	switch {
	case exp-1 > maxExponent:
		return Decimal{}, ErrOverflow
	case exp-1 < minExponent:
		return Decimal{}, ErrUnderflow
	case digits > MaxDigits:
		return Decimal{}, ErrPrecision
	}
	x.n, x.exp = uint8(digits), int16(exp)
	return x, nil
}

// parseExponent reads a signed integer and says how many bytes follow it. What
// is beyond any legal exponent stays so without overflowing.
func parseExponent(s string) (e, rest int, ok bool) {
	const beyond = 1 << 40
	i, neg := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		ok = true
		if e < beyond {
			e = e*10 + int(s[i]-'0')
		}
	}
	if neg {
		e = -e
	}
	return e, len(s) - i, ok
}

// Normalise is the form in which AWS keeps and answers a number: plain
// notation without needless zeros or signs. A text that has it already is
// returned as it is.
func Normalise(text string) (string, error) {
	if canonical(text) {
		return text, nil
	}
	x, err := Parse(text)
	if err != nil {
		return "", err
	}
	return x.String(), nil
}

// canonical says that text is surely normal: what is short enough to be legal,
// and begins and ends as normal numbers do.
func canonical(text string) bool {
	s := strings.TrimPrefix(text, "-")
	if len(s) == 0 || len(s) > MaxDigits {
		return false
	}
	if s == "0" {
		return len(text) == 1
	}
	point := -1
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c == '.' && point < 0:
			point = i
		default:
			return false
		}
	}
	if point < 0 {
		return s[0] != '0'
	}
	return point > 0 && (s[0] != '0' || point == 1) && s[len(s)-1] != '0' && s[len(s)-1] != '.'
}

// String is the number as AWS writes it.
func (x Decimal) String() string { return string(x.AppendText(nil)) }

// AppendText appends the number as AWS writes it.
func (x Decimal) AppendText(b []byte) []byte {
	if x.n == 0 {
		return append(b, '0')
	}
	if x.neg {
		b = append(b, '-')
	}
	exp, n := int(x.exp), int(x.n)
	if exp <= 0 {
		b = append(b, '0', '.')
		for ; exp < 0; exp++ {
			b = append(b, '0')
		}
		return x.appendDigits(b, 0, n)
	}
	if exp >= n {
		b = x.appendDigits(b, 0, n)
		for ; exp > n; exp-- {
			b = append(b, '0')
		}
		return b
	}
	b = x.appendDigits(b, 0, exp)
	b = append(b, '.')
	return x.appendDigits(b, exp, n)
}

func (x *Decimal) appendDigits(b []byte, from, to int) []byte {
	for _, d := range x.d[from:to] {
		b = append(b, '0'+d)
	}
	return b
}

// Sign is -1, 0 or 1.
func (x Decimal) Sign() int {
	switch {
	case x.n == 0:
		return 0
	case x.neg:
		return -1
	}
	return 1
}

// Cmp is -1, 0 or 1 where x is less than, equal to or greater than y.
func (x Decimal) Cmp(y Decimal) int {
	if s, t := x.Sign(), y.Sign(); s != t {
		if s < t {
			return -1
		}
		return 1
	}
	c := x.cmpAbs(&y)
	if x.neg {
		return -c
	}
	return c
}

// cmpAbs compares without signs. Neither is zero, or both are.
func (x *Decimal) cmpAbs(y *Decimal) int {
	if x.exp != y.exp {
		if x.exp < y.exp {
			return -1
		}
		return 1
	}
	for i, d := range x.d {
		if e := y.d[i]; d != e {
			if d < e {
				return -1
			}
			return 1
		}
	}
	return 0
}

// Neg is the number with the other sign.
func (x Decimal) Neg() Decimal {
	if x.n > 0 {
		x.neg = !x.neg
	}
	return x
}

// Sub is x-y; see Add.
func (x Decimal) Sub(y Decimal) (Decimal, error) { return x.Add(y.Neg()) }
