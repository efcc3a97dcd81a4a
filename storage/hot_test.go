package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
)

// held is a commit that writes one key.
func held(t *testing.T, h *hot, reads []hotRead, key, value string) *hotWrites {
	t.Helper()
	w := new(hotWrites)
	w.set([]byte(key), h.hash([]byte(key)), []byte(value))
	if !h.hold(reads, w) {
		t.Fatal("what nobody holds cannot be held")
	}
	return w
}

func TestHotKeepsWhatIsReadOften(t *testing.T) {
	h := newHot()
	key := []byte("k")
	h.ended.Store(5)
	for range hotEvery {
		h.put(key, h.hash(key), []byte("old"), 5)
	}
	v, read, ok := h.get(key, h.hash(key), 5)
	if !ok || string(v) != "old" {
		t.Fatalf("a value that was read %d times is not kept: %q, %v", hotEvery, v, ok)
	}
	if _, _, ok := h.get(key, h.hash(key), 4); ok {
		t.Error("a transaction sees what is younger than it")
	}

	reads := []hotRead{read}
	w := held(t, h, reads, "k", "new")
	if _, _, ok := h.get(key, h.hash(key), 9); ok {
		t.Error("a value that is being written is still there")
	}
	if h.same(reads) {
		t.Error("a value that is being written is said to be the latest")
	}
	for range hotEvery {
		h.put(key, h.hash(key), []byte("old"), 5)
	}
	h.release(reads, w)
	for range hotEvery {
		h.put(key, h.hash(key), []byte("old"), 5)
	}
	if v, _, ok := h.get(key, h.hash(key), 6); !ok || string(v) != "new" {
		t.Errorf("after the commit: %q, %v", v, ok)
	}
	if _, _, ok := h.get(key, h.hash(key), 5); ok {
		t.Error("a transaction that began before a commit sees what it wrote")
	}

	h.unlock(nil, held(t, h, nil, "k", "never"))
	if v, _, ok := h.get(key, h.hash(key), 6); !ok || string(v) != "new" {
		t.Errorf("after a commit that was not made: %q, %v", v, ok)
	}
}

func TestHotHolds(t *testing.T) {
	h := newHot()
	warm := func(key string) (r hotRead) {
		for range hotEvery {
			h.put([]byte(key), h.hash([]byte(key)), []byte("v"), h.ended.Load())
		}
		_, r, ok := h.get([]byte(key), h.hash([]byte(key)), h.ended.Load())
		if !ok {
			t.Fatal(key, "is not kept")
		}
		return r
	}
	writes := func(keys ...string) *hotWrites {
		w := new(hotWrites)
		for _, k := range keys {
			w.set([]byte(k), h.hash([]byte(k)), []byte("w"))
		}
		return w
	}
	a, b := warm("a"), warm("b")
	reads := []hotRead{a}
	first := held(t, h, reads, "b", "1")
	if h.hold(nil, writes("c", "b")) {
		t.Error("a key that another writes was held")
	}
	if h.hold(nil, writes("a")) {
		t.Error("a key that another has read was held for writing")
	}
	if h.hold([]hotRead{b}, writes("c")) {
		t.Error("a key that another writes was held as read")
	}
	again := []hotRead{a} // two may have read the same; and c is free
	h.release(again, held(t, h, again, "c", "2"))
	h.release(reads, first)
	if h.hold([]hotRead{b}, writes("b")) {
		t.Error("a key that has changed since it was read was held")
	}
	h.release(nil, held(t, h, nil, "a", "3"))
	for i := range h.shards {
		if s := &h.shards[i]; len(s.holds) != 0 || s.pending != 0 {
			t.Errorf("shard %d: %v held, %d pending", i, s.holds, s.pending)
		}
	}
}

func TestHotWritesFindsEachKeyOnce(t *testing.T) {
	h, w := newHot(), new(hotWrites)
	for round := range 2 {
		for i := range 3 * indexed {
			key := fmt.Append(nil, i)
			w.set(key, h.hash(key), fmt.Append(nil, round))
		}
	}
	if len(w.list) != 3*indexed {
		t.Fatalf("%d keys of %d", len(w.list), 3*indexed)
	}
	for i := range 4 * indexed {
		key := fmt.Append(nil, i)
		if got, there := w.find(key, h.hash(key)), i < 3*indexed; (got != nil) != there || there && string(got.value) != "1" {
			t.Errorf("key %d: %+v", i, got)
		}
	}
}

func TestHotIsBounded(t *testing.T) {
	h := newHot()
	value := make([]byte, 500)
	for i := range 200_000 {
		key := fmt.Appendf(nil, "key %d", i)
		h.put(key, h.hash(key), value, 0)
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

// Money moves between accounts, which are pairs, and is only spent as far as a
// pair together has it: what one transaction reads another writes. However they
// meet, in memory or not, the sum stays, no pair is overdrawn, and every reader
// sees a state between two transactions.
func TestHotUpdatesAreSerialisable(t *testing.T) {
	db, err := Open("badger:"+t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const accounts, rounds, start = 6, 400, 100
	account := func(i int) []byte { return fmt.Appendf(nil, "account %d", i%accounts) }
	read := func(tx Tx, i int) (int64, error) {
		v, err := tx.Get(account(i))
		if err != nil {
			return 0, err
		}
		return int64(binary.BigEndian.Uint64(v)), nil
	}
	write := func(tx Tx, i int, n int64) error {
		return tx.Set(account(i), binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	total := func(tx Tx) (sum int64, err error) {
		for i := range accounts {
			n, err := read(tx, i)
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return sum, nil
	}
	err = db.Update(func(tx Tx) (err error) {
		for i := range accounts {
			err = errors.Join(err, write(tx, i, start))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 6 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range rounds {
				from, to, n := random.IntN(accounts), random.IntN(accounts), int64(random.IntN(80))
				err := db.Update(func(tx Tx) error {
					a, err := read(tx, from)
					if err != nil {
						return err
					}
					spare, err := read(tx, from^1) // not written: the classic skew
					if err != nil {
						return err
					}
					b, err := read(tx, to)
					if err != nil || a+spare < n || from == to {
						return err
					}
					return errors.Join(write(tx, from, a-n), write(tx, to, b+n))
				})
				if err != nil {
					t.Error(err)
				}
				err = db.View(func(tx Tx) error {
					sum, err := total(tx)
					if err == nil && sum != accounts*start {
						err = fmt.Errorf("the sum is %d, not %d", sum, accounts*start)
					}
					for i := 0; i < accounts; i += 2 {
						a, errA := read(tx, i)
						b, errB := read(tx, i^1)
						if err = errors.Join(err, errA, errB); err == nil && a+b < 0 {
							err = fmt.Errorf("accounts %d and %d are overdrawn: %d, %d", i, i^1, a, b)
						}
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
