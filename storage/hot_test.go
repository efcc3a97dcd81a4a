package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
)

func TestHotKeepsWhatIsReadOften(t *testing.T) {
	h := newHot()
	key := []byte("k")
	for range hotEvery {
		h.put(key, []byte("v"), 5, h.ended.Load())
	}
	if v, ok := h.get(key, 5); !ok || string(v) != "v" {
		t.Fatalf("a value that was read %d times is not kept: %q, %v", hotEvery, v, ok)
	}
	if _, ok := h.get(key, 4); ok {
		t.Error("a snapshot sees a version that is younger than it")
	}
	h.hold([][]byte{key})
	if _, ok := h.get(key, 9); ok {
		t.Error("a value that is being written is still there")
	}
	begun := h.ended.Load()
	for range hotEvery {
		h.put(key, []byte("old"), 5, begun)
	}
	h.release([][]byte{key})
	for range hotEvery {
		h.put(key, []byte("old"), 5, begun)
	}
	if v, ok := h.get(key, 9); ok {
		t.Errorf("a reader that began before a commit put back what was there before it: %q", v)
	}
	for range hotEvery {
		h.put(key, []byte("new"), 6, h.ended.Load())
	}
	if v, ok := h.get(key, 9); !ok || string(v) != "new" {
		t.Errorf("after the commit: %q, %v", v, ok)
	}
}

func TestHotIsBounded(t *testing.T) {
	h := newHot()
	value := make([]byte, 500)
	for i := range 200_000 {
		h.put(fmt.Appendf(nil, "key %d", i), value, 1, 0)
	}
	for i := range h.shards {
		s := &h.shards[i]
		size := 0
		for k, e := range s.entries {
			size += hotSize([]byte(k), e.value)
		}
		if size != s.bytes || size > hotBytes || size < hotBytes/2 {
			t.Fatalf("a shard holds %d bytes, counts %d, and may hold %d", size, s.bytes, hotBytes)
		}
	}
}

// Two records are always written together. However they are read meanwhile,
// from memory or not, they are the same, and never older than what was read before.
func TestHotReadsAreSnapshots(t *testing.T) {
	db, err := Open("badger:"+t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	pairs := [][2][]byte{}
	for i := range 4 {
		pairs = append(pairs, [2][]byte{fmt.Appendf(nil, "a%d", i), fmt.Appendf(nil, "b%d", i)})
	}
	write := func(p [2][]byte, n uint64) error {
		return db.Update(func(tx Tx) error {
			v := binary.BigEndian.AppendUint64(nil, n)
			return errors.Join(tx.Set(p[0], v), tx.Set(p[1], v))
		})
	}
	for _, p := range pairs {
		if err := write(p, 0); err != nil {
			t.Fatal(err)
		}
	}
	const rounds = 300
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for _, p := range pairs {
		writers.Go(func() {
			for n := range uint64(rounds) {
				if err := write(p, n+1); err != nil {
					t.Error(err)
					return
				}
				// What is acknowledged is what the next reader sees.
				err := db.View(func(tx Tx) error {
					v, err := tx.Get(p[0])
					if err == nil && binary.BigEndian.Uint64(v) != n+1 {
						err = fmt.Errorf("read %d after %d was written", binary.BigEndian.Uint64(v), n+1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		readers.Go(func() {
			last := make([]uint64, len(pairs))
			for {
				select {
				case <-done:
					return
				default:
				}
				for i, p := range pairs {
					err := db.View(func(tx Tx) error {
						a, err := tx.Get(p[0])
						if err != nil {
							return err
						}
						b, err := tx.Get(p[1])
						if err != nil {
							return err
						}
						x, y := binary.BigEndian.Uint64(a), binary.BigEndian.Uint64(b)
						if x != y || x < last[i] {
							return fmt.Errorf("read %d and %d, after %d", x, y, last[i])
						}
						last[i] = x
						return nil
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}
