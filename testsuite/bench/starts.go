package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// startCount is how often each start is measured.
	startCount = 7
	// startFloor and startAim are the longest times from start to first answer.
	startFloor, startAim = 100 * time.Millisecond, 30 * time.Millisecond
)

// starts measures the time from starting Virga to its first answer: on an
// empty store, on one with many items, and on that after it was killed.
func (b *bench) starts(ctx context.Context) error {
	list := newRequest("GET /", "s3", []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}, "", 0)
	answered := func(part string) func([]byte) error {
		return func(body []byte) error {
			if !bytes.Contains(body, []byte(part)) {
				return fmt.Errorf("first answer: no %q in %.300q", part, body)
			}
			return nil
		}
	}
	if b.chosen("start, empty") {
		progress("start, empty")
		n := 0
		err := b.start(ctx, "empty", list, answered("ListAllMyBucketsResult"), func() string {
			n++
			return filepath.Join(b.dir, fmt.Sprintf("empty-%d", n))
		}, (*subject).end)
		if err != nil {
			return err
		}
	}
	name := fmt.Sprintf("%d items", b.items)
	if !b.chosen("start, " + name) {
		return nil
	}
	dir := b.store
	if dir == "" {
		dir = filepath.Join(b.dir, "million")
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := b.loadStore(ctx, dir); unsupported(err) {
			b.report.omit("start, "+name, err.Error())
			return os.RemoveAll(dir)
		} else if err != nil {
			return err
		}
	}
	progress("start, %s", name)
	if err := b.rest(ctx, dir); err != nil {
		return err
	}
	get := itemRequest("GetItem", `{"TableName":"items","Key":{`+itemKey+`}}`, b.items)
	get.number(b.items / 2)
	same := func() string { return dir }
	err := b.start(ctx, name, get, answered(`"129.95"`), same, (*subject).end)
	if err != nil {
		return err
	}
	put := itemRequest("PutItem", `{"TableName":"items","Item":`+writtenItem()+`}`, b.items)
	return b.start(ctx, name+", after SIGKILL", get, answered(`"129.95"`), same, func(s *subject) error {
		// What was written is what the next start has to find again.
		writes := load{name: "start", request: put, connections: 8, size: len("{}")}
		_, err := writes.drive(ctx, s, time.Second)
		s.kill()
		return err
	})
}

// start measures one kind of start. end ends what was started.
func (b *bench) start(ctx context.Context, name string, r request, check func([]byte) error, dir func() string, end func(*subject) error) error {
	var times []time.Duration
	var resident, own int64
	for n := range startCount + 1 {
		began := time.Now()
		s, err := b.beginVirga(ctx, "start", dir())
		if err != nil {
			return err
		}
		took, err := s.firstAnswer(ctx, r, check, began)
		if err == nil && n == startCount {
			if err = settle(ctx, s); err == nil {
				resident, own = s.memory()
			}
		}
		if err = errors.Join(err, end(s)); err != nil {
			return err
		}
		if n > 0 { // the first reads the program from disk, or finds what another run left
			times = append(times, took)
		}
	}
	slices.Sort(times)
	b.report.Starts = append(b.report.Starts, start{
		Store: name, Time: times[len(times)/2], Floor: startFloor, Aim: startAim, IdleBytes: resident, IdleOwnBytes: own,
	})
	return nil
}

// firstAnswer is how long after it began a subject has answered.
func (s *subject) firstAnswer(ctx context.Context, r request, check func([]byte) error, began time.Time) (time.Duration, error) {
	first, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	first.Close()
	c, err := dial(s.address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	body, err := c.do(r)
	if err != nil {
		return 0, err
	}
	return time.Since(began), check(body)
}

// rest lets a store come to rest that was just written, or whose last server
// was killed: the server that opens it next sorts what it finds.
func (b *bench) rest(ctx context.Context, dir string) error {
	s, err := b.startVirga(ctx, "rest", dir)
	if err != nil {
		return err
	}
	return errors.Join(settle(ctx, s), s.end())
}

// loadStore writes the items into a new store. It is made under another name,
// so that one that is there is whole.
func (b *bench) loadStore(ctx context.Context, dir string) (err error) {
	progress("writing %d items", b.items)
	unfinished := dir + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	s, err := b.startVirga(ctx, "loading", unfinished)
	if err != nil {
		return err
	}
	if err = b.loadItems(ctx, s); err == nil {
		err = settle(ctx, s)
	}
	if err = errors.Join(err, s.end()); err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	return os.Rename(unfinished, dir)
}

func (b *bench) loadItems(ctx context.Context, s *subject) error {
	first, err := dial(s.address)
	if err != nil {
		return err
	}
	defer first.Close()
	if err := makeTable(first, "items", "id"); err != nil {
		return err
	}
	const writers = 8
	return atOnce(ctx, s.address, writers, func(ctx context.Context, c *conn, w int) error {
		put := batchRequest("items")
		for n := w * batch; n < b.items; n += writers * batch {
			put.number(n)
			if err := errors.Join(ctx.Err(), writeBatch(c, put)); err != nil {
				return err
			}
		}
		return nil
	})
}
