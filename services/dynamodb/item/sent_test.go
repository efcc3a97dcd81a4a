package item

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
)

// sent is an item as it would have been sent with these attributes in this order.
func sent(names []string, m Item) *attribute.Sent {
	var b []byte
	for _, name := range names {
		b = appendPart(attribute.AppendSentText(b, []byte(name)), m[name])
	}
	return new(attribute.SentOf(string(b), len(names)))
}

func appendPart(b []byte, v attribute.Value) []byte {
	at := len(b)
	elements := func(t attribute.Tag, n int, each func(i int)) []byte {
		b = attribute.OpenPart(b, t)
		for i := range n {
			each(i)
		}
		attribute.ClosePart(b, at, n)
		return b
	}
	text := func(s string) { b = attribute.AppendSentText(b, []byte(s)) }
	switch v := v.(type) {
	case attribute.S:
		return attribute.AppendPart(b, attribute.TagS, []byte(v))
	case attribute.N:
		return attribute.AppendPart(b, attribute.TagN, []byte(v))
	case attribute.B:
		return attribute.AppendPart(b, attribute.TagB, v)
	case attribute.BOOL:
		if v {
			return attribute.AppendBare(b, attribute.TagTrue)
		}
		return attribute.AppendBare(b, attribute.TagFalse)
	case attribute.NULL:
		return attribute.AppendBare(b, attribute.TagNull)
	case attribute.L:
		return elements(attribute.TagL, len(v), func(i int) { b = appendPart(b, v[i]) })
	case attribute.M:
		names := sortedNames(v)
		return elements(attribute.TagM, len(names), func(i int) { text(names[i]); b = appendPart(b, v[names[i]]) })
	case attribute.SS:
		return elements(attribute.TagSS, len(v), func(i int) { text(v[i]) })
	case attribute.NS:
		return elements(attribute.TagNS, len(v), func(i int) { text(v[i]) })
	case attribute.BS:
		return elements(attribute.TagBS, len(v), func(i int) { text(string(v[i])) })
	case attribute.Unfit:
		for _, one := range v {
			b = appendPart(b, one)
		}
		return attribute.Enclose(b, at, len(v))
	}
	panic(fmt.Sprintf("no part for %T", v))
}

func sortedNames(m Item) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func reversed(m Item) []string {
	names := sortedNames(m)
	slices.Reverse(names)
	return names
}

// stored checks that what was sent is stored as its values are, or refused as
// they are, and returns the two errors of that.
func stored(t *testing.T, s *attribute.Sent) (err, wantErr error) {
	t.Helper()
	m, _ := s.Map() // never fails
	normal, wantErr := Normalise(m)
	data, size, err := AppendSent([]byte("before"), s)
	if wantErr != nil || err != nil {
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%v: %v; want %v", m, err, wantErr)
		}
		return err, wantErr
	}
	want, wantSize := Encoded(normal)
	if string(data) != "before"+string(want) || size != wantSize {
		t.Errorf("%v: size %d, %q; want %d, %q", m, size, data, wantSize, want)
	}
	for name, v := range normal {
		if got := SentValue(s, name); !reflect.DeepEqual(got, v) {
			t.Errorf("%s: %#v; want %#v", name, got, v)
		}
	}
	return nil, nil
}

func TestSentIsStoredAsItsValuesAre(t *testing.T) {
	number := func(n int) attribute.Value { return attribute.N("1e" + strings.Repeat("0", n)) } // which counts two bytes
	many := Item{}
	for i := range 200 {
		many[fmt.Sprint("name", i)] = attribute.S(strings.Repeat("x", i))
	}
	for _, m := range []Item{
		{}, document(), typical(), many, {"a": number(120)}, {"a": number(200)}, {"a": attribute.N("1e125"), "b": attribute.S(strings.Repeat("x", 110))},
		{"n": attribute.N("1.50"), "big": attribute.N("1e125"), "ns": attribute.NS{"1", "02", "-3e1"}, "l": attribute.L{attribute.N("00"), attribute.M{"z": attribute.N("1e2"), "a": attribute.NULL{}}}},
		{"long": attribute.S(strings.Repeat("x", 1<<20))},
		{"a": nested(31)}, {"a": nested(32)}, {"a": attribute.L{nested(30)}}, {"a": attribute.L{nested(31)}},
		{"": attribute.S("")}, {strings.Repeat("n", MaxName): attribute.S("")}, {strings.Repeat("n", MaxName+1): attribute.S("")},
		{"a": attribute.N("x")}, {"a": attribute.L{attribute.N("1e126")}}, {"a": attribute.NS{"1", ""}},
		{"a": attribute.SS{}}, {"a": attribute.NS{}}, {"a": attribute.BS{}},
		{"a": attribute.SS{"b", "a", "b"}}, {"a": attribute.NS{"1", "1.0"}}, {"a": attribute.BS{{1}, {1}}},
		{"a": attribute.Unfit{}}, {"a": attribute.Unfit{attribute.NULL{}}}, {"a": attribute.Unfit{attribute.S("a"), attribute.S("b")}},
		{"a": attribute.M{"b": attribute.Unfit{attribute.S("a"), attribute.N("b")}}}, {"a": attribute.L{attribute.Unfit{attribute.S("a"), attribute.Unfit{}}}},
	} {
		for _, names := range [][]string{sortedNames(m), reversed(m)} {
			if got, want := stored(t, sent(names, m)); got != nil && got.Error() != want.Error() {
				t.Errorf("%.100v: %v; want %v", m, got, want)
			}
		}
	}
}

func TestWhatIsSentFitsItsRoom(t *testing.T) {
	for _, m := range []Item{{}, {"a": attribute.S(strings.Repeat("x", 120))}, {"a": attribute.L{attribute.M{}}}, document(), typical()} {
		s := sent(reversed(m), m)
		room := make([]byte, 0, Room(s))
		if data, _, err := AppendSent(room, s); err != nil || cap(data) != cap(room) {
			t.Errorf("%v: %d bytes of %d, %v", m, len(data), cap(room), err)
		}
	}
}

func TestOfWhatWasSentTwiceTheLastCounts(t *testing.T) {
	b := appendPart(attribute.AppendSentText(nil, []byte("b")), attribute.Unfit{})
	b = appendPart(attribute.AppendSentText(b, []byte("a")), attribute.N("1.0"))
	b = appendPart(attribute.AppendSentText(b, []byte("b")), attribute.S("first"))
	b = appendPart(attribute.AppendSentText(b, []byte("b")), attribute.S("last"))
	s := new(attribute.SentOf(string(b), 4))
	stored(t, s)
	data, _, err := AppendSent(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := Decode(data); !EqualItems(got, Item{"a": attribute.N("1"), "b": attribute.S("last")}) {
		t.Errorf("%v was stored", got)
	}
	if v := SentValue(s, "c"); v != nil {
		t.Errorf("an attribute that was not sent is %v", v)
	}
}

// FuzzSent makes items of what Decode reads. Which of several faults is told is
// not said.
func FuzzSent(f *testing.F) {
	for _, m := range []Item{{}, document(), typical()} {
		f.Add(Encode(m, Size(m)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		stored(t, sent(reversed(m), m))
	})
}

func BenchmarkAppendSent(b *testing.B) {
	m := typical()
	s := sent(reversed(m), m)
	room := make([]byte, 0, Room(s))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := AppendSent(room, s); err != nil {
			b.Fatal(err)
		}
	}
}
