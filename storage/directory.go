package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// version is the format of what is stored. It is raised when older programs
// could not read it.
const version = 2

// A data directory holds:
//
//	lock      locked while it is in use
//	store     one line, "virga store 2": the format
//	records/  Badger's files
//	log/      the commits that Badger does not have yet: see wal
//	blobs/    see bodyFiles
const (
	lockFile   = "lock"
	formatFile = "store"
	formatText = "virga store "
	recordsDir = "records"
	logsDir    = "log"
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
	cause := strings.Join(strings.Fields(e.Cause.Error()), " ") // in one line
	switch e.Kind {
	case ErrUnwritable:
		return fmt.Sprintf("the data directory %s cannot be written: %s", e.Dir, cause)
	case ErrLocked:
		return fmt.Sprintf("the data directory %s is in use by another process", e.Dir)
	case ErrNewer:
		return fmt.Sprintf("the data directory %s was written by a newer version of Virga: %s", e.Dir, cause)
	default:
		return fmt.Sprintf("the data directory %s is damaged: %s", e.Dir, cause)
	}
}

// Unwrap gives the kind and the cause.
func (e *OpenError) Unwrap() []error { return []error{e.Kind, e.Cause} }

// openDirectory makes the directory if need be, finds out whether it can be
// written, locks it, and checks its format before anything in it is touched.
// Closing the file gives it free.
func openDirectory(dir string) (*os.File, error) {
	for _, sub := range []string{recordsDir, logsDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, &OpenError{dir, ErrUnwritable, err}
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, &OpenError{dir, ErrUnwritable, err}
	}
	if err := lock(f); err != nil {
		f.Close()
		if errors.Is(err, ErrLocked) {
			return nil, &OpenError{dir, ErrLocked, err}
		}
		return nil, &OpenError{dir, ErrUnwritable, fmt.Errorf("locking it: %w", err)}
	}
	if err := checkFormat(dir); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkFormat(dir string) error {
	name := filepath.Join(dir, formatFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if left, _ := os.ReadDir(filepath.Join(dir, recordsDir)); len(left) > 0 {
			return &OpenError{dir, ErrDamaged, fmt.Errorf("%s is missing", name)}
		}
		return writeFormat(dir, name)
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
	case n < version: // which had no log, and is else the same
		return writeFormat(dir, name)
	}
	return probe(dir)
}

// writeFormat writes the format whole or not at all.
func writeFormat(dir, name string) error {
	tmp, err := os.CreateTemp(dir, formatFile+"-*")
	if err != nil {
		return &OpenError{dir, ErrUnwritable, err}
	}
	_, err = fmt.Fprintf(tmp, "%s%d\n", formatText, version)
	if err := errors.Join(err, tmp.Close(), os.Rename(tmp.Name(), name)); err != nil {
		os.Remove(tmp.Name())
		return &OpenError{dir, ErrUnwritable, err}
	}
	return nil
}

// probe finds out whether files can be made in the engine's directory.
func probe(dir string) error {
	f, err := os.CreateTemp(filepath.Join(dir, recordsDir), "probe-*")
	if err != nil {
		return &OpenError{dir, ErrUnwritable, err}
	}
	f.Close()
	os.Remove(f.Name())
	return nil
}
