// Command bench measures a running Virga against the limit of what a Go server
// on the same machine could do, and prints the ratios.
//
// # Vocabulary
//
// A subject is a server process that is driven: Virga with its store on disk,
// Virga with its store in memory, or the limit. The limit is a bare net/http
// handler in a process of its own that reads the same request, to the byte, and
// answers as many bytes, with the MD5 of the body where S3 has to compute it, and
// written to a file where multipart uploads are measured. Servers of others, that
// do a part of what Virga does, are subjects too where that is asked for. A case
// is one kind of request. A round is a short time during which one subject is
// driven with one case.
//
// # Powers and limits
//
// Load comes from this process, over loopback, through connections that are kept,
// by a client that does next to nothing. Subjects take turns in short rounds, and
// what is reported are medians over rounds that lie side by side: what else the
// machine does hits all of them. Ratios may be compared between machines with
// care, times and requests per second may not. Every answer is checked
// for its status and size, the first on each connection for its content.
//
// It is run in the module, whose go command builds the function that is invoked.
//
//	go build -o bin/virga ./cmd/virga && go run ./testsuite/bench -server bin/virga
//	go run ./testsuite/bench -only 's3 get' -round 300ms
//	go run ./testsuite/bench -only 's3 list' -keys 10000000
//	go run ./testsuite/bench -only 's3 large'
//	go run ./testsuite/bench -only 'of many' -many 10000000
//	go run ./testsuite/bench -only 'Item|Query|s3 (GET|PUT)' -others
//	go run ./testsuite/bench -only start -store /var/tmp/million
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// bench is one run of this program.
type bench struct {
	// program is Virga's binary, dir where everything of this run is kept.
	program, dir string
	// store is a data directory with a million items that is used again ("" makes one).
	store string
	items int
	// keys is how many objects the bucket has whose pages are measured.
	keys int
	// many is how many items the large table has whose size is in question.
	many int
	// others says that other servers are measured too.
	others bool
	// profiles is a directory for profiles of Virga ("" makes none).
	profiles string
	// only chooses cases by name; nil takes all.
	only *regexp.Regexp
	// round is how long a subject is driven at a time, rounds how often.
	round  time.Duration
	rounds int
	report report
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == limitCommand {
		fail(serveLimit(os.Args[2:]))
		return
	}
	b := bench{}
	flag.StringVar(&b.program, "server", "bin/virga", "Virga's binary")
	flag.DurationVar(&b.round, "round", 0, "how long one subject is driven at a time (default: the duration in 5 rounds)")
	flag.IntVar(&b.rounds, "rounds", 5, "how often each subject is driven")
	duration := flag.Duration("duration", 4*time.Second, "how long each subject is driven in all with each case")
	flag.StringVar(&b.store, "store", "", "data directory with the items of the start-up case; filled if it is not there, and kept")
	flag.IntVar(&b.items, "items", 1_000_000, "how many items the start-up case has in its store")
	flag.IntVar(&b.keys, "keys", 10_000, "how many objects are in the bucket that is listed")
	flag.IntVar(&b.many, "many", 0, "how many items the large table has that is compared with a small one (0 leaves it out)")
	flag.BoolVar(&b.others, "others", false, "measure servers of others too: dynalite, s3rver and MinIO, which npm and go install into dist/others")
	flag.StringVar(&b.profiles, "profile", "", "directory for processor and heap profiles of Virga in each case of requests or invocations")
	asJSON := flag.Bool("json", false, "print JSON instead of tables")
	only := flag.String("only", "", "the cases to run: a regular expression over their names")
	flag.Parse()
	if b.round == 0 {
		b.round = *duration / time.Duration(b.rounds)
	}
	if *only != "" {
		expression, err := regexp.Compile("(?i)" + *only)
		fail(err)
		b.only = expression
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if *asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		fail(out.Encode(b.report))
	} else {
		b.report.print(os.Stdout)
	}
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs all cases that are chosen. What has been measured when one fails
// stays in the report.
func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "virga-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.report.Machine = machine{runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), machineLoad()}
	for _, part := range []func(context.Context) error{b.requests, b.sizes, b.listings, b.uploads, b.large, b.functions, b.starts} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// machineLoad is how busy the machine is with other things.
// https://man7.org/linux/man-pages/man5/proc_loadavg.5.html
func machineLoad() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}

// chosen says whether a case is to be run.
func (b *bench) chosen(name string) bool { return b.only == nil || b.only.MatchString(name) }

// progress tells who waits what is being done.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
