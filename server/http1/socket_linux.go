package http1

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// socket reads and writes a TCP connection by system calls that the scheduler is not told
// of. It needs not be: the socket does not block, and a few KiB take microseconds. Told
// of them it takes the processor away from a call that lasts, which a write does when the client it wakes
// runs at once on the same core, and gives it to another thread, which costs more
// than the request.
type socket struct {
	raw syscall.RawConn
	// reading and writing are by different goroutines.
	in, out transfer
}

// transfer is one direction of a socket, with what is under way.
type transfer struct {
	call uintptr
	// step makes a call; it is made once, since it would be allocated each time.
	step func(fd uintptr) (done bool)
	p    []byte
	n    int
	err  syscall.Errno
}

// quickest is up to how many bytes are transferred so.
const quickest = 32 << 10

// newSocket is nil for what is no TCP connection.
func newSocket(c net.Conn) *socket {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{raw: raw, in: transfer{call: syscall.SYS_READ}, out: transfer{call: syscall.SYS_WRITE}}
	s.in.step = s.in.once
	s.out.step = s.out.whole
	return s
}

// read is the connection's Read, for a p that is not empty.
func (s *socket) read(p []byte) (int, error) {
	t := &s.in
	t.p = p
	err := s.raw.Read(t.step)
	t.p = nil
	switch {
	case err != nil:
		return 0, err
	case t.err != 0:
		return 0, os.NewSyscallError("read", t.err)
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// write is the connection's Write.
func (s *socket) write(p []byte) (int, error) {
	t := &s.out
	t.p, t.n = p, 0
	err := s.raw.Write(t.step)
	t.p = nil
	if err == nil && t.err != 0 {
		err = os.NewSyscallError("write", t.err)
	}
	return t.n, err
}

// once transfers what there is; it is not done where that is nothing yet.
func (t *transfer) once(fd uintptr) bool {
	t.n, t.err = t.transfer(fd, t.p)
	return t.err != syscall.EAGAIN
}

// whole transfers all.
func (t *transfer) whole(fd uintptr) bool {
	for t.n < len(t.p) {
		n, err := t.transfer(fd, t.p[t.n:])
		t.n += n
		if t.err = err; err != 0 {
			return err != syscall.EAGAIN
		}
	}
	return true
}

func (t *transfer) transfer(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, err := syscall.RawSyscall(t.call, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if err == 0 {
			return int(n), 0
		}
		if err != syscall.EINTR {
			return 0, err
		}
	}
}
