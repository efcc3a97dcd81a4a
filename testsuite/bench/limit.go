package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// limitCommand makes this program the limit instead of the bench.
const limitCommand = "limit"

// serveLimit is the process that is measured against: it reads a request's
// body, with its MD5 where that is asked for, and writes an answer of a given
// size; where bodies are to be written it does that too. It ends when its standard input does, so that it never outlives the
// bench.
func serveLimit(args []string) error {
	flags := flag.NewFlagSet(limitCommand, flag.ContinueOnError)
	answer := flags.Int("answer", 0, "size of answers, in bytes")
	digest := flags.Bool("md5", false, "compute the MD5 of bodies")
	files := flags.String("files", "", "write bodies to files in this directory, by their paths, with their MD5")
	address := flags.String("address", "", "where to listen")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	// As many bodies as there are objects, written once: a single one would stay
	// in the processor's caches, and one never written is a page of the system's zeros.
	bodies := make([][]byte, objectKeys)
	for i := range bodies {
		bodies[i] = objectBody(*answer)
	}
	var next atomic.Uint32
	length := []string{strconv.Itoa(*answer)}
	buffers := sync.Pool{New: func() any { return new([64 << 10]byte) }}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"] = length
		switch {
		case r.Body == http.NoBody:
		case *digest:
			sum, buffer := md5.New(), buffers.Get().(*[64 << 10]byte)
			to := io.Writer(sum)
			if *files != "" {
				f, err := os.Create(filepath.Join(*files, filepath.Base(r.URL.Path)))
				if err != nil {
					panic(err)
				}
				defer f.Close()
				to = io.MultiWriter(sum, f)
			}
			_, err = io.CopyBuffer(to, r.Body, buffer[:])
			buffers.Put(buffer)
			w.Header()["Etag"] = []string{hex.EncodeToString(sum.Sum(nil))}
		default:
			_, err = io.Copy(io.Discard, r.Body)
		}
		if err != nil {
			return
		}
		w.Write(bodies[next.Add(1)%objectKeys])
	})}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		server.Close()
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// startLimit starts the limit of answers of n bytes.
func (b *bench) startLimit(ctx context.Context, n int, digest bool, flags ...string) (*subject, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return launch(ctx, "limit", address, program, append([]string{limitCommand,
		"-address", address, "-answer", strconv.Itoa(n), "-md5=" + fmt.Sprint(digest)}, flags...)...)
}
