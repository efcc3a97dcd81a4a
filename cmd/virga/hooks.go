package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// hooksDir is where LocalStack's users keep the scripts that prepare a server:
// a folder for each stage, whose programs are run in the order of their names.
// https://docs.localstack.cloud/references/init-hooks/
const hooksDir = "/etc/localstack/init"

// The stages of a server's life.
const (
	hookBoot     = "boot"     // before anything
	hookStart    = "start"    // while it starts
	hookReady    = "ready"    // when it answers
	hookShutdown = "shutdown" // when it has been told to stop
)

// hookTimeout is how long one program may run.
const hookTimeout = 15 * time.Minute

// runHooks runs the programs of a stage: files that may be executed, and shell
// scripts. One that fails is logged, and the next one runs all the same.
func runHooks(ctx context.Context, dir, stage, endpoint string, log *slog.Logger) {
	folder := filepath.Join(dir, stage+".d")
	entries, err := os.ReadDir(folder)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			log.Error("cannot read init hooks", "stage", stage, "error", err)
		}
		return
	}
	for _, e := range entries { // sorted by name
		path := filepath.Join(folder, e.Name())
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		var args []string
		switch {
		case info.Mode()&0o111 != 0:
			args = []string{path}
		case filepath.Ext(path) == ".sh":
			args = []string{"sh", path}
		default:
			log.Warn("init hook is not executable", "path", path)
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, hookTimeout)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+endpoint)
		err = cmd.Run()
		cancel()
		if err != nil {
			log.Error("init hook failed", "stage", stage, "path", path, "error", err)
			continue
		}
		log.Info("init hook done", "stage", stage, "path", path)
	}
}
