package sandboxtest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

// test is one rule of the suite.
type test struct {
	name string
	test func(*testing.T, sandbox.Launcher)
}

// Run tests a launcher.
func Run(t *testing.T, l sandbox.Launcher) {
	for _, c := range []test{
		{"a cold start reports its initialization, a warm one does not", coldAndWarm},
		{"the log of an invocation begins with START and ends with REPORT", logOfInvocation},
		{"the tail of the log is its last 4 KB", tail},
		{"a sandbox runs one invocation at a time", concurrent},
		{"an invocation that takes too long ends the sandbox", timeout},
		{"a runtime that exits fails the invocation", exits},
		{"a runtime that exits after its response has not failed", exitsAfter},
		{"an initialization that fails is the invocation's error", failedInit},
		{"a package without a program that runs is the function's error", invalidEntrypoint},
		{"an error that the runtime reports is returned as it is", reportedError},
		{"payloads may have 6 MB", bigPayloads},
		{"a response is streamed as it is written", streams},
		{"the environment is Lambda's", environment},
		{"the event comes with its headers", headers},
		{"the code is the current directory and /tmp can be written", directories},
		{"AWS is at a loopback address", endpoint},
		{"a changed function runs in new sandboxes", changed},
		{"idle sandboxes go after the keep-alive", keepAlive},
		{"layers lie over each other, and their extensions are told of invocations", layersAndExtensions},
		{"nothing is left when the fleet is closed", closed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, l) })
	}
}

// RunPlacement tests what of a launcher depends on how it puts files into sandboxes.
func RunPlacement(t *testing.T, l sandbox.Launcher) {
	for _, c := range []test{
		{"code is placed once and used again", coldAndWarm},
		{"the code is the current directory and /tmp can be written", directories},
		{"a changed function runs in new sandboxes", changed},
		{"layers lie over each other, and their extensions are told of invocations", layersAndExtensions},
		{"a package without a program that runs is the function's error", invalidEntrypoint},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, l) })
	}
}

func coldAndWarm(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "cold")
	var first, second int
	cold := b.OK(spec, `{"do":"pid"}`, &first)
	if cold.Init <= 0 {
		t.Error("the first invocation has no init duration")
	}
	if cold.MaxMemoryMB <= 0 {
		t.Error("the memory that the function used is not known")
	}
	warm := b.OK(spec, `{"do":"pid"}`, &second)
	if warm.Init != 0 {
		t.Errorf("the second invocation has an init duration of %v", warm.Init)
	}
	if first != second {
		t.Errorf("the second invocation ran in process %d, the first in %d", second, first)
	}
}

