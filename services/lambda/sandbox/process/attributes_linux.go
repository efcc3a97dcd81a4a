package process

import "syscall"

// attributes make the init a group of its own that is told to end when the
// server does. It would notice by itself, from its line, but not if it were stopped.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
