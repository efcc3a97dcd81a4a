package item

import (
	"reflect"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
)

// document is a value of every type.
func document() Item {
	return Item{
		"s": attribute.S("text"), "empty": attribute.S(""), "n": attribute.N("-12.5"), "b": attribute.B{0, 1, 255},
		"t": attribute.BOOL(true), "f": attribute.BOOL(false), "null": attribute.NULL{},
		"l":  attribute.L{attribute.S("a"), attribute.N("1"), attribute.L{}},
		"m":  attribute.M{"k": attribute.S("v"), "deep": attribute.M{"x": attribute.NULL{}}},
		"ss": attribute.SS{"b", "a"}, "ns": attribute.NS{"3", "1"}, "bs": attribute.BS{{1}, {2, 3}},
	}
}

func TestEncodeDecode(t *testing.T) {
	want := document()
	data := Encode(want, Size(want))
	got, err := Decode(data)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%#v, %v; want %#v", got, err, want)
	}
	size, err := EncodedSize(data)
	if err != nil || size != Size(want) {
		t.Fatalf("size %d, %v; want %d", size, err, Size(want))
	}
	for i := range data {
		if _, err := Decode(data[:i]); err == nil {
			t.Fatalf("the first %d of %d bytes were decoded", i, len(data))
		}
	}
}

func TestDecodedItemOwnsItsBytes(t *testing.T) {
	want := document()
	data := Encode(want, Size(want))
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !EqualItems(got, want) {
		t.Fatal("the item changed with the bytes it was decoded from")
	}
}

// nested is a value of n maps within each other.
func nested(n int) attribute.Value {
	var v attribute.Value = attribute.S("x")
	for range n {
		v = attribute.M{"a": v}
	}
	return v
}

func TestNormalise(t *testing.T) {
	in := Item{
		"n": attribute.N("1.50"), "ns": attribute.NS{"1", "02"}, "s": attribute.S("s"),
		"l": attribute.L{attribute.N("0"), attribute.N("1e2")}, "m": attribute.M{"x": attribute.N("-0")},
	}
	want := Item{
		"n": attribute.N("1.5"), "ns": attribute.NS{"1", "2"}, "s": attribute.S("s"),
		"l": attribute.L{attribute.N("0"), attribute.N("100")}, "m": attribute.M{"x": attribute.N("0")},
	}
	got, err := Normalise(in)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%#v, %v; want %#v", got, err, want)
	}
	if in["n"] != attribute.N("1.50") || in["l"].(attribute.L)[1] != attribute.N("1e2") {
		t.Fatal("what was normalised was changed")
	}
	if _, err := Normalise(Item{"a": nested(31)}); err != nil {
		t.Errorf("32 levels: %v", err)
	}
}