func logOfInvocation(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "log")
	b.OK(spec, `{"do":"echo"}`, new(any))
	in := NewInvocation(spec, `{"do":"log","text":"one\ntwo\nno end"}`)
	res, err := b.Invoke(t.Context(), spec, in)
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^START RequestId: ID Version: \$LATEST
one
two
no end
END RequestId: ID
REPORT RequestId: ID\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t
$`)
	got := strings.ReplaceAll(string(res.LogTail), in.RequestID, "ID")
	if !want.MatchString(got) {
		t.Errorf("the log is\n%s", got)
	}
	var texts []string
	for _, line := range b.Log() {
		if line.Spec.Key != spec.Key || !strings.Contains(line.Stream, "/[$LATEST]") {
			t.Errorf("a line is of %v in %q", line.Spec.Key, line.Stream)
		}
		if line.RequestID == in.RequestID {
			texts = append(texts, line.Text)
		}
	}
	if whole := strings.Join(texts, "\n") + "\n"; whole != string(res.LogTail) {
		t.Errorf("the sink received\n%s\nand the caller\n%s", whole, res.LogTail)
	}
	if first := b.Log()[0].Text; first != "INIT_START Runtime Version: provided:al2023" {
		t.Errorf("the stream begins with %q", first)
	}
}

func tail(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "tail")
	text, err := json.Marshal(strings.Repeat(strings.Repeat("z", 99)+"\n", 200))
	if err != nil {
		t.Fatal(err)
	}
	res := b.OK(spec, fmt.Sprintf(`{"do":"log","text":%s}`, text), new(any))
	if len(res.LogTail) != sandbox.MaxTail {
		t.Errorf("the tail has %d bytes", len(res.LogTail))
	}
	if !strings.Contains(string(res.LogTail), "\nREPORT RequestId: ") {
		t.Error("the tail does not have the end of the log")
	}
}

func concurrent(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "concurrent")
	const n = 3
	pids := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { b.OK(spec, `{"do":"sleep","n":300}`, &pids[i]) })
	}
	wg.Wait()
	all := func(k sandbox.Key) bool { return k == spec.Key }
	if c := b.Counts(all); c != (sandbox.Counts{Idle: n}) {
		t.Errorf("%d concurrent invocations left %+v", n, c)
	}
	for range 2 * n {
		b.OK(spec, `{"do":"pid"}`, new(int))
	}
	if c := b.Counts(all); c != (sandbox.Counts{Idle: n}) {
		t.Errorf("invocations one after the other left %+v", c)
	}
}

func timeout(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "timeout")
	b.OK(spec, `{"do":"echo"}`, new(any))
	spec.Key.Revision, spec.Timeout = "2", time.Second
	in := NewInvocation(spec, `{"do":"sleep","n":60000}`)
	res, err := b.Invoke(t.Context(), spec, in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + in.RequestID + ` Error: Task timed out after 1.00 seconds"}`
	if string(res.Payload) != want || res.FunctionError != "Unhandled" {
		t.Errorf("got %s, %q", res.Payload, res.FunctionError)
	}
	if !regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ` + in.RequestID + " Task timed out after 1.00 seconds\n\nEND RequestId: ").Match(res.LogTail) {
		t.Errorf("the log is\n%s", res.LogTail)
	}
	if !strings.Contains(string(res.LogTail), "Status: timeout") {
		t.Errorf("the report does not say timeout:\n%s", res.LogTail)
	}
	if res := b.OK(spec, `{"do":"echo"}`, new(any)); res.Init == 0 {
		t.Error("the sandbox was used again")
	}
}

func exits(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "exits")
	for _, c := range []struct{ event, reason string }{
		{`{"do":"exit","n":1}`, "Runtime exited with error: exit status 1"},
		{`{"do":"exit","n":0}`, "Runtime exited without providing a reason"},
		{`{"do":"signal","n":9}`, "Runtime exited with error: signal: killed"},
	} {
		in := NewInvocation(spec, c.event)
		res, err := b.Invoke(t.Context(), spec, in)
		if err != nil {
			t.Fatal(err)
		}
		message := "RequestId: " + in.RequestID + " Error: " + c.reason
		want := `{"errorType":"Runtime.ExitError","errorMessage":"` + message + `"}`
		if string(res.Payload) != want || res.FunctionError != "Unhandled" {
			t.Errorf("%s: got %s, %q", c.event, res.Payload, res.FunctionError)
		}
		if !strings.Contains(string(res.LogTail), "\n"+message+"\nRuntime.ExitError\nEND RequestId: ") {
			t.Errorf("%s: the log is\n%s", c.event, res.LogTail)
		}
		if strings.Contains(c.event, "exit") && !strings.Contains(string(res.LogTail), "\nabout to exit\n") {
			t.Errorf("%s: the last words are missing:\n%s", c.event, res.LogTail)
		}
	}
	b.OK(spec, `{"do":"echo"}`, new(any))
}

func exitsAfter(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "exits-after")
	for range 3 {
		var said string
		if b.OK(spec, `{"do":"exit after","n":1}`, &said); said != "done" {
			t.Errorf("the response is %q", said)
		}
	}
}

func failedInit(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l, func(o *sandbox.Options) { o.StartTimeout = 2 * time.Second }), Spec(t, "init")
	for _, c := range []struct{ how, kind, message string }{
		{"exit", "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7"},
		{"error", "Custom.Init", "no luck"},
		{"hang", "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 2.00 seconds"},
	} {
		spec := *spec
		spec.Key.Revision = c.how
		spec.Environment = map[string]string{"ON_INIT": c.how}
		in := NewInvocation(&spec, `{"do":"echo"}`)
		res, err := b.Invoke(t.Context(), &spec, in)
		if err != nil {
			t.Fatal(err)
		}
		var f Failure
		if err := json.Unmarshal(res.Payload, &f); err != nil {
			t.Fatal(err)
		}
		if f.ErrorType != c.kind || strings.ReplaceAll(f.ErrorMessage, in.RequestID, "ID") != c.message || res.FunctionError != "Unhandled" {
			t.Errorf("%s: got %s", c.how, res.Payload)
		}
		if log := b.Text(); !strings.Contains(log, "function starts\nINIT_REPORT Init Duration: ") {
			t.Errorf("%s: the log is\n%s", c.how, log)
		}
	}
}

func invalidEntrypoint(t *testing.T, l sandbox.Launcher) {
	b := NewBed(t, l)
	for _, c := range []struct {
		name, body string
		mode       os.FileMode
		want       string
	}{
		{"other", "", 0o755, `Couldn't find valid bootstrap\(s\): \[/var/task/bootstrap /opt/bootstrap\]`},
		{"bootstrap", "#!/bin/sh\n", 0o644, `fork/exec .*/bootstrap: permission denied`},
		{"bootstrap", "\x7fELF of another machine", 0o755, `fork/exec .*/bootstrap: exec format error`},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, c.name), []byte(c.body), c.mode); err != nil {
			t.Fatal(err)
		}
		spec := Function("entrypoint", "provided.al2023", "bootstrap", dir)
		spec.Key.Revision = c.want
		f, _ := b.Fails(spec, `{}`)
		if f.ErrorType != "Runtime.InvalidEntrypoint" || !regexp.MustCompile("^RequestId: [0-9a-f-]{36} Error: "+c.want+"$").MatchString(f.ErrorMessage) {
			t.Errorf("the error is %+v, want %s", f, c.want)
		}
	}
}

