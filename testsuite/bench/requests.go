package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// requestCase is a case whose rate is compared with the limit's.
type requestCase struct {
	load
	// digest says that the limit computes the MD5 of the body.
	digest bool
	goal
	// others says that other servers are driven with it too.
	others bool
	moved
}

// moved is what a request moves: so many items of so many bytes, none where that
// is of no interest, and how many a second are striven for.
type moved struct {
	items, bytes       int
	aimItems, aimBytes float64
}

// isObject says that a case is of S3, and not of DynamoDB.
func (c *requestCase) isObject() bool { return strings.HasPrefix(c.name, "s3 ") }

// requests measures the rates of requests to Virga, on disk and in memory,
// and the memory it takes.
func (b *bench) requests(ctx context.Context) (err error) {
	var cases []requestCase
	for _, c := range slices.Concat(itemCases(), objectCases()) {
		if b.chosen(c.name) {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 && !b.chosen("memory") {
		return nil
	}
	disk, err := b.startVirga(ctx, "disk", filepath.Join(b.dir, "disk"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.end()) }()
	memory, err := b.startVirga(ctx, "memory", "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, memory.end()) }()
	subjects := []*subject{disk, memory}
	strangers, err := b.startOthers(ctx, cases)
	for _, s := range strangers {
		defer func() { err = errors.Join(err, s.end()) }()
	}
	if err != nil {
		return err
	}

	usages := make([]usage, len(subjects))
	if err := settle(ctx, subjects...); err != nil {
		return err
	}
	for i, s := range subjects {
		usages[i].Store = s.name
		usages[i].IdleBytes, usages[i].IdleOwnBytes = s.memory()
	}
	for _, s := range subjects {
		progress("filling %s", s.name)
		if err := fill(s, cases); err != nil {
			return err
		}
	}
	for _, c := range cases {
		progress("%s", c.name)
		if err := b.request(ctx, c, subjects, strangers); err != nil {
			return err
		}
	}
	for i, s := range subjects {
		usages[i].LoadedBytes, usages[i].LoadedOwnBytes = s.memory()
	}
	if err := settleFor(ctx, comesToRest, patience, subjects...); err != nil {
		return err
	}
	for i, s := range subjects {
		usages[i].RestedBytes, usages[i].RestedOwnBytes = s.memory()
	}
	b.report.Memory = usages
	return nil
}

// settle waits until servers have done what they do without being asked, such as
// sorting what was written: until a second goes by that they do not use. A
// server that finds no rest is not waited for.
func settle(ctx context.Context, subjects ...*subject) error {
	return settleFor(ctx, time.Second, patience, subjects...)
}

// settleFor waits until subjects have done nothing for so long, but no longer than it may take.
func settleFor(ctx context.Context, quiet, longest time.Duration, subjects ...*subject) error {
	used := func() (sum time.Duration) {
		for _, s := range subjects {
			sum += s.processor()
		}
		return sum
	}
	deadline := time.Now().Add(longest)
	for rested := time.Duration(0); rested < quiet && time.Now().Before(deadline); {
		before := used()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		if rested += time.Second; used()-before > 2*tick {
			rested = 0
		}
	}
	return nil
}

// request measures one case. How many bytes the limit answers is known from
// Virga's first answer, which is checked.
func (b *bench) request(ctx context.Context, c requestCase, subjects, strangers []*subject) (err error) {
	first, err := dial(subjects[0].address)
	if err != nil {
		return err
	}
	defer first.Close()
	body, err := first.do(c.request)
	if unsupported(err) {
		b.report.omit(c.name, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.check(body); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	c.size = len(body)
	limit, err := b.startLimit(ctx, c.size, c.digest)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.end()) }()
	all := append([]*subject{limit}, subjects...)
	for _, s := range strangers {
		if s.serves(&c) {
			all = append(all, s)
		}
	}
	measured, err := b.compare(ctx, &c.load, all)
	if err != nil {
		return err
	}
	result := rate{Case: c.name, Floor: c.floor, Aim: c.aim, Limit: sum(measured[0], measured[0])}
	result.Disk, result.Memory = sum(measured[1], measured[0]), sum(measured[2], measured[0])
	for i := 1 + len(subjects); i < len(all); i++ {
		result.Others = append(result.Others, otherRates{all[i].name, sum(measured[i], measured[0])})
	}
	if c.items > 0 {
		result.Moved = &movedRates{
			Items: float64(c.items) * result.Disk.PerSecond, Bytes: float64(c.items*c.bytes) * result.Disk.PerSecond,
			MemoryItems: float64(c.items) * result.Memory.PerSecond, MemoryBytes: float64(c.items*c.bytes) * result.Memory.PerSecond,
			AimItems: c.aimItems, AimBytes: c.aimBytes,
		}
	}
	b.report.Rates = append(b.report.Rates, result)
	return b.profile(ctx, &c.load, subjects)
}

// sum puts the rounds of a subject together, beside the limit's.
func sum(rounds, limit []round) rates {
	n := len(rounds)
	return rates{
		PerSecond: median(n, func(i int) float64 { return rounds[i].perSecond() }),
		Ratio:     median(n, func(i int) float64 { return rounds[i].perSecond() / limit[i].perSecond() }),
		Median:    median(n, func(i int) time.Duration { return rounds[i].median() }),
		Processor: median(n, func(i int) time.Duration { return rounds[i].perRequest() }),
	}
}

// fill makes what the cases need.
func fill(s *subject, cases []requestCase) error {
	c, err := dial(s.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if slices.ContainsFunc(cases, func(c requestCase) bool { return c.isObject() }) {
		if err := fillObjects(c); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(cases, func(c requestCase) bool { return !c.isObject() }) {
		if err := fillItems(c); err != nil && !unsupported(err) {
			return err
		}
	}
	return nil
}
