package docker

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/virga-cloud/virga/services/lambda/sandbox/sandboxtest"
	"github.com/virga-cloud/virga/testsuite/images"
)

func launcher(t testing.TB, change ...func(*Options)) *Launcher {
	t.Helper()
	images.Need(t, images.Provided, images.Python, images.Node)
	init, err := sandboxtest.Init()
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := ParseImages(images.Mapping())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Init:   []string{filepath.Join(init, "init"), "sandbox-init"},
		Dir:    t.TempDir(),
		Owner:  t.Name(),
		Images: mapping,
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, f := range change {
		f(&o)
	}
	l := New(o)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestConformance(t *testing.T) { sandboxtest.Run(t, launcher(t)) }

func TestConformanceOfCopies(t *testing.T) {
	l := launcher(t)
	l.place.copies = true // as if the engine had said that it does not see the files
	sandboxtest.Run(t, l)
}

func BenchmarkDocker(b *testing.B) { sandboxtest.Bench(b, launcher(b)) }

func TestPython(t *testing.T) { sandboxtest.RunPython(t, launcher(t)) }

func TestNode(t *testing.T) { sandboxtest.RunNode(t, launcher(t)) }
