package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

// instance is one sandbox, from the start of its program until nothing of it is left.
//
// Its goroutines: run waits for the program; one accepts streams; one serves each stream. Invoke
// runs on the caller's goroutine and meets the one that serves the Runtime API
// at two channels, work and call.done.
type instance struct {
	fleet  *Fleet
	spec   *Spec
	stream string
	proc   Process
	log    *journal

	// Under fleet.mu: no further invocation may come here; the code is out of date; since when idle.
	retired, obsolete bool
	idleSince         time.Time

	// work hands an event to the request for the next one.
	work chan *call
	// ready is closed when the runtime asks for its first event.
	ready     chan struct{}
	readyOnce sync.Once
	// initFailed receives what the runtime said of a failed initialization.
	initFailed chan failure
	// dead is closed when the runtime or the line has ended; exit says how, and
	// notStarted why it never began. Both are set before.
	dead             chan struct{}
	deadOnce         sync.Once
	exit, notStarted string

	mu sync.Mutex
	// current is the invocation that the runtime has been given.
	current *call
	// poll is closed when another request for the next event takes the place of the one that waits.
	poll chan struct{}

	extensions extensions
	// streams are the connections to the Runtime API.
	streams streams

	control      net.Conn
	controlReady chan struct{}
	// caughtUp answers sync.
	caughtUp chan struct{}
	// settling is what the extensions still do for the invocation that has ended.
	settling sync.WaitGroup
	// peak is the most memory that the runtime was seen to use, in KiB.
	peak atomic.Uint64

	killOnce sync.Once
}

// call is an invocation that a runtime is given.
type call struct {
	in       *Invocation
	deadline time.Time
	// done receives the outcome.
	done chan outcome
}

// outcome is what the runtime answered.
type outcome struct {
	payload     []byte
	contentType string
	failed      bool
	failure     string // the error's type
	status      string // as REPORT has it: "", "error", "timeout"
	notice      string // what the log says before END
}

// failure is an error that the runtime reported outside an invocation.
type failure struct {
	errorType string
	payload   []byte
}

func newInstance(f *Fleet, spec *Spec, stream string, proc Process) *instance {
	i := &instance{
		fleet:        f,
		spec:         spec,
		stream:       stream,
		proc:         proc,
		work:         make(chan *call),
		ready:        make(chan struct{}),
		initFailed:   make(chan failure, 1),
		dead:         make(chan struct{}),
		controlReady: make(chan struct{}),
		caughtUp:     make(chan struct{}, 1),
	}
	i.log = newJournal(f.o.Sink, f.o.Clock, spec, stream)
	i.log.write(initStart(spec))
	i.extensions.init()
	i.streams.init()
	return i
}

// run serves the sandbox until it has ended.
func (i *instance) run() {
	defer i.fleet.gone(i)
	session, err := tube.Serve(i.proc)
	if err != nil {
		i.die("cannot connect: " + err.Error())
		i.kill()
	} else {
		var streams sync.WaitGroup
		for {
			c, err := session.Accept()
			if err != nil {
				break
			}
			streams.Go(func() { i.serve(c) })
		}
		// What was sent before the line went down is still in the streams.
		streams.Wait()
		session.Close()
	}
	i.kill()
	i.proc.Wait()
	i.die("")
	i.log.flush()
}

// serve serves one stream.
func (i *instance) serve(c net.Conn) {
	defer c.Close()
	kind, err := tube.ReadKind(c)
	if err != nil {
		return
	}
	switch kind {
	case tube.Control:
		i.serveControl(c)
	case tube.Runtime:
		i.streams.enter()
		defer i.streams.leave()
		i.serveRuntimeAPI(c)
	case tube.AWS:
		i.fleet.o.ServeAWS(c)
	}
}

