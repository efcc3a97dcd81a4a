package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/storage"
)

func scans(t *testing.T, open Opener) {
	cases(t, open, map[string]func(*testing.T, storage.DB){
		"ranges": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "a\x00", "2", "ab", "3", "b", "4", "b\xff", "5", "b\xff\xff", "6", "c", "7", "\xff\xff", "8")
			type s = []string
			key := func(s string) []byte { return []byte(s) }
			for name, c := range map[string]struct {
				r    storage.Range
				want []string
			}{
				"all":               {storage.Range{}, s{"a=1", "a\x00=2", "ab=3", "b=4", "b\xff=5", "b\xff\xff=6", "c=7", "\xff\xff=8"}},
				"start":             {storage.Range{Start: key("b\xff")}, s{"b\xff=5", "b\xff\xff=6", "c=7", "\xff\xff=8"}},
				"end":               {storage.Range{End: key("ab")}, s{"a=1", "a\x00=2"}},
				"between":           {storage.Range{Start: key("aa"), End: key("c")}, s{"ab=3", "b=4", "b\xff=5", "b\xff\xff=6"}},
				"one":               {storage.Range{Start: key("a"), End: key("a\x00")}, s{"a=1"}},
				"nothing":           {storage.Range{Start: key("d"), End: key("e")}, s{}},
				"empty":             {storage.Range{Start: key("b"), End: key("b")}, s{}},
				"prefix":            {storage.Prefix(key("a")), s{"a=1", "a\x00=2", "ab=3"}},
				"prefix ff":         {storage.Prefix(key("b\xff")), s{"b\xff=5", "b\xff\xff=6"}},
				"prefix last":       {storage.Prefix(key("\xff")), s{"\xff\xff=8"}},
				"prefix of nothing": {storage.Prefix(key("ac")), s{}},
			} {
				t.Run(name, func(t *testing.T) {
					view(t, db, func(tx storage.Tx) error {
						got, err := list(tx, c.r)
						if diff := cmp.Diff(c.want, got); diff != "" {
							t.Error(diff)
						}
						if err != nil {
							return err
						}
						c.r.Reverse = true
						got, err = list(tx, c.r)
						slices.Reverse(got)
						if diff := cmp.Diff(c.want, got); diff != "" {
							t.Errorf("reverse: %s", diff)
						}
						return err
					})
				})
			}
		},
		"keys only": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", strings.Repeat("2", 5000))
			for _, reverse := range []bool{false, true} {
				view(t, db, func(tx storage.Tx) error {
					n := 0
					for e, err := range tx.Scan(storage.Range{KeysOnly: true, Reverse: reverse}) {
						if err != nil {
							return err
						}
						if n++; e.Value != nil {
							t.Errorf("%s has a value", e.Key)
						}
					}
					if n != 2 {
						t.Errorf("%d keys", n)
					}
					return nil
				})
			}
		},
		"skipping on the way": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "", "b", "", "b1", "", "b2", "", "c", "", "d", "", "e", "")
			type s = []string
			for name, c := range map[string]struct {
				r    storage.Range
				at   map[string]string // where to go from there
				want s
			}{
				"over some":           {storage.Range{}, map[string]string{"b": "c"}, s{"a", "b", "c", "d", "e"}},
				"to what is not":      {storage.Range{}, map[string]string{"b": "b3"}, s{"a", "b", "c", "d", "e"}},
				"more than once":      {storage.Range{}, map[string]string{"a": "b2", "b2": "d"}, s{"a", "b2", "d", "e"}},
				"to the next":         {storage.Range{}, map[string]string{"d": "e"}, s{"a", "b", "b1", "b2", "c", "d", "e"}},
				"to where it is":      {storage.Range{}, map[string]string{"c": "c"}, s{"a", "b", "b1", "b2", "c", "d", "e"}},
				"to the first":        {storage.Range{}, map[string]string{"c": ""}, s{"a", "b", "b1", "b2", "c", "d", "e"}},
				"back":                {storage.Range{}, map[string]string{"c": "a"}, s{"a", "b", "b1", "b2", "c", "d", "e"}},
				"past the last":       {storage.Range{}, map[string]string{"b": "f"}, s{"a", "b"}},
				"past the end":        {storage.Range{End: []byte("c")}, map[string]string{"b": "d"}, s{"a", "b"}},
				"of a prefix":         {storage.Prefix([]byte("b")), map[string]string{"b": "b2"}, s{"b", "b2"}},
				"out of a prefix":     {storage.Prefix([]byte("b")), map[string]string{"b": "c"}, s{"b"}},
				"reverse":             {storage.Range{Reverse: true}, map[string]string{"c": "b1"}, s{"e", "d", "c", "b", "a"}},
				"reverse, what isn't": {storage.Range{Reverse: true}, map[string]string{"d": "b11"}, s{"e", "d", "b1", "b", "a"}},
				"reverse, back":       {storage.Range{Reverse: true}, map[string]string{"c": "e"}, s{"e", "d", "c", "b2", "b1", "b", "a"}},
				"reverse, here":       {storage.Range{Reverse: true}, map[string]string{"c": "c"}, s{"e", "d", "c", "b2", "b1", "b", "a"}},
				"reverse, to nothing": {storage.Range{Reverse: true}, map[string]string{"c": "0"}, s{"e", "d", "c"}},
				"reverse, to none":    {storage.Range{Reverse: true}, map[string]string{"c": ""}, s{"e", "d", "c"}},
				"reverse, to the end": {storage.Range{Start: []byte("b1"), Reverse: true}, map[string]string{"c": "b"}, s{"e", "d", "c"}},
			} {
				walk := func(tx storage.Tx) error {
					got := s{}
					var skip storage.Skip
					c.r.Skip = &skip
					for e, err := range tx.Scan(c.r) {
						if err != nil {
							return err
						}
						got = append(got, string(e.Key))
						if to, ok := c.at[string(e.Key)]; ok {
							skip.To([]byte(to))
						}
					}
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
					return nil
				}
				view(t, db, walk)
				update(t, db, func(tx storage.Tx) error { // among its own writes, some of them in the way
					if err := errors.Join(set(tx, "b", "2", "e", "2"), tx.Delete([]byte("no such key"))); err != nil {
						return err
					}
					return walk(tx)
				})
			}
		},
		"a scan sees the writes before it, not those after": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "1", "c", "1")
			update(t, db, func(tx storage.Tx) error {
				if err := set(tx, "b", "2", "bb", "2"); err != nil {
					return err
				}
				if err := tx.Delete([]byte("a")); err != nil {
					return err
				}
				got := []string{}
				for e, err := range tx.Scan(storage.Range{}) {
					if err != nil {
						return err
					}
					got = append(got, string(e.Key)+"="+string(e.Value))
					if err := set(tx, string(e.Key)+"0", "new", "c", "3"); err != nil {
						return err
					}
					if err := tx.Delete(bytes.Clone(e.Key)); err != nil {
						return err
					}
				}
				if diff := cmp.Diff([]string{"b=2", "bb=2", "c=1"}, got); diff != "" {
					t.Errorf("in the transaction: %s", diff)
				}
				return nil
			})
			if diff := cmp.Diff([]string{"b0=new", "bb0=new", "c0=new"}, contents(t, db)); diff != "" {
				t.Error(diff)
			}
		},
		"scans nest and end early": func(t *testing.T, db storage.DB) {
			put(t, db, "a", "1", "b", "2", "c", "3")
			scan := func(tx storage.Tx) error {
				var got []string
				for outer, err := range tx.Scan(storage.Range{}) {
					if err != nil {
						return err
					}
					for inner, err := range tx.Scan(storage.Range{Reverse: true}) {
						if err != nil {
							return err
						}
						got = append(got, string(outer.Key)+string(inner.Key))
						if string(inner.Key) == "b" {
							break
						}
					}
					if string(outer.Key) == "b" {
						break
					}
				}
				if diff := cmp.Diff([]string{"ac", "ab", "bc", "bb"}, got); diff != "" {
					t.Error(diff)
				}
				return nil
			}
			view(t, db, scan)
			update(t, db, scan)
		},
		"random changes against a map": func(t *testing.T, db storage.DB) {
			model := map[string]string{}
			random := rand.New(rand.NewPCG(1, 2))
			key := func() string { return fmt.Sprintf("%03d", random.IntN(300)) }
			for range 200 {
				update(t, db, func(tx storage.Tx) error {
					for range random.IntN(10) {
						k := key()
						if random.IntN(3) == 0 {
							delete(model, k)
							if err := tx.Delete([]byte(k)); err != nil {
								return err
							}
							continue
						}
						v := strings.Repeat("v", random.IntN(3000))
						model[k] = v
						if err := set(tx, k, v); err != nil {
							return err
						}
					}
					return nil
				})
				r := storage.Range{Start: []byte(key()), End: []byte(key()), Reverse: random.IntN(2) == 0}
				want := []string{}
				for k, v := range model {
					if k >= string(r.Start) && k < string(r.End) {
						want = append(want, k+"="+v)
					}
				}
				slices.Sort(want)
				if r.Reverse {
					slices.Reverse(want)
				}
				view(t, db, func(tx storage.Tx) error {
					got, err := list(tx, r)
					if !slices.Equal(want, got) {
						t.Fatalf("range %q to %q: %d entries, want %d", r.Start, r.End, len(got), len(want))
					}
					return errors.Join(err, skipping(t, tx, r, want, random))
				})
			}
		},
	})
}

