package dynamodb

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/number"
	"github.com/virga-cloud/virga/storage"
)

// TestKeyOrder: keys sort as the values that they encode, and none is the
// beginning of another.
func TestKeyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := map[string]func() attribute.Value{
		"S": func() attribute.Value { return S(text(r)) },
		"B": func() attribute.Value { return B(text(r)) },
		"N": func() attribute.Value {
			n, err := number.Normalise(fmt.Sprintf("%de%d", r.IntN(2001)-1000, r.IntN(12)-6))
			if err != nil {
				t.Fatal(err)
			}
			return N(n)
		},
	}
	for kind, value := range random {
		for range 5000 {
			a, b := value(), value()
			x, y := appendValue(nil, a), appendValue(nil, b)
			want, _ := item.Compare(a, b)
			if got := bytes.Compare(x, y); got != want {
				t.Fatalf("the keys of %q and %q compare as %d", a, b, got)
			}
			if want != 0 && bytes.HasPrefix(x, y) {
				t.Fatalf("the key of %q begins with that of %q", a, b)
			}
			if kind == "N" {
				continue
			}
			begins := bytes.HasPrefix(appendBeginning(nil, a), appendBeginning(nil, b))
			if want := hasPrefix(a, b); begins != want {
				t.Fatalf("that %q begins with %q is %v of their keys", a, b, begins)
			}
		}
	}
}

// text is a short string, often of the bytes that are escaped.
func text(r *rand.Rand) string {
	b := make([]byte, 1+r.IntN(4))
	for i := range b {
		b[i] = byte(r.IntN(4))
		if r.IntN(4) == 0 {
			b[i] = byte(r.IntN(256))
		}
	}
	return string(b)
}

func hasPrefix(a, b attribute.Value) bool {
	switch a := a.(type) {
	case S:
		return bytes.HasPrefix([]byte(a), []byte(b.(S)))
	case B:
		return bytes.HasPrefix(a, b.(B))
	}
	return false
}

// TestHash pins the order of scans: AWS hashes "Outliers" and the key's bytes.
func TestHash(t *testing.T) {
	for _, c := range []struct {
		value attribute.Value
		want  string // md5sum's
	}{
		{S("a"), "f6558e516275dee2"},
		{B("a"), "f6558e516275dee2"},
		{N("0"), "ce212d751674ab5d"},
	} {
		got := hex.EncodeToString(appendHash(nil, item.Item{"k": c.value}, []keyAttribute{{name: "k"}}))
		if got != c.want {
			t.Errorf("the hash of %v is %s, want %s", c.value, got, c.want)
		}
	}
}

// TestSegments: the segments of a scan cover all hashes, and none twice.
func TestSegments(t *testing.T) {
	prefix := []byte("prefix")
	for _, total := range []int{1, 2, 3, 7, 4096, 1000000} {
		at := append([]byte("prefix"), make([]byte, 8)...)
		for n := range total {
			r := segment(prefix, n, total)
			if !bytes.Equal(r.Start, at) {
				t.Fatalf("segment %d of %d begins at %x, the one before ends at %x", n, total, r.Start, at)
			}
			at = r.End
		}
		if !bytes.Equal(at, storage.PrefixEnd(prefix)) {
			t.Fatalf("the last of %d segments ends at %x", total, at)
		}
	}
}