func reportedError(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "error")
	_, res := b.Fails(spec, `{"do":"error","text":"bad luck"}`)
	if want := `{"errorMessage":"bad luck","errorType":"Custom.Error"}`; string(res.Payload) != want || res.ErrorType != "Custom.Error" {
		t.Errorf("got %s, %q", res.Payload, res.ErrorType)
	}
	if res := b.OK(spec, `{"do":"echo"}`, new(any)); res.Init != 0 {
		t.Error("the sandbox was not used again")
	}
}

func bigPayloads(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "big")
	const limit = 6 << 20
	event := `{"do":"raw","text":"` + strings.Repeat("y", limit-22) + `"}`
	var back struct{ Text string }
	if b.OK(spec, event, &back); len(back.Text) != limit-22 {
		t.Errorf("of an event of %d bytes came %d back", len(event), len(back.Text))
	}
	var big string
	if b.OK(spec, fmt.Sprintf(`{"do":"big","n":%d}`, sandbox.MaxResponse-2), &big); len(big) != sandbox.MaxResponse-2 {
		t.Errorf("the response has %d bytes", len(big))
	}
	_, res := b.Fails(spec, fmt.Sprintf(`{"do":"big","n":%d}`, sandbox.MaxResponse-1))
	if want := `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`; string(res.Payload) != want {
		t.Errorf("a response above the limit gives %.200s", res.Payload)
	}
	b.OK(spec, `{"do":"echo"}`, new(any))
}

func streams(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "stream")
	in := NewInvocation(spec, `{"do":"stream","n":1000}`)
	var got strings.Builder
	in.Stream = &got
	res, err := b.Invoke(t.Context(), spec, in)
	if err != nil || res.FunctionError != "" {
		t.Fatal(err, res)
	}
	if lines := strings.Count(got.String(), "\n"); lines != 1000 || !strings.HasSuffix(got.String(), "part 999\n") {
		t.Errorf("%d lines, the end %.20q", lines, got.String()[max(0, got.Len()-20):])
	}
	if res.ContentType != "text/plain" {
		t.Errorf("the content type is %q", res.ContentType)
	}
}

