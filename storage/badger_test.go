package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// reopen opens the store in dir, runs f on it and closes it.
func reopen(t *testing.T, dir string, f func(storage.DB, *storage.Blobs)) {
	t.Helper()
	t.Run("", func(t *testing.T) {
		db, blobs := storagetest.OpenURL(t, "badger:"+dir, storage.Options{})
		f(db, blobs)
	})
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestReopened(t *testing.T) {
	for _, sync := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "made", "by", "open")
		large := bytes.Repeat([]byte("large"), 1<<18)
		var blob storage.Blob
		t.Run("written", func(t *testing.T) {
			db, blobs := storagetest.OpenURL(t, "badger:"+dir, storage.Options{Sync: sync})
			blob = write(t, blobs, large)
			err := db.Update(func(tx storage.Tx) error {
				return errors.Join(blobs.Link(tx, blob), tx.Set([]byte("a"), []byte("1")), tx.Set([]byte("b"), large))
			})
			if err != nil {
				t.Fatal(err)
			}
			write(t, blobs, bytes.Repeat([]byte("never linked"), 1<<15))
		})
		reopen(t, dir, func(db storage.DB, blobs *storage.Blobs) {
			err := db.View(func(tx storage.Tx) error {
				for key, want := range map[string][]byte{"a": []byte("1"), "b": large} {
					if got, err := tx.Get([]byte(key)); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s has %d bytes (%v)", key, len(got), err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, blobs, blob); !bytes.Equal(got, large) {
				t.Errorf("the blob has %d bytes", len(got))
			}
		})
		if diff := cmp.Diff([]string{blob.ID}, files(t, filepath.Join(dir, "blobs"))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	storagetest.OpenURL(t, "badger:"+dir, storage.Options{})
	_, err := storage.Open("badger:"+dir, storage.Options{})
	if want := fmt.Sprintf("the data directory %s is in use by another process", dir); !errors.Is(err, storage.ErrLocked) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestNotOpened(t *testing.T) {
	create := func(t *testing.T, dir string) {
		t.Run("created", func(t *testing.T) {
			db, _ := storagetest.OpenURL(t, "badger:"+dir, storage.Options{})
			for i := range 2000 {
				if err := db.Update(func(tx storage.Tx) error {
					return tx.Set(storage.Key{}.Uint64(uint64(i)), bytes.Repeat([]byte("v"), 500))
				}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	// change puts other content into the files that match.
	change := func(pattern string, f func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			create(t, dir)
			names, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(names) == 0 {
				t.Fatalf("%s matches nothing (%v)", pattern, err)
			}
			for _, name := range names {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, f(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	noise := func(b []byte) []byte { return bytes.Repeat([]byte("noise"), len(b)/5+1)[:len(b)] }
	half := func(b []byte) []byte { return b[:len(b)/2] }
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		sub     string // of dir is opened
		kind    error
		text    string
	}{
		"below a file": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "file/data", storage.ErrUnwritable, "cannot be written"},
		"read-only": {func(t *testing.T, dir string) {
			if os.Getuid() == 0 {
				t.Skip("root may write everywhere; run the tests as another user to check this")
			}
			if err := os.Chmod(dir, 0o555); err != nil {
				t.Fatal(err)
			}
		}, "", storage.ErrUnwritable, "cannot be written"},
		"newer": {change("store", func([]byte) []byte { return []byte("virga store 3\n") }),
			"", storage.ErrNewer, "was written by a newer version of Virga: its format is 3, this program knows formats up to 2"},
		"format lost":      {change("store", func([]byte) []byte { return nil }), "", storage.ErrDamaged, "is damaged"},
		"format noise":     {change("store", noise), "", storage.ErrDamaged, "is damaged"},
		"manifest noise":   {change("records/MANIFEST", noise), "", storage.ErrDamaged, "is damaged"},
		"tables noise":     {change("records/*.sst", noise), "", storage.ErrDamaged, "is damaged"},
		"tables truncated": {change("records/*.sst", half), "", storage.ErrDamaged, "is damaged"},
		"tables lost": {func(t *testing.T, dir string) {
			create(t, dir)
			names, _ := filepath.Glob(filepath.Join(dir, "records/*.sst"))
			for _, name := range names {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}, "", storage.ErrDamaged, "is damaged"},
		"list of tables lost": {func(t *testing.T, dir string) {
			create(t, dir)
			if err := os.Remove(filepath.Join(dir, "records/MANIFEST")); err != nil {
				t.Fatal(err)
			}
		}, "", storage.ErrDamaged, "is damaged"},
		"tables emptied": {change("records/*.sst", func([]byte) []byte { return nil }), "", storage.ErrDamaged, "is damaged"},
		"table ends zero": {change("records/*.sst", func(b []byte) []byte { return append(b[:len(b)-100], make([]byte, 100)...) }),
			"", storage.ErrDamaged, "is damaged"},
		"format file lost": {func(t *testing.T, dir string) {
			create(t, dir)
			if err := os.Remove(filepath.Join(dir, "store")); err != nil {
				t.Fatal(err)
			}
		}, "", storage.ErrDamaged, "is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			dir = filepath.Join(dir, c.sub)
			db, err := storage.Open("badger:"+dir, storage.Options{})
			if err == nil {
				db.Close()
				t.Fatal("opened")
			}
			var open *storage.OpenError
			if !errors.As(err, &open) || !errors.Is(err, c.kind) || open.Dir != dir {
				t.Errorf("%#v", err)
			}
			if s := err.Error(); !strings.HasPrefix(s, "the data directory "+dir+" ") || !strings.Contains(s, c.text) || strings.Contains(s, "\n") {
				t.Errorf("not the sentence for a user: %s", s)
			}
		})
	}
}

func TestOpenNamesTheStores(t *testing.T) {
	for _, url := range []string{"", "memory", "memory:x", "badger", "badger:", "redis:x", "/data"} {
		if _, err := storage.Open(url, storage.Options{}); err == nil || !strings.Contains(err.Error(), "badger:DIR") {
			t.Errorf("Open(%q): %v", url, err)
		}
	}
}

// A process that dies while it makes a log leaves an empty file, which is no damage.
func TestUnbegunLogs(t *testing.T) {
	dir := t.TempDir()
	key := storage.Key{}.String("k")
	reopen(t, dir, func(db storage.DB, _ *storage.Blobs) {
		if err := db.Update(func(tx storage.Tx) error { return tx.Set(key, []byte("v")) }); err != nil {
			t.Error(err)
		}
	})
	records := filepath.Dir(walked(t, dir, "MANIFEST"))
	for _, name := range []string{"00099.mem", "000099.vlog"} {
		if err := os.WriteFile(filepath.Join(records, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reopen(t, dir, func(db storage.DB, _ *storage.Blobs) {
		err := db.View(func(tx storage.Tx) error {
			v, err := tx.Get(key)
			if err == nil && string(v) != "v" {
				t.Errorf("it is %q", v)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// walked is the path of the file of a name below dir.
func walked(t *testing.T, dir, name string) (path string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == name {
			path = p
		}
		return err
	})
	if err != nil || path == "" {
		t.Fatalf("%s: %q, %v", name, path, err)
	}
	return path
}
