package storage_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/storage"
)

func TestKeysSortAsTheirParts(t *testing.T) {
	k := func() storage.Key { return storage.Key{}.String("t") }
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for name, keys := range map[string][]storage.Key{
		"strings": {
			k(), k().String(""), k().String("\x00"), k().String("\x00\x00"), k().String("\x00\xff"),
			k().String("\x01"), k().String("\x01\x00"), k().String("\x02"), k().String("a"),
			k().String("a").String("\xff"), k().String("a\x00"), k().String("a\x00b"), k().String("a\x01"),
			k().String("ab"), k().String("b"), k().String("\xff"), k().String("\xff\xff"),
		},
		"bytes":    {k().Bytes(nil), k().Bytes([]byte{0}), k().Bytes([]byte{1}), k().Bytes([]byte{255})},
		"unsigned": {k().Uint64(0), k().Uint64(1), k().Uint64(256), k().Uint64(math.MaxUint64)},
		"signed":   {k().Int64(math.MinInt64), k().Int64(-256), k().Int64(-1), k().Int64(0), k().Int64(1), k().Int64(math.MaxInt64)},
		"times": {
			k().Time(time.Time{}), k().Time(time.Unix(-1, 999)), k().Time(time.Unix(0, 0)), k().Time(time.Unix(0, 1)),
			k().Time(now), k().Time(now.Add(time.Nanosecond)), k().Time(now.Add(time.Hour)),
		},
		"later parts": {k().Uint64(1).String("z"), k().Uint64(2), k().Uint64(2).String("a"), k().Uint64(3)},
		"kinds":       {k().Bytes([]byte("z")), k().Int64(5), k().String("a"), k().Time(now), k().Uint64(0)},
	} {
		t.Run(name, func(t *testing.T) {
			for i := 1; i < len(keys); i++ {
				if bytes.Compare(keys[i-1], keys[i]) >= 0 {
					t.Errorf("key %d %q does not sort before %q", i-1, keys[i-1], keys[i])
				}
			}
		})
	}
}

