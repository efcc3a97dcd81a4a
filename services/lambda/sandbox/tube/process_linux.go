package tube

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes make a child a group of its own, which ends when the init does, however that ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// becomeReaper makes the init the parent of what its children leave behind.
func becomeReaper() {
	const setChildSubreaper = 36 // prctl(2)
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
}

// killAll kills all descendants. A process that is killed leaves its children to the
// init, so that it is done when there is none left. The groups that the init made are
// among them.
func killAll([]int) {
	self := os.Getpid()
	for {
		children := childrenOf(self)
		if len(children) == 0 {
			return
		}
		for _, pid := range children {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		// The main goroutine may be waiting for the same children: either will do.
		for {
			pid, err := syscall.Wait4(-1, nil, 0, nil)
			if err != nil && err != syscall.EINTR {
				return // no children
			}
			if pid > 0 {
				break
			}
		}
	}
}

// childrenOf lists the children of a process, without those that only wait to be reaped.
func childrenOf(parent int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// The name, in parentheses, can hold anything.
		rest := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(rest) > 1 && rest[1] == strconv.Itoa(parent) {
			out = append(out, pid)
		}
	}
	return out
}

// peakMemory is the most memory that a process has used, in KiB.
func peakMemory(pid int) uint64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(status, []byte("VmHWM:"))
	if !found {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kib, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kib
}

// oomKills is how often the kernel has killed in this cgroup for want of
// memory, as text; the files are those of the two versions of cgroups.
func oomKills() string {
	for _, file := range []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"} {
		events, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(events), "oom_kill ")
		count, _, _ := strings.Cut(rest, "\n")
		return count
	}
	return ""
}
