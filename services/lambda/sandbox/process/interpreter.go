package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/virga-cloud/virga/services/lambda/sandbox/clients"
)

// interpreter is a program of this machine that runs a runtime client.
type interpreter struct{ path, version string }

// interpreter finds the best program for a runtime, once. Programs are asked
// for their real path, because what is found may be a script of a version
// manager, which is slow to start and depends on the directory.
func (l *Launcher) interpreter(ctx context.Context, runtime string, c clients.Client) (interpreter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, ok := l.interpreters[runtime]; ok {
		return found, nil
	}
	var best interpreter
	for _, name := range c.Interpreters {
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			found, ok := ask(ctx, filepath.Join(dir, name), c.Query)
			if !ok || (best.path != "" && found.version != c.Version) {
				continue
			}
			best = found
			if found.version == c.Version {
				l.interpreters[runtime] = best
				return best, nil
			}
		}
	}
	if best.path == "" {
		return best, fmt.Errorf("runtime %s needs one of these programs, and none is in the PATH: %s", runtime, strings.Join(c.Interpreters, ", "))
	}
	l.o.Log.Warn("the machine does not have the version of a runtime; another takes its place", "runtime", runtime, "program", best.path, "version", best.version)
	l.interpreters[runtime] = best
	return best, nil
}

// ask asks a program, if there is one, who it is.
func ask(ctx context.Context, path string, query []string) (interpreter, bool) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return interpreter{}, false
	}
	out, err := exec.CommandContext(ctx, path, query...).Output()
	if err != nil {
		return interpreter{}, false
	}
	answer := strings.TrimSpace(string(out))
	cut := strings.LastIndexByte(answer, ' ')
	if cut <= 0 {
		return interpreter{}, false
	}
	return interpreter{answer[:cut], answer[cut+1:]}, true
}
