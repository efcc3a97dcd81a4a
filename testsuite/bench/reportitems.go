package main

import (
	"fmt"
	"io"
)

// printMoved prints what requests moved that have many items each.
func (r *report) printMoved(w io.Writer, title func(string, ...string)) {
	first := true
	for _, x := range r.Rates {
		m := x.Moved
		if m == nil {
			continue
		}
		if first {
			title("Items per second, and their MB/s as DynamoDB counts bytes", "", "disk", "memory", "aim", "", "MB/s: disk", "memory", "aim", "")
		}
		first = false
		aimItems := ""
		if m.AimItems > 0 {
			aimItems = fmt.Sprintf("%.0f", m.AimItems)
		}
		aimBytes := ""
		if m.AimBytes > 0 {
			aimBytes = fmt.Sprintf("%.0f", m.AimBytes/1e6)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%s\t%s\t%.0f\t%.0f\t%s\t%s\t\n", x.Case,
			m.Items, m.MemoryItems, aimItems, verdict(-m.Items, -m.AimItems, -m.AimItems),
			m.Bytes/1e6, m.MemoryBytes/1e6, aimBytes, verdict(-m.Bytes, -m.AimBytes, -m.AimBytes))
	}
}

// printOthers prints how somebody else's servers fared.
func (r *report) printOthers(w io.Writer, title func(string, ...string)) {
	first := true
	for _, x := range r.Rates {
		for _, o := range x.Others {
			if first {
				title("Other servers in the same run: requests per second, their ratio to a bare handler's, and ours to theirs",
					"", "", "other", "ratio", "disk", "times", "memory", "times", "cpu: other", "disk")
			}
			first = false
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.3f\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s\t\n", x.Case, o.Name, o.PerSecond, o.Ratio,
				x.Disk.PerSecond, x.Disk.PerSecond/o.PerSecond, x.Memory.PerSecond, x.Memory.PerSecond/o.PerSecond,
				micros(o.Processor), micros(x.Disk.Processor))
		}
	}
}

// printSizes prints what the size of a table costs.
func (r *report) printSizes(w io.Writer, title func(string, ...string)) {
	if len(r.Sizes) == 0 {
		return
	}
	title(fmt.Sprintf("A table of many items beside one of %d, on disk: requests per second; how many times the time, and the processor time", fewItems),
		"", "few", "many", "times", "aim", "", "cpu: few", "many", "times")
	for _, x := range r.Sizes {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%.2f\t%s\t%s\t%s\t%.2f\t\n", x.Case, x.Few.PerSecond, x.Many.PerSecond,
			x.Times, x.Aim, verdict(x.Times, x.Aim, x.Aim), micros(x.Few.Processor), micros(x.Many.Processor), x.Processor)
	}
	title("Resident memory (of which own), MiB", "", "idle", "filled, at rest", "read, at rest")
	for _, x := range r.Filled {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", x.Store, mebibytes(x.IdleBytes, x.IdleOwnBytes),
			mebibytes(x.LoadedBytes, x.LoadedOwnBytes), mebibytes(x.RestedBytes, x.RestedOwnBytes))
	}
}
