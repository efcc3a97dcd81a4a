package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// held is a commit that writes one key and has read others at a moment.
func held(t *testing.T, h *hot, at uint64, reads []read, key, value string) *writes {
	t.Helper()
	w := written(h, value, key)
	if !h.hold(at, reads, w) {
		t.Fatal("what nobody holds cannot be held")
	}
	return w
}

// written are the writes of a value to keys.
func written(h *hot, value string, keys ...string) *writes {
	w := new(writes)
	for _, k := range keys {
		w.set(write{key: []byte(k), hash: h.hash([]byte(k)), value: []byte(value)})
	}
	return w
}

func (h *hot) keep(key, value string, at uint64) {
	for range 2 { // what is looked for twice is kept
		h.put([]byte(key), h.hash([]byte(key)), []byte(value), at)
	}
}

// wantHot checks what a key has at a moment; "" for what is not known.
func (h *hot) want(t *testing.T, key string, at uint64, want string) {
	t.Helper()
	if v, ok := h.get([]byte(key), h.hash([]byte(key)), at); string(v) != want || ok != (want != "") {
		t.Errorf("%s is %q at %d, %v; want %q", key, v, at, ok, want)
	}
}

func TestHotKeepsWhatIsReadOften(t *testing.T) {
	h := newHot()
	h.keep("k", "old", 5)
	h.want(t, "k", 5, "old")
	h.want(t, "k", 4, "") // older than what is known

	w := held(t, h, 5, nil, "k", "new")
	h.want(t, "k", 9, "") // it is being written
	h.keep("k", "old", 5)
	h.want(t, "k", 9, "")
	h.release(6, nil, w)
	h.keep("k", "old", 5)
	h.want(t, "k", 6, "new")
	h.want(t, "k", 5, "")

	h.unlock(nil, held(t, h, 6, nil, "k", "never"))
	h.want(t, "k", 6, "new")
	h.release(7, nil, held(t, h, 6, nil, "k", strings.Repeat("v", maxHot+1)))
	h.want(t, "k", 7, "") // too large to be kept
	h.keep("k", "old", 6)
	h.want(t, "k", 7, "") // it has been written since

	h.keep("gone", "v", 7)
	w = new(writes)
	w.set(write{key: []byte("gone"), hash: h.hash([]byte("gone")), removed: true})
	if !h.hold(7, nil, w) {
		t.Fatal("not held")
	}
	h.release(8, nil, w)
	h.want(t, "gone", 8, "")
}

func TestHotHolds(t *testing.T) {
	h := newHot()
	key := func(k string) []read { return []read{{hash: h.hash([]byte(k))}} }
	reads := key("a")
	first := held(t, h, 0, reads, "b", "1")
	if h.hold(0, nil, written(h, "v", "c", "b")) {
		t.Error("a key that another writes was held")
	}
	if h.hold(0, nil, written(h, "v", "a")) {
		t.Error("a key that another has read was held for writing")
	}
	if h.hold(0, key("b"), written(h, "v", "c")) {
		t.Error("a key that another writes was held as read")
	}
	again := key("a") // two may have read the same; and c is free
	h.release(1, again, held(t, h, 0, again, "c", "2"))
	h.release(2, reads, first)
	for _, writes := range []string{"b", "d"} {
		if h.hold(1, key("b"), written(h, "v", writes)) {
			t.Errorf("a key that has changed since it was read was held, for writing %s", writes)
		}
	}
	for i, writes := range []string{"d", "b"} {
		reads, at := key("b"), uint64(2+i)
		h.release(at+1, reads, held(t, h, at, reads, writes, "v"))
	}
	h.release(5, nil, held(t, h, 0, nil, "a", "3"))
	for i := range h.shards {
		if s := &h.shards[i]; len(s.holds) != 0 {
			t.Errorf("shard %d: %v held", i, s.holds)
		}
	}
}

func TestLatelyForgetsToTheSafeSide(t *testing.T) {
	const slot = hotShards * latelySlots // hashes that are so far apart share a slot
	l := new(lately)
	a, b, c := uint64(7), uint64(7+slot), uint64(7+2*slot)
	check := func(hash, at uint64, want bool) {
		t.Helper()
		if got := l.unchanged(hash, at); got != want {
			t.Errorf("%d is unchanged since %d: %v", hash, at, got)
		}
	}
	l.changed(a, 3)
	check(a, 2, false)
	check(a, 3, true)
	check(b, 0, true) // never written
	l.changed(b, 2)   // of two that ended at once the earlier may come later
	check(a, 2, false)
	check(a, 3, true)
	check(b, 1, false)
	check(b, 2, true)
	l.changed(c, 4)
	check(b, 1, false)
	check(a, 2, false)
	check(c, 3, false)
	check(c, 4, true)
}

func TestWritesFindEachKeyOnce(t *testing.T) {
	h, w := newHot(), new(writes)
	for round := range 2 {
		for i := range 3 * indexed {
			key := fmt.Append(nil, i)
			w.set(write{key: key, hash: h.hash(key), value: fmt.Append(nil, round)})
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
	var keys [][]byte
	for i := range 200_000 {
		keys = append(keys, fmt.Appendf(nil, "key %d", i))
		for range 2 {
			h.put(keys[i], h.hash(keys[i]), value, 0)
		}
	}
	check := func() {
		t.Helper()
		for i := range h.shards {
			s := &h.shards[i]
			size := 0
			for _, e := range s.entries {
				size += e.size()
			}
			if size != s.bytes || size > hotBytes || size < hotBytes/2 {
				t.Fatalf("a shard holds %d bytes, counts %d, and may hold %d", size, s.bytes, hotBytes)
			}
		}
	}
	check()
	for i, key := range keys { // what is written over becomes larger, and smaller, and goes
		w := new(writes)
		w.set(write{key: key, hash: h.hash(key), value: make([]byte, i%700), removed: i%10 == 0})
		if i%10 == 0 {
			w.list[0].value = nil
		}
		if !h.hold(0, nil, w) {
			t.Fatal("not held")
		}
		h.release(uint64(i+1), nil, w)
	}
	check()
}

// Whatever is read once, in any number, leaves what is hot where it is.
func TestHotSurvivesAScan(t *testing.T) {
	h := newHot()
	for i := range 10_000 {
		h.keep(fmt.Sprint("hot ", i), "value", 0)
	}
	for i := range 1_000_000 {
		key := fmt.Appendf(nil, "cold %d", i)
		h.put(key, h.hash(key), make([]byte, 500), 0)
	}
	for i := range 10_000 {
		h.want(t, fmt.Sprint("hot ", i), 0, "value")
	}
}

// Two records are always written together. However they are read meanwhile,
// from memory or not, they are the same, and never older than what was read before.
func TestHotReadsAreSnapshots(t *testing.T) {
	for _, limit := range []int64{memtableBytes, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) { hotReadsAreSnapshots(t, limit) })
	}
}

func hotReadsAreSnapshots(t *testing.T, limit int64) {
	db, err := Open("badger:"+t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	Rotate(db, limit)
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
	for _, limit := range []int64{memtableBytes, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) { hotUpdatesAreSerialisable(t, limit) })
	}
}

func hotUpdatesAreSerialisable(t *testing.T, limit int64) {
	db, err := Open("badger:"+t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	Rotate(db, limit)
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
