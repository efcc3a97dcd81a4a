package number

// The sortable form is base 100, as AWS's is: a byte of sign and exponent,
// then a byte for each two digits, aligned to the decimal point.
//
//	positive  0x80+E  d1+1   d2+1   ...
//	zero      0x80
//	negative  0x7f-E  101-d1 101-d2 ... 102
//
// E is the exponent to the base 100, counted from its least, -65. The last
// byte of a negative number sorts it after those that continue it. AWS leaves
// it out where all twenty pairs are used.
const (
	leastExponent = -65
	negativeEnd   = 102
	maxPairs      = 20
)

// AppendSortable appends bytes that compare as the numbers do. They are what
// AWS hashes when the number is a partition key; one may be the beginning of
// another.
func (x Decimal) AppendSortable(b []byte) []byte {
	b, pairs := x.appendPairs(b)
	if x.neg && pairs < maxPairs {
		b = append(b, negativeEnd)
	}
	return b
}

// AppendKey appends bytes that compare as the numbers do whatever follows
// them: none is the beginning of another.
func (x Decimal) AppendKey(b []byte) []byte {
	b, _ = x.appendPairs(b)
	if x.neg {
		return append(b, negativeEnd)
	}
	return append(b, 0)
}

func (x *Decimal) appendPairs(b []byte) (_ []byte, pairs int) {
	if x.n == 0 {
		return append(b, 0x80), 0
	}
	first := int(x.exp) - 1 // the exponent of the first digit
	lead := 0               // a zero before it, when it is the second of its pair
	if first&1 == 0 {
		lead = 1
	}
	head := byte(0x80 + (first>>1 - leastExponent))
	if x.neg {
		head = ^head
	}
	b = append(b, head)
	pairs = x.pairs()
	for i := range pairs {
		pair := 10*x.digit(2*i-lead) + x.digit(2*i+1-lead)
		if x.neg {
			b = append(b, 101-pair)
		} else {
			b = append(b, pair+1)
		}
	}
	return b, pairs
}

// digit is the i-th digit; those beyond either end are zero.
func (x *Decimal) digit(i int) byte {
	if i < 0 || i >= len(x.d) {
		return 0
	}
	return x.d[i]
}

// pairs is how many base-100 digits there are.
func (x *Decimal) pairs() int {
	lead := 0
	if (int(x.exp)-1)&1 == 0 {
		lead = 1
	}
	return (int(x.n) + lead + 1) / 2
}

// Size is how many bytes AWS counts for the number: about one for two digits,
// one for the exponent, and one for a minus sign.
func (x Decimal) Size() int {
	size := 1
	if x.n > 0 {
		size += x.pairs()
	}
	if x.neg {
		size++
	}
	return size
}
