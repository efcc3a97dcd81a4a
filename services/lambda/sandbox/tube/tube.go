// Package tube is both ends of the line between the server and a sandbox.
//
// The far end, Main, is a small program that starts first in the sandbox: it
// runs the function's runtime as its child and carries streams over its own
// standard input and output, nothing else. It has no knowledge of Lambda's
// APIs: their bytes pass through it. The near end is a Session.
//
// It imports little, because its start is part of every cold start.
package tube

import (
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/hashicorp/yamux"
)

// Kind says what a stream carries; it is the stream's first byte.
type Kind byte

// The streams, all opened by the sandbox.
const (
	// Control carries messages (see Message) to the server, and there is one of it.
	// What the function wrote before it sent something to the Runtime API is
	// sent before that: the order on the line is the function's.
	Control Kind = 'C'
	// Runtime is a connection that a program in the sandbox made to the
	// address of the Lambda Runtime API, and AWS one to the AWS endpoint.
	Runtime Kind = 'R'
	AWS     Kind = 'A'
)

// MessageKind is what a message on the control stream means.
type MessageKind byte

const (
	// Output is what the function wrote to its standard output and error.
	Output MessageKind = 'o'
	// Extension is the name of an extension that was started.
	Extension MessageKind = 'x'
	// Exited says that the runtime has ended; the payload says how, as in
	// "exit status 1" or "signal: killed". The sandbox then waits to be ended.
	Exited MessageKind = 'e'
	// NotStarted says why the runtime could not be started, as in "fork/exec
	// /var/task/bootstrap: permission denied". It comes in place of Exited.
	NotStarted MessageKind = 'n'
	// ExtensionExited is the name of an extension that has ended.
	ExtensionExited MessageKind = 'y'
	// Memory is the most memory that the runtime has used, in KiB as eight bytes,
	// big-endian. It is sent when that has grown by a MiB.
	Memory MessageKind = 'm'
)

// Message is one message on the control stream.
type Message struct {
	Kind    MessageKind
	Payload []byte
}

// Write writes m at once.
func (m Message) Write(w io.Writer) error {
	b := make([]byte, 5+len(m.Payload))
	b[0] = byte(m.Kind)
	binary.BigEndian.PutUint32(b[1:], uint32(len(m.Payload)))
	copy(b[5:], m.Payload)
	_, err := w.Write(b)
	return err
}

// Next takes the first whole message off received bytes, and returns what
// follows it; ok is false if there is none yet.
func Next(b []byte) (m Message, rest []byte, ok bool) {
	if len(b) < 5 {
		return m, b, false
	}
	n := int(binary.BigEndian.Uint32(b[1:]))
	if len(b)-5 < n {
		return m, b, false
	}
	return Message{MessageKind(b[0]), b[5 : 5+n]}, b[5+n:], true
}

// Session is one end of the line.
type Session struct{ y *yamux.Session }

// Serve is the server's end, over the sandbox's standard input and output. The
// session closes the connection when it ends.
func Serve(conn io.ReadWriteCloser) (*Session, error) {
	y, err := yamux.Server(&frames{ReadWriteCloser: conn}, settings())
	return &Session{y}, err
}

// connect is the sandbox's end.
func connect(conn io.ReadWriteCloser) (*Session, error) {
	y, err := yamux.Client(&frames{ReadWriteCloser: conn}, settings())
	return &Session{y}, err
}

// settings are yamux's for a line that is a pipe on one machine, or one that
// somebody else keeps alive: no pings, no timers per stream.
func settings() *yamux.Config {
	c := yamux.DefaultConfig()
	c.EnableKeepAlive = false
	c.StreamOpenTimeout = 0
	c.StreamCloseTimeout = time.Minute
	c.ConnectionWriteTimeout = time.Minute
	// A window that takes the largest payload whole: a large response does not
	// wait for the other end to say that it has read.
	c.MaxStreamWindowSize = 8 << 20
	c.LogOutput = io.Discard
	return c
}

// Accept waits for the next stream, and returns an error when the line is down.
func (s *Session) Accept() (net.Conn, error) { return s.y.Accept() }

// ReadKind reads the first byte of a stream that was accepted.
func ReadKind(c net.Conn) (Kind, error) {
	var b [1]byte
	_, err := io.ReadFull(c, b[:])
	return Kind(b[0]), err
}

// open opens a stream.
func (s *Session) open(kind Kind) (net.Conn, error) {
	c, err := s.y.Open()
	if err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte{byte(kind)}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Closed is closed when the line is down.
func (s *Session) Closed() <-chan struct{} { return s.y.CloseChan() }

// Close takes the line down.
func (s *Session) Close() error { return s.y.Close() }
