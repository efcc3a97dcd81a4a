package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// The programs of a stage run in the order of their names, with the server's
// address; one that fails does not keep the others from running.
func TestHooksRunInOrder(t *testing.T) {
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready.d")
	if err := os.MkdirAll(ready, 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	for name, script := range map[string]string{
		"1-first.sh":  "echo first $AWS_ENDPOINT_URL >>" + out,
		"2-broken.sh": "exit 3",
		"3-last.sh":   "echo last >>" + out,
		"4-notes.txt": "echo notes >>" + out,
	} {
		if err := os.WriteFile(filepath.Join(ready, name), []byte("#!/bin/sh\n"+script+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(ready, "3-last.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	runHooks(context.Background(), dir, hookReady, "http://127.0.0.1:1", slog.New(slog.DiscardHandler))
	runHooks(context.Background(), dir, hookBoot, "", slog.New(slog.DiscardHandler)) // no such folder
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want := "first http://127.0.0.1:1\nlast\n"; string(got) != want {
		t.Errorf("the hooks wrote %q, want %q", got, want)
	}
}