func environment(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "environment")
	spec.Environment = map[string]string{"MINE": "a=b c", "AWS_REGION": "mars-1"}
	var env map[string]string
	b.OK(spec, `{"do":"environment"}`, &env)
	for name, want := range map[string]string{
		"MINE":                            "a=b c",
		"AWS_REGION":                      "us-east-1",
		"AWS_DEFAULT_REGION":              "us-east-1",
		"AWS_ACCESS_KEY_ID":               "ASIATEST",
		"AWS_SECRET_ACCESS_KEY":           "secret",
		"AWS_SESSION_TOKEN":               "token",
		"AWS_LAMBDA_FUNCTION_NAME":        "environment",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/environment",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"_HANDLER":                        "bootstrap",
		"TZ":                              ":UTC",
		"LANG":                            "en_US.UTF-8",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if got := env["AWS_LAMBDA_LOG_STREAM_NAME"]; !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(got) {
		t.Errorf("the log stream is %q", got)
	}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL"} {
		if env[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
	if v, there := env["AWS_EXECUTION_ENV"]; there {
		t.Errorf("an OS-only runtime has AWS_EXECUTION_ENV=%s", v)
	}
}

func headers(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "headers")
	in := NewInvocation(spec, `{"do":"headers"}`)
	in.FunctionARN += ":blue"
	in.ClientContext = `{"custom":{"a":"b"}}`
	in.TraceID = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
	before := time.Now()
	res, err := b.Invoke(t.Context(), spec, in)
	if err != nil {
		t.Fatal(err)
	}
	var h http.Header
	if err := json.Unmarshal(res.Payload, &h); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       in.RequestID,
		"Lambda-Runtime-Invoked-Function-Arn": in.FunctionARN,
		"Lambda-Runtime-Trace-Id":             in.TraceID,
		"Lambda-Runtime-Client-Context":       in.ClientContext,
		"Content-Type":                        "application/json",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var ms int64
	if _, err := fmt.Sscan(h.Get("Lambda-Runtime-Deadline-Ms"), &ms); err != nil {
		t.Fatal(err)
	}
	if deadline := time.UnixMilli(ms); deadline.Before(before.Add(spec.Timeout-time.Second)) || deadline.After(time.Now().Add(spec.Timeout)) {
		t.Errorf("the deadline is %v", deadline)
	}
}

func directories(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "directories")
	var at struct{ Directory string }
	var env map[string]string
	b.OK(spec, `{"do":"directory"}`, &at)
	if b.OK(spec, `{"do":"environment"}`, &env); at.Directory != env["LAMBDA_TASK_ROOT"] {
		t.Errorf("the current directory is %s, and the code in %s", at.Directory, env["LAMBDA_TASK_ROOT"])
	}
	var said string
	if b.OK(spec, `{"do":"write","text":"file"}`, &said); said != "<nil>" {
		t.Errorf("writing to the directory for temporary files: %s", said)
	}
}

func endpoint(t *testing.T, l sandbox.Launcher) {
	conns := make(chan net.Conn)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s of %s", r.URL.Path, r.Method)
	})}
	line := newListener(conns)
	go server.Serve(line)
	defer server.Close()
	b := NewBed(t, l, func(o *sandbox.Options) { o.ServeAWS = line.serve })
	spec := Spec(t, "endpoint")
	for range 3 {
		var said string
		if b.OK(spec, `{"do":"get","text":"/photos/1"}`, &said); said != "/photos/1 of GET" {
			t.Fatalf("the function read %q", said)
		}
	}
}

