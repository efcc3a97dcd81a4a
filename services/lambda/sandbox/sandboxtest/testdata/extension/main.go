// The extension of the sandbox tests: it says what it is told.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"
	id, status, answer := call("POST", api+"register", "", `{"events":["INVOKE","SHUTDOWN"]}`)
	fmt.Println("extension registered:", status, answer)
	for {
		_, status, body := call("GET", api+"event/next", id, "")
		var event struct {
			EventType          string `json:"eventType"`
			RequestID          string `json:"requestId"`
			InvokedFunctionARN string `json:"invokedFunctionArn"`
			ShutdownReason     string `json:"shutdownReason"`
		}
		if err := json.Unmarshal([]byte(body), &event); err != nil || status != http.StatusOK {
			os.Exit(1)
		}
		fmt.Println("extension told:", event.EventType, event.RequestID+event.ShutdownReason)
		if event.EventType == "SHUTDOWN" {
			return
		}
	}
}

func call(method, url, id, body string) (string, int, string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Lambda-Extension-Name", filepath.Base(os.Args[0]))
	req.Header.Set("Lambda-Extension-Identifier", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(1)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.Header.Get("Lambda-Extension-Identifier"), resp.StatusCode, string(b)
}
