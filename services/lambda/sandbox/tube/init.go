package tube

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Arguments are what Main is told by the launcher.
type Arguments struct {
	// Runtime and AWS are the loopback addresses to listen on; port 0 takes a free one.
	Runtime, AWS string
	// Extensions is the directory of extensions ("" none).
	Extensions string
	// Program is what to run, with its arguments; the first of Else that
	// exists is run where it does not.
	Program []string
	Else    []string
}

// Command is the Arguments as Main reads them.
func (a Arguments) Command() []string {
	out := []string{"-runtime", a.Runtime, "-aws", a.AWS}
	if a.Extensions != "" {
		out = append(out, "-extensions", a.Extensions)
	}
	for _, p := range a.Else {
		out = append(out, "-else", p)
	}
	return append(append(out, "--"), a.Program...)
}

func parse(args []string) (Arguments, error) {
	var a Arguments
	f := flag.NewFlagSet("sandbox-init", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&a.Runtime, "runtime", "127.0.0.1:0", "")
	f.StringVar(&a.AWS, "aws", "127.0.0.1:0", "")
	f.StringVar(&a.Extensions, "extensions", "", "")
	f.Func("else", "", func(p string) error { a.Else = append(a.Else, p); return nil })
	if err := f.Parse(args); err != nil {
		return a, err
	}
	a.Program = f.Args()
	if len(a.Program) == 0 {
		return a, errors.New("no program to run")
	}
	return a, nil
}

// Main is the program of a sandbox: it runs the function's runtime and
// carries its streams until one or the other ends. It returns its exit code.
// Its standard input and output are the line to the server.
func Main(args []string) int {
	// The signal that ends the child with its parent is tied to the thread that started it.
	runtime.LockOSThread()
	// The work is one of passing on: on one processor a goroutine passes to the next at
	// once, on more it wakes another thread first.
	runtime.GOMAXPROCS(1)
	a, err := parse(args)
	if err == nil {
		err = run(a)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox-init:", err)
		return 1
	}
	return 0
}

// stdio is the line: standard input and output as one.
type stdio struct{ in, out *os.File }

func (s stdio) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s stdio) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s stdio) Close() error                { return errors.Join(s.in.Close(), s.out.Close()) }

// standard makes files of the standard input and output whose reads end when they
// are closed. They are under other numbers, because Go ends a program whose standard output
// is broken, and this one has to tidy up then.
func standard() (stdio, error) {
	var files [2]*os.File
	for fd, name := range []string{"input", "output"} {
		own, err := syscall.Dup(fd)
		if err != nil {
			return stdio{}, err
		}
		syscall.CloseOnExec(own)
		if err := syscall.SetNonblock(own, true); err != nil {
			return stdio{}, err
		}
		files[fd] = os.NewFile(uintptr(own), name)
	}
	return stdio{files[0], files[1]}, nil
}

// sandbox is the state of a running init.
type sandbox struct {
	session *Session
	control net.Conn
	output  *output
	// uploads counts what still carries bytes to the Runtime API.
	uploads sync.WaitGroup

	mu sync.Mutex
	// main is the runtime's process.
	main int
	// extensions are the names of those that run, by process.
	extensions map[int]string
	// told is the memory that the server knows of, in KiB.
	told uint64
}

// groups are the process groups that the init has made.
func (s *sandbox) groups() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Collect(maps.Keys(s.extensions))
	if s.main != 0 {
		out = append(out, s.main)
	}
	return out
}

func run(a Arguments) error {
	line, err := standard()
	if err != nil {
		return err
	}
	becomeReaper()
	s := &sandbox{extensions: map[int]string{}}
	if s.session, err = connect(line); err != nil {
		return err
	}
	if s.control, err = s.session.open(Control); err != nil {
		return err
	}
	api, err := s.listen(a.Runtime, Runtime)
	if err != nil {
		return err
	}
	endpoint, err := s.listen(a.AWS, AWS)
	if err != nil {
		return err
	}
	if s.output, err = newOutput(s.control); err != nil {
		return err
	}
	env := append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+api)
	if _, own := os.LookupEnv("AWS_ENDPOINT_URL"); !own {
		env = append(env, "AWS_ENDPOINT_URL=http://"+endpoint)
	}

	// A line that is down ends everything, whatever happened to the server.
	// So does a request to terminate.
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		select {
		case <-s.session.Closed():
		case <-term:
		}
		killAll(s.groups())
		os.Exit(0)
	}()

	if err := s.startExtensions(a.Extensions, env); err != nil {
		return err
	}
	killed := oomKills()
	if err := s.startRuntime(a, env); err != nil {
		s.end(NotStarted, err.Error())
		return nil
	}
	go s.output.pump()

	how := s.reap()
	if how == "signal: killed" && oomKills() != killed {
		how += " (out of memory)"
	}
	killAll(s.groups())
	s.uploads.Wait()
	s.output.drain()
	s.end(Exited, how)
	return nil
}

