package ids

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestUUIDsAreOfVersion4AndDiffer(t *testing.T) {
	s := Random()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := s.UUID()
		if !form.MatchString(id) {
			t.Fatalf("%q is no UUID of version 4", id)
		}
		if seen[id] {
			t.Fatalf("%q came twice", id)
		}
		seen[id] = true
	}
}

func TestStringsKeepToTheirAlphabet(t *testing.T) {
	s := Random()
	for _, alphabet := range []string{LowerAlphanumeric, UpperAlphanumeric, Base32, Hex} {
		id := s.String(alphabet, 2000)
		if len(id) != 2000 || strings.Trim(id, alphabet) != "" {
			t.Errorf("%q is not 2000 characters of %q", id, alphabet)
		}
		for _, c := range alphabet { // 2000 draws miss none of 36 letters
			if !strings.ContainsRune(id, c) {
				t.Errorf("%q never came in %q", c, id)
			}
		}
	}
}

// The same source of bytes gives the same ids, and every byte is used once.
func TestIdsFollowTheirSource(t *testing.T) {
	source := make([]byte, 2048)
	for i := range source {
		source[i] = byte(i)
	}
	a, b := From(bytes.NewReader(source)), From(bytes.NewReader(source))
	if x, y := a.UUID(), b.UUID(); x != y {
		t.Errorf("%q and %q from the same bytes", x, y)
	}
	if x, y := a.UUID(), a.UUID(); x == y {
		t.Errorf("%q twice from different bytes", x)
	}
}
