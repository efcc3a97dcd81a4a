package docker

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/lambda/sandbox/sandboxtest"
	"github.com/virga-cloud/virga/testsuite/images"
)

// The test program can be a server to be killed.
func TestMain(m *testing.M) {
	if dir, ok := sandboxtest.ServerDir(); ok {
		l, err := newLauncher(dir, crashed, os.Stderr)
		if err != nil {
			panic(err)
		}
		sandboxtest.Serve(l)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func newLauncher(dir, owner string, log io.Writer) (*Launcher, error) {
	init, err := sandboxtest.Init()
	if err != nil {
		return nil, err
	}
	mapping, err := ParseImages(images.Mapping())
	if err != nil {
		return nil, err
	}
	return New(Options{
		Init:   []string{filepath.Join(init, "init"), "sandbox-init"},
		Dir:    dir,
		Owner:  owner,
		Images: mapping,
		Log:    slog.New(slog.NewTextHandler(log, nil)),
	}), nil
}

func launcher(t testing.TB) *Launcher {
	t.Helper()
	images.Need(t, images.Provided, images.Python, images.Node)
	l, err := newLauncher(t.TempDir(), "test of "+t.Name(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestConformance(t *testing.T) { sandboxtest.Run(t, launcher(t)) }

// An engine that does not see the server's files has them copied.
func TestCopies(t *testing.T) {
	l := launcher(t)
	l.place.copies = true
	sandboxtest.RunPlacement(t, l)
	// The runtime clients are among what is copied.
	b := sandboxtest.NewBed(t, l)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.py"), []byte("def handler(event, context):\n    return event['n'] + 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var n int
	if b.OK(sandboxtest.Function("copied", "python3.11", "index.handler", dir), `{"n":41}`, &n); n != 42 {
		t.Errorf("the response is %d", n)
	}
	// With the launcher go its volumes.
	b.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	api, err := l.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left, err := api.VolumeList(t.Context(), volume.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelOwner+"="+l.o.Owner))})
	if err != nil || len(left.Volumes) > 0 {
		t.Errorf("%d volumes are left: %v", len(left.Volumes), err)
	}
}

func BenchmarkDocker(b *testing.B) { sandboxtest.Bench(b, launcher(b)) }

func TestPython(t *testing.T) { sandboxtest.RunPython(t, launcher(t)) }

func TestNode(t *testing.T) { sandboxtest.RunNode(t, launcher(t)) }

// crashed is the owner of what the server that is killed has started.
const crashed = "a server that is killed"

// containers are those of the launcher's owner, as the engine lists them.
func containers(t *testing.T, l *Launcher) []string {
	t.Helper()
	api, err := l.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := api.ContainerList(t.Context(), container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", labelOwner+"="+l.o.Owner))})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Names...)
	}
	return names
}

// A container ends with the connection of the server that is attached to it.
func TestServerKilled(t *testing.T) {
	l := launcher(t)
	l.o.Owner = crashed
	sandboxtest.KillServer(t, t.TempDir())
	sandboxtest.Until(t, func() bool { return len(containers(t, l)) == 0 })
}

// A server can end when its container has been made and not started.
func TestSweep(t *testing.T) {
	l := launcher(t)
	api, err := l.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec := sandboxtest.Spec(t, "sweep")
	img, err := l.image(t.Context(), api, spec)
	if err != nil {
		t.Fatal(err)
	}
	config, host, err := l.configure(spec, "stream", img)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.create(t.Context(), api, spec, config, host, "virga-test-of-sweep"); err != nil {
		t.Fatal(err)
	}
	if left := containers(t, l); len(left) != 1 {
		t.Fatalf("there are %v", left)
	}
	if err := l.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := containers(t, l); len(left) != 0 {
		t.Errorf("the sweep leaves %v", left)
	}
}

// An image that the engine neither has nor can pull is named, with the way out.
func TestImageMissing(t *testing.T) {
	l := launcher(t)
	l.o.Images = Images{pattern: "localhost:1/no/<runtime>:latest"}
	err := l.Place(t.Context(), sandboxtest.Spec(t, "missing"))
	if err == nil || !strings.Contains(err.Error(), "does not have the image localhost:1/no/provided.al2023:latest") || !strings.Contains(err.Error(), "LAMBDA_RUNTIME_IMAGE_MAPPING") {
		t.Errorf("the error is %v", err)
	}
}

// A function that is an image runs the image's own program, here the one that is
// mounted into an image of nothing.
func TestImageFunction(t *testing.T) {
	images.Need(t, images.Scratch)
	l := launcher(t)
	b := sandboxtest.NewBed(t, l)
	spec := sandboxtest.Spec(t, "image")
	l.o.Flags.volumes = []string{spec.CodeDir + ":/app:ro"}
	spec.Image, spec.Runtime, spec.Handler, spec.CodeDir = images.Scratch, "", "", ""
	spec.Entrypoint, spec.Command, spec.WorkDir = []string{"/app/bootstrap"}, []string{"argument"}, "/app"
	var at struct{ Directory string }
	if b.OK(spec, `{"do":"directory"}`, &at); at.Directory != "/app" {
		t.Errorf("it runs in %q", at.Directory)
	}
}

// Containers need no network: the tube is all they have.
func TestNoNetwork(t *testing.T) {
	l := launcher(t)
	l.o.Network = "none"
	b := sandboxtest.NewBed(t, l, func(o *sandbox.Options) {
		o.ServeAWS = func(c net.Conn) { io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nhere") }
	})
	var said string
	if b.OK(sandboxtest.Spec(t, "alone"), `{"do":"get","text":"/"}`, &said); said != "here" {
		t.Errorf("the function read %q", said)
	}
}

// More memory than the function has ends the runtime.
func TestOutOfMemory(t *testing.T) {
	l := launcher(t)
	api, err := l.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := api.Info(t.Context()); err != nil || !info.MemoryLimit {
		t.Skipf("the engine has no memory limits (%v): its kernel needs the memory cgroup", err)
	}
	b := sandboxtest.NewBed(t, l)
	f, _ := b.Fails(sandboxtest.Spec(t, "memory"), `{"do":"allocate","n":300}`)
	if f.ErrorType != "Runtime.OutOfMemory" || !strings.HasSuffix(f.ErrorMessage, " Error: Runtime exited with error: signal: killed") {
		t.Errorf("the error is %+v", f)
	}
}

// AWS's base images have an entry point that takes the handler and runs their own
// client. It is run as it is; this image says what it was given.
func TestLambdaImage(t *testing.T) {
	l := launcher(t)
	api, err := l.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := api.ContainerCreate(t.Context(), &container.Config{Image: images.Provided, Cmd: []string{"none"}}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer remove(context.Background(), api, made.ID)
	const name = "virga-test/lambda:image"
	_, err = api.ContainerCommit(t.Context(), made.ID, container.CommitOptions{Reference: name, Config: &container.Config{
		Entrypoint: []string{"/bin/sh", "-c", `echo "handler $0 at $AWS_LAMBDA_RUNTIME_API of $LAMBDA_RUNTIME_DIR"; exec $LAMBDA_TASK_ROOT/bootstrap`},
		Env:        []string{"LAMBDA_RUNTIME_DIR=/var/runtime", "LAMBDA_TASK_ROOT=/var/task", "PATH=/usr/bin:/bin"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer api.ImageRemove(context.Background(), name, dockerimage.RemoveOptions{})
	l.o.Images = Images{pattern: name}
	b := sandboxtest.NewBed(t, l)
	spec := sandboxtest.Spec(t, "base")
	spec.Runtime, spec.Handler = "ruby3.3", "app.handler"
	b.OK(spec, `{"do":"echo"}`, new(any))
	if want := "handler app.handler at 127.0.0.1:9001 of /var/runtime\n"; !strings.Contains(b.Text(), want) {
		t.Errorf("the log is\n%s", b.Text())
	}
}
