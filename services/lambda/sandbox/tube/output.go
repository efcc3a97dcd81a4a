package tube

import (
	"io"
	"os"
	"sync"
	"syscall"
)

// output carries what the runtime and the extensions write to their standard
// output and error. Both are one pipe, so that their order is kept.
type output struct {
	// in is the children's end, and out the init's, which never blocks.
	in, out *os.File
	raw     syscall.RawConn
	fd      int

	// mu keeps messages whole, and output in order.
	mu      sync.Mutex
	control io.Writer
	buf     []byte
}

func newOutput(control io.Writer) (*output, error) {
	// Not os.Pipe: its ends share the mode in which nothing blocks, and a
	// runtime's writes must block.
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		return nil, err
	}
	for _, fd := range ends {
		syscall.CloseOnExec(fd)
	}
	if err := syscall.SetNonblock(ends[0], true); err != nil {
		return nil, err
	}
	o := &output{
		in:      os.NewFile(uintptr(ends[1]), "output"),
		out:     os.NewFile(uintptr(ends[0]), "output"),
		fd:      ends[0],
		control: control,
		buf:     make([]byte, 32<<10),
	}
	var err error
	o.raw, err = o.out.SyscallConn()
	return o, err
}

// send sends a message.
func (o *output) send(m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return m.Write(o.control)
}

// pump sends output as it comes.
func (o *output) pump() {
	// The callback returns false to be called again once there is more.
	_ = o.raw.Read(func(uintptr) bool { return o.drain() != nil })
}

// drain sends the output that is in the pipe now.
func (o *output) drain() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err := syscall.Read(o.fd, o.buf)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return nil
		case err != nil:
			return err
		case n <= 0:
			return io.EOF
		default:
			if err := (Message{Output, o.buf[:n]}).Write(o.control); err != nil {
				return err
			}
		}
	}
}
