package sandbox

import (
	"testing"
	"time"
)

func TestRuntimeVersion(t *testing.T) {
	for runtime, want := range map[string]string{
		"python3.11": "python:3.11", "nodejs20.x": "nodejs:20", "provided.al2023": "provided:al2023",
		"java21": "java:21", "provided": "provided", "": "image",
	} {
		if got := runtimeVersion(runtime); got != want {
			t.Errorf("%q is %q, want %q", runtime, got, want)
		}
	}
}

// Durations are billed by the millisecond, rounded up.
func TestBilled(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: 0, 1: time.Millisecond, time.Millisecond: time.Millisecond, 1001 * time.Microsecond: 2 * time.Millisecond,
	} {
		if got := billed(took); got != want {
			t.Errorf("%v is billed as %v, want %v", took, got, want)
		}
	}
}

func TestReport(t *testing.T) {
	in := &Invocation{RequestID: "ID"}
	s := &Spec{MemoryMB: 128}
	res := &Result{Duration: 1234567, Billed: 25 * time.Millisecond, Init: 23 * time.Millisecond, MaxMemoryMB: 40}
	for _, c := range []struct {
		name string
		out  outcome
		want []string
	}{
		{"a response", outcome{}, []string{
			"END RequestId: ID",
			"REPORT RequestId: ID\tDuration: 1.23 ms\tBilled Duration: 25 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 23.00 ms\t",
		}},
		{"an exit", exited("ID", "exit status 1"), []string{
			"RequestId: ID Error: Runtime exited with error: exit status 1",
			"Runtime.ExitError",
			"END RequestId: ID",
			"REPORT RequestId: ID\tDuration: 1.23 ms\tBilled Duration: 25 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 23.00 ms\tStatus: error\tError Type: Runtime.ExitError",
		}},
		{"a timeout", timedOut("ID", time.Unix(0, 5e6), 3*time.Second), []string{
			"1970-01-01T00:00:00.005Z ID Task timed out after 3.00 seconds",
			"",
			"END RequestId: ID",
			"REPORT RequestId: ID\tDuration: 1.23 ms\tBilled Duration: 25 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 23.00 ms\tStatus: timeout",
		}},
	} {
		got := report(in, res, s, c.out)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", c.name, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: line %d is\n%q, want\n%q", c.name, i, got[i], c.want[i])
			}
		}
	}
}
