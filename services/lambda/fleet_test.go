package lambda

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/clock"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

func TestSandboxesAreMadeOfTheVersion(t *testing.T) {
	b := open(t)
	b.create("f", func(in *lam.CreateFunctionInput) {
		in.MemorySize, in.Timeout = new(int32(256)), new(int32(7))
		in.Environment = &lam.Environment{Variables: map[string]string{"A": "b"}}
	})
	b.invoke("f", "1")
	s := b.started[0]
	if s.MemoryMB != 256 || s.Timeout != 7*time.Second || s.EphemeralStorageMB != 512 || s.Environment["A"] != "b" || s.Runtime != "python3.11" ||
		s.Handler != "index.handler" || s.LogGroup != "/aws/lambda/f" || s.Architecture != "x86_64" || s.Credentials.SessionToken != "t" {
		t.Errorf("the sandbox: %+v", s)
	}
	if text, err := os.ReadFile(filepath.Join(s.CodeDir, "index.py")); string(text) != "first" {
		t.Errorf("the code: %q, %v", text, err)
	}
	if a := b.assumed[0]; a.RoleArn != role || a.RoleSessionName != "f" || *a.DurationSeconds != 43200 {
		t.Errorf("the role: %+v", a)
	}
}

func TestSandboxesAreReplaced(t *testing.T) {
	b := open(t)
	b.create("f")
	step := func(what string, fresh int, f func()) {
		t.Helper()
		before := len(b.started)
		f()
		b.invoke("f", "1")
		if n := len(b.started) - before; n != fresh {
			t.Errorf("%s: %d sandboxes were started, want %d", what, n, fresh)
		}
	}
	step("first", 1, func() {})
	step("again", 0, func() {})
	step("publishing", 0, func() { b.publishes("f") })
	step("new code", 1, func() { b.update("f", "second") })
	step("the same code", 1, func() { b.update("f", "second") })
	step("new configuration", 1, func() {
		do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", Timeout: new(int32(5))})
	})
	step("tags", 0, func() {
		do(b, &lam.TagResource, b.tagResource, &lam.TagResourceInput{Resource: arnOf + "f", Tags: map[string]string{"a": "b"}})
	})
	// Credentials are good for twelve hours, and are never used for so long.
	for range 100 {
		b.clock.Advance(time.Hour)
		b.invoke("f", "1")
		if age := b.clock.Now().Sub(b.assumedAt()); age >= credentialLifetime/2 {
			t.Fatalf("credentials are %v old", age)
		}
	}
}

