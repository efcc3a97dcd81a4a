package process_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/virga-cloud/virga/services/lambda/sandbox/process"
	"github.com/virga-cloud/virga/services/lambda/sandbox/sandboxtest"
	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

// The test program is its own init, and a server to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox-init" {
		os.Exit(tube.Main(os.Args[2:]))
	}
	if dir, ok := sandboxtest.ServerDir(); ok {
		sandboxtest.Serve(newLauncher(dir, os.Stderr))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func newLauncher(dir string, log io.Writer) *process.Launcher {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return process.New(process.Options{
		Init: []string{self, "sandbox-init"},
		Dir:  dir,
		Log:  slog.New(slog.NewTextHandler(log, nil)),
	})
}

func launcher(t testing.TB) *process.Launcher {
	t.Helper()
	l := newLauncher(t.TempDir(), t.Output())
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestConformance(t *testing.T) { sandboxtest.Run(t, launcher(t)) }

func BenchmarkProcess(b *testing.B) { sandboxtest.Bench(b, launcher(b)) }

func TestPython(t *testing.T) { sandboxtest.RunPython(t, launcher(t)) }

func TestNode(t *testing.T) { sandboxtest.RunNode(t, launcher(t)) }

// Not even a process that has left its session and its group outlives the server.
func TestServerKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux gives the init the processes that its children leave")
	}
	dir := t.TempDir()
	for range 5 { // the server's end and its children's race each other
		left := sandboxtest.KillServer(t, dir)
		sandboxtest.Until(t, func() bool { return !sandboxtest.Running(left.PID) && !sandboxtest.Running(left.Left) })
	}
	l := newLauncher(dir, t.Output())
	if err := l.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rest, err := os.ReadDir(filepath.Join(dir, "run")); err == nil {
		t.Errorf("after the sweep there are %v", rest)
	}
}

// The same holds for the end of one sandbox.
func TestSandboxEnded(t *testing.T) {
	b := sandboxtest.NewBed(t, launcher(t))
	spec := sandboxtest.Spec(t, "leaves")
	var left sandboxtest.Left
	b.OK(spec, `{"do":"leave"}`, &left)
	if !sandboxtest.Running(left.PID) || !sandboxtest.Running(left.Left) {
		t.Fatalf("of %+v not all run", left)
	}
	b.Close()
	if sandboxtest.Running(left.PID) || sandboxtest.Running(left.Left) {
		t.Errorf("of %+v something runs", left)
	}
}
