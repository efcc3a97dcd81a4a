package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MergeLayers lays the unpacked layers over each other in dst, later ones over
// earlier ones, as Lambda lays them over each other in /opt. Files are hard links where
// the file system has them, so dst must not be written to.
func MergeLayers(dst string, layers []string) error {
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	for _, layer := range layers {
		err := filepath.WalkDir(layer, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(layer, path)
			if err != nil {
				return err
			}
			return place(filepath.Join(dst, rel), path, d)
		})
		if err != nil {
			return fmt.Errorf("laying out layer %s: %w", filepath.Base(layer), err)
		}
	}
	return nil
}

// place puts what is at src to dst, over what is there.
func place(dst, src string, d fs.DirEntry) error {
	before, err := os.Lstat(dst)
	if err == nil && (!before.IsDir() || !d.IsDir()) {
		if err := os.RemoveAll(dst); err != nil {
			return err
		}
	}
	switch {
	case d.IsDir():
		return os.MkdirAll(dst, 0o755)
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(src)
		if err != nil {
			return err
		}
		return os.Symlink(target, dst)
	}
	if os.Link(src, dst) == nil {
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	body, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	return os.WriteFile(dst, body, info.Mode().Perm())
}
