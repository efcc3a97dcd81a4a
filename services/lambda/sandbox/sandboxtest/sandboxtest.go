// Package sandboxtest is the conformance suite of sandbox launchers: what a
// function, its caller and its log may rely on, whatever starts the sandbox.
package sandboxtest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

// Bootstrap builds the test function for the provided runtimes, and Init a static
// program that is the init alone. Each is built once; the result is the directory that holds it.
var (
	Bootstrap = build("bootstrap")
	Init      = build("init")
	extension = build("extension")
)

// programs is where the sources of the programs are.
const programs = "github.com/virga-cloud/virga/services/lambda/sandbox/sandboxtest/testdata/"

// build builds a program of testdata.
func build(name string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		// The same place in every run: there is nothing to be cleaned up.
		dir := filepath.Join(os.TempDir(), "virga-sandboxtest", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), programs+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return dir, nil
	})
}

// Bed is a fleet to test on, with the log lines it has written.
type Bed struct {
	*sandbox.Fleet
	Clock *clock.Clock
	T     testing.TB

	mu    sync.Mutex
	lines []sandbox.LogLine
}

// NewBed is a fleet on a launcher; it is closed at the end of the test.
func NewBed(t testing.TB, l sandbox.Launcher, change ...func(*sandbox.Options)) *Bed {
	t.Helper()
	b := &Bed{Clock: clock.System(), T: t}
	o := sandbox.Options{
		Launcher: l,
		Clock:    b.Clock,
		IDs:      ids.Random(),
		Log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
		Sink:     b,
		ServeAWS: func(c net.Conn) { io.WriteString(c, "") },
	}
	for _, f := range change {
		f(&o)
	}
	b.Fleet = sandbox.New(o)
	t.Cleanup(b.Fleet.Close)
	return b
}

// WriteLog keeps a line.
func (b *Bed) WriteLog(l sandbox.LogLine) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, l)
}

// Log is what has been written so far.
func (b *Bed) Log() []sandbox.LogLine {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]sandbox.LogLine(nil), b.lines...)
}

// Text is what has been written so far, as text.
func (b *Bed) Text() string {
	var text strings.Builder
	for _, l := range b.Log() {
		text.WriteString(l.Text + "\n")
	}
	return text.String()
}

// Spec is a function with the test program as its code.
func Spec(t testing.TB, name string) *sandbox.Spec {
	t.Helper()
	dir, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	return Function(name, "provided.al2023", "bootstrap", dir)
}

// Function is a function with its code in dir.
func Function(name, runtime, handler, dir string) *sandbox.Spec {
	return &sandbox.Spec{
		Key: sandbox.Key{
			Function: "arn:aws:lambda:us-east-1:000000000000:function:" + name,
			Version:  "$LATEST",
			Revision: "1",
		},
		FunctionName:       name,
		Account:            "000000000000",
		Region:             "us-east-1",
		Runtime:            runtime,
		Handler:            handler,
		Architecture:       "x86_64",
		MemoryMB:           128,
		EphemeralStorageMB: 512,
		Timeout:            30 * time.Second,
		LogGroup:           "/aws/lambda/" + name,
		CodeDir:            dir,
		Credentials:        sandbox.Credentials{AccessKeyID: "ASIATEST", SecretAccessKey: "secret", SessionToken: "token"},
	}
}

var requests = ids.Random()

// Call invokes a function and returns what became of it, with the tail of its log.
func (b *Bed) Call(spec *sandbox.Spec, event string) *sandbox.Result {
	b.T.Helper()
	res, err := b.Invoke(b.T.Context(), spec, NewInvocation(spec, event))
	if err != nil {
		b.T.Fatalf("%s: %v", event, err)
	}
	return res
}

// NewInvocation is an invocation with an id of its own that asks for the tail of the log.
func NewInvocation(spec *sandbox.Spec, event string) *sandbox.Invocation {
	return &sandbox.Invocation{
		RequestID:   requests.UUID(),
		Payload:     []byte(event),
		FunctionARN: spec.Key.Function,
		Tail:        true,
	}
}

// OK invokes a function, which must succeed, and reads its response into v.
func (b *Bed) OK(spec *sandbox.Spec, event string, v any) *sandbox.Result {
	b.T.Helper()
	res := b.Call(spec, event)
	if res.FunctionError != "" {
		b.T.Fatalf("%.200s: %s: %.1000s\nlog:\n%s", event, res.FunctionError, res.Payload, res.LogTail)
	}
	if err := json.Unmarshal(res.Payload, v); err != nil {
		b.T.Fatalf("%s: the response %.200q: %v", event, res.Payload, err)
	}
	return res
}

// Failure is the JSON of a function's error.
type Failure struct {
	ErrorType    string   `json:"errorType"`
	ErrorMessage string   `json:"errorMessage"`
	RequestID    string   `json:"requestId"`
	StackTrace   []string `json:"stackTrace"`
	Trace        []string `json:"trace"`
}

// Fails invokes a function, which must fail, and returns how.
func (b *Bed) Fails(spec *sandbox.Spec, event string) (Failure, *sandbox.Result) {
	b.T.Helper()
	res := b.Call(spec, event)
	if res.FunctionError != sandbox.Unhandled {
		b.T.Fatalf("%s: the function error is %q, and the payload %.200s", event, res.FunctionError, res.Payload)
	}
	var f Failure
	if err := json.Unmarshal(res.Payload, &f); err != nil {
		b.T.Fatalf("%s: the error %q: %v", event, res.Payload, err)
	}
	return f, res
}
