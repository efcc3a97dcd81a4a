//go:build unix

package storage

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// mapped makes a file of n bytes and has it mapped.
func mapped(t *testing.T, maps *bodyMaps, id string, content []byte) body {
	t.Helper()
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return maps.add(id, f)
}

func content(t *testing.T, b body, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := b.writeTo(&out, 0, int64(n)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A body that is read stays whole when it is removed, and is forgotten then.
func TestMappedBodyOutlivesItsRemoval(t *testing.T) {
	maps, want := newBodyMaps(), []byte("what was written")
	first := mapped(t, maps, "a", want)
	second := maps.open("a")
	if second == nil {
		t.Fatal("a body that has been opened is not kept")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	maps.forget("a")
	if maps.open("a") != nil || maps.bytes != 0 {
		t.Error("a body that was removed is still there")
	}
	if got := content(t, second, len(want)); !bytes.Equal(got, want) {
		t.Errorf("the reader has %q, want %q", got, want)
	}
	part := make([]byte, 4)
	if n, err := second.ReadAt(part, 5); n != 4 || err != nil || string(part) != "was " {
		t.Errorf("from the middle: %q, %v", part[:n], err)
	}
	if n, err := second.ReadAt(part, 100); n != 0 || err != io.EOF {
		t.Errorf("from behind the end: %d bytes, %v", n, err)
	}
	for range 2 { // closing twice gives up one part
		if err := second.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is mapped is bounded; those used last stay.
func TestMappedBodiesAreBounded(t *testing.T) {
	maps, body := newBodyMaps(), make([]byte, maxMapping)
	const kept = maxMapped / maxMapping
	for i := range kept + 3 {
		mapped(t, maps, fmt.Sprint(i), body).Close()
		if b := maps.open("0"); b == nil {
			t.Fatalf("the one in use was driven out by %d", i)
		} else {
			b.Close()
		}
	}
	if maps.bytes > maxMapped || maps.recent.Len() != kept || len(maps.byID) != kept {
		t.Errorf("%d bytes in %d mappings, %d by id", maps.bytes, maps.recent.Len(), len(maps.byID))
	}
	if mapped(t, maps, "large", make([]byte, maxMapping+1)) != nil || mapped(t, maps, "empty", nil) != nil {
		t.Error("a file that is too large, or empty, was mapped")
	}
	maps.clear()
	if maps.bytes != 0 || len(maps.byID) != 0 {
		t.Error("something is left")
	}
}

func TestMappedBodiesAreSharedSafely(t *testing.T) {
	maps := newBodyMaps()
	contents := map[string][]byte{}
	for i := range 8 {
		contents[fmt.Sprint(i)] = bytes.Repeat([]byte{byte('a' + i)}, 10_000)
		mapped(t, maps, fmt.Sprint(i), contents[fmt.Sprint(i)]).Close()
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				for id, want := range contents {
					b := maps.open(id)
					if b == nil {
						continue // removed by another
					}
					if got := content(t, b, len(want)); !bytes.Equal(got, want) {
						t.Errorf("body %s is not what was written", id)
					}
					b.Close()
				}
			}
		})
	}
	for id := range contents {
		maps.forget(id)
	}
	readers.Wait()
}
