package shards

import (
	"testing"
	"time"

	"github.com/virga-cloud/virga/services/dynamodb/sequence"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestLineage(t *testing.T) {
	l := Lineage{Stream: 7, First: sequence.At(noon) + 3}
	for n, want := range map[sequence.Number]Shard{
		0: 0, l.First: 0, l.End(0) - 1: 0, l.End(0): 1, sequence.At(noon.Add(9 * time.Hour)): 2,
	} {
		if got := l.Of(n); got != want {
			t.Errorf("%v is in shard %d, want %d", n, got, want)
		}
	}
	before := ""
	for s := range Shard(7) {
		id := l.ID(s)
		if len(id) < 28 || len(id) > 65 || id <= before {
			t.Errorf("%q follows %q", id, before)
		}
		if back, ok := l.Parse(id); !ok || back != s {
			t.Errorf("%q is shard %d, %v", id, back, ok)
		}
		if other := (Lineage{Stream: 8, First: l.First}).ID(s); other == id {
			t.Errorf("two streams have a shard %q", id)
		}
		before = id
	}
	for _, bad := range []string{"", "shardId-", "shardId-00000001414576573621-00000000", "shardId-0000000141457657362x-00000000", l.ID(1) + "0"} {
		if s, ok := l.Parse(bad); ok {
			t.Errorf("%q is shard %d", bad, s)
		}
	}
}

func TestIterator(t *testing.T) {
	i := Iterator{Stream: "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-02T12:00:00.000", Shard: 3, At: 5, Oldest: true, Issued: noon}
	text := i.String()
	if back, ok := ParseIterator(text); !ok || back != i {
		t.Errorf("%q is read as %+v, %v", text, back, ok)
	}
	i.Oldest = false
	if back, ok := ParseIterator(i.String()); !ok || back != i {
		t.Errorf("%+v, %v", back, ok)
	}
	for _, bad := range []string{"", "|1|", text + "A", text[1:], text[:len(text)-8], "sdfsdfsgagaddafgagasgasgasdfasdfasdfasdfasdgasdasdgasdg"} {
		if i, ok := ParseIterator(bad); ok {
			t.Errorf("%q is read as %+v", bad, i)
		}
	}
}

func FuzzParseIterator(f *testing.F) {
	f.Add(Iterator{Stream: "s", Issued: noon}.String())
	f.Fuzz(func(t *testing.T, s string) {
		if i, ok := ParseIterator(s); ok && i.String() != s {
			t.Errorf("%q is read as %+v", s, i)
		}
	})
}
