package item

import (
	"slices"
	"testing"
)

func TestPlacesSortAsNamesDo(t *testing.T) {
	names := []string{"abcdefghi", "b", "a\x00", "", "abcdefgh\x00", "\x00", "a", "abcdefgh", "é", "abcdefg", "a\x00\x00", "\xff", "abcdefgz", "Abcdefgh", "a"}
	var list []place
	for i, name := range names {
		list = append(list, placeOf(name, i))
	}
	sortPlaces(list, func(i int) string { return names[i] })
	var got []string
	for i, at := range list {
		got = append(got, names[at.entry])
		if i > 0 && names[at.entry] == got[i-1] && at.entry < list[i-1].entry {
			t.Errorf("%q: %d stands behind %d", got[i], at.entry, list[i-1].entry)
		}
	}
	if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}
