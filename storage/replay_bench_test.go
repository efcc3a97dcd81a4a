package storage

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkReplay reads a log that a killed process left, as it is when it is full.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	all, _, err := openLogs(dir, false)
	if err != nil {
		b.Fatal(err)
	}
	log, err := all.take()
	if err != nil {
		b.Fatal(err)
	}
	m := newMemtable(newHot().hash, log)
	for n := uint64(1); log.end < memtableBytes; n++ {
		t := &queued{writes: new(writes)}
		for i := range 25 {
			t.writes.set(write{key: fmt.Appendf(nil, "key of an item %012d", rand.IntN(1_000_000)), hash: uint64(i), value: make([]byte, 450)})
		}
		if err := m.commit(n, 0, t, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(log.end)
	for b.Loop() {
		_, old, err := openLogs(dir, false)
		if err != nil {
			b.Fatal(err)
		}
		m := newMemtable(newHot().hash, old.logs...)
		for _, r := range old.records {
			m.apply(r.number, r.number, r.body)
		}
		for _, l := range old.logs {
			l.file.Close()
		}
	}
}
