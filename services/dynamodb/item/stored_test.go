package item

import (
	"bytes"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
)

func TestStoredIsWrittenAsItsValuesAre(t *testing.T) {
	for _, it := range []Item{
		{},
		document(),
		{"quo\"te": attribute.S("\x00\"\\\n漢"), "é": attribute.M{}, "bs": attribute.BS{}, "deep": nested(MaxDepth - 1)},
	} {
		want, err := attribute.M(it).AppendJSON([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Stored(Encode(it, Size(it))).AppendJSON([]byte("before"))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v\n got %s\nwant %s", err, got, want)
		}
	}
}

func TestEqualItemsAreStoredAsEqualBytes(t *testing.T) {
	want := Encode(document(), 7)
	for range 20 {
		if got := Encode(document(), 7); !bytes.Equal(got, want) {
			t.Fatalf("%q and %q", got, want)
		}
	}
}

func TestWhatIsNotStoredIsNotWritten(t *testing.T) {
	data := Encode(document(), Size(document()))
	for i := range data {
		if b, err := Stored(data[:i]).AppendJSON(nil); err == nil {
			t.Fatalf("the first %d of %d bytes were written as %s", i, len(data), b)
		}
	}
	for name, s := range map[string]Stored{
		"more than an item": Stored(data) + "x",
		"an unknown tag":    "\x00\x01\x01a\x7f",
		"too deep":          Stored(Encode(Item{"a": nested(MaxDepth)}, 0)),
	} {
		if b, err := s.AppendJSON(nil); err == nil {
			t.Errorf("%s was written as %s", name, b)
		}
		if m, err := s.Map(); err == nil {
			t.Errorf("%s was read as %v", name, m)
		}
	}
}

// FuzzStored holds the two ways of reading what is stored to each other.
func FuzzStored(f *testing.F) {
	f.Add(Encode(document(), Size(document())))
	f.Add([]byte("\x00\x01\x01a\x08\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Stored(data).Map()
		b, errJSON := Stored(data).AppendJSON(nil)
		if err == nil && errJSON != nil {
			t.Fatalf("%q is %v, and has no JSON: %v", data, m, errJSON)
		}
		if err != nil {
			return
		}
		want, _ := m.AppendJSON(nil)
		if len(b) != len(want) {
			t.Fatalf("%q was written as %s, its values as %s", data, b, want)
		}
	})
}

func TestShelfKeepsItemsOfAllSizes(t *testing.T) {
	var shelf Shelf
	var want [][]byte
	var got []*Stored
	for i := range 300 {
		data := bytes.Repeat([]byte{byte(i)}, i*i%(2*maxPiece))
		want, got = append(want, bytes.Clone(data)), append(got, shelf.Keep(data))
		clear(data)
	}
	for i := range want {
		if string(want[i]) != string(*got[i]) {
			t.Fatalf("item %d of %d bytes has %d bytes, or others", i, len(want[i]), len(*got[i]))
		}
	}
}
