package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
)

// Options are what a fleet is given.
type Options struct {
	// Launcher starts the sandboxes.
	Launcher Launcher
	// Clock is the time of log lines and of KeepAlive, IDs makes log stream names and trace ids.
	Clock *clock.Clock
	IDs   *ids.Source
	// Log is told of sandboxes that start, end and fail.
	Log *slog.Logger
	// Sink receives the functions' log lines (nil: they are only in Result.LogTail).
	Sink LogSink
	// ServeAWS serves one connection that a function makes to the AWS
	// endpoint, and returns when it ends.
	ServeAWS func(net.Conn)
	// Prepare completes the copy of a Spec with which a sandbox is about
	// to start: what is dear to make (code unpacked, credentials issued) is made
	// here, and not per invocation (nil: nothing).
	Prepare func(ctx context.Context, spec *Spec) error
	// KeepAlive is how long an idle sandbox is kept (0: DefaultKeepAlive).
	KeepAlive time.Duration
	// StartTimeout is how long a sandbox may take from its start until the
	// runtime asks for the first event (0: DefaultStartTimeout).
	StartTimeout time.Duration
}

// Defaults of Options.
const (
	DefaultKeepAlive    = 10 * time.Minute
	DefaultStartTimeout = 20 * time.Second
)

// Fleet keeps the sandboxes of all functions. It is safe for concurrent use.
type Fleet struct {
	o Options
	// real is the machine's time, by which functions run.
	real *clock.Clock

	mu     sync.Mutex
	closed bool
	pools  map[Key]*pool
	// revisions is the revision last invoked of each version.
	revisions map[Key]string
	// live are all sandboxes from their start until nothing of them is left.
	live map[*instance]struct{}
	// idled is signalled when a sandbox becomes idle.
	idled chan struct{}
	// ended counts what Close waits for: sandboxes that are not yet gone,
	// invocations, and what goes on beside them.
	ended sync.WaitGroup
}

// pool holds the sandboxes of one key.
type pool struct {
	// idle is ordered by the time since when: the longest idle first.
	idle           []*instance
	busy, starting int
}

// Counts are sandboxes by state.
type Counts struct {
	// Starting have not begun their first invocation, Busy are within one,
	// Idle wait for the next.
	Starting, Busy, Idle int
}

// New is a fleet without sandboxes.
func New(o Options) *Fleet {
	if o.KeepAlive == 0 {
		o.KeepAlive = DefaultKeepAlive
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = DefaultStartTimeout
	}
	return &Fleet{
		o:         o,
		real:      clock.System(),
		pools:     map[Key]*pool{},
		revisions: map[Key]string{},
		live:      map[*instance]struct{}{},
		idled:     make(chan struct{}, 1),
	}
}

// Invoke runs one invocation of the function and returns when its response is
// there. An idle sandbox of the key is used where there is one; else one is
// started: the caller bounds concurrency.
//
// What the function does wrong (an exception, an exit, a timeout, a response too
// large) is in the Result. The error is a *StartError where there could be no sandbox,
// what Options.Prepare returned, or ErrClosed.
//
// Once the function has the event it runs to its end or its timeout,
// whatever becomes of ctx, as it does on AWS when the caller goes away.
func (f *Fleet) Invoke(ctx context.Context, spec *Spec, in *Invocation) (*Result, error) {
	if !f.enter() {
		return nil, ErrClosed
	}
	defer f.ended.Done()
	if in.TraceID == "" {
		own := *in
		own.TraceID = f.trace()
		in = &own
	}
	for {
		inst, err := f.take(spec.Key)
		if err != nil {
			return nil, err
		}
		if inst == nil {
			return f.invokeCold(ctx, spec, in)
		}
		res, ok := inst.invoke(in, 0)
		f.release(inst)
		if ok {
			return res, nil
		}
		// It had ended while it was idle: nobody has seen the event.
	}
}

// trace is the tracing header of an invocation that nobody samples.
func (f *Fleet) trace() string {
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0",
		f.o.Clock.Now().Unix(), f.o.IDs.String(ids.Hex, 24), f.o.IDs.String(ids.Hex, 16))
}

