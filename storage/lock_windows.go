package storage

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file as long as it is open: the system lets it go when the
// process dies. It returns ErrLocked when somebody else has it.
func lock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}
