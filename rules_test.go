// Package virga_test holds the module to its plan: who may import whom, which
// library lives in which room, what a service may not take for itself, and how
// packages and folders present themselves. Each rule carries its reason, which
// is what a failure prints. CONTRIBUTING.md tells the same as prose.
package virga_test

import (
	"go/ast"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A room is a part of the tree and what it may import of the module. The first
// room whose pattern a folder is within is the folder's.
type room struct {
	folders string
	may     []string
	because string
}

var rooms = []room{
	{"api", nil,
		"the vocabulary stands on the standard library alone, so that everything may stand on it"},
	{"api/attribute", []string{"api/jsontext"}, "it is a hand-written type of the vocabulary that knows its own form in JSON"},
	{"api/jsontext", nil, "it is how texts of JSON are written, by whoever writes them"},
	{"api/clock", nil, "it is what everything is given"},
	{"api/ids", nil, "it is what everything is given"},
	{"api/*", []string{"api", "api/*"},
		"generated packages are types without behaviour"},
	{"auth/...", []string{"api/...", "auth/..."},
		"signatures and policies are decided from what is passed in; they know no store and no service"},
	{"storage/...", []string{"api/...", "storage/..."},
		"the store knows nothing of what is stored"},
	{"events/...", []string{"api/...", "storage/...", "events/..."},
		"events travel by ARN; they know addresses, not services"},
	{"services/service/...", []string{"api/...", "storage/...", "events/...", "services/service/..."},
		"it says what any service is given, and so knows none"},
	{"services/iam/...", []string{"api/...", "auth", "storage/...", "events/...", "services/service/...", "services/iam/..."},
		"it holds the keys and policies that auth asks for, and is a service otherwise"},
	{"services/sts/...", []string{"api/...", "auth", "storage/...", "events/...", "services/service/...", "services/sts/..."},
		"it issues the keys that auth asks for, and is a service otherwise"},
	{"services/*/...", []string{"api/...", "storage/...", "events/...", "services/service/...", "SELF/..."},
		"a service never imports another service nor the server: facts go through events, questions through an interface that the asker declares"},
	{"services", []string{"api/...", "auth", "storage/...", "events/...", "services/..."},
		"it puts the services together; the server stays out of it"},
	{"server/protocol/...", []string{"api/...", "server/protocol/..."},
		"bytes to types and back needs the types only"},
	{"server/...", []string{"api/...", "auth/...", "server/...", "services/service/..."},
		"the server serves any service and so knows none"},
	{"cmd/apigen/...", []string{"cmd/apigen/..."},
		"the generator makes the vocabulary and must build without it"},
	{"cmd/...", []string{"api/...", "auth/...", "storage/...", "events/...", "server/...", "services/...", "cmd/..."},
		"the binary is made of everything but the tests"},
	{"testsuite/...", []string{"..."},
		"tests may reach for anything"},
	{"examples/...", []string{"examples/..."},
		"an example is a user's program: it reaches Virga through its port"},
	{"", nil, "the root holds these rules and no code"},
}

// tests are what test files anywhere may import besides.
var tests = []string{"storage/...", "events/...", "testsuite/images", "cmd/apigen/model"}

func roomOf(folder string) (room, bool) {
	for _, r := range rooms {
		// "services/*/..." is the room of every single service.
		if head, each := strings.CutSuffix(r.folders, "/*/..."); each {
			if rest, below := strings.CutPrefix(folder, head+"/"); below {
				service, _, _ := strings.Cut(rest, "/")
				r.may = slices.Clone(r.may)
				for i := range r.may {
					r.may[i] = strings.ReplaceAll(r.may[i], "SELF", head+"/"+service)
				}
				return r, true
			}
		} else if within(folder, r.folders) {
			return r, true
		}
	}
	return room{}, false
}

func TestImportsFollowThePlan(t *testing.T) {
	for _, f := range files(t) {
		r, ok := roomOf(f.folder)
		if !ok {
			t.Errorf("%s is in no room of the plan: give its folder one in rooms, with the reason", f.name)
			continue
		}
		for _, imported := range f.imports {
			target, ours := strings.CutPrefix(imported, module+"/")
			if !ours || target == f.folder || slices.Contains(r.may, "...") || withinAny(target, r.may) {
				continue
			}
			if f.test && withinAny(target, tests) {
				continue
			}
			t.Errorf("%s imports %s: %s", f.name, target, r.because)
		}
	}
}

// A library is a third party's module and the only place that may import it.
type library struct {
	module  string
	within  []string // folders, or a single file
	because string
}

// The first that fits an import decides.
var libraries = []library{
	{"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream", []string{"server/protocol/...", "testsuite/..."},
		"it encodes and checks event-stream frames, and nothing else"},
	{"github.com/aws/aws-sdk-go-v2", []string{"testsuite/...", "TESTS auth/...", "TESTS server/..."},
		"it is the judge of what we answer, so it must have no part in the answer"},
	{"github.com/aws/smithy-go", []string{"testsuite/...", "TESTS auth/...", "TESTS server/..."},
		"it is the judge of what we answer, so it must have no part in the answer"},
	{"github.com/dgraph-io", []string{"storage/badger.go", "storage/badgertx.go", "storage/badgerload.go", "TESTS storage/..."},
		"three files know the engine, or another engine could never take its place"},
	{"github.com/docker", []string{"services/lambda/..."},
		"one package starts containers, or another launcher could never take its place"},
	{"github.com/containerd/errdefs", []string{"services/lambda/sandbox/docker"},
		"it names the errors of the Docker client"},
	{"github.com/opencontainers", []string{"services/lambda/sandbox/docker"},
		"it names the types of the Docker client"},
	{"github.com/gorilla/mux", []string{"server/..."},
		"one room matches hosts and paths"},
	{"github.com/hashicorp/yamux", []string{"services/lambda/sandbox/..."},
		"one package carries streams through a sandbox's standard input and output"},
	{"github.com/tidwall/btree", []string{"storage/memory.go", "storage/memtable.go", "storage/cursor.go"},
		"what is in memory is kept in order by it, and by nothing else"},
	{"github.com/fxamacker/cbor/v2", []string{"server/protocol/...", "storage/records.go"},
		"one room knows the wire, and one file the form of records"},
	{"github.com/minio/minio-go/v7", []string{"testsuite/..."},
		"it is the judge of what clients of MinIO meet"},
	{"github.com/minio/crc64nvme", []string{"server/...", "services/s3/...", "testsuite/..."},
		"it is a checksum of S3 bodies"},
	{"github.com/cespare/xxhash", []string{"server/...", "services/s3/...", "testsuite/..."},
		"it is a checksum of S3 bodies"},
	{"github.com/zeebo/xxh3", []string{"server/...", "services/s3/...", "testsuite/..."},
		"it is a checksum of S3 bodies"},
	{"github.com/parquet-go/parquet-go", []string{"services/s3/selecting/..."},
		"Parquet is one of the formats that S3 Select reads"},
	{"github.com/klauspost/compress", []string{"server/...", "storage/...", "services/dynamodb/dump"},
		"compression is a matter of the wire, of the store and of files that tables are imported from"},
	{"github.com/amazon-ion", []string{"services/dynamodb/dump"},
		"one package knows the forms of files that tables are exported to and imported from"},
	{"github.com/spf13/pflag", []string{"cmd/...", "services/lambda/sandbox/docker"},
		"one room reads the command line, and one the flags of docker run"},
	{"github.com/spf13", []string{"cmd/..."},
		"one room reads the command line"},
	{"github.com/google/uuid", []string{"api/ids"},
		"identifiers are given, not taken"},
	{"github.com/google/go-cmp", []string{"testsuite/...", "storage/storagetest", "TESTS ..."},
		"it is for tests: it may panic on what it cannot compare"},
	{"golang.org/x/sync", []string{"..."},
		"it is the standard library's extension"},
	{"golang.org/x/sys", []string{"..."},
		"it is the standard library's extension"},
	{"golang.org/x/tools", []string{"cmd/apigen/..."},
		"one room writes Go"},
}

func TestLibrariesKeepToTheirRooms(t *testing.T) {
	for _, f := range files(t) {
		for _, imported := range f.imports {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || within(imported, module+"/...") {
				continue // the standard library's, or ours
			}
			i := slices.IndexFunc(libraries, func(l library) bool { return within(imported, l.module+"/...") })
			if i < 0 {
				t.Errorf("%s imports %s, which has no room: give it one in libraries, with the reason", f.name, imported)
				continue
			}
			if l := libraries[i]; !slices.ContainsFunc(l.within, f.inside) {
				t.Errorf("%s imports %s, which belongs in %s: %s", f.name, imported, strings.Join(l.within, ", "), l.because)
			}
		}
	}
}

// inside says whether a library's place includes the file.
func (f *file) inside(place string) bool {
	if folders, forTests := strings.CutPrefix(place, "TESTS "); forTests {
		return f.test && (folders == "..." || within(f.folder, folders))
	}
	return place == "..." || f.name == place || within(f.folder, place)
}

// Within services/lambda it is one package that knows the Docker engine.
func TestOnePackageStartsContainers(t *testing.T) {
	var packages []string
	for _, f := range files(t) {
		if f.test || slices.Contains(packages, f.folder) {
			continue
		}
		if slices.ContainsFunc(f.imports, func(i string) bool { return within(i, "github.com/docker/...") }) {
			packages = append(packages, f.folder)
		}
	}
	if len(packages) > 1 {
		t.Errorf("%s import the Docker client; one package is enough", strings.Join(packages, " and "))
	}
}

// taken are what services and events would take from the machine, by import
// path and name ("" for all of a package), and who gives it instead.
var taken = map[string]string{
	"time.Now":        "ask Env.Clock, or api.CallFrom(ctx).Time: users freeze and advance time",
	"time.Since":      "subtract from Env.Clock: users freeze and advance time",
	"time.Until":      "subtract from Env.Clock: users freeze and advance time",
	"time.Sleep":      "wait with Env.Clock: users freeze and advance time",
	"time.After":      "wait with Env.Clock: users freeze and advance time",
	"time.AfterFunc":  "wait with Env.Clock: users freeze and advance time",
	"time.Tick":       "wait with Env.Clock: users freeze and advance time",
	"time.NewTimer":   "wait with Env.Clock: users freeze and advance time",
	"time.NewTicker":  "wait with Env.Clock: users freeze and advance time",
	"crypto/rand.":    "take identifiers from Env.IDs: tests make them predictable",
	"math/rand.":      "take identifiers from Env.IDs: tests make them predictable",
	"math/rand/v2.":   "take identifiers from Env.IDs: tests make them predictable",
	"os.Getenv":       "read Env.Config: configuration is read in one place",
	"os.LookupEnv":    "read Env.Config: configuration is read in one place",
	"os.Environ":      "read Env.Config: configuration is read in one place",
	"log.":            "write to Env.Log",
	"log/slog.Info":   "write to Env.Log",
	"log/slog.Warn":   "write to Env.Log",
	"log/slog.Error":  "write to Env.Log",
	"log/slog.Debug":  "write to Env.Log",
	"encoding/gob.":   "records are written with storage's typed records",
	"net/http.Get":    "deliver through Env.Events, or ask through an interface",
	"net/http.Post":   "deliver through Env.Events, or ask through an interface",
	"net/http.Listen": "the server owns the port",
}

// exempt are the packages that the machine's time and goroutines are the matter of.
var exempt = map[string]string{
	"services/lambda/sandbox/...":     "it watches over processes, whose time is the machine's",
	"services/service/sourcetest/...": "it is a suite of tests, which write from many sides at once",
}

func TestTimeIDsAndGoroutinesAreGiven(t *testing.T) {
	for _, f := range files(t) {
		if f.test || !withinAny(f.folder, []string{"services/...", "events/..."}) {
			continue
		}
		if withinAny(f.folder, slices.Collect(maps.Keys(exempt))) {
			continue
		}
		starts := func(n ast.Node) {
			// What events starts within its Run ends with it.
			if !within(f.folder, "events/...") {
				t.Errorf("%s starts a goroutine: the server owns every goroutine; offer Run(ctx) for work in the background", f.at(n))
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				imported, name, ok := f.callee(n)
				if !ok {
					break
				}
				because, forbidden := taken[imported+"."+name]
				if !forbidden {
					because, forbidden = taken[imported+"."]
				}
				if forbidden {
					t.Errorf("%s uses %s.%s: %s", f.at(n), imported, name, because)
				}
			case *ast.GoStmt:
				starts(n)
			case *ast.CallExpr:
				// sync.WaitGroup and errgroup.Group start goroutines by this name.
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Go" {
					starts(n)
				}
			}
			return true
		})
	}
}

