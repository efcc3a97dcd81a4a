package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/api/sts"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	arnOf   = "arn:aws:lambda:us-east-1:000000000000:function:"
	role    = "arn:aws:iam::000000000000:role/r"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bed is the service on a store of its own. Functions are Go: run is what they do.
type bed struct {
	*Service
	t     *testing.T
	clock *clock.Clock
	queue *events.Queue

	mu sync.Mutex
	// run answers an invocation; without it the event comes back.
	run func(*sandbox.Spec, *sandbox.Invocation) *sandbox.Result
	// started are the sandboxes that were made, ran the invocations, sent what
	// came to queues and topics.
	started []*sandbox.Spec
	ran     []*sandbox.Invocation
	at      []time.Duration
	sent    []events.Delivery
	live    map[sandbox.Key]bool
	assumed []*sts.AssumeRoleInput
}

func open(t *testing.T) *bed {
	db, blobs := storagetest.Open(t)
	return openOn(t, db, blobs)
}

func openOn(t *testing.T, db storage.DB, blobs *storage.Blobs) *bed {
	t.Helper()
	b := &bed{t: t, clock: clock.At(start), live: map[sandbox.Key]bool{}}
	source := ids.From(rand.NewChaCha8([32]byte{1}))
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	b.queue = events.New(db, b.clock, source, log, func(name string) (events.Deliverer, bool) {
		if name == "lambda" {
			return b.Service, true
		}
		return (*sink)(b), true
	})
	var err error
	b.Service, err = New(service.Env{
		DB: db, Blobs: blobs, Events: b.queue, Clock: b.clock, IDs: source, Log: log,
		Config: service.Config{CacheDir: t.TempDir(), LambdaExecutor: "process"},
	}, objects{}, (*roles)(b))
	if err != nil {
		t.Fatal(err)
	}
	b.fleet.open = func(context.Context) (sandboxes, error) { return (*fakeFleet)(b), nil }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.queue.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// drain waits until all that is due has been delivered.
func (b *bed) drain() {
	b.t.Helper()
	if err := b.queue.Drain(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// fakeFleet is a fleet whose sandboxes are calls of bed.run.
type fakeFleet bed

func (f *fakeFleet) Invoke(ctx context.Context, spec *sandbox.Spec, in *sandbox.Invocation) (*sandbox.Result, error) {
	f.mu.Lock()
	warm := f.live[spec.Key]
	f.mu.Unlock()
	if !warm {
		own := *spec
		if err := f.Service.prepare(ctx, &own); err != nil {
			return nil, err
		}
		f.mu.Lock()
		f.live[spec.Key] = true
		f.started = append(f.started, &own)
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ran = append(f.ran, in)
	f.at = append(f.at, f.clock.Now().Sub(start))
	if f.run == nil {
		return &sandbox.Result{Payload: in.Payload, LogTail: []byte("START\n")}, nil
	}
	return f.run(spec, in), nil
}

func (f *fakeFleet) Retire(match func(sandbox.Key) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.live {
		if match(key) {
			delete(f.live, key)
		}
	}
}

func (f *fakeFleet) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (f *fakeFleet) Close() {}

// sink takes what is sent to queues and topics.
type sink bed

func (s *sink) Deliver(_ context.Context, d *events.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, *d)
	return nil
}

type roles bed

func (r *roles) AssumeRole(_ context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.assumed = append(r.assumed, in)
	return &sts.AssumeRoleOutput{Credentials: &sts.Credentials{AccessKeyId: "ASIA", SecretAccessKey: "s", SessionToken: "t"}}, nil
}

// objects is an S3 with one object, bucket/code.zip.
type objects struct{}

func (objects) GetObject(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	switch {
	case in.Bucket != "bucket":
		return nil, &s3.NoSuchBucket{Message: "The specified bucket does not exist"}
	case in.Key != "code.zip":
		return nil, &s3.NoSuchKey{Message: "The specified key does not exist."}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(packed(map[string]string{"index.py": "s3"})))}, nil
}

// packed is a deployment package. Names that end in @ are links to their content.
func packed(files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		h := &zip.FileHeader{Name: strings.TrimSuffix(name, "@"), Method: zip.Store}
		h.SetMode(0o644)
		if strings.HasSuffix(name, "@") {
			h.SetMode(0o777 | 1<<27) // fs.ModeSymlink
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// code is a small package; different words make different packages.
func code(word string) []byte { return packed(map[string]string{"index.py": word}) }

// as is a context of a call in the account and region of the tests.
func (b *bed) as(op *api.Operation) context.Context {
	return api.WithCall(b.t.Context(), &api.Call{
		Account: account, Region: region, Principal: api.Root(account), RequestID: "request",
		Time: b.clock.Now(), Operation: op, Scheme: "http", Host: "localhost:4566",
	})
}

// from is a call that a service makes for a resource.
func (b *bed) from(principal, source string) context.Context {
	return api.WithCall(b.t.Context(), &api.Call{
		Account: account, Region: region, Principal: api.ServicePrincipal(principal, source, account), RequestID: "request",
		Time: b.clock.Now(), Operation: lam.Invoke.Spec(),
	})
}

// do calls an operation and fails the test where that fails.
func do[In, Out any](b *bed, op *api.Op[In, Out], f func(context.Context, *In) (*Out, error), in *In) *Out {
	b.t.Helper()
	out, err := f(b.as(op.Spec()), in)
	if err != nil {
		b.t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refused calls an operation that must fail, with a code and a text.
func refused[In, Out any](b *bed, op *api.Op[In, Out], f func(context.Context, *In) (*Out, error), in *In, want string) {
	b.t.Helper()
	_, err := f(b.as(op.Spec()), in)
	if got := shown(err); got != want {
		b.t.Errorf("%s %+v:\n got %s\nwant %s", op.Name, in, got, want)
	}
}

// shown is an error as its status, code and message.
func shown(err error) string {
	var plain *api.Error
	var modelled api.ModelledError
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &plain):
		return fmt.Sprintf("%d %s: %s", plain.Status, plain.Code, plain.Message)
	case errors.As(err, &modelled):
		return fmt.Sprintf("%d %v", modelled.Shape().Status, modelled)
	}
	return "unexpected: " + err.Error()
}

func (b *bed) create(name string, change ...func(*lam.CreateFunctionInput)) *lam.FunctionConfiguration {
	b.t.Helper()
	return do(b, &lam.CreateFunction, b.createFunction, newFunction(name, change...))
}

func newFunction(name string, change ...func(*lam.CreateFunctionInput)) *lam.CreateFunctionInput {
	in := &lam.CreateFunctionInput{FunctionName: name, Runtime: "python3.11", Role: role, Handler: "index.handler", Code: &lam.FunctionCode{ZipFile: code("first")}}
	for _, f := range change {
		f(in)
	}
	return in
}

func (b *bed) get(name string) *lam.GetFunctionOutput {
	b.t.Helper()
	return do(b, &lam.GetFunction, b.getFunction, &lam.GetFunctionInput{FunctionName: name})
}

func (b *bed) update(name, word string) *lam.FunctionConfiguration {
	b.t.Helper()
	return do(b, &lam.UpdateFunctionCode, b.updateFunctionCode, &lam.UpdateFunctionCodeInput{FunctionName: name, ZipFile: code(word)})
}

func (b *bed) publishes(name string) *lam.FunctionConfiguration {
	b.t.Helper()
	return do(b, &lam.PublishVersion, b.publishVersion, &lam.PublishVersionInput{FunctionName: name})
}

func (b *bed) invoke(name, payload string) *lam.InvokeOutput {
	b.t.Helper()
	return do(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: name, Payload: []byte(payload)})
}
