package sandboxtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

// serverVariable has a test program be a server that is about to be killed;
// its value is a directory for the launcher.
const serverVariable = "VIRGA_SANDBOXTEST_SERVER"

// ServerDir says whether the test program is to be such a server, and in which directory.
func ServerDir() (string, bool) { return os.LookupEnv(serverVariable) }

// Left is what a function has started: processes by their numbers inside the sandbox.
type Left struct {
	PID  int `json:"pid"`
	Left int `json:"left"`
}

// Serve runs a function on the launcher that leaves a process behind, tells
// the parent of it, and waits to be killed.
func Serve(l sandbox.Launcher) {
	f := sandbox.New(sandbox.Options{
		Launcher: l, Clock: clock.System(), IDs: ids.Random(),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), ServeAWS: func(net.Conn) {},
	})
	dir, err := Bootstrap()
	if err != nil {
		fmt.Println(err)
		return
	}
	spec := Function("left", "provided.al2023", "bootstrap", dir)
	res, err := f.Invoke(context.Background(), spec, NewInvocation(spec, `{"do":"leave"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", res.Payload)
	io.Copy(io.Discard, os.Stdin)
	select {}
}

// KillServer starts the test program as such a server, kills it with
// SIGKILL once its function has run, and returns what that function had started.
func KillServer(t *testing.T, dir string) Left {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverVariable+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var left Left
	if err == nil {
		err = json.Unmarshal([]byte(line), &left)
	}
	if kerr := cmd.Process.Kill(); kerr != nil {
		t.Fatal(kerr)
	}
	_ = cmd.Wait() // it was killed
	if err != nil || left.PID == 0 || left.Left == 0 {
		t.Fatalf("the server said %q: %v", strings.TrimSpace(line), err)
	}
	return left
}

// Running says whether a process of this machine runs. One that has ended and that
// its parent has not asked after does not.
func Running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
