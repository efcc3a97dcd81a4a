package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is what a subject is driven with.
type load struct {
	name    string
	request request
	// connections is how many send at the same time.
	connections int
	// size is how many bytes every answer's body has.
	size int
	// check judges the body of the first answer on each connection; nil takes any.
	check func(body []byte) error
}

// round is what one subject did in one round.
type round struct {
	requests int
	elapsed  time.Duration
	// processor is the subject's processor time.
	processor time.Duration
	// latencies are of all requests, sorted.
	latencies []time.Duration
}

// perSecond is the rate of requests.
func (r round) perSecond() float64 { return float64(r.requests) / r.elapsed.Seconds() }

// perRequest is the subject's processor time for each request.
func (r round) perRequest() time.Duration { return r.processor / time.Duration(max(1, r.requests)) }

func (r round) median() time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[len(r.latencies)/2]
}

// drive sends the load to a subject for a time.
func (l *load) drive(ctx context.Context, s *subject, d time.Duration) (round, error) {
	conns := make([]*conn, l.connections)
	for i := range conns {
		c, err := dial(s.address)
		if err != nil {
			return round{}, err
		}
		defer c.Close()
		conns[i] = c
	}
	latencies := make([][]time.Duration, l.connections)
	var group errgroup.Group
	before, start := s.processor(), time.Now()
	end := start.Add(d)
	for i, c := range conns {
		group.Go(func() (err error) {
			latencies[i], err = l.send(ctx, c, s, end)
			return err
		})
	}
	err := group.Wait()
	r := round{elapsed: time.Since(start), processor: s.processor() - before, latencies: slices.Concat(latencies...)}
	r.requests = len(r.latencies)
	slices.Sort(r.latencies)
	return r, err
}

// send sends one request after the other until the time is over.
func (l *load) send(ctx context.Context, c *conn, s *subject, end time.Time) ([]time.Duration, error) {
	mine := l.request.as(s.credential).clone()
	mine.numbers = cmp.Or(s.numbers, mine.numbers)
	size := l.size
	latencies := make([]time.Duration, 0, 1<<14)
	for first := true; ; first = false {
		mine.draw()
		began := time.Now()
		if began.After(end) || ctx.Err() != nil {
			return latencies, ctx.Err()
		}
		status, got, body, err := c.send(mine.text, first)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", l.name, s.name, err)
		}
		latencies = append(latencies, time.Since(began))
		if first && s.foreign() {
			size = got
		}
		if status != 200 || got != size {
			return nil, fmt.Errorf("%s, %s: status %d with %d bytes, not 200 with %d: %.300s", l.name, s.name, status, got, size, body)
		}
		if first && l.check != nil && s.name != "limit" {
			if err := l.check(body); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", l.name, s.name, err)
			}
		}
	}
}

// warmUp is how long a subject is driven before it is measured.
const warmUp = 300 * time.Millisecond

// compare drives subjects in turn, and in the other direction every second time,
// so that a machine that becomes slower or faster is so for all of them.
func (b *bench) compare(ctx context.Context, l *load, subjects []*subject) ([][]round, error) {
	for _, s := range subjects {
		if _, err := l.drive(ctx, s, min(warmUp, b.round)); err != nil {
			return nil, err
		}
	}
	measured := make([][]round, len(subjects))
	order := make([]int, len(subjects))
	for i := range order {
		order[i] = i
	}
	for range b.rounds {
		for _, i := range order {
			r, err := l.drive(ctx, subjects[i], b.round)
			if err != nil {
				return nil, err
			}
			measured[i] = append(measured[i], r)
		}
		slices.Reverse(order)
	}
	return measured, nil
}

// median is the middle of what f says of the rounds.
func median[N int64 | float64 | time.Duration](n int, f func(i int) N) N {
	all := make([]N, n)
	for i := range all {
		all[i] = f(i)
	}
	slices.Sort(all)
	if n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[n/2]
}
