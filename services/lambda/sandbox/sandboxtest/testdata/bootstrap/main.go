// The function of the sandbox tests: a program for the provided runtimes that
// does what its event says. It speaks the Runtime API itself, with net/http.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// event is what to do, and with what.
type event struct {
	Do    string `json:"do"`
	Text  string `json:"text"`
	N     int    `json:"n"`
	Value any    `json:"value,omitempty"`
}

var api = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"

func main() {
	fmt.Println("function starts")
	switch os.Getenv("ON_INIT") {
	case "exit":
		os.Exit(7)
	case "hang":
		time.Sleep(time.Hour)
	case "error":
		post("init/error", "application/json", strings.NewReader(`{"errorMessage":"no luck","errorType":"Custom.Init","stackTrace":[]}`), "Custom.Init")
		os.Exit(1)
	}
	for {
		resp, err := http.Get(api + "invocation/next")
		if err != nil {
			os.Exit(3)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			os.Exit(3)
		}
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		handle(id, resp.Header, body)
	}
}

func handle(id string, h http.Header, body []byte) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		respond(id, map[string]any{"size": len(body)})
		return
	}
	switch e.Do {
	case "echo":
		respond(id, e.Value)
	case "raw":
		post("invocation/"+id+"/response", "application/json", bytes.NewReader(body), "")
	case "headers":
		respond(id, h)
	case "environment":
		env := map[string]string{}
		for _, v := range os.Environ() {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		respond(id, env)
	case "directory":
		dir, err := os.Getwd()
		respond(id, map[string]any{"directory": dir, "error": fmt.Sprint(err)})
	case "log":
		fmt.Print(e.Text)
		respond(id, nil)
	case "error":
		post("invocation/"+id+"/error", "application/json", strings.NewReader(`{"errorMessage":"`+e.Text+`","errorType":"Custom.Error"}`), "Custom.Error")
	case "sleep":
		time.Sleep(time.Duration(e.N) * time.Millisecond)
		respond(id, nil)
	case "exit":
		fmt.Println("about to exit")
		os.Exit(e.N)
	case "exit after":
		respond(id, "done")
		os.Exit(e.N)
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.Signal(e.N))
		time.Sleep(time.Hour)
	case "big":
		respond(id, strings.Repeat("x", e.N))
	case "stream":
		r, w := io.Pipe()
		go func() {
			for i := range e.N {
				fmt.Fprintf(w, "part %d\n", i)
			}
			w.Close()
		}()
		post("invocation/"+id+"/response", "text/plain", r, "")
	case "get":
		resp, err := http.Get(os.Getenv("AWS_ENDPOINT_URL") + e.Text)
		if err != nil {
			respond(id, err.Error())
			return
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		respond(id, string(b))
	case "write":
		err := os.WriteFile(os.TempDir()+"/"+e.Text, []byte("x"), 0o600)
		respond(id, fmt.Sprint(err))
	case "leave":
		// A process that leaves its session and its group, and outlives its parent.
		cmd := exec.Command("sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		err := cmd.Start()
		respond(id, map[string]any{"pid": os.Getpid(), "left": cmd.Process.Pid, "error": fmt.Sprint(err)})
	case "allocate":
		var all [][]byte
		for range e.N {
			mib := make([]byte, 1<<20)
			for i := 0; i < len(mib); i += 4096 {
				mib[i] = 1
			}
			all = append(all, mib)
		}
		respond(id, len(all))
	case "pid":
		respond(id, os.Getpid())
	default:
		os.Exit(4)
	}
}

func respond(id string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	post("invocation/"+id+"/response", "application/json", bytes.NewReader(b), "")
}

func post(path, contentType string, body io.Reader, errorType string) {
	req, err := http.NewRequest("POST", api+path, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", contentType)
	if errorType != "" {
		req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(3)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}
