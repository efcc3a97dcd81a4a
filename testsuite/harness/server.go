package harness

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Executors of functions.
const (
	Docker  = "docker"
	Process = "process"
)

// Options are how a server is started.
type Options struct {
	// Data is the data directory; "" keeps everything in memory.
	Data string
	// Executor runs functions; "" is Process.
	Executor string
	// Args are further flags of `virga start`.
	Args []string
	// Env are further environment variables, as in "NAME=value".
	Env []string
}

// Server is one running server.
type Server struct {
	// Addr is the address it listens on, URL the same for clients.
	Addr, URL string
	// HTTP sends every request to the server, whatever host it names.
	HTTP *http.Client

	*running
}

// running is the process of a server.
type running struct {
	process *exec.Cmd
	output  *output
	exited  chan struct{}
	waited  error
	once    sync.Once
	stopped error
}

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 20 * time.Second
)

// Start starts a server that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := start(Program(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.Log())
		}
	})
	return s
}

// Refused starts a server that must not come up, and returns what it said.
func Refused(t testing.TB, o Options) string {
	t.Helper()
	s, err := start(Program(t), o)
	if err == nil {
		s.Stop()
		t.Fatal("the server started")
	}
	var e *exitError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.status != 1 {
		t.Errorf("exit status %d, want 1", e.status)
	}
	return e.said
}

// exitError is a server that ended before it was ready.
type exitError struct {
	status int
	said   string
}

func (e *exitError) Error() string {
	return fmt.Sprintf("the server ended with status %d before it was ready:\n%s", e.status, e.said)
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func start(program string, o Options) (*Server, error) {
	args := []string{"start", "--port", "0", "--log-level", "debug"}
	if o.Data == "" {
		args = append(args, "--memory")
	} else {
		args = append(args, "--data", o.Data)
	}
	if o.Executor == "" {
		o.Executor = Process
	}
	args = append(append(args, "--lambda-executor", o.Executor), o.Args...)
	s := &Server{running: &running{process: exec.Command(program, args...), output: newOutput(), exited: make(chan struct{})}}
	s.process.Env = append(environment(), o.Env...)
	s.process.Stderr = s.output
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.waited = s.process.Wait()
		close(s.exited)
	}()
	select {
	case <-s.output.ready:
	case <-s.exited:
		return nil, &exitError{s.process.ProcessState.ExitCode(), s.Log()}
	case <-time.After(startTimeout):
		s.Kill()
		return nil, fmt.Errorf("the server was not ready within %v:\n%s", startTimeout, s.Log())
	}
	m := listening.FindStringSubmatch(s.Log())
	if m == nil {
		s.Kill()
		return nil, fmt.Errorf("the server does not say where it listens:\n%s", s.Log())
	}
	s.dial(m[1])
	return s, nil
}

// dial makes clients of the server reach it at an address.
func (s *Server) dial(address string) {
	s.Addr, s.URL = address, "http://"+address
	s.HTTP = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 32,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}}
}

// environment is the test's own without what would configure the server or clients.
func environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		ours := false
		for _, prefix := range []string{"VIRGA_", "AWS_", "LAMBDA_", "LOCALSTACK_", "GATEWAY_", "EDGE_", "SERVICES=", "DEBUG=", "LS_LOG=", "PERSISTENCE=", "ENFORCE_IAM="} {
			ours = ours || strings.HasPrefix(v, prefix)
		}
		if !ours {
			kept = append(kept, v)
		}
	}
	return kept
}

// Secure is the same server for clients that speak TLS. They take its
// certificate, which it has made for itself.
func (s *Server) Secure() *Server {
	transport := s.HTTP.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	transport.ForceAttemptHTTP2 = true
	secure := *s
	secure.URL, secure.HTTP = "https://"+s.Addr, &http.Client{Transport: transport}
	return &secure
}

var doors = regexp.MustCompile(`msg="listening too" address=(\S+) service=(\S+)`)

// Door is the same server by the port that speaks one service only. The server
// has one when it was started with a flag such as "--s3-port".
func (s *Server) Door(t testing.TB, service string) *Server {
	t.Helper()
	for _, m := range doors.FindAllStringSubmatch(s.Log(), -1) {
		if m[2] == service {
			door := *s
			door.dial(m[1])
			return &door
		}
	}
	t.Fatalf("the server has no door of %s", service)
	return nil
}

// Log is what the server has written.
func (s *Server) Log() string { return s.output.String() }

// Stop ends the server by SIGTERM and reports an end that was not clean.
func (s *Server) Stop() error {
	s.once.Do(func() {
		s.HTTP.CloseIdleConnections()
		if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
			s.stopped = fmt.Errorf("the server was no longer there to end: %w", err)
			return
		}
		select {
		case <-s.exited:
			if s.waited != nil {
				s.stopped = fmt.Errorf("the server did not end cleanly: %w", s.waited)
			}
		case <-time.After(stopTimeout):
			s.kill()
			s.stopped = fmt.Errorf("the server did not end within %v of SIGTERM", stopTimeout)
		}
	})
	return s.stopped
}

// Kill ends the server by SIGKILL, as a crash would.
func (s *Server) Kill() { s.once.Do(s.kill) }

func (s *Server) kill() {
	s.process.Process.Kill()
	<-s.exited
}

// Drain waits until nothing is on its way between services any more.
func (s *Server) Drain(t testing.TB) { t.Helper(); s.admin(t, "/_virga/drain", nil) }

// Reset empties the server.
func (s *Server) Reset(t testing.TB) { t.Helper(); s.admin(t, "/_virga/reset", nil) }

// Advance moves the server's clock forward.
func (s *Server) Advance(t testing.TB, by time.Duration) {
	t.Helper()
	s.admin(t, "/_virga/clock", map[string]string{"advance": by.String()})
}

func (s *Server) admin(t testing.TB, path string, in any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.HTTP.Post(s.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s: %s", path, resp.Status, text)
	}
}

// output collects a log and notices the line that says the server is ready.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	seen  bool
}

func newOutput() *output { return &output{ready: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if !o.seen && bytes.Contains(o.text.Bytes(), []byte("\nReady.\n")) {
		o.seen = true
		close(o.ready)
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
