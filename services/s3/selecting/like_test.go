package selecting

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// like is LIKE as it is defined: by trying everything. It is for short texts.
func like(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '%':
		return like(pattern[1:], text) || len(text) > 0 && like(pattern, text[1:])
	case len(text) == 0:
		return false
	}
	return (pattern[0] == '_' || pattern[0] == text[0]) && like(pattern[1:], text[1:])
}

func FuzzLike(f *testing.F) {
	for _, c := range [][2]string{
		{"", ""}, {"%", ""}, {"a%b%c", "aXbXbc"}, {"%_b_%", "aabab"}, {"_%_", "é"}, {"%é_", "aéz"}, {"%a%a%", "aba"}, {"a%a", "a"},
		{"%aab%", "aaaab"}, {"%a_a%", "aabaa"}, {"%\U0001F600", "x\U0001F600"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 24 {
			t.Skip("too long to try everything")
		}
		if !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			t.Skip("not text")
		}
		p, _ := parseLike(pattern, "")
		want := like([]rune(pattern), []rune(text))
		if got := p.matches(text); got != want {
			t.Errorf("%q LIKE %q is %v, want %v", text, pattern, got, want)
		}
		// What is long is looked for in other ways: 70 times each character.
		long := func(s string) string {
			var b strings.Builder
			for _, r := range s {
				if r == '%' {
					b.WriteRune(r)
				} else {
					b.WriteString(strings.Repeat(string(r), 70))
				}
			}
			return b.String()
		}
		if p, _ = parseLike(long(pattern), ""); want && !strings.Contains(text, "%") && !p.matches(long(text)) {
			t.Errorf("70 times each: %q LIKE %q is false", text, pattern)
		}
		for _, s := range p.segments { // one way is as good as the other
			if s.gaps || len(s.runes) == 0 {
				continue
			}
			if short, long, gaps := strings.Index(long(text), s.text), s.findLong(long(text)), s.findGaps(long(text)); long != gaps || long >= 0 != (short >= 0) || long >= 0 && long != short+len(s.text) {
				t.Errorf("%q in %q: %d, %d, %d", s.text, text, short, long, gaps)
			}
		}
	})
}

// Texts and patterns that made a matcher go back cost no more than others.
func TestLikeIsLinear(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	text := strings.Repeat("a", size)
	for name, pattern := range map[string]string{
		"a long literal":        "%" + strings.Repeat("a", size/8) + "b%",
		"many literals":         strings.Repeat("%a", size/8) + "%b%",
		"a literal with gaps":   "%" + strings.Repeat("a_", 500) + "b%",
		"literals of all kinds": "%" + strings.Repeat("a", 1000) + "%" + strings.Repeat("_a", 30) + "%" + strings.Repeat("a", 70) + "b",
	} {
		p, _ := parseLike(pattern, "")
		if p.matches(text) {
			t.Errorf("%s: matches", name)
		}
	}
}