func TestNormaliseErrors(t *testing.T) {
	const prefix = "One or more parameter values were invalid: "
	many := make(attribute.SS, 20)
	for i := range many {
		many[i] = strings.Repeat("x", i%19)
	}
	for _, c := range []struct {
		value attribute.Value
		want  string
	}{
		{nil, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{attribute.L{nil}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{attribute.M{"a": nil}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{attribute.L{attribute.Unfit{}}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{attribute.Unfit{attribute.NULL{}}, prefix + "Null attribute value types must have the value of true"},
		{attribute.Unfit{attribute.S("a"), attribute.N("1")}, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{attribute.Unfit{attribute.S("a"), attribute.N("b")}, "The parameter cannot be converted to a numeric value: b"},
		{attribute.Unfit{attribute.Unfit{attribute.NULL{}}, attribute.S("a")}, prefix + "Null attribute value types must have the value of true"},
		{attribute.SS{}, prefix + "An string set  may not be empty"},
		{attribute.NS{}, prefix + "An number set  may not be empty"},
		{attribute.BS{}, prefix + "Binary sets should not be empty"},
		{attribute.SS{"a", "a"}, prefix + "Input collection [a, a] contains duplicates."},
		{many, prefix + "Input collection [" + strings.Join(many, ", ") + "] contains duplicates."},
		{attribute.BS{[]byte("b"), []byte("b")}, prefix + "Input collection [Yg==, Yg==]of type BS contains duplicates."},
		{attribute.NS{"1", "1"}, "Input collection contains duplicates"},
		{attribute.NS{"1", "1.0"}, "Input collection contains duplicates"},
		{attribute.N(""), "The parameter cannot be converted to a numeric value"},
		{attribute.NS{"1", "b"}, "The parameter cannot be converted to a numeric value: b"},
		{attribute.L{attribute.N("1e126")}, "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{nested(32), "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"},
		{attribute.M{"": attribute.S("")}, prefix + "Empty attribute name"},
	} {
		_, err := Normalise(Item{"a": c.value})
		if err == nil || err.Error() != c.want {
			t.Errorf("%#v: %v; want %q", c.value, err, c.want)
		}
	}
}

// The sizes follow the rules of AWS's developer guide.
func TestSize(t *testing.T) {
	for _, c := range []struct {
		item Item
		want int
	}{
		{Item{}, 0},
		{Item{"a": attribute.S("")}, 1},
		{Item{"ü": attribute.S("ü")}, 4},
		{Item{"a": attribute.N("12.3456")}, 5},
		{Item{"a": attribute.BOOL(true), "b": attribute.NULL{}}, 4},
		{Item{"a": attribute.B{1, 2, 3}}, 4},
		{Item{"a": attribute.SS{"xy", "z"}, "b": attribute.BS{{1}}, "c": attribute.NS{"1", "100"}}, 4 + 2 + 5},
		{Item{"a": attribute.L{}}, 4},
		{Item{"a": attribute.L{attribute.S("xy"), attribute.BOOL(false)}}, 1 + 3 + 1 + 2 + 1 + 1},
		{Item{"a": attribute.M{"k": attribute.S("v")}}, 1 + 3 + 1 + 1 + 1},
	} {
		if got := Size(c.item); got != c.want {
			t.Errorf("%#v counts %d, want %d", c.item, got, c.want)
		}
	}
}

func TestEqual(t *testing.T) {
	a, b := document(), document()
	b["ss"], b["ns"], b["bs"] = attribute.SS{"a", "b"}, attribute.NS{"1", "3"}, attribute.BS{{2, 3}, {1}}
	if !EqualItems(a, b) {
		t.Error("sets are compared by their order")
	}
	values := []attribute.Value{
		attribute.S("1"), attribute.N("1"), attribute.B("1"), attribute.BOOL(true), attribute.NULL{}, attribute.L{}, attribute.M{},
		attribute.SS{"1"}, attribute.NS{"1"}, attribute.BS{[]byte("1")}, attribute.L{attribute.S("1")}, attribute.M{"1": attribute.S("1")}, nil,
	}
	for i, v := range values {
		for j, w := range values {
			if got, want := Equal(v, w), i == j && v != nil; got != want {
				t.Errorf("Equal(%#v, %#v) is %v", v, w, got)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b attribute.Value
		want int
		ok   bool
	}{
		{attribute.N("9"), attribute.N("10"), -1, true},
		{attribute.S("9"), attribute.S("10"), 1, true},
		{attribute.S("a"), attribute.S("a"), 0, true},
		{attribute.S("Z"), attribute.S("a"), -1, true},
		{attribute.B{0xff}, attribute.B{1}, 1, true},
		{attribute.S("1"), attribute.N("1"), 0, false},
		{attribute.BOOL(true), attribute.BOOL(false), 0, false},
		{nil, attribute.S(""), 0, false},
	} {
		if got, ok := Compare(c.a, c.b); got != c.want || ok != c.ok {
			t.Errorf("Compare(%v, %v) is %d, %v", c.a, c.b, got, ok)
		}
	}
}

func FuzzDecode(f *testing.F) {
	d := document()
	f.Add(Encode(d, Size(d)))
	f.Add([]byte{0, 0})
	f.Add([]byte{0, 1, 1, 'a', tagL, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(Encode(m, Size(m)))
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%#v is decoded as %#v, %v", m, again, err)
		}
	})
}

// typical is an item of about 480 bytes.
func typical() Item {
	return Item{
		"pk": attribute.S("customer#0123456789"), "sk": attribute.S("order#2024-01-01T00:00:00Z"),
		"name": attribute.S(strings.Repeat("n", 60)), "note": attribute.S(strings.Repeat("x", 240)),
		"count": attribute.N("42"), "price": attribute.N("199.95"), "open": attribute.BOOL(true),
		"tags": attribute.L{attribute.S("red"), attribute.S("large")}, "at": attribute.S("2024-01-01T00:00:00Z"), "by": attribute.S("someone@example.com"),
	}
}

func BenchmarkEncode(b *testing.B) {
	m := typical()
	b.ReportAllocs()
	for b.Loop() {
		n, err := Normalise(m)
		if err != nil {
			b.Fatal(err)
		}
		Encoded(n)
	}
}

func BenchmarkDecode(b *testing.B) {
	m := typical()
	data := Encode(m, Size(m))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStoredJSON(b *testing.B) {
	m := typical()
	stored := Stored(Encode(m, Size(m)))
	room := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := stored.AppendJSON(room); err != nil {
			b.Fatal(err)
		}
	}
}
