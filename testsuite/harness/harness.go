// Package harness runs the real server for black-box tests: the static binary, as
// a process of its own, on a free port.
//
// # Vocabulary
//
// A Server is one running process. An Account is one AWS account on it, with
// the clients of aws-sdk-go-v2; accounts do not see each other, so that tests share a
// server and run in parallel. What changes the whole server (its clock, its
// configuration, its end) is for tests that start one of their own.
//
// # Powers and limits
//
// Every server is ended by SIGTERM, must exit with status 0, and shows its log
// when the test failed. Every client dials the server whatever host it
// asks for, so that virtual hosts need no name resolution.
package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// build compiles the binary once for a run of tests. It is static, since it is
// also the init of functions' containers. VIRGA_TEST_PROGRAM names one to test
// in its place, a released one for example.
var build = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("VIRGA_TEST_PROGRAM"); given != "" {
		return given, nil
	}
	dir, err := os.MkdirTemp("", "virga-test-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "virga")
	cmd := exec.Command("go", "build", "-o", program, "github.com/virga-cloud/virga/cmd/virga")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("building virga: %w\n%s", err, out)
	}
	return program, nil
})

// Program is the path of the binary.
func Program(t testing.TB) string {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var shared *Server

// Main runs a package's tests around a server that they share, with functions
// in processes, and returns the status to exit with.
func Main(m *testing.M) int {
	program, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv("VIRGA_TEST_PROGRAM") == "" {
		defer os.RemoveAll(filepath.Dir(program))
	}
	if shared, err = start(program, Options{Executor: Process}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintf(os.Stderr, "the shared server: %v\n%s", err, shared.Log())
		return 1
	}
	return status
}

// Shared is the server that the package's tests share.
func Shared() *Server { return shared }

// New is an account of the test's own on the shared server.
func New(t testing.TB) *Account { return shared.Account(t) }
