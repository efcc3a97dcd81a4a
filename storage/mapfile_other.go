//go:build !unix

package storage

import (
	"errors"
	"os"
)

// mapFile maps nothing here: a mapped file could not be removed.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) {}
