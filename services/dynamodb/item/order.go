package item

import (
	"cmp"
	"slices"
	"strings"
)

// place is that of an entry in the order of names. Sorting places moves no
// entries, and beginning, what the name begins with, as a rule tells it from others.
type place struct {
	beginning uint64
	entry     int
}

func placeOf(name string, entry int) place { return place{beginning(name), entry} }

// beginning sorts as the name does, as far as it tells names apart.
func beginning(name string) (x uint64) {
	if len(name) >= 8 {
		return uint64(name[7]) | uint64(name[6])<<8 | uint64(name[5])<<16 | uint64(name[4])<<24 |
			uint64(name[3])<<32 | uint64(name[2])<<40 | uint64(name[1])<<48 | uint64(name[0])<<56
	}
	for i := range len(name) {
		x |= uint64(name[i]) << (56 - 8*i)
	}
	return x
}

// sortPlaces sorts by the entries' names, and those of one name as they are numbered.
func sortPlaces(list []place, name func(entry int) string) {
	slices.SortFunc(list, func(a, b place) int {
		if a.beginning != b.beginning {
			return cmp.Compare(a.beginning, b.beginning)
		}
		if c := strings.Compare(name(a.entry), name(b.entry)); c != 0 {
			return c
		}
		return cmp.Compare(a.entry, b.entry)
	})
}
