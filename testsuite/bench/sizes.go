package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

const (
	// fewItems is how many items the table has that one of many is compared with.
	fewItems = 10_000
	// sizeAim is how many times as long a request to the large table may take.
	sizeAim = 1.3
	// comesToRest is how long a server does nothing before it is certain that it has sorted
	// what was written, and restTakes how long that takes at most.
	comesToRest = 10 * time.Second
	restTakes   = 5 * time.Minute
)

// tableSize is how a request went to a small table and to a large one. Times is
// how many times as long it takes to the large one, Processor how many times as
// much processor time.
type tableSize struct {
	Case      string  `json:"case"`
	Few       rates   `json:"few"`
	Many      rates   `json:"many"`
	Times     float64 `json:"times"`
	Processor float64 `json:"processor"`
	Aim       float64 `json:"aim"`
}

// sizes measures what the size of a table on disk costs those who read it, and
// how much memory its server takes.
func (b *bench) sizes(ctx context.Context) (err error) {
	get := itemRequest("GetItem", `{"TableName":"lists","Key":{"list":{"S":"list-`+numberMark+`"},`+itemKey+`}}`, fewItems)
	cases := []load{
		{name: "GetItem of many", request: get, connections: 16, check: contains(`"129.95"`)},
		{name: "Query of many", request: listQuery("list-"+numberMark, fewItems), connections: 16, check: contains(`"Count":100`)},
	}
	if !b.chosen(cases[0].name) && !b.chosen(cases[1].name) {
		return nil
	}
	if b.many == 0 {
		b.report.omit("a table of many items", "it takes minutes and much disk to fill; -many 10000000 measures it")
		return nil
	}
	counts := []int{fewItems, b.many}
	usages := make([]usage, len(counts))
	var subjects []*subject
	for i, n := range counts {
		name := fmt.Sprintf("%d items", n)
		var s *subject
		if s, err = b.startVirga(ctx, name, filepath.Join(b.dir, name)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.end()) }()
		usages[i].Store = name
		usages[i].IdleBytes, usages[i].IdleOwnBytes = s.memory()
		progress("writing %s", name)
		if err := b.fillLists(ctx, s, n/listLength); err != nil {
			return err
		}
		if err := settleFor(ctx, comesToRest, restTakes, s); err != nil {
			return err
		}
		usages[i].LoadedBytes, usages[i].LoadedOwnBytes = s.memory()
		subjects = append(subjects, s)
	}
	for _, l := range cases {
		if !b.chosen(l.name) {
			continue
		}
		progress("%s", l.name)
		if err := b.size(ctx, l, subjects); err != nil {
			return err
		}
	}
	if err := settle(ctx, subjects...); err != nil {
		return err
	}
	for i, s := range subjects {
		usages[i].RestedBytes, usages[i].RestedOwnBytes = s.memory()
	}
	b.report.Filled = usages
	return nil
}

// size measures one kind of request.
func (b *bench) size(ctx context.Context, l load, subjects []*subject) error {
	c, err := dial(subjects[0].address)
	if err != nil {
		return err
	}
	defer c.Close()
	body, err := c.do(l.request)
	if err != nil {
		return err
	}
	l.size = len(body)
	l.request.group = listLength
	few, many := subjects[0], subjects[1]
	many.numbers = b.many
	measured, err := b.compare(ctx, &l, []*subject{few, many})
	if err != nil {
		return err
	}
	result := tableSize{Case: l.name, Few: sum(measured[0], measured[0]), Many: sum(measured[1], measured[0]), Aim: sizeAim}
	result.Times = 1 / result.Many.Ratio
	if result.Few.Processor > 0 {
		result.Processor = float64(result.Many.Processor) / float64(result.Few.Processor)
	}
	b.report.Sizes = append(b.report.Sizes, result)
	return b.profile(ctx, &l, subjects)
}

// fillLists makes the table of lists with so many of them.
func (b *bench) fillLists(ctx context.Context, s *subject, lists int) error {
	first, err := dial(s.address)
	if err != nil {
		return err
	}
	defer first.Close()
	if err := makeTable(first, "lists", "list", "id"); err != nil {
		return err
	}
	const writers = 16
	template := batchRequest("lists")
	return atOnce(ctx, s.address, writers, func(ctx context.Context, c *conn, w int) error {
		for list := w; list < lists; list += writers {
			if err := errors.Join(ctx.Err(), fillList(c, template, list)); err != nil {
				return err
			}
		}
		return nil
	})
}

// contains judges bodies by a part that they have.
func contains(part string) func([]byte) error {
	return func(body []byte) error {
		if !bytes.Contains(body, []byte(part)) {
			return fmt.Errorf("no %q in the answer %.300q", part, body)
		}
		return nil
	}
}