// enter holds the fleet open, unless it is closed.
func (f *Fleet) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.ended.Add(1)
	}
	return !f.closed
}

func (f *Fleet) invokeCold(ctx context.Context, spec *Spec, in *Invocation) (*Result, error) {
	began := f.real.Now()
	inst, err := f.start(ctx, spec)
	if err != nil {
		f.settle(spec.Key, nil)
		return nil, err
	}
	failure, err := inst.awaitInit(ctx, in, began)
	if failure != nil || err != nil {
		f.settle(spec.Key, nil)
		f.ended.Go(inst.end)
		return failure, err
	}
	f.settle(spec.Key, inst)
	res, ok := inst.invoke(in, f.real.Now().Sub(began))
	f.release(inst)
	if !ok {
		return inst.exitResult(in, began), nil
	}
	return res, nil
}

// Place makes a version ready to be started, which the first Invoke does where it has
// not been done: an image that must be pulled first takes long. The error
// is a *StartError or what Options.Prepare returned.
func (f *Fleet) Place(ctx context.Context, spec *Spec) error {
	if !f.enter() {
		return ErrClosed
	}
	defer f.ended.Done()
	_, err := f.place(ctx, spec)
	return err
}

// place completes a copy of spec and makes it ready to be started.
func (f *Fleet) place(ctx context.Context, spec *Spec) (*Spec, error) {
	own := *spec
	if f.o.Prepare != nil {
		if err := f.o.Prepare(ctx, &own); err != nil {
			return nil, err
		}
	}
	if err := f.o.Launcher.Place(ctx, &own); err != nil {
		return nil, &StartError{Launcher: f.o.Launcher.Name(), Err: err}
	}
	return &own, nil
}

// start makes a sandbox of a copy of spec. The pool counts it as starting already.
func (f *Fleet) start(ctx context.Context, spec *Spec) (*instance, error) {
	own, err := f.place(ctx, spec)
	if err != nil {
		return nil, err
	}
	stream := f.o.Clock.Now().Format("2006/01/02") + "/[" + own.Key.Version + "]" + f.o.IDs.String(ids.Hex, 32)
	ctx, cancel := context.WithTimeout(ctx, f.o.StartTimeout)
	defer cancel()
	proc, err := f.o.Launcher.Start(ctx, own, stream)
	if err != nil {
		return nil, &StartError{Launcher: f.o.Launcher.Name(), Err: err}
	}
	inst := newInstance(f, own, stream, proc)
	f.mu.Lock()
	closed := f.closed
	f.live[inst] = struct{}{}
	f.ended.Add(1)
	f.mu.Unlock()
	go inst.run()
	if closed {
		inst.kill()
		return nil, ErrClosed
	}
	f.o.Log.Debug("sandbox started", "function", own.Key.Function, "version", own.Key.Version, "launcher", f.o.Launcher.Name(), "stream", stream)
	return inst, nil
}

// take gives the sandbox of the key that was idle for the shortest time,
// so that the others can expire, or nil, and counts what the caller will start.
func (f *Fleet) take(key Key) (*instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	version := Key{Function: key.Function, Version: key.Version}
	if last, known := f.revisions[version]; last != key.Revision {
		if known {
			f.retire(Key{key.Function, key.Version, last})
		}
		f.revisions[version] = key.Revision
	}
	p := f.pools[key]
	if p == nil {
		p = &pool{}
		f.pools[key] = p
	}
	if n := len(p.idle); n > 0 {
		inst := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.busy++
		return inst, nil
	}
	p.starting++
	return nil, nil
}

// settle ends the start of a sandbox: inst is now busy, or, if nil, there is none.
func (f *Fleet) settle(key Key, inst *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pools[key]
	p.starting--
	if inst != nil {
		p.busy++
	}
	f.tidy(key, p)
}

