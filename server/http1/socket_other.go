//go:build !linux

package http1

import "net"

// socket is a shorter way to read and write, which there is on Linux only.
type socket struct{}

const quickest = 0

func newSocket(net.Conn) *socket { return nil }

func (*socket) read([]byte) (int, error)  { panic("http1: no socket") }
func (*socket) write([]byte) (int, error) { panic("http1: no socket") }
