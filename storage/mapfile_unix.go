//go:build unix && !linux

package storage

import (
	"os"
	"syscall"
)

// mapFile maps a file for reading.
func mapFile(f *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
}

// unmapFile undoes mapFile. It could fail only for what is no mapping.
func unmapFile(data []byte) { _ = syscall.Munmap(data) }
