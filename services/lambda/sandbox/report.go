package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The texts that Lambda itself puts into logs and error payloads.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

// initStart is the first line of a sandbox's log.
func initStart(s *Spec) string {
	return "INIT_START Runtime Version: " + runtimeVersion(s.Runtime)
}

// runtimeVersion is a runtime as INIT_START names it: "python:3.11", "nodejs:20", "provided:al2023".
func runtimeVersion(runtime string) string {
	if runtime == "" {
		return "image"
	}
	if rest, ok := strings.CutPrefix(runtime, "provided."); ok {
		return "provided:" + rest
	}
	digit := strings.IndexAny(runtime, "0123456789")
	if digit <= 0 {
		return runtime
	}
	return runtime[:digit] + ":" + strings.TrimSuffix(runtime[digit:], ".x")
}

// initReport is the line of an initialization that did not succeed.
func initReport(took time.Duration, status, errorType string) string {
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s", milliseconds(took), status)
	if status == "error" && errorType != "" {
		line += "\tError Type: " + errorType
	}
	return line
}

func start(requestID, version string) string {
	return "START RequestId: " + requestID + " Version: " + version
}

// report is what ends the log of an invocation.
func report(in *Invocation, res *Result, s *Spec, out outcome) []string {
	var lines []string
	if out.notice != "" {
		lines = strings.Split(out.notice, "\n")
	}
	lines = append(lines, "END RequestId: "+in.RequestID)
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		in.RequestID, milliseconds(res.Duration), res.Billed.Milliseconds(), s.MemoryMB, res.MaxMemoryMB)
	if res.Init > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(res.Init))
	}
	if out.status != "" {
		line += "Status: " + out.status
		if out.status == "error" {
			line += "\tError Type: " + out.failure
		}
	}
	return append(lines, line)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// billed rounds up to whole milliseconds.
func billed(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// errorPayload is an error as the platform, not the function, reports it.
func errorPayload(errorType, message string) []byte {
	b, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, message})
	if err != nil {
		panic(err) // two strings can be marshalled
	}
	return b
}

// timedOut is the outcome of an invocation that took too long.
func timedOut(requestID string, now time.Time, limit time.Duration) outcome {
	took := fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())
	return outcome{
		payload: errorPayload("Sandbox.Timedout", "RequestId: "+requestID+" Error: "+took),
		failed:  true,
		failure: "Sandbox.Timedout",
		status:  "timeout",
		notice:  now.UTC().Format("2006-01-02T15:04:05.000Z") + " " + requestID + " " + took + "\n",
	}
}

// oomKilled is how the init says that the kernel ended the runtime because the
// sandbox was out of memory.
const oomKilled = "signal: killed (out of memory)"

// exited is the outcome of an invocation whose runtime ended; how is "" if it ended well.
func exited(requestID, how string) outcome {
	errorType, reason := "Runtime.ExitError", "Runtime exited without providing a reason"
	switch {
	case how == oomKilled:
		errorType, reason = "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"
	case how != "":
		reason = "Runtime exited with error: " + how
	}
	return ended(requestID, errorType, reason)
}

// invalidEntrypoint is the outcome of an invocation whose runtime could not be started.
func invalidEntrypoint(requestID string, s *Spec, reason string) outcome {
	if strings.HasPrefix(s.Runtime, "provided") && strings.HasSuffix(reason, ": no such file or directory") {
		reason = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
	}
	return ended(requestID, "Runtime.InvalidEntrypoint", reason)
}

// ended is the outcome of an invocation without a runtime.
func ended(requestID, errorType, reason string) outcome {
	message := "RequestId: " + requestID + " Error: " + reason
	return outcome{
		payload: errorPayload(errorType, message),
		failed:  true,
		failure: errorType,
		status:  "error",
		notice:  message + "\n" + errorType,
	}
}

// tooLarge is the outcome of an invocation whose response is above MaxResponse.
func tooLarge() outcome {
	const errorType = "Function.ResponseSizeTooLarge"
	return outcome{
		payload: errorPayload(errorType, fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse)),
		failed:  true,
		failure: errorType,
	}
}
