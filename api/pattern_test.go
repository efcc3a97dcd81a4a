package api

import "testing"

func TestMatchPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"s3:Get*", "s3:GetObject", true},
		{"s3:Get*", "s3:PutObject", false},
		{"s3:*Object", "s3:GetObjectObject", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*a*b", "xaxab", true},
		{"*a*b", "xaxabc", false},
		{"abc", "abcd", false},
		{"abc**", "abc", true},
	} {
		if got := MatchPattern(c.pattern, c.s); got != c.want {
			t.Errorf("%q of %q: %v", c.pattern, c.s, got)
		}
	}
}
