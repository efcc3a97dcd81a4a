package process_test

import (
	"log/slog"
	"os"
	"testing"

	"github.com/virga-cloud/virga/services/lambda/sandbox/process"
	"github.com/virga-cloud/virga/services/lambda/sandbox/sandboxtest"
	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

// The test program is its own init.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox-init" {
		os.Exit(tube.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func launcher(t testing.TB) *process.Launcher {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := process.New(process.Options{
		Init: []string{self, "sandbox-init"},
		Dir:  t.TempDir(),
		Log:  slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	t.Cleanup(func() { l.Close() })
	return l
}

func TestConformance(t *testing.T) { sandboxtest.Run(t, launcher(t)) }

func BenchmarkProcess(b *testing.B) { sandboxtest.Bench(b, launcher(b)) }

func TestPython(t *testing.T) { sandboxtest.RunPython(t, launcher(t)) }

func TestNode(t *testing.T) { sandboxtest.RunNode(t, launcher(t)) }
