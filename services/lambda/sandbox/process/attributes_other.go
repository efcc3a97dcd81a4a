//go:build unix && !linux

package process

import "syscall"

// attributes make the init a group of its own. It ends with its line to the server.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