// end says how the runtime has ended, and waits for the server to take the line down:
// what it has not yet read of a line that goes down is lost.
func (s *sandbox) end(kind MessageKind, how string) {
	s.say(kind, []byte(how))
	select {
	case <-s.session.Closed():
	case <-time.After(10 * time.Second):
	}
}

func (s *sandbox) say(kind MessageKind, payload []byte) {
	// A line that is down ends the program elsewhere.
	_ = s.output.send(Message{kind, payload})
}

// startRuntime starts the program, or the first of the others that exists.
func (s *sandbox) startRuntime(a Arguments, env []string) error {
	var path string
	var failed error
	for _, program := range append([]string{a.Program[0]}, a.Else...) {
		found, err := lookup(program)
		if err == nil {
			path = found
			break
		}
		// One that is there and cannot be run says more than one that is not.
		if failed == nil || !errors.Is(err, os.ErrNotExist) {
			failed = fmt.Errorf("fork/exec %s: %w", program, err)
		}
	}
	if path == "" {
		return failed
	}
	pid, err := s.start(path, a.Program, env)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.main = pid
	return err
}

// lookup finds a program, in the PATH where its name is no path.
func lookup(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return filepath.Abs(path)
	}
	// Only the reason is of interest.
	if reason := errors.Unwrap(err); reason != nil {
		err = reason
	}
	if errors.Is(err, exec.ErrNotFound) {
		err = syscall.ENOENT
	}
	return "", err
}

// startExtensions starts every program in dir.
func (s *sandbox) startExtensions(dir string, env []string) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no extensions
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		pid, err := s.start(filepath.Join(dir, e.Name()), []string{e.Name()}, env)
		if err != nil {
			return fmt.Errorf("extension %s: %w", e.Name(), err)
		}
		s.mu.Lock()
		s.extensions[pid] = e.Name()
		s.mu.Unlock()
		s.say(Extension, []byte(e.Name()))
	}
	return nil
}

// start starts a child whose output is the function's log.
func (s *sandbox) start(path string, argv, env []string) (pid int, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	p, err := os.StartProcess(path, argv, &os.ProcAttr{
		Env:   env,
		Files: []*os.File{null, s.output.in, s.output.in},
		Sys:   childAttributes(),
	})
	if err != nil {
		return 0, err
	}
	pid = p.Pid
	// reap waits for all children by number.
	return pid, p.Release()
}

// reap waits for children, its own and those it inherits, until the runtime
// has ended, and says how that was.
func (s *sandbox) reap() string {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err.Error()
		case pid == s.main:
			return describe(status)
		case s.extensions[pid] != "":
			s.say(ExtensionExited, []byte(s.extensions[pid]))
		}
	}
}

// describe says how a process ended: "" where it ended well.
func describe(status syscall.WaitStatus) string {
	switch {
	case status.Signaled():
		return "signal: " + status.Signal().String()
	case status.ExitStatus() != 0:
		return fmt.Sprintf("exit status %d", status.ExitStatus())
	}
	return ""
}

// precede sends what must be on the line before something that the runtime has sent.
func (s *sandbox) precede() {
	_ = s.output.drain()
	s.mu.Lock()
	defer s.mu.Unlock()
	if kib := peakMemory(s.main); kib >= s.told+1024 {
		s.told = kib
		s.say(Memory, binary.BigEndian.AppendUint64(nil, kib))
	}
}

// listen carries the connections made to an address. It returns the address.
func (s *sandbox) listen(addr string, kind Kind) (string, error) {
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		return "", err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // only when the program ends
			}
			go s.carry(c.(*net.TCPConn), kind)
		}
	}()
	return strings.Replace(l.Addr().String(), "0.0.0.0", "127.0.0.1", 1), nil
}

// carry carries one connection.
func (s *sandbox) carry(c *net.TCPConn, kind Kind) {
	defer c.Close()
	stream, err := s.session.open(kind)
	if err != nil {
		return
	}
	if kind == Runtime {
		s.uploads.Add(1)
	}
	go func() {
		precede := func() {}
		if kind == Runtime {
			defer s.uploads.Done()
			precede = s.precede
		}
		_ = transfer(stream, c, precede)
		stream.Close() // half of it: what comes back is still read
	}()
	if transfer(c, stream, func() {}) == nil {
		_ = c.CloseWrite()
	}
	// The server has said all there is: what the client has yet to say goes nowhere.
}

// transfer copies until the source ends or either breaks, and calls precede before
// each write. The buffer grows
// with what passes, so that the many small streams stay small.
func transfer(dst io.Writer, src io.Reader, precede func()) error {
	buf := make([]byte, 4<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			precede()
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == len(buf) && n < 256<<10 {
			buf = make([]byte, 4*n)
		}
	}
}
