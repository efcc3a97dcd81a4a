// Package attribute holds DynamoDB's attribute values, written by hand because
// they are the one shape whose every byte matters to speed.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
package attribute

// Value is one attribute value: S, N, B, BOOL, NULL, L, M, SS, NS or BS.
// A nil Value is absent. Values are not changed after they are made.
type Value interface{ isValue() }

// The ten types, by the names they have on the wire.
type (
	// S is a string.
	S string
	// N is a number in decimal notation, as it was sent until normalised.
	N string
	// B is binary.
	B []byte
	// BOOL is a boolean.
	BOOL bool
	// NULL is the null value; the wire form is {"NULL": true}.
	NULL struct{}
	// L is a list.
	L []Value
	// M is a map.
	M map[string]Value
	// SS is a set of strings.
	SS []string
	// NS is a set of numbers.
	NS []string
	// BS is a set of binaries.
	BS [][]byte
)

func (S) isValue()    {}
func (N) isValue()    {}
func (B) isValue()    {}
func (BOOL) isValue() {}
func (NULL) isValue() {}
func (L) isValue()    {}
func (M) isValue()    {}
func (SS) isValue()   {}
func (NS) isValue()   {}
func (BS) isValue()   {}

// TypeOf is the wire name of v's type, and "" for nil.
func TypeOf(v Value) string {
	switch v.(type) {
	case S:
		return "S"
	case N:
		return "N"
	case B:
		return "B"
	case BOOL:
		return "BOOL"
	case NULL:
		return "NULL"
	case L:
		return "L"
	case M:
		return "M"
	case SS:
		return "SS"
	case NS:
		return "NS"
	case BS:
		return "BS"
	}
	return ""
}
