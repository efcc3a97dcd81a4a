package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

const (
	// pageKeys is how many keys a page has.
	pageKeys = 1000
	// pageFloor and pageAim are the longest times of a page, its request and answer included.
	pageFloor, pageAim = 3 * time.Millisecond, 2 * time.Millisecond
)

// listings measures pages of a bucket with many keys on disk: such pages as begin
// anywhere in it, and one that shows a prefix which hides half of the keys.
func (b *bench) listings(ctx context.Context) (err error) {
	name := fmt.Sprintf("s3 list %d of %d", pageKeys, b.keys)
	hidden := fmt.Sprintf("s3 list what hides %d", b.keys/2)
	if !b.chosen(name) && !b.chosen(hidden) {
		return nil
	}
	virga, err := b.startVirga(ctx, "listings", filepath.Join(b.dir, "listings"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, virga.end()) }()
	progress("writing %d objects", b.keys)
	if err := b.fillBucket(ctx, virga); err != nil {
		return err
	}
	if err := settle(ctx, virga); err != nil {
		return err
	}
	get := func(query string, numbers int) request {
		return newRequest("GET /list?list-type=2&"+query, "s3", []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}, "", numbers)
	}
	for _, l := range []load{
		{name: name, request: get("start-after=flat-"+numberMark, b.keys/2-pageKeys-1), check: contains("<KeyCount>1000</KeyCount>")},
		{name: hidden, request: get("delimiter=/&start-after=flat-a", 0), check: contains("<KeyCount>1</KeyCount>")},
	} {
		if !b.chosen(l.name) {
			continue
		}
		progress("%s", l.name)
		if err := b.listing(ctx, l, virga); err != nil {
			return err
		}
	}
	return nil
}

// listing measures one kind of page.
func (b *bench) listing(ctx context.Context, l load, virga *subject) (err error) {
	first, err := dial(virga.address)
	if err != nil {
		return err
	}
	defer first.Close()
	body, err := first.do(l.request)
	if err != nil {
		return err
	}
	l.size, l.connections = len(body), 1
	limit, err := b.startLimit(ctx, l.size, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.end()) }()
	measured, err := b.compare(ctx, &l, []*subject{limit, virga})
	if err != nil {
		return err
	}
	bare, page := sum(measured[0], measured[0]), sum(measured[1], measured[0])
	b.report.Listings = append(b.report.Listings, listing{
		Case: l.name, Bytes: l.size, RoundTrip: bare.Median, Page: page.Median, Processor: page.Processor, Floor: pageFloor, Aim: pageAim,
	})
	return b.profile(ctx, &l, []*subject{virga})
}

// fillBucket writes the objects: the first half of them side by side, the
// others behind one prefix.
func (b *bench) fillBucket(ctx context.Context, virga *subject) error {
	c, err := dial(virga.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.do(newRequest("PUT /list", "s3", nil, "", 0)); err != nil {
		return err
	}
	const writers = 16
	return atOnce(ctx, virga.address, writers, func(ctx context.Context, c *conn, w int) error {
		for _, name := range []string{"flat-", "hidden/"} {
			put := newRequest("PUT /list/"+name+numberMark, "s3", []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}, "content", b.keys)
			for n := w; n < b.keys/2; n += writers {
				put.number(n)
				if status, _, body, err := c.send(put.text, true); err != nil || status != 200 {
					return errors.Join(err, ctx.Err(), fmt.Errorf("writing an object: status %d %s", status, body))
				}
			}
		}
		return nil
	})
}