// serveControl takes the messages of the sandbox's init.
func (i *instance) serveControl(c net.Conn) {
	i.control = c
	close(i.controlReady)
	buf, have := make([]byte, 8<<10), 0
	for {
		n, err := c.Read(buf[have:])
		have += n
		rest := buf[:have]
		for {
			m, after, ok := tube.Next(rest)
			if !ok {
				break
			}
			i.message(m)
			rest = after
		}
		have = copy(buf, rest)
		if have == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
		if isTimeout(err) {
			// There was nothing left to read, which is what sync waits for.
			_ = c.SetReadDeadline(time.Time{})
			i.caughtUp <- struct{}{}
			continue
		}
		if err != nil {
			i.die("")
			return
		}
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func (i *instance) message(m tube.Message) {
	switch m.Kind {
	case tube.Output:
		i.log.output(m.Payload)
	case tube.Extension:
		i.extensions.expect(string(m.Payload))
	case tube.Memory:
		if len(m.Payload) == 8 {
			i.peak.Store(binary.BigEndian.Uint64(m.Payload))
		}
	case tube.ExtensionExited:
		i.extensions.exited(string(m.Payload))
	case tube.NotStarted:
		i.notStarted = string(m.Payload)
		i.die("")
		i.kill()
	case tube.Exited:
		i.log.flush()
		// What the runtime sent before its end is on other streams, all of them
		// closed by now: a response among it still counts.
		i.streams.drain()
		i.die(string(m.Payload))
		i.kill() // the init waits for it, with the line open
	}
}

// die notes that the runtime will do no more.
func (i *instance) die(how string) {
	i.deadOnce.Do(func() {
		i.exit = how
		close(i.dead)
	})
}

// connected says whether the init has reached the server.
func (i *instance) connected() bool {
	select {
	case <-i.controlReady:
		return true
	default:
		return false
	}
}

// usable says whether the runtime can still be given events.
func (i *instance) usable() bool {
	select {
	case <-i.dead:
		return false
	default:
		return true
	}
}

// kill ends the program at once.
func (i *instance) kill() { i.killOnce.Do(i.proc.Kill) }

// end lets the sandbox go: extensions are told, then everything is killed.
func (i *instance) end() {
	if i.usable() {
		i.extensions.shutDown(i.fleet.real.Now(), i.dead)
	}
	i.die("signal: killed")
	i.kill()
}

// awaitInit waits until the runtime asks for its first event, and otherwise
// returns what the invocation that waits for it gets.
func (i *instance) awaitInit(ctx context.Context, in *Invocation, began time.Time) (*Result, error) {
	limit := time.NewTimer(i.fleet.o.StartTimeout)
	defer limit.Stop()
	select {
	case <-i.ready:
		// Which extensions there are was said before, on the first stream of the line.
		select {
		case <-i.controlReady:
		case <-i.dead:
		}
		i.sync()
		i.extensions.awaitInit(i.dead, i.fleet.o.StartTimeout)
		return nil, nil
	case fail := <-i.initFailed:
		return i.failedInit(in, began, outcome{payload: fail.payload, failure: fail.errorType, failed: true}, "error"), nil
	case <-i.dead:
		select {
		case fail := <-i.initFailed:
			return i.failedInit(in, began, outcome{payload: fail.payload, failure: fail.errorType, failed: true}, "error"), nil
		default:
		}
		if !i.connected() {
			return nil, &StartError{i.fleet.o.Launcher.Name(), fmt.Errorf("the sandbox ended at once: %s", i.proc.Stderr())}
		}
		return i.exitResult(in, began), nil
	case <-limit.C:
		return i.failedInit(in, began, timedOut(in.RequestID, i.fleet.real.Now(), i.fleet.o.StartTimeout), "timeout"), nil
	case <-ctx.Done():
		return i.failedInit(in, began, timedOut(in.RequestID, i.fleet.real.Now(), i.fleet.real.Now().Sub(began)), "timeout"), nil
	}
}

// failedInit is the result of an invocation for which the runtime did not get ready.
func (i *instance) failedInit(in *Invocation, began time.Time, out outcome, status string) *Result {
	init := i.fleet.real.Now().Sub(began)
	i.sync()
	i.log.write(initReport(init, status, out.failure))
	i.log.begin(in.RequestID)
	i.log.write(start(in.RequestID, i.spec.Key.Version))
	return i.finish(in, out, 0, init)
}

// ending is what the end of the runtime means for an invocation.
func (i *instance) ending(requestID string) outcome {
	if i.notStarted != "" {
		return invalidEntrypoint(requestID, i.spec, i.notStarted)
	}
	return exited(requestID, i.exit)
}

// exitResult is the result of an invocation during which, or before which, the runtime ended.
func (i *instance) exitResult(in *Invocation, began time.Time) *Result {
	out := i.ending(in.RequestID)
	select {
	case <-i.ready:
		return i.finish(in, out, i.fleet.real.Now().Sub(began), 0)
	default:
		return i.failedInit(in, began, out, "error")
	}
}

// invoke has the runtime run one invocation. It returns false if the sandbox had ended
// before the runtime could take the event.
func (i *instance) invoke(in *Invocation, init time.Duration) (*Result, bool) {
	i.settling.Wait()
	if !i.usable() {
		return nil, false
	}
	now := i.fleet.real.Now()
	c := &call{in: in, deadline: now.Add(i.spec.Timeout), done: make(chan outcome, 1)}
	i.log.begin(in.RequestID)
	i.log.write(start(in.RequestID, i.spec.Key.Version))
	limit := time.NewTimer(i.spec.Timeout)
	defer limit.Stop()

	select {
	case i.work <- c:
	case <-i.dead:
		return nil, false
	case <-limit.C:
		// The runtime never came back for another event.
		return i.timeout(in, now, init), true
	}
	select {
	case out := <-c.done:
		took := i.fleet.real.Now().Sub(now)
		return i.finish(in, out, took, init), true
	case <-i.dead:
		select {
		case out := <-c.done: // it answered, then ended
			return i.finish(in, out, i.fleet.real.Now().Sub(now), init), true
		default:
		}
		return i.finish(in, i.ending(in.RequestID), i.fleet.real.Now().Sub(now), init), true
	case <-limit.C:
		return i.timeout(in, now, init), true
	}
}

// timeout ends the sandbox, as Lambda does when an invocation takes too long.
func (i *instance) timeout(in *Invocation, began time.Time, init time.Duration) *Result {
	i.sync()
	i.die("signal: killed")
	res := i.finish(in, timedOut(in.RequestID, i.fleet.real.Now(), i.spec.Timeout), i.fleet.real.Now().Sub(began), init)
	i.kill()
	return res
}

// finish makes the result and completes the invocation's log.
func (i *instance) finish(in *Invocation, out outcome, took, init time.Duration) *Result {
	i.mu.Lock()
	i.current = nil
	i.mu.Unlock()
	i.sync()
	res := &Result{
		Payload: out.payload, ContentType: out.contentType, ErrorType: out.failure,
		Duration: took, Billed: billed(took + init), Init: init,
		MaxMemoryMB: int((i.peak.Load() + 1023) / 1024),
	}
	if out.failed {
		res.FunctionError = Unhandled
	}
	for _, line := range report(in, res, i.spec, out) {
		i.log.write(line)
	}
	if in.Tail {
		res.LogTail = i.log.tail()
	}
	if i.extensions.any() {
		// The response does not wait for them, but the next invocation does.
		i.settling.Add(1)
		i.fleet.ended.Go(func() {
			defer i.settling.Done()
			i.extensions.settle(i.dead)
		})
	}
	return res
}

// sync waits until all that the function wrote before its last request to the
// Runtime API is in the log: those bytes are here, as they came first, but
// perhaps not yet read.
func (i *instance) sync() {
	if i.connected() && i.usable() {
		_ = i.control.SetReadDeadline(time.Unix(1, 0)) // reads what there is, and no more
		select {
		case <-i.caughtUp:
		case <-i.dead:
		}
	}
	i.log.flush()
}
