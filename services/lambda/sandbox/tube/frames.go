package tube

import (
	"encoding/binary"
	"io"
)

// frames joins the two writes that yamux makes of a data frame (its header,
// its body) into one. Each write wakes the process at the other end, and a
// header alone wakes it for nothing: this is a third of a warm invocation's time.
type frames struct {
	io.ReadWriteCloser
	held bool // buf holds a header whose body comes next
	buf  []byte
}

const (
	headerSize = 12
	// maxJoined is the largest body that is worth copying.
	maxJoined = 64 << 10
)

// Write is called by one goroutine of yamux alone.
func (f *frames) Write(p []byte) (int, error) {
	if !f.held {
		const typeData = 0 // of byte 1; bytes 8 to 11 are the length
		if len(p) == headerSize && p[1] == typeData && binary.BigEndian.Uint32(p[8:]) > 0 {
			f.buf = append(f.buf[:0], p...)
			f.held = true
			return len(p), nil
		}
		return f.ReadWriteCloser.Write(p)
	}
	f.held = false
	if len(p) > maxJoined {
		if _, err := f.ReadWriteCloser.Write(f.buf); err != nil {
			return 0, err
		}
		return f.ReadWriteCloser.Write(p)
	}
	f.buf = append(f.buf, p...)
	if _, err := f.ReadWriteCloser.Write(f.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}