func changed(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "changed")
	var env map[string]string
	b.OK(spec, `{"do":"environment"}`, &env)
	next := *spec
	next.Key.Revision = "2"
	next.Environment = map[string]string{"COLOUR": "blue"}
	if b.OK(&next, `{"do":"environment"}`, &env); env["COLOUR"] != "blue" {
		t.Errorf("the new revision's environment is %q", env["COLOUR"])
	}
	if c := b.Counts(func(k sandbox.Key) bool { return k == spec.Key }); c != (sandbox.Counts{}) {
		t.Errorf("of the old revision there are %+v", c)
	}
	b.Retire(func(k sandbox.Key) bool { return k.Function == spec.Key.Function })
	if c := b.Counts(func(sandbox.Key) bool { return true }); c != (sandbox.Counts{}) {
		t.Errorf("of the function that was retired there are %+v", c)
	}
	if res := b.OK(&next, `{"do":"echo"}`, new(any)); res.Init == 0 {
		t.Error("a sandbox that was retired was used again")
	}
}

func keepAlive(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l, func(o *sandbox.Options) { o.KeepAlive = time.Hour }), Spec(t, "keep-alive")
	b.Clock.Freeze()
	done := make(chan error)
	go func() { done <- b.Run(t.Context()) }()
	all := func(sandbox.Key) bool { return true }
	b.OK(spec, `{"do":"echo"}`, new(any))
	b.Clock.Advance(59 * time.Minute)
	if c := b.Counts(all); c.Idle != 1 {
		t.Errorf("before the keep-alive is over there are %+v", c)
	}
	b.Clock.Advance(time.Minute)
	Until(t, func() bool { return b.Counts(all) == sandbox.Counts{} })
}

func layersAndExtensions(t *testing.T, l sandbox.Launcher) {
	built, err := extension()
	if err != nil {
		t.Fatal(err)
	}
	first, second, merged := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "opt")
	for file, body := range map[string]string{
		filepath.Join(first, "a"):  "first",
		filepath.Join(first, "b"):  "first",
		filepath.Join(second, "b"): "second",
	} {
		if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile(filepath.Join(built, "extension"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(second, "extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(second, "extensions", "watcher"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := sandbox.MergeLayers(merged, []string{first, second}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"a": "first", "b": "second"} {
		if got, err := os.ReadFile(filepath.Join(merged, file)); err != nil || string(got) != want {
			t.Errorf("%s holds %q: %v", file, got, err)
		}
	}

	b, spec := NewBed(t, l), Spec(t, "extended")
	spec.LayerDir = merged
	in := NewInvocation(spec, `{"do":"echo"}`)
	res, err := b.Invoke(t.Context(), spec, in)
	if err != nil || res.FunctionError != "" {
		t.Fatal(err, res)
	}
	b.OK(spec, `{"do":"echo"}`, new(any)) // which waits for the extension to be done with the first
	b.Retire(func(sandbox.Key) bool { return true })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log is\n%s", b.Text())
		}
	})
	const registration = `extension registered: 200 {"functionName":"extended","functionVersion":"$LATEST","handler":"bootstrap","accountId":"000000000000"}`
	for _, want := range []string{registration, "extension told: INVOKE " + in.RequestID, "extension told: SHUTDOWN spindown"} {
		Until(t, func() bool { return strings.Contains(b.Text(), want+"\n") })
	}
}

func closed(t *testing.T, l sandbox.Launcher) {
	b, spec := NewBed(t, l), Spec(t, "closed")
	b.OK(spec, `{"do":"leave"}`, new(any))
	var wg sync.WaitGroup
	wg.Go(func() {
		res, err := b.Invoke(t.Context(), spec, NewInvocation(spec, `{"do":"sleep","n":60000}`))
		if err != nil || res.FunctionError != "Unhandled" {
			t.Errorf("an invocation that the end cut short: %v, %v", res, err)
		}
	})
	Until(t, func() bool { return b.Counts(func(sandbox.Key) bool { return true }).Busy == 1 })
	b.Close()
	wg.Wait()
	if _, err := b.Invoke(t.Context(), spec, NewInvocation(spec, `{}`)); err != sandbox.ErrClosed {
		t.Errorf("an invocation after the end: %v", err)
	}
}
