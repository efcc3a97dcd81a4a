package number

import (
	"bytes"
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "+0": "0", "0.00": "0", "000": "0", "0e9": "0", ".0": "0",
		"1": "1", "+3": "3", "-7.1234": "-7.1234", ".123": "0.123", "-.5": "-0.5", "1.": "1", "0001.230": "1.23",
		"1e+5": "100000", "-17e5": "-1700000", "-17.4E37": "-174000000000000000000000000000000000000",
		"1e-5": "0.00001", "123e-2": "1.23", "100": "100", "1000e-3": "1", "0.1e126": "1" + strings.Repeat("0", 125),
		"1e125":  "1" + strings.Repeat("0", 125),
		"1e-130": "0." + strings.Repeat("0", 129) + "1",
		"3.1415926535897932384626433832795028841":      "3.1415926535897932384626433832795028841",
		"31415926535897932384626433832795028841e-30":   "31415926.535897932384626433832795028841",
		"00000000000000000000000000000000000000000001": "1",
		"10000000000000000000000000000000000000000.00": "10000000000000000000000000000000000000000",
	} {
		got, err := Normalise(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
		again, err := Normalise(got)
		if err != nil || again != got {
			t.Errorf("%q is not stable: %q, %v", got, again, err)
		}
	}
}

func TestErrors(t *testing.T) {
	const syntax = "The parameter cannot be converted to a numeric value"
	for text, want := range map[string]string{
		"": syntax, "b": syntax + ": b", " 1": syntax + ":  1", "1 ": syntax + ": 1 ", "NaN": syntax + ": NaN",
		"-": syntax + ": -", ".": syntax + ": .", "1e": syntax + ": 1e", "1e+": syntax + ": 1e+", "1.2.3": syntax + ": 1.2.3",
		"--1": syntax + ": --1", "e5": syntax + ": e5", "0x10": syntax + ": 0x10",
		"1e126": string(ErrOverflow), "-1e126": string(ErrOverflow), "11e125": string(ErrOverflow),
		"1.0e100000000": string(ErrOverflow), "1e999999999999999999999999": string(ErrOverflow),
		"1e-131": string(ErrUnderflow), "-1e-131": string(ErrUnderflow), "0.9e-130": string(ErrUnderflow),
		"123456789012345678901234567890123456789":       string(ErrPrecision),
		"-1.23456789012345678901234567890123456789":     string(ErrPrecision),
		"314159265358979323846264338327950288419e30":    string(ErrPrecision),
		"1000000000000000000000000000000000000000000.1": string(ErrPrecision),
	} {
		_, err := Normalise(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
		var e Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %T is not an Error", text, err)
		}
	}
}

// random is a legal number of random length and magnitude, seldom far from others.
func random(r *rand.Rand) (string, *big.Rat) {
	n := 1 + r.IntN(MaxDigits)
	if r.IntN(2) == 0 {
		n = 1 + r.IntN(4)
	}
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteByte('-')
	}
	b.WriteByte(byte('1' + r.IntN(9)))
	for range n - 1 {
		b.WriteByte(byte('0' + r.IntN(10)))
	}
	e := r.IntN(8) - 4
	if r.IntN(4) == 0 {
		e = r.IntN(256-n) - 130
	}
	text := b.String() + "e" + big.NewInt(int64(e)).String()
	rat, _ := new(big.Rat).SetString(text)
	return text, rat
}

func TestAgainstBig(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		as, ar := random(r)
		bs, br := random(r)
		a, err := Parse(as)
		if err != nil {
			t.Fatal(as, err)
		}
		b, err := Parse(bs)
		if err != nil {
			t.Fatal(bs, err)
		}
		if back, ok := new(big.Rat).SetString(a.String()); !ok || back.Cmp(ar) != 0 {
			t.Fatalf("%s is written %s", as, a)
		}
		if got, want := a.Cmp(b), ar.Cmp(br); got != want {
			t.Fatalf("%s cmp %s is %d, want %d", as, bs, got, want)
		}
		if got := bytes.Compare(a.AppendKey(nil), b.AppendKey(nil)); got != ar.Cmp(br) {
			t.Fatalf("the keys of %s and %s compare as %d", as, bs, got)
		}
		if got := bytes.Compare(a.AppendSortable(nil), b.AppendSortable(nil)); got != ar.Cmp(br) {
			t.Fatalf("the sortable forms of %s and %s compare as %d", as, bs, got)
		}
		check(t, as+" + "+bs, new(big.Rat).Add(ar, br), a.Add, b)
		check(t, as+" - "+bs, new(big.Rat).Sub(ar, br), a.Sub, b)
	}
}

// check compares a sum with the exact one, which says itself whether it is legal.
func check(t *testing.T, what string, exact *big.Rat, op func(Decimal) (Decimal, error), b Decimal) {
	t.Helper()
	got, err := op(b)
	want, wantErr := Parse(strings.TrimRight(exact.FloatString(200), "0"))
	switch {
	case wantErr == ErrPrecision:
		wantErr = ErrOverflow
	}
	if err != wantErr {
		t.Fatalf("%s: error %v, want %v", what, err, wantErr)
	}
	if got != want {
		t.Fatalf("%s is %s, want %s", what, got, want)
	}
}

func TestKeysArePrefixFree(t *testing.T) {
	texts := []string{"0", "1", "-1", "10", "-10", "12", "-12", "1234", "-1234", "1e125", "-1e125", "1e-130", "-1e-130",
		"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0.5", "-0.5", "100", "-100", "101", "-101"}
	for _, a := range texts {
		for _, b := range texts {
			x, _ := Parse(a)
			y, _ := Parse(b)
			if a != b && bytes.HasPrefix(x.AppendKey(nil), y.AppendKey(nil)) {
				t.Errorf("the key of %s begins with that of %s", a, b)
			}
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int{
		"0": 1, "1": 2, "10": 2, "99": 2, "100": 2, "123": 3, "1234": 3, "-1": 3, "12.3456": 4, "1.5": 3, "0.5": 2,
		"12345678901234567890123456789012345678": 20, "1234567890123456789012345678901234567.8": 21,
		// As measured at AWS, by items that just fitted.
		"12": 2, "0042": 2, "1010": 3, "0.0000001": 2, "1E125": 2, "1E-100": 2, "15": 2, "1.2": 3, "1.200": 3, "1.234": 4,
		"3.14159": 5, "123456": 4, "100.5": 4, "0.15": 2, "-42": 3, "-0": 1,
	} {
		x, err := Parse(text)
		if err != nil || x.Size() != want {
			t.Errorf("%s counts %d bytes (%v), want %d", text, x.Size(), err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-1.5e10", "1e-130", ".", "9e999", "000.00100", "+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := Parse(s)
		if err != nil {
			return
		}
		y, err := Parse(x.String())
		if err != nil || x != y {
			t.Fatalf("%q is %s, which is read as %s (%v)", s, x, y, err)
		}
		if n, err := Normalise(s); err != nil || n != x.String() {
			t.Fatalf("%q is normalised to %q (%v), parsed to %s", s, n, err, x)
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Normalise("1234567.89"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("1234567.89"); err != nil {
			b.Fatal(err)
		}
	}
}