// assumedAt is when the youngest sandbox was started: at the first
// invocation of the six hours that its key names.
func (b *bed) assumedAt() time.Time {
	_, period, _ := bytes.Cut([]byte(b.started[len(b.started)-1].Key.Revision), []byte{'/'})
	at, err := time.Parse("2006-01-02T15", string(period))
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

// An invocation that finds its version changed runs what the version is now.
func TestUpdateDuringAStart(t *testing.T) {
	b := open(t)
	b.create("f")
	old := *b.spec(reference{owner{account, region}, "f", ""}, b.record("f"))
	b.update("f", "second")
	if err := b.prepare(t.Context(), &old); err != errOutdated {
		t.Errorf("preparing what is outdated: %v", err)
	}
	v := b.record("f")
	v.Build = "before"
	result, err := b.Service.invoke(t.Context(), reference{owner{account, region}, "f", ""}, v, &sandbox.Invocation{Payload: []byte("1")})
	if err != nil || string(result.Payload) != "1" || b.started[0].Key.Revision[:6] == "before" {
		t.Errorf("%+v, %v", result, err)
	}
}

// record is a copy of $LATEST.
func (b *bed) record(name string) *version {
	b.t.Helper()
	var v version
	err := b.env.DB.View(func(tx storage.Tx) error {
		found, err := b.find(tx, reference{owner{account, region}, name, ""})
		if err == nil {
			v = *found
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return &v
}

func opener(b []byte) func() (*zip.Reader, io.Closer, error) {
	return func() (*zip.Reader, io.Closer, error) {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		return z, io.NopCloser(nil), err
	}
}

func TestCodeIsUnpackedOnce(t *testing.T) {
	p := newPlacement(filepath.Join(t.TempDir(), "code"), clock.At(start))
	var opened atomic.Int32
	body := opener(packed(map[string]string{"a/b": "x"}))
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			dir, err := p.place(sandbox.Key{Function: string(rune('a' + i))}, "sha+/=", func() (*zip.Reader, io.Closer, error) {
				opened.Add(1)
				return body()
			})
			if err != nil {
				t.Error(err)
			} else if text, err := os.ReadFile(filepath.Join(dir, "a", "b")); string(text) != "x" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	all.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("it was unpacked %d times", n)
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestCodeIsRemovedWhenNobodyUsesIt(t *testing.T) {
	c := clock.At(start)
	p := newPlacement(filepath.Join(t.TempDir(), "code"), c)
	body := opener(packed(map[string]string{"a": "x"}))
	place := func(key, sha string) string {
		t.Helper()
		dir, err := p.place(sandbox.Key{Function: key}, sha, body)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	there := func(dir string) bool {
		_, err := os.Stat(dir)
		return err == nil
	}
	shared, alone := place("f", "shared"), place("f", "alone")
	place("g", "shared")
	p.forget(sandbox.Key{Function: "f"})
	c.Advance(codeGrace - time.Second)
	place("h", "other")
	if !there(alone) {
		t.Error("code went before a start that was under way could use it")
	}
	c.Advance(time.Second)
	place("i", "another")
	if there(alone) || !there(shared) {
		t.Errorf("code without a user is there: %t; code with one: %t", there(alone), there(shared))
	}
	p.forget(sandbox.Key{Function: "g"})
	place("j", "shared")
	c.Advance(time.Hour)
	place("k", "last")
	if !there(shared) {
		t.Error("code that is used again is gone")
	}
}

// What an earlier server left goes with the first invocation, but for the code
// of versions that are there.
func TestCodeOfAnEarlierServer(t *testing.T) {
	b := open(t)
	b.create("f")
	b.invoke("f", "1")
	for _, name := range []string{"gone", ".new-1"} {
		if err := os.MkdirAll(filepath.Join(b.code.dir, name, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.sweepCode(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(b.code.dir)
	if err != nil || len(entries) != 1 || filepath.Join(b.code.dir, entries[0].Name()) != b.started[0].CodeDir {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestUnpacking(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Mkdir(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	// The order in an archive matters here, so there are two of them.
	unpackBoth := func(files ...map[string]string) (string, error) {
		dir := filepath.Join(t.TempDir(), "code")
		var z zip.Reader
		for _, f := range files {
			r, _, err := opener(packed(f))()
			if err != nil {
				t.Fatal(err)
			}
			z.File = append(z.File, r.File...)
		}
		return dir, unpackAll(&z, dir)
	}
	for name, files := range map[string][]map[string]string{
		"a file through a link out":      {{"link@": outside}, {"link/file": "x"}},
		"a file over a link out":         {{"file@": filepath.Join(outside, "file")}, {"file": "x"}},
		"a file through a relative link": {{"link@": "../.."}, {"link/file": "x"}},
		"a name that leads out":          {{"../file": "x"}},
		"an absolute name":               {{filepath.Join(outside, "file"): "x"}},
	} {
		dir, err := unpackBoth(files...)
		if err == nil {
			t.Errorf("%s was unpacked", name)
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s left a directory", name)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("outside: %v, %v", entries, err)
	}
	dir, err := unpackBoth(map[string]string{"lib/a.so.1": "x"}, map[string]string{"lib/a.so@": "a.so.1"})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "lib", "a.so")); string(text) != "x" {
		t.Errorf("a link within: %q, %v", text, err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, e := d.Info(); e == nil && info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o444 != 0o444 {
			t.Errorf("%s is %v: other users can not read it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
