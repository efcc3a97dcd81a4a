package storage

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// history drives a store at random, and knows what it must have at every moment.
type history struct {
	t      *testing.T
	dir    string
	random *rand.Rand
	db     DB
	b      *badger
	now    map[string]string
	seen   []seen
	held   bool // what is frozen cannot be written out
}

// seen is a transaction that has begun, and what it must see.
type seen struct {
	tx    engineTx
	state map[string]string
}

func (h *history) key() string {
	return fmt.Sprintf("%c/%02d", 'a'+h.random.IntN(3), h.random.IntN(30))
}

func (h *history) commit() {
	next := maps.Clone(h.now)
	err := h.db.Update(func(tx Tx) (err error) {
		for range 1 + h.random.IntN(5) {
			key, value := h.key(), strings.Repeat(fmt.Sprint(h.random.Uint32()), h.random.IntN(200))
			if h.random.IntN(3) == 0 {
				delete(next, key)
				err = errors.Join(err, tx.Delete([]byte(key)))
			} else {
				next[key] = value
				err = errors.Join(err, tx.Set([]byte(key), []byte(value)))
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.now = next
}

// begin begins a transaction, and lets it write when it may.
func (h *history) begin() {
	update := h.random.IntN(2) == 0
	s := seen{h.b.begin(update, true), maps.Clone(h.now)}
	for range h.random.IntN(10) {
		if key := h.key(); update && h.random.IntN(2) == 0 {
			s.state[key] = "own"
			s.tx.Set([]byte(key), []byte("own"))
		} else if update {
			delete(s.state, key)
			s.tx.Delete([]byte(key))
		}
	}
	h.seen = append(h.seen, s)
}

func (h *history) check(s seen) {
	h.t.Helper()
	for range 20 {
		key := h.key()
		got, err := s.tx.Get([]byte(key))
		if want, there := s.state[key]; there != (err == nil) || !there && !errors.Is(err, ErrNotFound) || string(got) != want {
			h.t.Fatalf("%s is %.20q (%v), want %.20q", key, got, err, want)
		}
	}
	ends := []string{h.key(), h.key()}
	slices.Sort(ends)
	r := Range{Start: []byte(ends[0]), End: []byte(ends[1]), Reverse: h.random.IntN(2) == 0, Skip: new(Skip)}
	if h.random.IntN(4) == 0 {
		r.Start, r.End = nil, nil
	}
	var want []string
	for key := range s.state {
		if bytes.Compare([]byte(key), r.Start) >= 0 && (r.End == nil || key < string(r.End)) {
			want = append(want, key)
		}
	}
	slices.Sort(want)
	if r.Reverse {
		slices.Reverse(want)
	}
	for e, err := range s.tx.Scan(r) {
		if err != nil {
			h.t.Fatal(err)
		}
		if len(want) == 0 || string(e.Key) != want[0] || string(e.Value) != s.state[want[0]] {
			h.t.Fatalf("scanned %s, %.20q; want %v", e.Key, e.Value, want)
		}
		if want = want[1:]; h.random.IntN(4) == 0 {
			to := h.key()
			r.Skip.To([]byte(to))
			want = slices.DeleteFunc(want, func(key string) bool { return key < to != r.Reverse })
		}
	}
	if len(want) > 0 {
		h.t.Fatalf("not scanned: %v", want)
	}
}

func (h *history) rotate() {
	if h.held {
		return
	}
	h.b.recent.mu.Lock()
	defer h.b.recent.mu.Unlock()
	if err := h.b.rotate(); err != nil {
		h.t.Fatal(err)
	}
}

// hold keeps what is frozen as it is, or no longer.
func (h *history) hold() {
	if h.held = !h.held; h.held {
		h.b.recent.flushing.Lock()
	} else {
		h.b.recent.flushing.Unlock()
	}
}

func (h *history) end(i int) {
	h.seen[i].tx.discard()
	h.seen = slices.Delete(h.seen, i, i+1)
}

// killed checks what a process finds that opens the files as they are now.
func (h *history) killed() {
	if !h.held { // nothing is copied while it changes
		h.b.recent.flushing.Lock()
		defer h.b.recent.flushing.Unlock()
	}
	dir := h.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(h.dir)); err != nil {
		h.t.Fatal(err)
	}
	h.opened(dir)
}

// opened checks what a store has.
func (h *history) opened(dir string) {
	db, err := Open("badger:"+dir, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		h.t.Fatal(err)
	}
	tx := db.(*store).begin(false, true)
	h.check(seen{tx, h.now})
	tx.discard()
	if err := db.Close(); err != nil {
		h.t.Fatal(err)
	}
}

func TestRecentIsAsIfThereWereNone(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			db, err := Open("badger:"+dir, Options{Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			h := &history{t: t, dir: dir, random: rand.New(rand.NewPCG(seed, 1)), db: db, b: db.(*store).engine.(*badger), now: map[string]string{}}
			for range 2000 {
				switch n := h.random.IntN(100); {
				case n < 60:
					h.commit()
				case n < 70 && len(h.seen) < 8:
					h.begin()
				case n < 85 && len(h.seen) > 0:
					h.check(h.seen[h.random.IntN(len(h.seen))])
				case n < 90 && len(h.seen) > 0:
					h.end(h.random.IntN(len(h.seen)))
				case n < 95:
					h.rotate()
				case n < 98:
					h.hold()
				case n == 98 && h.random.IntN(5) == 0:
					h.killed()
				case n == 99 && h.random.IntN(5) == 0:
					if err := h.b.db.Flatten(1); err != nil {
						t.Fatal(err)
					}
				}
			}
			if h.held {
				h.hold()
			}
			for len(h.seen) > 0 {
				h.check(h.seen[0])
				h.end(0)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			h.opened(dir)
		})
	}
}
