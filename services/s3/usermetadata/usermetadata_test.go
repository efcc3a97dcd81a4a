package usermetadata

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"
)

// What is sent, what it means, and what is answered.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sent, text, answered string }{
		{"", "", ""},
		{"AMAZONS3", "AMAZONS3", "AMAZONS3"},
		{"a\tb = ?c", "a\tb = ?c", "a\tb = ?c"},
		// From the user's guide: UTF-8 is read as ISO 8859-1.
		{"ÄMÄZÕÑ S3", "Ã\u0084MÃ\u0084ZÃ\u0095Ã\u0091 S3", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="},
		// As S3 was seen to answer.
		{"Miniö", "MiniÃ¶", "=?UTF-8?Q?Mini=C3=83=C2=B6?="},
		{"ö", "Ã¶", "=?UTF-8?B?w4PCtg==?="},
		{"Hello World\xe9", "Hello World\u00e9", "=?UTF-8?Q?Hello_World=C3=A9?="},
		// Encoded words say what they mean.
		{"=?UTF-8?B?w4RNw4Q=?=", "ÄMÄ", "=?UTF-8?B?w4RNw4Q=?="},
		{"=?utf-8?q?caf=C3=A9_au_lait?=", "café au lait", "=?UTF-8?Q?caf=C3=A9_au_lait?="},
		{"=?ISO-8859-1?Q?caf=E9?=", "café", "=?UTF-8?Q?caf=C3=A9?="},
		{"=?UTF-8?B?Y2Fm?= =?UTF-8?B?w6k=?=", "café", "=?UTF-8?Q?caf=C3=A9?="},
		{"=?UTF-8?Q?plain?=", "plain", "plain"},
		{"=?UTF-8?Q?two=0D=0Alines?=", "two\r\nlines", "=?UTF-8?Q?two=0D=0Alines?="},
		{"=?unknown?Q?=E9?=", "=?unknown?Q?=E9?=", "=?unknown?Q?=E9?="},
	} {
		text := Read(c.sent)
		if answered := Write(text); text != c.text || answered != c.answered {
			t.Errorf("%q is %q, answered as %q, want %q, %q", c.sent, text, answered, c.text, c.answered)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"", "é", "Mini\u00f6", strings.Repeat("é", 100), strings.Repeat("a", 200) + "é", "\U0001F600\U0001F600\U0001F600" + strings.Repeat("\U0001F600", 20), "=?UTF-8?Q?=00?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.Contains(s, "=?") || strings.ContainsRune(s, 0) {
			t.Skip("no text, or encoded words")
		}
		w := Write(s)
		if !plain(w) {
			t.Fatalf("%q is answered as %q", s, w)
		}
		if decoded, err := new(mime.WordDecoder).DecodeHeader(w); err != nil || decoded != s || Read(w) != s {
			t.Errorf("%q is answered as %q, which is %q (%v)", s, w, decoded, err)
		}
		for word := range strings.FieldsSeq(w) {
			if w != s && len(word) > 75 {
				t.Errorf("%q: a word of %d characters", s, len(word))
			}
		}
	})
}
