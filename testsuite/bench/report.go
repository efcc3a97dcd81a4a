package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is all that a run has found out. Durations are in nanoseconds in JSON.
type report struct {
	Machine  machine      `json:"machine"`
	Rates    []rate       `json:"rates,omitempty"`
	Sizes    []tableSize  `json:"sizes,omitempty"`
	Filled   []usage      `json:"filled,omitempty"`
	Listings []listing    `json:"listings,omitempty"`
	Uploads  []uploadRate `json:"uploads,omitempty"`
	Large    []large      `json:"large,omitempty"`
	Invokes  []invoke     `json:"invokes,omitempty"`
	Starts   []start      `json:"starts,omitempty"`
	Memory   []usage      `json:"memory,omitempty"`
	LeftOut  []omission   `json:"leftOut,omitempty"`
}

type machine struct {
	System       string `json:"system"`
	Architecture string `json:"architecture"`
	Processors   int    `json:"processors"`
	Go           string `json:"go"`
	// Load is how busy the machine was before: the runnable processes on average
	// over a minute, "" where the system does not say.
	Load string `json:"load,omitempty"`
}

// rate is how a case went with all subjects.
type rate struct {
	Case   string  `json:"case"`
	Limit  rates   `json:"limit"`
	Disk   rates   `json:"disk"`
	Memory rates   `json:"memory"`
	Floor  float64 `json:"floor,omitempty"`
	Aim    float64 `json:"aim,omitempty"`
	// Others are servers of somebody else's.
	Others []otherRates `json:"others,omitempty"`
	Moved  *movedRates  `json:"moved,omitempty"`
}

// otherRates is how a case went with somebody else's server.
type otherRates struct {
	Name string `json:"name"`
	rates
}

// movedRates is what requests moved in a second, on disk and in memory, and how
// much is striven for.
type movedRates struct {
	Items       float64 `json:"items"`
	Bytes       float64 `json:"bytes"`
	MemoryItems float64 `json:"memoryItems"`
	MemoryBytes float64 `json:"memoryBytes"`
	AimItems    float64 `json:"aimItems,omitempty"`
	AimBytes    float64 `json:"aimBytes,omitempty"`
}

// rates is how it went with one. Ratio is to the limit; Processor is the processor
// time that the subject spent on a request.
type rates struct {
	PerSecond float64       `json:"perSecond"`
	Ratio     float64       `json:"ratio"`
	Median    time.Duration `json:"median"`
	Processor time.Duration `json:"processor"`
}

// invoke is how invocations went with one executor.
type invoke struct {
	Executor string `json:"executor"`
	// RoundTrip is a bare request's, Warm an invocation's, one after the other;
	// Above is the difference, and Cold an invocation that starts a sandbox.
	RoundTrip time.Duration `json:"roundTrip"`
	Warm      time.Duration `json:"warm"`
	Above     time.Duration `json:"above"`
	Cold      time.Duration `json:"cold"`
	// PerSecond is with invokeConnections at once, Ratio to the limit.
	PerSecond float64       `json:"perSecond"`
	Ratio     float64       `json:"ratio"`
	Floor     time.Duration `json:"floor"`
	Aim       time.Duration `json:"aim"`
}

// listing is the time of a page of a listing, asked for one after the other.
// RoundTrip is a bare request's whose answer has as many bytes.
type listing struct {
	Case      string        `json:"case"`
	Bytes     int           `json:"bytes"`
	RoundTrip time.Duration `json:"roundTrip"`
	Page      time.Duration `json:"page"`
	Processor time.Duration `json:"processor"`
	Floor     time.Duration `json:"floor"`
	Aim       time.Duration `json:"aim"`
}

// uploadRate is the rate of multipart uploads that run at once, in MiB/s, and that
// of writing their bytes to files; and the processor time for all of them.
type uploadRate struct {
	Case          string        `json:"case"`
	Bare          float64       `json:"bare"`
	Disk          float64       `json:"disk"`
	Ratio         float64       `json:"ratio"`
	Floor         float64       `json:"floor"`
	Aim           float64       `json:"aim"`
	BareProcessor time.Duration `json:"bareProcessor"`
	Processor     time.Duration `json:"processor"`
}

// large is the most memory that moving a large object took, and how much of it
// is no file's.
type large struct {
	Case          string `json:"case"`
	ExtraBytes    int64  `json:"extraBytes"`
	ExtraOwnBytes int64  `json:"extraOwnBytes"`
	Floor         int64  `json:"floor"`
	Aim           int64  `json:"aim"`
}

// start is the time from starting the program to its first answer, and the resident
// memory some time later.
type start struct {
	Store        string        `json:"store"`
	Time         time.Duration `json:"time"`
	IdleBytes    int64         `json:"idleBytes"`
	IdleOwnBytes int64         `json:"idleOwnBytes"`
	Floor        time.Duration `json:"floor,omitempty"`
	Aim          time.Duration `json:"aim,omitempty"`
}

// usage is resident memory. Own is the part that is no file's.
type usage struct {
	Store          string `json:"store"`
	IdleBytes      int64  `json:"idleBytes"`
	IdleOwnBytes   int64  `json:"idleOwnBytes"`
	LoadedBytes    int64  `json:"loadedBytes"`
	LoadedOwnBytes int64  `json:"loadedOwnBytes"`
	RestedBytes    int64  `json:"restedBytes"`
	RestedOwnBytes int64  `json:"restedOwnBytes"`
}