func TestKeysAreReadBack(t *testing.T) {
	type parts struct {
		S string
		B []byte
		U uint64
		I int64
		T time.Time
		R []byte
	}
	zone := time.FixedZone("", 3600)
	for _, p := range []parts{
		{"", []byte{}, 0, 0, time.Time{}, []byte("rest")},
		{"a\x00\x01\x02\xff", []byte{0, 1, 2, 0, 0, 255, 1}, math.MaxUint64, math.MinInt64, time.Date(9999, 1, 1, 0, 0, 0, 999999999, time.UTC), []byte{0}},
		{"\x01", []byte{1}, 1, -1, time.Date(1901, 1, 1, 0, 0, 0, 1, zone), nil},
	} {
		key := storage.Key{}.String(p.S).Bytes(p.B).Uint64(p.U).Int64(p.I).Time(p.T).Raw([]byte("raw")).Raw(p.R)
		r := storage.ReadKey(key)
		got := parts{S: r.String(), B: r.Bytes(), U: r.Uint64(), I: r.Int64(), T: r.Time()}
		if raw := r.Raw(3); string(raw) != "raw" {
			t.Errorf("Raw: %q", raw)
		}
		got.R = r.Rest()
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		p.T, p.R = p.T.UTC(), append([]byte{}, p.R...)
		if diff := cmp.Diff(p, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReadingOtherPartsFails(t *testing.T) {
	key := storage.Key{}.String("a").Uint64(1)
	for name, read := range map[string]func(*storage.KeyReader){
		"kind":      func(r *storage.KeyReader) { r.Bytes() },
		"second":    func(r *storage.KeyReader) { r.Skip(3).Int64() },
		"past end":  func(r *storage.KeyReader) { r.Skip(3).Uint64(); r.Uint64() },
		"skip":      func(r *storage.KeyReader) { r.Skip(len(key) + 1) },
		"truncated": func(r *storage.KeyReader) { *r = *storage.ReadKey([]byte("sabc")); _ = r.String() },
		"escape":    func(r *storage.KeyReader) { *r = *storage.ReadKey([]byte("s\x01\x05\x00")); _ = r.String() },
		"after one": func(r *storage.KeyReader) { r.Time(); _ = r.String() },
	} {
		t.Run(name, func(t *testing.T) {
			r := storage.ReadKey(key)
			if read(r); r.Err() == nil {
				t.Error("no error")
			}
			if n := r.Uint64(); n != 0 {
				t.Errorf("read %d after the error", n)
			}
		})
	}
}

func TestPrefixHoldsWholeParts(t *testing.T) {
	in := func(r storage.Range, k storage.Key) bool {
		return bytes.Compare(k, r.Start) >= 0 && (r.End == nil || bytes.Compare(k, r.End) < 0)
	}
	a := storage.Key{}.String("a")
	whole, begun := storage.Prefix(a), storage.Prefix(storage.Key{}.StringPrefix("a"))
	for _, c := range []struct {
		key          storage.Key
		whole, begun bool
	}{
		{a, true, true},
		{a.String(""), true, true},
		{a.String("\xff"), true, true},
		{a.Uint64(math.MaxUint64), true, true},
		{storage.Key{}.String("a\x00"), false, true},
		{storage.Key{}.String("a\x01"), false, true},
		{storage.Key{}.String("ab"), false, true},
		{storage.Key{}.String(""), false, false},
		{storage.Key{}.String("b"), false, false},
		{storage.Key{}.Bytes([]byte("a")), false, false},
	} {
		if in(whole, c.key) != c.whole || in(begun, c.key) != c.begun {
			t.Errorf("%q: in Prefix %v, in StringPrefix %v", c.key, in(whole, c.key), in(begun, c.key))
		}
	}
}

func TestOneKeyIsContinuedTwice(t *testing.T) {
	p := storage.Key{}.String("p")
	a, b := p.String("a"), p.String("b")
	if !bytes.Equal(a, storage.Key{}.String("p").String("a")) || !bytes.Equal(b, storage.Key{}.String("p").String("b")) {
		t.Errorf("%q %q", a, b)
	}
	buf := []byte("0123456789")
	storage.Key(buf[:2]).Uint64(7)
	if string(buf) != "0123456789" {
		t.Errorf("continuing a slice wrote behind it: %q", buf)
	}
}

// Any two lists of strings must compare as their keys do.
func FuzzKeyOrder(f *testing.F) {
	f.Add("a\x00b", "c", "a", "\x00bc")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		a, b := storage.Key{}.String(a1).String(a2), storage.Key{}.String(b1).String(b2)
		want := strings.Compare(a1, b1)
		if want == 0 {
			want = strings.Compare(a2, b2)
		}
		if got := bytes.Compare(a, b); got != want {
			t.Errorf("%q,%q against %q,%q: %d, want %d", a1, a2, b1, b2, got, want)
		}
		r := storage.ReadKey(a)
		if s1, s2 := r.String(), r.String(); s1 != a1 || s2 != a2 || r.Err() != nil || len(r.Rest()) != 0 {
			t.Errorf("%q,%q read back as %q,%q (%v)", a1, a2, s1, s2, r.Err())
		}
	})
}

func FuzzReadKey(f *testing.F) {
	f.Add([]byte("s\x01\x00"))
	f.Fuzz(func(t *testing.T, key []byte) {
		_ = storage.ReadKey(key).String()
		storage.ReadKey(key).Bytes()
		storage.ReadKey(key).Time()
	})
}

func TestPages(t *testing.T) {
	db := open(t)
	var all []string
	err := db.Update(func(tx storage.Tx) error {
		all = nil
		for range 50 {
			b := []byte{'k', byte(rand.N(256)), byte(rand.N(3)), byte(rand.N(256))}[:2+rand.N(3)]
			if err := tx.Set(b, nil); err != nil {
				return err
			}
			all = append(all, string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for _, reverse := range []bool{false, true} {
		var got []string
		r := storage.Prefix([]byte("k"))
		r.Reverse = reverse
		for more := true; more; {
			more = false
			err := db.View(func(tx storage.Tx) error {
				n := 0
				for e, err := range tx.Scan(r) {
					if err != nil {
						return err
					}
					got = append(got, string(e.Key))
					if n++; n == 7 {
						more = true
						break
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if more {
				r = r.After([]byte(got[len(got)-1]))
			}
		}
		if reverse {
			slices.Reverse(got)
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("reverse %v: %s", reverse, diff)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = storage.Key{}.String("ddb").String("000000000000").String("us-east-1").String("0123456789abcdef").String("user#1234")
	}
}
