// Package clients holds the runtime clients that come with the program: small
// ones for Python and Node.js, for sandboxes where AWS's are not, which is on
// plain images and where functions are child processes. Other runtimes either are
// programs of their own (provided) or need an image that brings its client.
package clients

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed python/bootstrap.py node/bootstrap.js
var files embed.FS

// Client says how to run functions of one runtime.
type Client struct {
	// Interpreters are the names of programs that can run it, the best first; none
	// where the function is a program itself.
	Interpreters []string
	// Query are arguments with which an interpreter prints the path of its real self, a
	// space, and its version.
	Query []string
	// Version is the version that the runtime names, as Query prints it.
	Version string
	// File is the client, below the directory that Place was given.
	File string
}

// For returns the client for a runtime, and an error if there is none.
func For(runtime string) (Client, error) {
	switch {
	case strings.HasPrefix(runtime, "provided"), runtime == "go1.x":
		return Client{}, nil
	case strings.HasPrefix(runtime, "python"):
		version := strings.TrimPrefix(runtime, "python")
		return Client{
			Interpreters: []string{"python" + version, "python3"},
			Query:        []string{"-c", `import sys; print(sys.executable, "%d.%d" % sys.version_info[:2])`},
			Version:      version,
			File:         "python/bootstrap.py",
		}, nil
	case strings.HasPrefix(runtime, "nodejs"):
		version := strings.TrimSuffix(strings.TrimPrefix(runtime, "nodejs"), ".x")
		return Client{
			Interpreters: []string{"node" + version, "node", "nodejs"},
			Query:        []string{"-p", `process.execPath + " " + process.versions.node.split(".")[0]`},
			Version:      version,
			File:         "node/bootstrap.js",
		}, nil
	}
	return Client{}, fmt.Errorf("runtime %s needs an image that brings its own runtime client", runtime)
}

// Bootstrap is the name of a function that is a program itself, in its code or a layer.
const Bootstrap = "bootstrap"

// Place writes the clients below dir, unless they are there already.
func Place(dir string) error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if is, err := os.ReadFile(to); err == nil && bytes.Equal(is, body) {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		// Sandboxes may be starting from what is there.
		return replace(to, body)
	})
}

func replace(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if cerr := f.Chmod(0o644); err == nil {
		err = cerr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
