package storage

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// bodyFiles keeps bodies in files, which are named by their ids in 256
// directories, named by how the ids begin:
//
//	blobs/ab/abcdef...
//	blobs/dirty         there while the blobs are open
//
// A file is written under its final name: only its link makes it a body. So
// nothing has to be renamed, and whether a file is whole never matters: what
// is linked was finished before, and what is not linked is swept.
type bodyFiles struct {
	dir  string
	sync bool
	log  *slog.Logger
	maps *bodyMaps
}

const dirtyFile = "dirty"

func openBodyFiles(dir string, db DB, o Options) (*bodyFiles, error) {
	b := &bodyFiles{dir: dir, sync: o.Sync, log: o.Log, maps: newBodyMaps()}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	dirty := filepath.Join(dir, dirtyFile)
	if _, err := os.Stat(dirty); err == nil {
		return b, b.sweep(db)
	}
	f, err := os.Create(dirty)
	if err != nil {
		return nil, err
	}
	return b, f.Close()
}

// sweep removes the files without a link. Both sides are in the order of the
// ids, so it is one pass that holds one directory at a time.
func (b *bodyFiles) sweep(db DB) error {
	dirs, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	return db.View(func(tx Tx) error {
		for _, d := range dirs {
			if !d.IsDir() {
				continue
			}
			files, err := os.ReadDir(filepath.Join(b.dir, d.Name()))
			if err != nil {
				return err
			}
			linked := map[string]bool{}
			r := Prefix(prefixBlobs.StringPrefix(d.Name()))
			r.KeysOnly = true
			for e, err := range tx.Scan(r) {
				if err != nil {
					return err
				}
				linked[ReadKey(e.Key).Skip(len(prefixBlobs)).String()] = true
			}
			for _, f := range files {
				if linked[f.Name()] {
					delete(linked, f.Name())
				} else if err := os.Remove(filepath.Join(b.dir, d.Name(), f.Name())); err != nil {
					return err
				}
			}
			for id := range linked {
				b.log.Error("a blob has no file", "blob", id)
			}
		}
		return nil
	})
}

func (b *bodyFiles) path(id string) string { return filepath.Join(b.dir, id[:2], id) }

func (b *bodyFiles) create(id string) (bodyWriter, error) {
	f, err := os.OpenFile(b.path(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrNotExist) { // the first in its directory
		if err = os.MkdirAll(filepath.Join(b.dir, id[:2]), 0o755); err == nil {
			f, err = os.OpenFile(b.path(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		}
	}
	if err != nil {
		return nil, err
	}
	return &fileWriter{f, b.sync}, nil
}

func (b *bodyFiles) open(id string) (body, error) {
	if mapped := b.maps.open(id); mapped != nil {
		return mapped, nil
	}
	f, err := os.Open(b.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if mapped := b.maps.add(id, f); mapped != nil {
		return mapped, f.Close()
	}
	return fileBody{f}, nil
}

func (b *bodyFiles) remove(id string) error {
	b.maps.forget(id)
	err := os.Remove(b.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *bodyFiles) clear() error {
	b.maps.clear()
	dirs, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if d.IsDir() {
			if err := os.RemoveAll(filepath.Join(b.dir, d.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bodyFiles) close(clean bool) error {
	b.maps.clear()
	if !clean {
		return nil
	}
	return os.Remove(filepath.Join(b.dir, dirtyFile))
}

type fileWriter struct {
	*os.File
	sync bool
}

func (w *fileWriter) finish() error {
	if w.sync {
		if err := w.Sync(); err != nil {
			return err
		}
		// The name has to be on the disk too.
		dir, err := os.Open(filepath.Dir(w.Name()))
		if err != nil {
			return err
		}
		defer dir.Close()
		if err := dir.Sync(); err != nil {
			return err
		}
	}
	return w.Close()
}

func (w *fileWriter) close() { w.Close() }
