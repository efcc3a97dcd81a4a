package main

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

const (
	// largeBytes is the size of the large objects: the most that one PUT takes.
	largeBytes = 5 << 30
	// largeParts is how many parts it is uploaded in.
	largeParts = 40
	// largeFloor and largeAim are how much memory it may take to move one, in bytes.
	largeFloor, largeAim = 64 << 20, 32 << 20
)

// large measures the memory that moving objects of 5 GiB takes.
func (b *bench) large(ctx context.Context) (err error) {
	const put, get, multipart = "s3 large PUT", "s3 large GET", "s3 large multipart"
	if !b.chosen(put) && !b.chosen(get) && !b.chosen(multipart) {
		return nil
	}
	if b.only == nil {
		b.report.omit("s3 large", "it takes 10 GiB of disk; -only 's3 large' measures it")
		return nil
	}
	virga, err := b.startVirga(ctx, "large", filepath.Join(b.dir, "large"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, virga.end()) }()
	c, err := dial(virga.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.do(newRequest("PUT /large", "s3", nil, "", 0)); err != nil {
		return err
	}
	piece := []byte(objectBody(largeBytes / largeParts / 16))
	send := func(line string, n int) error {
		return c.put(requestHead(line, "s3", []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}, n*len(piece)), piece, n)
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{put, func() error { return send("PUT /large/object", largeParts*16) }},
		{get, func() error {
			status, n, _, err := c.send(newRequest("GET /large/object", "s3", nil, "", 0).text, false)
			if err == nil && (status != 200 || n != largeBytes) {
				err = fmt.Errorf("status %d with %d bytes", status, n)
			}
			return err
		}},
		{multipart, func() error {
			sum := md5.New()
			for range 16 {
				_, _ = sum.Write(piece) // never fails
			}
			tag := fmt.Sprintf("%x", sum.Sum(nil))
			id, err := beginUpload(c, "/large/object")
			if err != nil {
				return err
			}
			for n := 1; n <= largeParts; n++ {
				if err := send(fmt.Sprintf("PUT /large/object?partNumber=%d&uploadId=%s", n, id), 16); err != nil {
					return err
				}
			}
			return completeUpload(c, "/large/object", id, tag, largeParts)
		}},
	}
	for _, s := range steps {
		if !b.chosen(s.name) && s.name != put { // what is read has to be written
			continue
		}
		progress("%s", s.name)
		before, ownBefore := virga.memory()
		peak, ownPeak := before, ownBefore
		done := make(chan error)
		go func() { done <- s.do() }()
		for running := true; running; {
			select {
			case err := <-done:
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				running = false
			case <-time.After(10 * time.Millisecond):
			}
			all, own := virga.memory()
			peak, ownPeak = max(peak, all), max(ownPeak, own)
		}
		b.report.Large = append(b.report.Large, large{
			Case: s.name, ExtraBytes: peak - before, ExtraOwnBytes: ownPeak - ownBefore, Floor: largeFloor, Aim: largeAim,
		})
	}
	return ctx.Err()
}
