package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Options are how a store is opened; the zero value is the default.
type Options struct {
	// Sync makes every commit and every blob reach the disk before it is
	// acknowledged. Without it they survive the death of the process, but the
	// last moments may be lost when the machine loses power.
	Sync bool
	// Log receives what the engine says; nil discards it.
	Log *slog.Logger
}

// version is the format of what is stored. It is raised when older programs
// could not read it.
const version = 1

// A data directory holds:
//
//	store     one line, "virga store 1": the format
//	records/  the engine's files
//	blobs/    see OpenBlobs
const (
	formatFile = "store"
	formatText = "virga store "
	recordsDir = "records"
	blobsDir   = "blobs"
)

// OpenError says why a store could not be opened, in a sentence for the user.
type OpenError struct {
	// Dir is the data directory.
	Dir string
	// Kind is ErrUnwritable, ErrLocked, ErrDamaged or ErrNewer.
	Kind error
	// Cause has the details.
	Cause error
}

func (e *OpenError) Error() string {
	switch e.Kind {
	case ErrUnwritable:
		return fmt.Sprintf("the data directory %s cannot be written: %v", e.Dir, e.Cause)
	case ErrLocked:
		return fmt.Sprintf("the data directory %s is in use by another process", e.Dir)
	case ErrNewer:
		return fmt.Sprintf("the data directory %s was written by a newer version of Virga: %v", e.Dir, e.Cause)
	default:
		return fmt.Sprintf("the data directory %s is damaged: %v", e.Dir, e.Cause)
	}
}

// Unwrap gives the kind and the cause.
func (e *OpenError) Unwrap() []error { return []error{e.Kind, e.Cause} }

// Open opens the store that url names: "badger:DIR", a directory that is made
// if need be, or "memory:", which is empty and forgotten when it is closed.
// Where the directory is the problem the error is an OpenError.
func Open(url string, o Options) (DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	engine, dir, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if engine == "memory" {
		return newStore(newMemory()), nil
	}
	if err := prepare(dir); err != nil {
		return nil, err
	}
	b, err := openBadger(filepath.Join(dir, recordsDir), o)
	if err != nil {
		for _, kind := range []error{ErrLocked, ErrUnwritable} {
			if errors.Is(err, kind) {
				return nil, &OpenError{dir, kind, errors.Unwrap(err)}
			}
		}
		return nil, &OpenError{dir, ErrDamaged, errors.Unwrap(err)}
	}
	return newStore(b), nil
}

func parseURL(url string) (engine, dir string, err error) {
	engine, dir, ok := strings.Cut(url, ":")
	switch {
	case ok && engine == "memory" && dir == "":
		return engine, "", nil
	case ok && engine == "badger" && dir != "":
		return engine, filepath.Clean(dir), nil
	}
	return "", "", fmt.Errorf("%q is no store: use badger:DIR or memory:", url)
}

// prepare makes the directory, finds out whether it can be written, and checks
// the format before anything in it is touched.
func prepare(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, recordsDir), 0o755); err != nil {
		return &OpenError{dir, ErrUnwritable, err}
	}
	name := filepath.Join(dir, formatFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, recordsDir, "MANIFEST")); err == nil {
			return &OpenError{dir, ErrDamaged, fmt.Errorf("%s is missing", name)}
		}
		return create(dir, name)
	}
	if err != nil {
		return &OpenError{dir, ErrUnwritable, err}
	}
	v, found := strings.CutPrefix(strings.TrimSpace(string(text)), formatText)
	n, err := strconv.Atoi(v)
	switch {
	case !found || err != nil || n < 1:
		return &OpenError{dir, ErrDamaged, fmt.Errorf("%s does not name a format", name)}
	case n > version:
		return &OpenError{dir, ErrNewer, fmt.Errorf("its format is %d, this program knows formats up to %d", n, version)}
	}
	return probe(dir)
}

// create writes the format whole or not at all.
func create(dir, name string) error {
	tmp, err := os.CreateTemp(dir, formatFile+"-*")
	if err != nil {
		return &OpenError{dir, ErrUnwritable, err}
	}
	_, err = fmt.Fprintf(tmp, "%s%d\n", formatText, version)
	if err := errors.Join(err, tmp.Close()); err != nil {
		os.Remove(tmp.Name())
		return &OpenError{dir, ErrUnwritable, err}
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		os.Remove(tmp.Name())
		return &OpenError{dir, ErrUnwritable, err}
	}
	return nil
}

// probe finds out whether files can be made in the directories.
func probe(dir string) error {
	for _, d := range []string{dir, filepath.Join(dir, recordsDir)} {
		f, err := os.CreateTemp(d, "probe-*")
		if err != nil {
			return &OpenError{dir, ErrUnwritable, err}
		}
		f.Close()
		os.Remove(f.Name())
	}
	return nil
}

// Maintain gives space back to the disk that overwritten and deleted values
// hold, until the context ends. The server runs it once, beside everything else.
func Maintain(ctx context.Context, db DB) error {
	if m, ok := db.(*store).engine.(interface{ maintain(context.Context) error }); ok {
		return m.maintain(ctx)
	}
	<-ctx.Done()
	return nil
}

// Reset empties the store: every record and every blob. It waits for running
// transactions; blobs that are being written or read are lost to those who do.
func Reset(db DB, blobs *Blobs) error {
	if err := db.(*store).empty(); err != nil {
		return err
	}
	return blobs.reset()
}
