//go:build unix && !linux

package tube

import "syscall"

// childAttributes make a child a group of its own. What leaves the group
// cannot be found again: only Linux has the means.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func becomeReaper() {}

// killAll kills the groups that the init made.
func killAll(groups []int) {
	for _, g := range groups {
		_ = syscall.Kill(-g, syscall.SIGKILL)
	}
}

func peakMemory(int) uint64 { return 0 }

func oomKills() string { return "" }
