package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// profile drives each of Virga's processes once more and writes what it spends its
// processor time and memory on to files that go tool pprof reads: for
// "GetItem" and the store on disk, getitem-disk.cpu and getitem-disk.heap.
func (b *bench) profile(ctx context.Context, l *load, subjects []*subject) error {
	if b.profiles == "" {
		return nil
	}
	const seconds = 3
	for _, s := range subjects {
		if s.pprof == "" {
			continue
		}
		name := filepath.Join(b.profiles, strings.ReplaceAll(strings.ToLower(l.name), " ", "-")+"-"+s.name)
		var group errgroup.Group
		group.Go(func() error {
			_, err := l.drive(ctx, s, (seconds+1)*time.Second)
			return err
		})
		group.Go(func() error {
			return s.fetchProfile(ctx, fmt.Sprintf("profile?seconds=%d", seconds), name+".cpu")
		})
		if err := group.Wait(); err != nil {
			return err
		}
		if err := s.fetchProfile(ctx, "heap", name+".heap"); err != nil {
			return err
		}
	}
	return nil
}

func (s *subject) fetchProfile(ctx context.Context, what, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.pprof+"/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("profile of %s: %s", s.name, answer.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, answer.Body)
	return errors.Join(err, f.Close())
}
