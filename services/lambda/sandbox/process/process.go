// Package process starts sandboxes as child processes of the server: for
// machines without a container engine, and for the fastest starts.
//
// It is not a security boundary. A function has the rights of the server's user:
// its files, its network. Of the configuration it has no memory limit and no
// size of /tmp; runtimes are what the machine has installed. Code and layers are where
// LAMBDA_TASK_ROOT and the search paths say, not at /var/task and /opt; each sandbox has
// a directory for temporary files of its own, in TMPDIR, while /tmp itself is the machine's.
// What it does hold: nothing of a sandbox outlives the server, however the server ends.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/lambda/sandbox/clients"
	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

// Options are what the launcher is given.
type Options struct {
	// Init is the command of the init: a program that hands the arguments that
	// follow to tube.Main.
	Init []string
	// Dir is a directory of the launcher's own. It is made when it is needed.
	Dir string
	// Log is told once that this is no security boundary.
	Log *slog.Logger
}

// Launcher starts child processes.
type Launcher struct {
	o    Options
	warn sync.Once
	// placed makes the runtime clients once.
	placed func() error

	mu           sync.Mutex
	interpreters map[string]interpreter
}

var _ sandbox.Launcher = (*Launcher)(nil)

// New is a launcher. It does nothing before its first Start.
func New(o Options) *Launcher {
	if dir, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = dir // children are told of it, and run elsewhere
	}
	l := &Launcher{o: o, interpreters: map[string]interpreter{}}
	l.placed = sync.OnceValue(func() error { return clients.Place(l.clientDir()) })
	return l
}

func (l *Launcher) clientDir() string { return filepath.Join(l.o.Dir, "clients") }

// runDir holds a directory per sandbox: its /tmp and the init's last words.
func (l *Launcher) runDir() string { return filepath.Join(l.o.Dir, "run") }

// Name is "process".
func (l *Launcher) Name() string { return "process" }

// Available is nil: every machine can start processes.
func (l *Launcher) Available(context.Context) error { return nil }

// Forget does nothing: code is used where it is.
func (l *Launcher) Forget(sandbox.Key) {}

// Sweep removes what an earlier server left on the disk. Its processes are gone:
// each ends when its line to the server does.
func (l *Launcher) Sweep(context.Context) error { return os.RemoveAll(l.runDir()) }

// Close removes the directories of sandboxes.
func (l *Launcher) Close() error { return os.RemoveAll(l.runDir()) }

// Place finds the interpreter of the runtime.
func (l *Launcher) Place(ctx context.Context, spec *sandbox.Spec) error {
	if spec.Image != "" {
		return errors.New("a function of package type Image needs the docker executor")
	}
	client, err := clients.For(spec.Runtime)
	if err != nil || client.File == "" {
		return err
	}
	_, err = l.interpreter(ctx, spec.Runtime, client)
	return err
}

// Start starts a child process.
func (l *Launcher) Start(ctx context.Context, spec *sandbox.Spec, logStream string) (sandbox.Process, error) {
	client, err := clients.For(spec.Runtime)
	if err != nil {
		return nil, err
	}
	if err := l.placed(); err != nil {
		return nil, err
	}
	l.warn.Do(func() {
		l.o.Log.Warn("functions run as processes of this machine: they are not isolated from it")
	})
	if err := os.MkdirAll(l.runDir(), 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(l.runDir(), "")
	if err != nil {
		return nil, err
	}
	p, err := l.start(ctx, dir, spec, client, logStream)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

func (l *Launcher) start(ctx context.Context, dir string, spec *sandbox.Spec, client clients.Client, logStream string) (*child, error) {
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return nil, err
	}
	at := sandbox.Places{Task: spec.CodeDir, Opt: spec.LayerDir}
	path := "/usr/local/bin:/usr/bin:/bin"
	a := tube.Arguments{Runtime: "127.0.0.1:0", AWS: "127.0.0.1:0"}
	if client.File == "" {
		a.Program = []string{filepath.Join(spec.CodeDir, clients.Bootstrap)}
		if spec.LayerDir != "" {
			a.Else = []string{filepath.Join(spec.LayerDir, clients.Bootstrap)}
		}
	} else {
		file := filepath.Join(l.clientDir(), client.File)
		at.Client = filepath.Dir(file)
		runs, err := l.interpreter(ctx, spec.Runtime, client)
		if err != nil {
			return nil, err
		}
		a.Program = []string{runs.path, file}
		path = filepath.Dir(runs.path) + ":" + path
	}
	if spec.LayerDir != "" {
		a.Extensions = filepath.Join(spec.LayerDir, "extensions")
	}

	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	stderr, err := os.Create(filepath.Join(dir, "init.log"))
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer stderr.Close()
	cmd := exec.Command(l.o.Init[0], append(l.o.Init[1:len(l.o.Init):len(l.o.Init)], a.Command()...)...)
	cmd.Dir = spec.CodeDir
	cmd.Env = append(spec.Variables(logStream, at), spec.SearchPaths(at, path)...)
	cmd.Env = append(cmd.Env, "HOME="+tmp, "TMPDIR="+tmp)
	if _, own := spec.Environment["PYTHONPYCACHEPREFIX"]; !own {
		// Compiled modules are kept from start to start, and out of the code.
		cmd.Env = append(cmd.Env, "PYTHONPYCACHEPREFIX="+filepath.Join(l.o.Dir, "pycache"))
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, stderr
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return &child{Conn: ours, cmd: cmd, dir: dir, gone: make(chan struct{})}, nil
}

// pair is a line: the server's end, and the end that becomes the init's standard
// input and output.
func pair() (net.Conn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	file, theirs := os.NewFile(uintptr(fds[0]), "sandbox"), os.NewFile(uintptr(fds[1]), "sandbox")
	defer file.Close() // FileConn makes its own
	ours, err := net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// child is a running sandbox.
type child struct {
	net.Conn
	cmd  *exec.Cmd
	dir  string
	gone chan struct{}
	once sync.Once
	said string
}

// patience is how long an init has to end what it started before it is killed itself.
const patience = 3 * time.Second

// Kill has the init kill everything, and kills the init if it does not.
func (c *child) Kill() {
	c.once.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience, func() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) })
		go func() {
			<-c.gone
			timer.Stop()
		}()
	})
}

// Wait waits for the init's end, which comes after that of all that it started.
func (c *child) Wait() {
	// How the init ended is of no interest: how the runtime did, it has told.
	_ = c.cmd.Wait()
	if b, err := os.ReadFile(filepath.Join(c.dir, "init.log")); err == nil {
		c.said = strings.TrimSpace(string(b))
	}
	close(c.gone)
	os.RemoveAll(c.dir)
}

// Stderr is what the init said.
func (c *child) Stderr() string {
	<-c.gone
	return c.said
}