// skipping checks a scan that jumps about: want is what is in the range.
func skipping(t *testing.T, tx storage.Tx, r storage.Range, want []string, random *rand.Rand) error {
	var skip storage.Skip
	r.Skip = &skip
	for e, err := range tx.Scan(r) {
		if err != nil {
			return err
		}
		if len(want) == 0 || want[0] != string(e.Key)+"="+string(e.Value) {
			t.Fatalf("%q comes where %d are left", e.Key, len(want))
		}
		want = want[1:]
		if random.IntN(2) == 0 {
			to := fmt.Sprintf("%03d", random.IntN(300))
			skip.To([]byte(to))
			for len(want) > 0 && (want[0][:3] >= to) == r.Reverse {
				want = want[1:]
			}
		}
	}
	if len(want) > 0 {
		t.Fatalf("%d entries are missing", len(want))
	}
	return nil
}

func limits(t *testing.T, open Opener) {
	cases(t, open, map[string]func(*testing.T, storage.DB){
		// 100 items of 40 KB, each with five index entries that hold all of it
		// and two images in a stream: more than 30 MB.
		"the largest TransactWriteItems fits": func(t *testing.T, db storage.DB) {
			value := bytes.Repeat([]byte("v"), 40<<10)
			update(t, db, func(tx storage.Tx) error {
				for i := range 100 {
					for j := range 8 {
						if err := tx.Set(storage.Key{}.String("item").Uint64(uint64(i)).Uint64(uint64(j)), value); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if n := len(contents(t, db)); n != 800 {
				t.Errorf("%d entries", n)
			}
		},
		"small items with many long keys fit": func(t *testing.T, db storage.DB) {
			key, value := strings.Repeat("k", 3000), bytes.Repeat([]byte("v"), 900)
			update(t, db, func(tx storage.Tx) error {
				for i := range 2200 {
					if err := tx.Set(storage.Key{}.Uint64(uint64(i)).String(key), value); err != nil {
						return err
					}
				}
				return nil
			})
		},
		"a transaction that is too large leaves nothing": func(t *testing.T, db storage.DB) {
			// Not even if it overlooks the error.
			err := db.Update(func(tx storage.Tx) error {
				if err := set(tx, "a", "1"); err != nil {
					return err
				}
				if err := tx.Set([]byte("b"), make([]byte, storage.MaxValue+1)); err == nil {
					t.Error("a value over the limit was taken")
				}
				return nil
			})
			if err == nil {
				t.Error("committed without a value that was refused")
			}
			if got := contents(t, db); len(got) != 0 {
				t.Errorf("%d entries", len(got))
			}
		},
		"keys have a length": func(t *testing.T, db storage.DB) {
			for n, ok := range map[int]bool{0: false, 1: true, storage.MaxKey: true, storage.MaxKey + 1: false} {
				err := db.Update(func(tx storage.Tx) error { return tx.Set(make([]byte, n), []byte("v")) })
				if (err == nil) != ok {
					t.Errorf("%d bytes: %v", n, err)
				}
			}
		},
		"values of all sizes come back": func(t *testing.T, db storage.DB) {
			sizes := []int{0, 1, 1023, 1024, 1025, 65 << 10, 1 << 20, storage.MaxValue}
			for _, n := range sizes {
				update(t, db, func(tx storage.Tx) error {
					return tx.Set(storage.Key{}.Uint64(uint64(n)), bytes.Repeat([]byte{7}, n))
				})
			}
			view(t, db, func(tx storage.Tx) error {
				i := 0
				for e, err := range tx.Scan(storage.Range{}) {
					if err != nil {
						return err
					}
					got, err := tx.Get(e.Key)
					if err != nil {
						return err
					}
					if want := bytes.Repeat([]byte{7}, sizes[i]); !bytes.Equal(e.Value, want) || !bytes.Equal(got, want) {
						t.Errorf("a value of %d bytes came back different", sizes[i])
					}
					i++
				}
				return nil
			})
		},
	})
}
