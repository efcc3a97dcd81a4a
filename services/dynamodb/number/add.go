package number

// sumDigits is room for an exact sum. Summands whose digits lie further apart
// have a sum of more than MaxDigits digits.
const sumDigits = 2*MaxDigits + 2

// Add is the exact sum. One that a Decimal cannot hold is an error, and where
// it has too many digits AWS calls that an overflow as well.
func (x Decimal) Add(y Decimal) (Decimal, error) {
	if x.n == 0 {
		return y, nil
	}
	if y.n == 0 {
		return x, nil
	}
	if x.cmpAbs(&y) < 0 {
		x, y = y, x
	}
	top := int(x.exp)                                       // the place before the first digit
	bottom := min(int(x.exp)-int(x.n), int(y.exp)-int(y.n)) // the place of the last
	if top-bottom > sumDigits-1 {
		return Decimal{}, ErrOverflow
	}
	// sum[0] is the carry; sum[i] has the place top-i.
	var sum [sumDigits]int8
	width := top - bottom + 1
	for i := range int(x.n) {
		sum[i+1] = int8(x.d[i])
	}
	sign := int8(1)
	if x.neg != y.neg {
		sign = -1
	}
	shift := top - int(y.exp) + 1
	for i := range int(y.n) {
		sum[i+shift] += sign * int8(y.d[i])
	}
	for i := width - 1; i > 0; i-- {
		if sum[i] > 9 {
			sum[i] -= 10
			sum[i-1]++
		} else if sum[i] < 0 {
			sum[i] += 10
			sum[i-1]--
		}
	}
	first, last := 0, width
	for first < last && sum[first] == 0 {
		first++
	}
	for last > first && sum[last-1] == 0 {
		last--
	}
	if first == last {
		return Decimal{}, nil
	}
	exp := top + 1 - first
	switch {
	case exp-1 > maxExponent, last-first > MaxDigits:
		return Decimal{}, ErrOverflow
	case exp-1 < minExponent:
		return Decimal{}, ErrUnderflow
	}
	z := Decimal{neg: x.neg, n: uint8(last - first), exp: int16(exp)}
	for i, d := range sum[first:last] {
		z.d[i] = byte(d)
	}
	return z, nil
}
