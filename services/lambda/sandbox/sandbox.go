// Package sandbox runs functions. A sandbox is a program that runs one version
// of one function, one invocation at a time; a fleet keeps the sandboxes of all
// functions, starts them, reuses them and lets them go; a launcher knows how to
// start the program (as a child process, in a container).
//
// Whatever the launcher, the program in the sandbox is the init of package
// tube, and the server talks to it over the program's standard input and output
// alone. The function reaches the Lambda Runtime API and the AWS endpoint at
// loopback addresses inside its sandbox, and both end in this package:
// no sandbox needs a route to the server, or any network at all.
//
// A function's clock is the machine's, so its deadline and its durations are
// in real time; how long an idle sandbox is kept goes by the clock that the
// fleet is given.
//
// The package knows nothing of permissions, queues, retries, reserved
// concurrency or aliases: those are the control plane's.
package sandbox

import (
	"context"
	"errors"
	"io"
	"time"
)

// Key says which code a sandbox runs. Two invocations with equal keys may share
// a sandbox.
type Key struct {
	// Function is the function's ARN, without a version.
	Function string
	// Version is "$LATEST" or a number.
	Version string
	// Revision changes with every change of code or configuration of the
	// version. The first invocation of a new revision retires the sandboxes of
	// the old one.
	Revision string
}

// Credentials are those of the function's execution role.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Spec says how a sandbox is made. The fleet does not change a Spec that it is
// given, and the caller must not change it after it has been used.
type Spec struct {
	Key Key
	// FunctionName is the name alone.
	FunctionName string
	// Account and Region are where the function is.
	Account, Region string

	// Runtime is the identifier of the managed runtime, as in "python3.11"; it is
	// "" for a function that is an image.
	Runtime string
	// Handler is the configured handler, "" for images.
	Handler string
	// Architecture is "x86_64" or "arm64".
	Architecture string
	// Environment holds the function's own variables.
	Environment map[string]string
	// MemoryMB is the configured memory, EphemeralStorageMB the size of /tmp.
	MemoryMB, EphemeralStorageMB int
	// Timeout is how long one invocation may take.
	Timeout time.Duration
	// LogGroup is where the function's output goes. The stream in it is chosen per sandbox.
	LogGroup string

	// CodeDir is the function's code, unpacked, on this machine ("" for images).
	// It becomes /var/task, or LAMBDA_TASK_ROOT where there can be no such path.
	CodeDir string
	// LayerDir is the function's layers, unpacked over each other by
	// MergeLayers ("" none). It becomes /opt.
	LayerDir string
	// Image is the image of a function that is one, and Entrypoint, Command and
	// WorkDir are what its ImageConfig overrides.
	Image               string
	Entrypoint, Command []string
	WorkDir             string

	// Credentials go into the sandbox's environment.
	Credentials Credentials
}

// Invocation is one call of a function.
type Invocation struct {
	// RequestID is the id that the function, its log and the caller see.
	RequestID string
	// Payload is the event: JSON.
	Payload []byte
	// FunctionARN is the ARN that was invoked, with its qualifier where there was one.
	FunctionARN string
	// ClientContext is the client context as JSON text ("" none), and
	// CognitoIdentity the identity, likewise.
	ClientContext, CognitoIdentity string
	// TraceID is the X-Ray tracing header ("" makes one that is not sampled).
	TraceID string
	// Tail asks for Result.LogTail.
	Tail bool
	// Stream receives the response as the function writes it (nil: it is
	// collected in Result.Payload, up to MaxResponse).
	Stream io.Writer
}

// Result is what became of an invocation that reached a function.
type Result struct {
	// Payload is the function's response, or the JSON of its error.
	Payload []byte
	// ContentType is what the runtime said of the payload.
	ContentType string
	// FunctionError is "" or "Unhandled", as the header
	// X-Amz-Function-Error says it.
	FunctionError string
	// ErrorType is the error's type where there was one, as in "Runtime.ExitError".
	ErrorType string
	// LogTail is the last 4 KB of the invocation's log, where it was asked for.
	LogTail []byte
	// Duration is the time from handing the event over to having the response;
	// Billed is that in whole milliseconds, initialization included.
	Duration, Billed time.Duration
	// Init is how long the sandbox took to start, 0 where it was warm.
	Init time.Duration
	// MaxMemoryMB is the most memory that the runtime has used; 0 where it is not known.
	MaxMemoryMB int
}

// Sizes that Lambda documents.
const (
	// MaxResponse is the largest response of a synchronous invocation, in bytes.
	MaxResponse = 6*1024*1024 + 100
	// MaxTail is how much of the log an invocation can return, in bytes.
	MaxTail = 4096
)

// Unhandled is the only value of Result.FunctionError that Lambda gives today,
// whether the runtime reported the error or ended.
const Unhandled = "Unhandled"

// ErrClosed is the error of an invocation on a fleet that has been closed.
var ErrClosed = errors.New("the function sandboxes are shut down")

// StartError says that no sandbox could be started: there is no engine, no
// image, no interpreter. It is never the function's fault.
type StartError struct {
	// Launcher is the name of the launcher that failed.
	Launcher string
	Err      error
}

func (e *StartError) Error() string {
	return "cannot start a sandbox (" + e.Launcher + "): " + e.Err.Error()
}

func (e *StartError) Unwrap() error { return e.Err }

// Launcher starts the programs that are sandboxes. It is safe for concurrent use.
type Launcher interface {
	// Name is the word of the configuration: "docker", "process".
	Name() string
	// Available returns nil when sandboxes can be started now, and else the reason in
	// a sentence that says what to do.
	Available(ctx context.Context) error
	// Place makes a version ready to be started: it finds the interpreter, pulls the
	// image, puts the code where sandboxes see it. What has been done is not
	// done again. It may take as long as a download does.
	Place(ctx context.Context, spec *Spec) error
	// Start starts the init of package tube as spec, which has been placed, and its log
	// stream say. The context is for the start alone.
	Start(ctx context.Context, spec *Spec, logStream string) (Process, error)
	// Forget lets go of what was placed for a version that will not be started again.
	Forget(key Key)
	// Sweep removes what an earlier server of the same owner left behind.
	Sweep(ctx context.Context) error
	// Close ends what the launcher itself holds. Processes are ended before it.
	Close() error
}

// Process is a started sandbox: Read and Write are the other ends of the init's
// standard output and input.
type Process interface {
	io.ReadWriteCloser
	// Kill begins to end the program and all that it started; Wait says when that is done.
	Kill()
	// Wait returns when all of that is gone. It must be called, once.
	Wait()
	// Stderr is the last of what the init itself had to say, for the error
	// message when it could not begin. It is called after Wait.
	Stderr() string
}

// LogLine is a line of a function's log.
type LogLine struct {
	// Spec is the sandbox's, Stream its log stream.
	Spec   *Spec
	Stream string
	// RequestID is the invocation that was running, "" between invocations.
	RequestID string
	Time      time.Time
	// Text is the line without its end.
	Text string
}

// LogSink receives the log lines of all functions. It must not block for long:
// a function waits for its log.
type LogSink interface {
	WriteLog(line LogLine)
}

// Pick returns the first launcher that is available, and else the reasons of all.
func Pick(ctx context.Context, launchers ...Launcher) (Launcher, error) {
	var reasons []error
	for _, l := range launchers {
		err := l.Available(ctx)
		if err == nil {
			return l, nil
		}
		reasons = append(reasons, &StartError{Launcher: l.Name(), Err: err})
	}
	return nil, errors.Join(reasons...)
}
