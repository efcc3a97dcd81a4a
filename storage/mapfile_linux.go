package storage

import (
	"os"
	"syscall"
)

// mapFile maps a file for reading, with all its pages: one call now is cheaper
// than a fault for each later.
func mapFile(f *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_POPULATE)
}

// unmapFile undoes mapFile. It could fail only for what is no mapping.
func unmapFile(data []byte) { _ = syscall.Munmap(data) }
