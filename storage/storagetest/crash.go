package storagetest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A crash test runs the test binary as a child that works on a store until it is
// killed, again and again on one directory that is never closed in between. Every
// child first checks what its predecessors left. A package that has crash tests
// calls Main in its TestMain, and Killing.Run in each of the tests.

// What tells a child that it is one: what it is to do, in which directory, and
// how many steps of each worker were acknowledged.
const (
	crashChild = "VIRGA_TEST_CRASH"
	crashDir   = "VIRGA_TEST_CRASH_DIR"
	crashAcked = "VIRGA_TEST_CRASH_ACKED"
)

// Child is a process that will be killed.
type Child struct {
	// Dir is where its store is.
	Dir string
	// Acked is how many steps of each worker were acknowledged, or found by a
	// child. Of each the following one may have been done as well.
	Acked []int
}

// Main runs the tests, or one of the children by its name.
func Main(m *testing.M, children map[string]func(*Child) error) {
	name := os.Getenv(crashChild)
	if name == "" {
		os.Exit(m.Run())
	}
	c := &Child{Dir: os.Getenv(crashDir)}
	for _, text := range strings.Fields(os.Getenv(crashAcked)) {
		n, _ := strconv.Atoi(text) // the parent has written it
		c.Acked = append(c.Acked, n)
	}
	fmt.Println("opening")
	if err := children[name](c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Work has a worker for each of the counts, which are those that were found, do the
// steps that follow it, and acknowledges each, until a step fails.
func (c *Child) Work(counts []int, step func(worker, n int) error) error {
	for w, n := range counts {
		fmt.Printf("found %d %d\n", w, n)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(counts))
	for w, n := range counts {
		wg.Go(func() {
			for errs[w] == nil {
				n++
				if errs[w] = step(w, n); errs[w] == nil {
					_, errs[w] = fmt.Printf("%d %d\n", w, n)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Killing is a crash test.
type Killing struct {
	// Child is the name of the child, Dir where the stores are.
	Child, Dir string
	// Workers is how many there are in a child, Rounds how many children.
	Workers, Rounds int
	// Steps is after how many steps a child is killed at the latest; each
	// Opening-th one is killed while it opens the store, none if that is 0.
	Steps, Opening int
}

// Run starts and kills the children, and returns how many steps of each worker
// were acknowledged.
func (k Killing) Run(t *testing.T) (acked []int) {
	t.Helper()
	acked = make([]int, k.Workers)
	for round := range k.Rounds {
		kill := 1 + rand.IntN(k.Steps)
		if k.Opening != 0 && round%k.Opening == k.Opening-1 {
			kill = 0
		}
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashChild+"="+k.Child, crashDir+"="+k.Dir, crashAcked+"="+strings.Trim(fmt.Sprint(acked), "[]"))
		var stderr bytes.Buffer
		child.Stderr = &stderr
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		steps := 0
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			line, found := strings.CutPrefix(lines.Text(), "found ")
			if line != "opening" {
				var w, n int
				if _, err := fmt.Sscanf(line, "%d %d", &w, &n); err != nil {
					t.Fatalf("the child says %q", line)
				}
				acked[w] = n // also after the kill: what is in the pipe was acknowledged
				if !found {
					steps++
				}
			}
			if steps == kill {
				_ = child.Process.Kill() // it may have ended by itself, which Wait tells
			}
		}
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("round %d: the child ended by itself (%v): %s", round, err, stderr.String())
		}
	}
	return acked
}
