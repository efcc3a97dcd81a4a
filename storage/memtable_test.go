package storage

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
)

// told is what a memtable says of a key at a moment: its value, "removed", or "nothing".
func (m *memtable) told(t *testing.T, key string, at uint64) string {
	t.Helper()
	value, found, err := m.get([]byte(key), m.hash([]byte(key)), at)
	switch {
	case err != nil:
		return err.Error()
	case !found:
		return "nothing"
	case value == nil:
		return "removed"
	}
	return string(value)
}

func TestMemtableTellsWhatWasAtAMoment(t *testing.T) {
	for name, hash := range map[string]func([]byte) uint64{
		"hashes":     newHot().hash,
		"collisions": func([]byte) uint64 { return 7 },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemtable(hash)
			m.put([]byte("b"), []byte("1"), 5, 0)
			m.put([]byte("a"), []byte("2"), 6, 0)
			m.put([]byte("b"), nil, 7, 0)
			m.put([]byte("b"), []byte{}, 8, 0)
			for _, c := range []struct {
				key  string
				at   uint64
				want string
			}{
				{"b", 4, "nothing"}, {"b", 5, "1"}, {"b", 6, "1"}, {"b", 7, "removed"}, {"b", 8, ""}, {"b", 100, ""},
				{"a", 5, "nothing"}, {"a", 6, "2"}, {"c", 100, "nothing"},
			} {
				if got := m.told(t, c.key, c.at); got != c.want {
					t.Errorf("%s is %q at %d, want %q", c.key, got, c.at, c.want)
				}
			}
		})
	}
}

func TestMemtableForgetsWhatNobodyReads(t *testing.T) {
	m := newMemtable(newHot().hash)
	const n, floor = 10 * leastPrune, 8 * leastPrune
	for i := range uint64(n) {
		m.put([]byte("k"), fmt.Append(nil, i), i, min(i, floor))
	}
	for at := uint64(floor); at < n; at++ {
		if got := m.told(t, "k", at); got != fmt.Sprint(at) {
			t.Errorf("it is %q at %d", got, at)
		}
	}
	if got := m.told(t, "k", 1); got != errConflict.Error() {
		t.Errorf("what was forgotten is told: %q", got)
	}
	k, _ := m.look([]byte("k"), m.hash([]byte("k")))
	versions := 0
	for v := k.latest.Load(); v != forgotten; v = v.older.Load() {
		versions++
	}
	if versions != k.versions || versions > 2*(n-floor)+leastPrune {
		t.Errorf("%d versions are kept, %d counted, for %d that can be read", versions, k.versions, n-floor)
	}
}

// While one writes others find what was there when they began, in order.
func TestMemtableIsReadWhileItIsWritten(t *testing.T) {
	m := newMemtable(newHot().hash)
	const keys = 5000
	key := func(n uint64) []byte { return fmt.Appendf(nil, "%04d", n*2654435761%keys) }
	latest := make(chan uint64, keys)
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for at := range latest {
				want := map[string]bool{}
				for n := uint64(1); n <= at; n++ {
					want[string(key(n))] = true
				}
				for n := uint64(1); n <= at; n += 17 {
					if got := m.told(t, string(key(n)), at); got != "v" {
						t.Errorf("key %d is %q at %d", n, got, at)
					}
				}
				for _, reverse := range []bool{false, true} {
					r := Range{Reverse: reverse}
					var got []string
					for e, err := range merge(r, []cursor{m.cursor(at, reverse)}) {
						if err != nil {
							t.Error(err)
						}
						got = append(got, string(e.Key))
					}
					all := slices.Sorted(maps.Keys(want))
					if reverse {
						slices.Reverse(all)
					}
					if !slices.Equal(got, all) {
						t.Errorf("at %d there are %d keys, want %d", at, len(got), len(all))
					}
				}
			}
		})
	}
	for n := uint64(1); n <= keys; n++ {
		m.put(key(n), []byte("v"), n, 0)
		if n%500 == 0 {
			latest <- n
		}
	}
	close(latest)
	readers.Wait()
}
