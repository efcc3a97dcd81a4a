// Package sourcetest is the conformance suite that every service.Source passes.
package sourcetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/virga-cloud/virga/services/service"
)

// World is a new stream without records, and what can be done to it.
type World struct {
	// Source opens the source as after a start of the program.
	Source func() service.Source
	// Stream is the ARN of the stream, Unknown that of one that does not exist.
	Stream, Unknown string
	// Write adds a record. Records of one key stay in order.
	Write func(key, value string)
	// Value is what a record was written with.
	Value func(payload json.RawMessage) (key, value string)
	// Roll lets so much time pass that the open shards end.
	Roll func()
	// Trim lets so much time pass that all records are too old to be read,
	// the shards that are open then are others.
	Trim func()
}

// Run tests the sources that open makes.
func Run(t *testing.T, open func(t *testing.T) *World) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, w *World)
	}{
		{"records are read from the oldest on", oldest},
		{"records are read from the newest on", newest},
		{"a shard ends and another follows it", rolled},
		{"what is too old can not be read", tooOld},
		{"a poller is woken", woken},
		{"a poller that starts again misses and repeats nothing", restarted},
		{"what does not exist is an error", unknown},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// poller reads a stream as pollers do: a shard when its parent has ended.
type poller struct {
	w         *World
	positions map[string]service.Position
	ended     map[string]bool
	limit     int
	// got are the values that were read, by key, in order.
	got map[string][]string
}

func newPoller(w *World) *poller {
	return &poller{w: w, positions: map[string]service.Position{}, ended: map[string]bool{}, limit: 3, got: map[string][]string{}}
}

// poll reads all there is.
func (p *poller) poll(t *testing.T, s service.Source) {
	t.Helper()
	shards, err := s.Shards(t.Context(), p.w.Stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range shards {
		if p.ended[shard.ID] || shard.Parent != "" && !p.ended[shard.Parent] {
			continue
		}
		for {
			out, err := s.Read(t.Context(), p.w.Stream, shard.ID, p.positions[shard.ID], p.limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Records) > p.limit {
				t.Errorf("%d records where %d were asked for", len(out.Records), p.limit)
			}
			for _, r := range out.Records {
				key, value := p.w.Value(r.Payload)
				p.got[key] = append(p.got[key], value)
			}
			p.positions[shard.ID] = out.Next
			if p.ended[shard.ID] = out.Ended; out.Ended || len(out.Records) == 0 {
				break
			}
		}
	}
}

func numbers(from, to int) (out []string) {
	for n := from; n < to; n++ {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

func oldest(t *testing.T, w *World) {
	for _, n := range numbers(0, 10) {
		w.Write("a", n)
	}
	p := newPoller(w)
	p.poll(t, w.Source())
	p.poll(t, w.Source())
	if want := numbers(0, 10); !slices.Equal(p.got["a"], want) {
		t.Errorf("got %v, want %v", p.got["a"], want)
	}
}

func newest(t *testing.T, w *World) {
	w.Write("a", "0")
	s := w.Source()
	shards, err := s.Shards(t.Context(), w.Stream)
	if err != nil {
		t.Fatal(err)
	}
	p := newPoller(w)
	for _, shard := range shards {
		out, err := s.Read(t.Context(), w.Stream, shard.ID, service.Newest, 10)
		if err != nil || len(out.Records) != 0 || out.Next == service.Newest || out.Next == service.Oldest {
			t.Fatalf("at the newest: %+v, %v", out, err)
		}
		p.positions[shard.ID] = out.Next
	}
	w.Write("a", "1")
	p.poll(t, w.Source())
	if !slices.Equal(p.got["a"], []string{"1"}) {
		t.Errorf("got %v", p.got["a"])
	}
}

func rolled(t *testing.T, w *World) {
	p := newPoller(w)
	w.Write("a", "0")
	p.poll(t, w.Source())
	w.Write("a", "1")
	w.Roll()
	w.Write("a", "2")
	p.poll(t, w.Source())
	p.poll(t, w.Source())
	if want := numbers(0, 3); !slices.Equal(p.got["a"], want) {
		t.Errorf("got %v, want %v", p.got["a"], want)
	}
	if !slices.Contains(slices.Collect(maps.Values(p.ended)), true) {
		t.Error("no shard has ended")
	}
}

func tooOld(t *testing.T, w *World) {
	w.Write("a", "0")
	s := w.Source()
	shards, err := s.Shards(t.Context(), w.Stream)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Read(t.Context(), w.Stream, shards[0].ID, service.Oldest, 10)
	if err != nil {
		t.Fatal(err)
	}
	w.Trim()
	_, err = w.Source().Read(t.Context(), w.Stream, shards[0].ID, out.Next, 10)
	if !errors.Is(err, service.ErrTrimmed) && !errors.Is(err, service.ErrNoStream) {
		t.Errorf("of a shard that is gone: %v", err)
	}
	w.Write("a", "1")
	p := newPoller(w)
	p.poll(t, w.Source())
	for range 10 {
		p.poll(t, w.Source())
	}
	if !slices.Equal(p.got["a"], []string{"1"}) {
		t.Errorf("got %v", p.got["a"])
	}
}

func woken(t *testing.T, w *World) {
	s := w.Source()
	p := newPoller(w)
	for _, n := range numbers(0, 20) {
		changed := s.Changed(w.Stream)
		p.poll(t, s)
		go w.Write("a", n)
		<-changed
		p.poll(t, s)
	}
	if want := numbers(0, 20); !slices.Equal(p.got["a"], want) {
		t.Errorf("got %v, want %v", p.got["a"], want)
	}
}

// restarted reads while many write, and goes on from its positions.
func restarted(t *testing.T, w *World) {
	const writers, writes = 8, 100
	var group sync.WaitGroup
	for n := range writers {
		group.Go(func() {
			for _, value := range numbers(0, writes) {
				w.Write(fmt.Sprint("key", n), value)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	// The source itself can not be opened anew while others write: what a
	// poller forgets when it starts again is all but its positions.
	p := newPoller(w)
	s := w.Source()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		p.poll(t, s)
	}
	for n := range writers {
		if got := p.got[fmt.Sprint("key", n)]; !slices.Equal(got, numbers(0, writes)) {
			t.Errorf("of key %d: %v", n, got)
		}
	}
}

func unknown(t *testing.T, w *World) {
	s := w.Source()
	if _, err := s.Shards(t.Context(), w.Unknown); !errors.Is(err, service.ErrNoStream) {
		t.Errorf("the shards of no stream: %v", err)
	}
	if _, err := s.Read(t.Context(), w.Unknown, "shardId-00000000000000000000-00000000", service.Oldest, 1); !errors.Is(err, service.ErrNoStream) {
		t.Errorf("the records of no stream: %v", err)
	}
	if _, err := s.Read(t.Context(), w.Stream, "shardId-00000000000000000000-00000000", service.Oldest, 1); !errors.Is(err, service.ErrNoStream) {
		t.Errorf("the records of no shard: %v", err)
	}
}