// omission is a case that could not be measured, and why.
type omission struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

func (r *report) omit(name, why string) { r.LeftOut = append(r.LeftOut, omission{name, why}) }

// The floor and the aim of resident memory when idle, in bytes.
const idleFloor, idleAim = 40 << 20, 25 << 20

// print prints the report as tables.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "%s/%s, %d processors, %s", r.Machine.System, r.Machine.Architecture, r.Machine.Processors, r.Machine.Go)
	if r.Machine.Load != "" {
		fmt.Fprintf(out, ", load %s before", r.Machine.Load)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	title := func(s string, columns ...string) {
		fmt.Fprintf(w, "\n%s\n%s\t\n", s, strings.Join(columns, "\t"))
	}
	if len(r.Rates) > 0 {
		title("Requests per second, and their ratio to a bare handler's; processor time per request",
			"", "bare", "disk", "ratio", "memory", "ratio", "floor", "aim", "", "cpu: bare", "disk", "memory")
	}
	for _, x := range r.Rates {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%.0f\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t\n", x.Case,
			x.Limit.PerSecond, x.Disk.PerSecond, x.Disk.Ratio, x.Memory.PerSecond, x.Memory.Ratio,
			number(x.Floor), number(x.Aim), verdict(-x.Disk.Ratio, -x.Floor, -x.Aim),
			micros(x.Limit.Processor), micros(x.Disk.Processor), micros(x.Memory.Processor))
	}
	r.printMoved(w, title)
	r.printOthers(w, title)
	r.printSizes(w, title)
	if len(r.Listings) > 0 {
		title("Pages of listings, one after the other (median), beside as many bytes of a bare handler",
			"", "KiB", "bare", "page", "floor", "aim", "", "cpu")
	}
	for _, x := range r.Listings {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", x.Case, x.Bytes>>10, micros(x.RoundTrip), micros(x.Page),
			micros(x.Floor), micros(x.Aim), verdict(x.Page, x.Floor, x.Aim), micros(x.Processor))
	}
	if len(r.Uploads) > 0 {
		title("Multipart uploads at once, in MiB/s, and writing the same bytes to files with their MD5; processor time",
			"", "files", "disk", "ratio", "floor", "aim", "", "cpu: files", "disk")
	}
	for _, x := range r.Uploads {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%s\t%s\t%s\t%s\t%s\t\n", x.Case, x.Bare, x.Disk, x.Ratio,
			number(x.Floor), number(x.Aim), verdict(-x.Ratio, -x.Floor, -x.Aim), millis(x.BareProcessor), millis(x.Processor))
	}
	if len(r.Large) > 0 {
		title(fmt.Sprintf("Memory while an object of %d GiB is moved, beyond that before (of which own), MiB", largeBytes>>30), "", "extra", "floor", "aim", "")
	}
	for _, x := range r.Large {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t\n", x.Case, mebibytes(x.ExtraBytes, x.ExtraOwnBytes), x.Floor>>20, x.Aim>>20, verdict(x.ExtraBytes, x.Floor, x.Aim))
	}
	if len(r.Invokes) > 0 {
		title(fmt.Sprintf("Invocations of a provided function: one after the other (median), and per second with %d at once", invokeConnections),
			"", "bare", "warm", "above", "floor", "aim", "", "cold", "per second", "ratio")
	}
	for _, x := range r.Invokes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.2f\t\n", x.Executor,
			micros(x.RoundTrip), micros(x.Warm), micros(x.Above), micros(x.Floor), micros(x.Aim), verdict(x.Above, x.Floor, x.Aim),
			millis(x.Cold), x.PerSecond, x.Ratio)
	}
	if len(r.Starts) > 0 {
		title("From start to the first answer (median); resident memory (of which own) at rest, MiB",
			"", "time", "floor", "aim", "", "memory")
	}
	for _, x := range r.Starts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", x.Store, millis(x.Time), millis(x.Floor), millis(x.Aim),
			verdict(x.Time, x.Floor, x.Aim), mebibytes(x.IdleBytes, x.IdleOwnBytes))
	}
	if len(r.Memory) > 0 {
		title("Resident memory (of which own), MiB", "", "idle", "floor", "aim", "", "after load", "at rest")
	}
	for _, x := range r.Memory {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t\n", x.Store, mebibytes(x.IdleBytes, x.IdleOwnBytes), idleFloor>>20, idleAim>>20,
			verdict(x.IdleBytes, idleFloor, idleAim), mebibytes(x.LoadedBytes, x.LoadedOwnBytes), mebibytes(x.RestedBytes, x.RestedOwnBytes))
	}
	w.Flush()
	for _, o := range r.LeftOut {
		fmt.Fprintf(out, "\nleft out: %s: %s\n", o.Case, o.Why)
	}
}

// verdict judges a value of which less is better.
func verdict[N int64 | float64 | time.Duration](value, floor, aim N) string {
	switch {
	case aim == 0:
		return ""
	case value <= aim:
		return "good"
	case value <= floor:
		return "fair"
	}
	return "POOR"
}

func number(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

func micros(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

func millis(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func mebibytes(all, own int64) string {
	return fmt.Sprintf("%.1f (%.1f)", float64(all)/(1<<20), float64(own)/(1<<20))
}
