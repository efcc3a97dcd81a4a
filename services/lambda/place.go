package lambda

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	// One of many first invocations unpacks, and the others wait for it.
	"golang.org/x/sync/singleflight"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

// placement keeps unpacked code on the disk, a directory for each package:
// versions and functions with the same code share it. A directory is there for
// as long as a sandbox may be started from it; later ones make it again.
type placement struct {
	dir    string
	clock  *clock.Clock
	flight singleflight.Group

	mu sync.Mutex
	// users are the keys that were placed, by directory.
	users map[string]map[sandbox.Key]struct{}
	// unused says since when a directory has had no user.
	unused map[string]time.Time
}

func newPlacement(dir string, c *clock.Clock) *placement {
	return &placement{dir: dir, clock: c, users: map[string]map[sandbox.Key]struct{}{}, unused: map[string]time.Time{}}
}

// codeGrace is how long code without a user is left: a start that was under way
// when its version was changed may still need it.
const codeGrace = time.Minute

// directory is the name of a package's directory.
func directory(codeSHA256 string) string {
	return strings.NewReplacer("/", "_", "+", "-", "=", "").Replace(codeSHA256)
}

// place unpacks a package once, and returns where it is until key is forgotten.
func (p *placement) place(key sandbox.Key, codeSHA256 string, open func() (*zip.Reader, io.Closer, error)) (string, error) {
	name := directory(codeSHA256)
	p.use(key, name)
	path := filepath.Join(p.dir, name)
	_, err, _ := p.flight.Do(name, func() (any, error) {
		if _, err := os.Stat(path); err == nil {
			return nil, nil
		}
		p.collect()
		z, c, err := open()
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return nil, unpackAll(z, path)
	})
	return path, err
}

func (p *placement) use(key sandbox.Key, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users[name] == nil {
		p.users[name] = map[sandbox.Key]struct{}{}
	}
	p.users[name][key] = struct{}{}
	delete(p.unused, name)
}

// forget says that no sandbox of key is left, nor will be started.
func (p *placement) forget(key sandbox.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, keys := range p.users {
		if _, ok := keys[key]; !ok {
			continue
		}
		if delete(keys, key); len(keys) == 0 {
			delete(p.users, name)
			p.unused[name] = p.clock.Now()
		}
	}
}

// collect removes directories that have had no user for a while. It comes with
// each new one, so that what is on the disk stays bounded.
func (p *placement) collect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	for name, since := range p.unused {
		if now.Sub(since) >= codeGrace {
			delete(p.unused, name)
			os.RemoveAll(filepath.Join(p.dir, name))
		}
	}
}

// sweep removes what an earlier server left but for the packages to keep.
func (p *placement) sweep(keep map[string]bool) error {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(p.dir, e.Name())))
		}
	}
	return err
}

// unpackAll unpacks a package as the directory path. What is there is whole:
// it is unpacked beside and renamed.
func unpackAll(z *zip.Reader, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	beside, err := os.MkdirTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(beside)
	root, err := os.OpenRoot(beside)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range z.File {
		if err := unpack(root, f); err != nil {
			return err
		}
	}
	if err := os.Chmod(beside, 0o755); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// unpack writes one file of a package. A name, or a link that was unpacked
// before, that leads out of the root is an error. Everybody may read a file,
// and run it where somebody may, since functions run as another user.
func unpack(root *os.Root, f *zip.File) error {
	name := filepath.FromSlash(strings.TrimSuffix(f.Name, "/"))
	mode := f.Mode()
	if mode.IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(in, 4096))
		if err != nil {
			return err
		}
		return root.Symlink(string(target), name)
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 || mode.Perm() == 0 {
		perm = 0o755
	}
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) // no more than the size that was checked
	return errors.Join(err, out.Close())
}
