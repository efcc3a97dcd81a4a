package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// subject is a server process that is driven.
type subject struct {
	name, address string
	command       *exec.Cmd
	stdin         io.Closer
	log           string
	// pprof is the address of its profiles ("" none).
	pprof string
	// serves says of another's server whether a case is for it, and credential is
	// the access key that it knows; nil and "" for what takes all.
	serves     func(c *requestCase) bool
	credential string
	// numbers is from how many a request's number is drawn where that is not the
	// request's own choice.
	numbers int
}

// foreign says whether a subject is somebody else's server, whose answers may be of
// other sizes.
func (s *subject) foreign() bool { return s.serves != nil }

// patience is how long a subject may take to answer first, or to end.
const patience = 30 * time.Second

// freeAddress is an address that nobody listens on. Another program may take
// it before the subject does, which then says so.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// launch starts a program and returns when it takes connections.
func launch(ctx context.Context, name, address, program string, args ...string) (*subject, error) {
	s, err := begin(ctx, name, address, "", program, args...)
	if err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, conn.Close()
}

// startVirga starts Virga and returns when it takes connections. No directory
// means in memory.
func (b *bench) startVirga(ctx context.Context, name, data string, flags ...string) (*subject, error) {
	s, err := b.beginVirga(ctx, name, data, flags...)
	if err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, conn.Close()
}

// beginVirga starts Virga and does not wait.
func (b *bench) beginVirga(ctx context.Context, name, data string, flags ...string) (*subject, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	args := []string{"start", "--host", host, "--port", port}
	if data == "" {
		args = append(args, "--memory")
	} else {
		args = append(args, "--data", data)
	}
	profiles := ""
	if b.profiles != "" {
		if profiles, err = freeAddress(); err != nil {
			return nil, err
		}
		args = append(args, "--pprof", profiles)
	}
	s, err := begin(ctx, name, address, filepath.Join(b.dir, name+".log"), b.program, append(args, flags...)...)
	if err != nil {
		return nil, err
	}
	s.pprof = profiles
	return s, nil
}

// begin starts a program whose standard error goes to a file, or to ours where
// there is no name of one.
func begin(ctx context.Context, name, address, log, program string, args ...string) (*subject, error) {
	s := &subject{name: name, address: address, log: log, command: exec.CommandContext(ctx, program, args...)}
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	s.command.WaitDelay = patience
	s.command.Stderr = os.Stderr
	if log != "" {
		f, err := os.Create(log)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		s.command.Stderr = f
	}
	var err error
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	return s, s.command.Start()
}

// connect waits until the subject takes connections.
func (s *subject) connect(ctx context.Context) (net.Conn, error) {
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", s.address)
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case time.Now().After(deadline) || s.gone():
			return nil, fmt.Errorf("%s does not start: %w%s", s.name, err, s.lastWords())
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// gone says whether the process has ended, on systems that can tell.
func (s *subject) gone() bool {
	fields, err := s.stat()
	return err == nil && fields[0] == "Z"
}

// lastWords are the last lines of the subject's log.
func (s *subject) lastWords() string {
	text, err := os.ReadFile(s.log)
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// end asks the process to end, and waits for it.
func (s *subject) end() error {
	s.stdin.Close()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	watch := time.AfterFunc(patience, func() { s.command.Process.Kill() })
	defer watch.Stop()
	var exit *exec.ExitError
	if err := s.command.Wait(); errors.As(err, &exit) && exit.ExitCode() < 0 {
		return nil // by our signal
	} else if err != nil {
		return fmt.Errorf("%s: %w%s", s.name, err, s.lastWords())
	}
	return nil
}

// kill ends the process without asking.
func (s *subject) kill() {
	s.stdin.Close()
	s.command.Process.Kill()
	s.command.Wait()
}

// tick is the unit of processor time in /proc on all of Linux's platforms.
const tick = 10 * time.Millisecond

// stat is /proc/PID/stat from the state on.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func (s *subject) stat() ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return nil, errors.New("unexpected /proc/PID/stat")
	}
	return fields, nil
}

// processor is how much processor time the subject has used; zero where the
// system does not say.
func (s *subject) processor() time.Duration {
	fields, err := s.stat()
	if err != nil {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// memory is the subject's resident memory in bytes: all of it, and the part that
// is its own and not a file's; zero where the system does not say.
func (s *subject) memory() (resident, own int64) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		n, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			resident = n << 10
		case "RssAnon:":
			own = n << 10
		}
	}
	return resident, own
}
