package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStringsAreWrittenAsTheyAreRead(t *testing.T) {
	// Every character that is treated apart, in every place of the eight bytes
	// that are looked at together.
	special := []string{"\"", "\\", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", " ", "!", "#", "[", "]", "é", "漢", "😀", "\"\x00", "\x1f\\"}
	for _, c := range special {
		for before := range 18 {
			for after := range 18 {
				want := strings.Repeat("a", before) + c + strings.Repeat("z", after)
				text := AppendString([]byte("x"), want)
				var got string
				if err := json.Unmarshal(text[1:], &got); err != nil || got != want {
					t.Fatalf("%q was written as %s, %v", want, text, err)
				}
				if other := AppendString([]byte("x"), []byte(want)); string(other) != string(text) {
					t.Fatalf("the bytes of %q were written as %s", want, other)
				}
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "text", "\xff", "a\xc3", "\xe6\xbc", "\xf0\x9f\x98", "12345678\x80", "\u2028<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := AppendString(nil, s)
		var got string
		if err := json.Unmarshal(text, &got); err != nil || got != strings.ToValidUTF8(s, "\uFFFD") && utf8.ValidString(s) {
			t.Fatalf("%q was written as %s and read as %q, %v", s, text, got, err)
		}
		if !utf8.Valid(text) {
			t.Fatalf("%q was written as %q", s, text)
		}
	})
}

func TestBinary(t *testing.T) {
	for want, data := range map[string]string{`""`: "", `"AA=="`: "\x00", `"/+8="`: "\xff\xef"} {
		if got := AppendBinary(nil, data); string(got) != want {
			t.Errorf("%q: %s, want %s", data, got, want)
		}
		if got := AppendBinary(nil, []byte(data)); string(got) != want {
			t.Errorf("the bytes of %q: %s, want %s", data, got, want)
		}
	}
}

func BenchmarkAppendString(b *testing.B) {
	text := strings.Repeat("evaporates before it lands ", 14)[:363]
	room := make([]byte, 0, 1024)
	b.Run("string", func(b *testing.B) {
		for b.Loop() {
			AppendString(room, text)
		}
	})
	bytes := []byte(text)
	b.Run("bytes", func(b *testing.B) {
		for b.Loop() {
			AppendString(room, bytes)
		}
	})
}