// The package comment is where a reader learns a package's words, powers and
// limits; two would be read as one, in whatever order.
func TestEveryPackageIntroducesItself(t *testing.T) {
	introductions := map[string][]string{} // files with a package comment, by folder
	for _, f := range files(t) {
		if f.test && f.folder != "" {
			continue
		}
		by := introductions[f.folder]
		if f.syntax.Doc != nil {
			by = append(by, f.name)
			begins := "Package " + f.syntax.Name.Name + " "
			if f.syntax.Name.Name == "main" {
				begins = "Command " + filepath.Base(f.folder) + " "
			}
			if !strings.HasPrefix(f.syntax.Doc.Text(), begins) {
				t.Errorf("%s: its package comment should begin with %q", f.name, begins)
			}
		}
		introductions[f.folder] = by
	}
	for folder, by := range introductions {
		if len(by) == 0 {
			t.Errorf("%s has no package comment: say its words, its powers and its limits", folder)
		}
		if len(by) > 1 {
			t.Errorf("%s are both the package comment: one file introduces the package", strings.Join(by, " and "))
		}
	}
}

// What a folder is called when nobody knew what it is for.
var nameless = []string{"internal", "pkg", "util", "utils", "common", "helper", "helpers", "models", "manager", "managers", "misc", "shared", "lib", "core", "base"}

func TestFoldersAreNamedForTheirRoles(t *testing.T) {
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || name == "." {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "testdata", "bin", "dist"}, d.Name()) {
			return filepath.SkipDir
		}
		if slices.Contains(nameless, d.Name()) {
			t.Errorf("%s: name the folder for its role, so that the listing tells the architecture", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A file is one resource or one idea. Past aim it deserves a look, past most it
// holds two.
func TestFilesStayReadable(t *testing.T) {
	const aim, most = 500, 600
	for _, f := range files(t) {
		switch {
		case f.generated:
		case f.lines > most:
			t.Errorf("%s has %d lines, more than %d: find the second idea in it and give that its own file", f.name, f.lines, most)
		case f.lines > aim:
			t.Logf("%s has %d lines and aims at %d", f.name, f.lines, aim)
		}
	}
}
