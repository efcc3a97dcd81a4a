package main

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// uploadCount multipart uploads run at once, each of uploadParts parts of partBytes.
	uploadCount, uploadParts, partBytes = 16, 8, 8 << 20
	// uploadFloor and uploadAim are of the ratio to the limit, which writes the
	// same bytes, as it receives them, to files, with their MD5.
	uploadFloor, uploadAim = 0.6, 0.8
)

// uploads measures multipart uploads to a store on disk.
func (b *bench) uploads(ctx context.Context) (err error) {
	name := fmt.Sprintf("s3 multipart %d x %d MiB", uploadCount, uploadParts*partBytes>>20)
	if !b.chosen(name) {
		return nil
	}
	progress("%s", name)
	virga, err := b.startVirga(ctx, "uploads", filepath.Join(b.dir, "uploads"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, virga.end()) }()
	files := filepath.Join(b.dir, "parts")
	limit, err := b.startLimit(ctx, 0, true, "-files", files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.end()) }()
	c, err := dial(virga.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.do(newRequest("PUT /bench", "s3", nil, "", 0)); err != nil {
		return err
	}
	part := []byte(objectBody(partBytes))
	tag := fmt.Sprintf("%x", md5.Sum(part))
	// What one has written is removed before the other writes: it would have to
	// wait for that to reach the disk.
	writeFiles := func() (round, error) {
		if err := os.Mkdir(files, 0o700); err != nil {
			return round{}, err
		}
		r, err := uploadAll(ctx, limit, func(c *conn, i int) error {
			for p := range uploadParts {
				if err := c.put(requestHead(fmt.Sprintf("PUT /%d-%d", i, p), "s3", nil, len(part)), part, 1); err != nil {
					return err
				}
			}
			return nil
		})
		return r, errors.Join(err, os.RemoveAll(files))
	}
	upload := func() (round, error) {
		r, err := uploadAll(ctx, virga, func(c *conn, i int) error { return uploadOne(c, fmt.Sprintf("/bench/%d", i), part, tag) })
		for i := range uploadCount {
			_, failed := c.do(newRequest(fmt.Sprintf("DELETE /bench/%d", i), "s3", nil, "", 0))
			err = errors.Join(err, failed)
		}
		return r, err
	}
	var measured [2][]round
	for n := range b.rounds + 1 { // the first only warms up
		for i := range 2 {
			which := (i + n) % 2
			r, err := []func() (round, error){writeFiles, upload}[which]()
			if err = errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if n > 0 {
				measured[which] = append(measured[which], r)
			}
		}
	}
	bare, ours := sum(measured[0], measured[0]), sum(measured[1], measured[0])
	const mebibytes = uploadCount * uploadParts * partBytes >> 20
	b.report.Uploads = append(b.report.Uploads, uploadRate{
		Case: name, Bare: bare.PerSecond * mebibytes, Disk: ours.PerSecond * mebibytes, Ratio: ours.Ratio,
		Floor: uploadFloor, Aim: uploadAim, BareProcessor: bare.Processor, Processor: ours.Processor,
	})
	return nil
}

// uploadAll runs uploads to a subject at once; the round has one request, which is all of them.
func uploadAll(ctx context.Context, s *subject, one func(c *conn, i int) error) (round, error) {
	before, start := s.processor(), time.Now()
	err := atOnce(ctx, s.address, uploadCount, func(_ context.Context, c *conn, i int) error { return one(c, i) })
	return round{requests: 1, elapsed: time.Since(start), processor: s.processor() - before}, err
}

// uploadOne is one multipart upload; all its parts are the same, and have this entity tag.
func uploadOne(c *conn, path string, part []byte, tag string) error {
	id, err := beginUpload(c, path)
	if err != nil {
		return err
	}
	for n := 1; n <= uploadParts; n++ {
		line := fmt.Sprintf("PUT %s?partNumber=%d&uploadId=%s", path, n, id)
		if err := c.put(requestHead(line, "s3", []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}, len(part)), part, 1); err != nil {
			return err
		}
	}
	return completeUpload(c, path, id, tag, uploadParts)
}

// beginUpload begins a multipart upload, whose id it returns.
func beginUpload(c *conn, path string) (string, error) {
	made, err := c.do(newRequest("POST "+path+"?uploads", "s3", nil, "", 0))
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(made), "<UploadId>")
	id, _, found := strings.Cut(rest, "</UploadId>")
	if !found {
		return "", fmt.Errorf("no upload id in %.300q", made)
	}
	return id, nil
}

// completeUpload completes an upload of so many parts that have the same entity tag.
func completeUpload(c *conn, path, id, tag string, parts int) error {
	var list strings.Builder
	list.WriteString("<CompleteMultipartUpload>")
	for n := 1; n <= parts; n++ {
		fmt.Fprintf(&list, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, tag)
	}
	list.WriteString("</CompleteMultipartUpload>")
	_, err := c.do(newRequest("POST "+path+"?uploadId="+id, "s3", nil, list.String(), 0))
	return err
}