// release ends an invocation: the sandbox is idle again, or ended if it
// failed or has been retired meanwhile.
func (f *Fleet) release(inst *instance) {
	key := inst.spec.Key
	f.mu.Lock()
	p := f.pools[key]
	p.busy--
	keep := !f.closed && !inst.retired && inst.usable() &&
		f.revisions[Key{Function: key.Function, Version: key.Version}] == key.Revision
	if keep {
		inst.idleSince = f.o.Clock.Now()
		p.idle = append(p.idle, inst)
	}
	f.tidy(key, p)
	f.mu.Unlock()
	if !keep {
		f.ended.Go(inst.end)
		return
	}
	select {
	case f.idled <- struct{}{}:
	default:
	}
}

// tidy forgets a pool that holds nothing.
func (f *Fleet) tidy(key Key, p *pool) {
	if len(p.idle) == 0 && p.busy == 0 && p.starting == 0 {
		delete(f.pools, key)
	}
}

// Retire lets go of the sandboxes whose key matches, and of the code that was
// placed for them: idle ones at once, others when their invocation ends. It
// returns without waiting for that.
func (f *Fleet) Retire(match func(Key) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for version, revision := range f.revisions {
		if key := (Key{version.Function, version.Version, revision}); match(key) {
			f.retire(key)
			delete(f.revisions, version)
		}
	}
}

// retire does so for one key.
func (f *Fleet) retire(key Key) {
	any := false
	for inst := range f.live {
		if inst.spec.Key == key {
			inst.retired, inst.obsolete = true, true
			any = true
		}
	}
	if p := f.pools[key]; p != nil {
		for _, inst := range p.idle {
			f.ended.Go(inst.end)
		}
		p.idle = nil
		f.tidy(key, p)
	}
	if !any {
		f.forget(key)
	}
}

// gone takes a sandbox of which nothing is left off all lists.
func (f *Fleet) gone(inst *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.live, inst)
	key := inst.spec.Key
	if p := f.pools[key]; p != nil {
		if i := slices.Index(p.idle, inst); i >= 0 {
			p.idle = slices.Delete(p.idle, i, i+1)
		}
		f.tidy(key, p)
	}
	if inst.obsolete {
		another := false
		for other := range f.live {
			another = another || other.spec.Key == key
		}
		if !another {
			f.forget(key)
		}
	}
	f.ended.Done()
}

// forget tells the launcher that a key will not be started again.
func (f *Fleet) forget(key Key) {
	if !f.closed {
		f.ended.Go(func() { f.o.Launcher.Forget(key) })
	}
}

// Counts are the sandboxes whose key matches.
func (f *Fleet) Counts(match func(Key) bool) Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	var c Counts
	for key, p := range f.pools {
		if match(key) {
			c.Starting += p.starting
			c.Busy += p.busy
			c.Idle += len(p.idle)
		}
	}
	return c
}

// Run lets go of sandboxes that have been idle for too long, until the context ends.
func (f *Fleet) Run(ctx context.Context) error {
	for {
		next, any := f.reap(f.o.Clock.Now())
		if any {
			if err := f.o.Clock.Wait(ctx, next); err != nil {
				return nil
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.idled:
		}
	}
}

// reap ends what has expired at now, and says when the next will have, if any is idle.
func (f *Fleet) reap(now time.Time) (next time.Time, any bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, p := range f.pools {
		n := 0
		for n < len(p.idle) && !p.idle[n].idleSince.Add(f.o.KeepAlive).After(now) {
			p.idle[n].retired = true
			f.ended.Go(p.idle[n].end)
			n++
		}
		p.idle = append(p.idle[:0], p.idle[n:]...)
		if len(p.idle) > 0 {
			if t := p.idle[0].idleSince.Add(f.o.KeepAlive); !any || t.Before(next) {
				next, any = t, true
			}
		}
		f.tidy(key, p)
	}
	return next, any
}

// Close kills all sandboxes, and returns when nothing of them is left.
// Invocations under way end as if the runtime had been killed.
func (f *Fleet) Close() {
	f.mu.Lock()
	f.closed = true
	for inst := range f.live {
		inst.retired = true
		inst.kill()
	}
	f.mu.Unlock()
	f.ended.Wait()
}
