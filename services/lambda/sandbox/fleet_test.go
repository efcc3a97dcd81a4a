package sandbox_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/lambda/sandbox/process"
	"github.com/virga-cloud/virga/services/lambda/sandbox/sandboxtest"
	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox-init" {
		os.Exit(tube.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func launcher(t *testing.T, init ...string) *process.Launcher {
	t.Helper()
	if init == nil {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		init = []string{self, "sandbox-init"}
	}
	l := process.New(process.Options{Init: init, Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	t.Cleanup(func() { l.Close() })
	return l
}

// A spec is completed once per sandbox, not once per invocation.
func TestPrepare(t *testing.T) {
	n := 0
	b := sandboxtest.NewBed(t, launcher(t), func(o *sandbox.Options) {
		o.Prepare = func(_ context.Context, s *sandbox.Spec) error {
			n++
			dir, err := sandboxtest.Bootstrap()
			s.CodeDir, s.Credentials.AccessKeyID = dir, "ASIAPREPARED"
			return err
		}
	})
	spec := sandboxtest.Spec(t, "prepared")
	spec.CodeDir = ""
	var env map[string]string
	for range 3 {
		if b.OK(spec, `{"do":"environment"}`, &env); env["AWS_ACCESS_KEY_ID"] != "ASIAPREPARED" {
			t.Errorf("the access key is %q", env["AWS_ACCESS_KEY_ID"])
		}
	}
	if n != 1 || spec.CodeDir != "" {
		t.Errorf("prepared %d times; the caller's spec says %q", n, spec.CodeDir)
	}
}

func TestNoSandbox(t *testing.T) {
	bad := errors.New("no role")
	for _, c := range []struct {
		name   string
		change func(*sandbox.Spec)
		init   []string
		option func(*sandbox.Options)
		want   string
	}{
		{name: "what prepares the spec fails", option: func(o *sandbox.Options) {
			o.Prepare = func(context.Context, *sandbox.Spec) error { return bad }
		}, want: "no role"},
		{name: "no client for the runtime", change: func(s *sandbox.Spec) { s.Runtime = "cobol1" },
			want: "cannot start a sandbox (process): runtime cobol1 needs an image that brings its own runtime client"},
		{name: "an image", change: func(s *sandbox.Spec) { s.Image = "mine" },
			want: "cannot start a sandbox (process): a function of package type Image needs the docker executor"},
		{name: "a program that is no init", init: []string{"/bin/sh", "-c", "echo something is wrong >&2"},
			want: "cannot start a sandbox (process): the sandbox ended at once: something is wrong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := []func(*sandbox.Options){}
			if c.option != nil {
				options = append(options, c.option)
			}
			b := sandboxtest.NewBed(t, launcher(t, c.init...), options...)
			spec := sandboxtest.Spec(t, "none")
			if c.change != nil {
				c.change(spec)
			}
			_, err := b.Invoke(t.Context(), spec, sandboxtest.NewInvocation(spec, `{}`))
			if err == nil || err.Error() != c.want {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
			var start *sandbox.StartError
			if errors.As(err, &start) != strings.HasPrefix(c.want, "cannot start") {
				t.Errorf("the error is a %T", err)
			}
			if counts := b.Counts(func(sandbox.Key) bool { return true }); counts != (sandbox.Counts{}) {
				t.Errorf("the fleet counts %+v", counts)
			}
		})
	}
}

// An invocation that names no trace gets one that is not sampled.
func TestTrace(t *testing.T) {
	b := sandboxtest.NewBed(t, launcher(t))
	var h map[string][]string
	b.OK(sandboxtest.Spec(t, "trace"), `{"do":"headers"}`, &h)
	if got := h["Lambda-Runtime-Trace-Id"]; len(got) != 1 || !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(got[0]) {
		t.Errorf("the trace is %q", got)
	}
}
