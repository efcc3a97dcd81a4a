package virga_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/virga-cloud/virga"

// A file is one Go file of the module, as the rules look at it.
type file struct {
	name      string // with its folder, from the module's root
	folder    string // "" is the root
	test      bool
	generated bool
	lines     int
	imports   []string
	syntax    *ast.File
}

// parsed keeps positions for all files.
var parsed = token.NewFileSet()

// source reads all Go files of the module, once. It asks the go command which
// there are, so that what is not built (testdata, _drafts) is not judged; files
// for other systems are.
var source = sync.OnceValues(func() ([]*file, error) {
	list := exec.Command("go", "list", "-e", "-json=Dir,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,IgnoredGoFiles", "./...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var files []*file
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir                                                          string
			GoFiles, CgoFiles, TestGoFiles, XTestGoFiles, IgnoredGoFiles []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		for _, names := range [][]string{p.GoFiles, p.CgoFiles, p.TestGoFiles, p.XTestGoFiles, p.IgnoredGoFiles} {
			for _, name := range names {
				f, err := read(root, filepath.Join(p.Dir, name))
				if err != nil {
					return nil, err
				}
				files = append(files, f)
			}
		}
	}
})

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func read(root, name string) (*file, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	syntax, err := parser.ParseFile(parsed, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	relative, err := filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	f := &file{
		name:      filepath.ToSlash(relative),
		test:      strings.HasSuffix(name, "_test.go"),
		generated: generated.Match(text),
		lines:     bytes.Count(text, []byte("\n")),
		syntax:    syntax,
	}
	if folder := path.Dir(f.name); folder != "." {
		f.folder = folder
	}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// files gives the module's files to a test.
func files(t *testing.T) []*file {
	t.Helper()
	all, err := source()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("go list names no files")
	}
	return all
}

// version is the last element of an import path that does not name the package.
var version = regexp.MustCompile(`^v[0-9]+$`)

// callee is the imported package and the name that a selector means, as in
// "time", "Now"; ok is false where it selects from something else than a package.
func (f *file) callee(s *ast.SelectorExpr) (imported, name string, ok bool) {
	base, isIdent := s.X.(*ast.Ident)
	if !isIdent {
		return "", "", false
	}
	for _, spec := range f.syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(imported)
		if version.MatchString(local) {
			local = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == base.Name {
			return imported, s.Sel.Name, true
		}
	}
	return "", "", false
}

// at is where a node is, from the module's root.
func (f *file) at(n ast.Node) string {
	return f.name + ":" + strconv.Itoa(parsed.Position(n.Pos()).Line)
}

// within says whether a folder or import path is what the pattern names: itself,
// for a pattern like "api/clock"; one folder below, for "api/*"; itself and all
// below it, for "auth/...".
func within(name, pattern string) bool {
	if base, all := strings.CutSuffix(pattern, "/..."); all {
		return name == base || strings.HasPrefix(name, base+"/")
	}
	match, err := path.Match(pattern, name)
	return err == nil && match
}

func withinAny(name string, patterns []string) bool {
	for _, pattern := range patterns {
		if within(name, pattern) {
			return true
		}
	}
	return false
}
