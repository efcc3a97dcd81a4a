package attribute

import (
	"slices"

	"github.com/virga-cloud/virga/api/jsontext"
)

// The form that values have in JSON is known here only: AppendJSON writes a
// Value, and the functions behind it write the parts of one, for who has values
// in another form than Value and should not make Values just to write them.

// AppendJSON appends the form that a value has in JSON; that of nil is {}.
func AppendJSON(b []byte, v Value) []byte {
	switch v := v.(type) {
	case S:
		return AppendString(b, v)
	case N:
		return AppendNumber(b, v)
	case B:
		return AppendBinary(b, v)
	case BOOL:
		return AppendBool(b, bool(v))
	case NULL:
		return AppendNull(b)
	case L:
		b = OpenList(b, "L")
		for _, e := range v {
			b = AppendJSON(Next(b), e)
		}
		return CloseList(b)
	case M:
		return CloseMap(appendEntries(OpenMap(b), v))
	case SS:
		return appendTexts(b, "SS", v)
	case NS:
		return appendTexts(b, "NS", v)
	case BS:
		b = OpenList(b, "BS")
		for _, e := range v {
			b = jsontext.AppendBinary(Next(b), e)
		}
		return CloseList(b)
	}
	return append(b, `{}`...)
}

// appendEntries writes a map in the order of its names, so that equal maps are
// written as equal bytes.
func appendEntries(b []byte, m M) []byte {
	var room [24]string
	names := room[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = AppendJSON(AppendName(b, name), m[name])
	}
	return b
}

func appendTexts(b []byte, kind string, list []string) []byte {
	b = OpenList(b, kind)
	for _, s := range list {
		b = jsontext.AppendString(Next(b), s)
	}
	return CloseList(b)
}

// AppendString appends an S.
func AppendString[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(jsontext.AppendString(append(b, `{"S":`...), s), '}')
}

// AppendNumber appends an N.
func AppendNumber[T ~string | ~[]byte](b []byte, n T) []byte {
	return append(jsontext.AppendString(append(b, `{"N":`...), n), '}')
}

// AppendBinary appends a B.
func AppendBinary[T ~string | ~[]byte](b []byte, data T) []byte {
	return append(jsontext.AppendBinary(append(b, `{"B":`...), data), '}')
}

// AppendBool appends a BOOL.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, `{"BOOL":true}`...)
	}
	return append(b, `{"BOOL":false}`...)
}

// AppendNull appends a NULL.
func AppendNull(b []byte) []byte { return append(b, `{"NULL":true}`...) }

// OpenList begins a value that is a list of the kind: an L, whose elements are
// values, or an SS, NS or BS, whose elements are texts of package jsontext.
// Next stands before each of them, and CloseList behind the last.
func OpenList(b []byte, kind string) []byte {
	return append(append(append(b, `{"`...), kind...), `":[`...)
}

// CloseList ends a value that OpenList began.
func CloseList(b []byte) []byte { return append(b, `]}`...) }

// OpenMap begins an M. AppendName stands before each of its values, and
// CloseMap behind the last.
func OpenMap(b []byte) []byte { return OpenItem(append(b, `{"M":`...)) }

// CloseMap ends a value that OpenMap began.
func CloseMap(b []byte) []byte { return append(CloseItem(b), '}') }

// OpenItem begins an item, which is like an M that is no value.
func OpenItem(b []byte) []byte { return append(b, '{') }

// CloseItem ends what OpenItem began.
func CloseItem(b []byte) []byte { return append(b, '}') }

// Next appends the comma between elements; nothing before the first.
func Next(b []byte) []byte {
	if c := b[len(b)-1]; c == '[' || c == '{' {
		return b
	}
	return append(b, ',')
}

// AppendName appends the name of an entry of a map, whose value is to follow.
func AppendName[T ~string | ~[]byte](b []byte, name T) []byte {
	return append(jsontext.AppendString(Next(b), name), ':')
}
