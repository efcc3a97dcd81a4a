package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The Extensions API, version 2020-01-01: programs beside the runtime, started
// from /opt/extensions, that are told of each invocation and of the end.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
//
// The Telemetry and Logs APIs are refused with the answer that AWS's own local
// emulator gives, which extensions take as "not here".

// extensions are those of one sandbox.
type extensions struct {
	mu sync.Mutex
	// started are the names of those that the init started and that have not registered.
	started map[string]bool
	known   map[string]*extension // by identifier
	// changed is closed, and replaced, when any of this changes.
	changed chan struct{}
}

// extension is one that has registered.
type extension struct {
	name            string
	invoke, closing bool // which events it wants
	waiting         bool // in a request for the next event
	ended           bool
	// events holds what it has not yet asked for.
	events chan []byte
}

func (e *extensions) init() {
	e.started, e.known, e.changed = map[string]bool{}, map[string]*extension{}, make(chan struct{})
}

func (e *extensions) change() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// expect notes an extension that was started.
func (e *extensions) expect(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.known {
		if x.name == name {
			return // it was faster than the news of it
		}
	}
	e.started[name] = true
}

// exited notes that the program of an extension has ended.
func (e *extensions) exited(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.started, name)
	for _, x := range e.known {
		if x.name == name {
			x.ended = true
		}
	}
	e.change()
}

// invocationEvent and shutdownEvent are the events as they go over the wire.
type invocationEvent struct {
	EventType          string       `json:"eventType"`
	DeadlineMS         int64        `json:"deadlineMs"`
	RequestID          string       `json:"requestId"`
	InvokedFunctionARN string       `json:"invokedFunctionArn"`
	Tracing            eventTracing `json:"tracing"`
}

type eventTracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type shutdownEvent struct {
	EventType      string `json:"eventType"`
	ShutdownReason string `json:"shutdownReason"`
	DeadlineMS     int64  `json:"deadlineMs"`
}

// invoke tells those that want to know that an invocation begins.
func (e *extensions) invoke(c *call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.known) == 0 {
		return
	}
	e.send(func(x *extension) bool { return x.invoke }, invocationEvent{
		EventType: "INVOKE", DeadlineMS: c.deadline.UnixMilli(), RequestID: c.in.RequestID,
		InvokedFunctionARN: c.in.FunctionARN,
		Tracing:            eventTracing{Type: "X-Amzn-Trace-Id", Value: c.in.TraceID},
	})
}

func (e *extensions) send(which func(*extension) bool, event any) {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err) // strings and numbers can be marshalled
	}
	for _, x := range e.known {
		if x.ended || !which(x) {
			continue
		}
		select {
		case x.events <- body:
			x.waiting = false
		default: // it has not asked for the events before: it has stopped listening
		}
	}
}

// any says whether there are extensions.
func (e *extensions) any() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.known) > 0
}

// settle waits until the extensions that were told of the invocation ask for
// the next event, but no longer than a second: the response is with its caller already.
func (e *extensions) settle(dead <-chan struct{}) {
	e.await(dead, time.Second, func() bool {
		for _, x := range e.known {
			if x.invoke && !x.waiting && !x.ended {
				return false
			}
		}
		return true
	})
}

// awaitInit waits until those that were started have registered and ask for their first event.
func (e *extensions) awaitInit(dead <-chan struct{}, limit time.Duration) {
	e.await(dead, limit, func() bool {
		for _, x := range e.known {
			if !x.waiting && !x.ended {
				return false
			}
		}
		return len(e.started) == 0
	})
}

// shutdownLimit is how long extensions have to end.
const shutdownLimit = 2 * time.Second

// shutDown tells extensions of the end and waits until they have ended.
func (e *extensions) shutDown(now time.Time, dead <-chan struct{}) {
	e.mu.Lock()
	if len(e.known) == 0 {
		e.mu.Unlock()
		return
	}
	e.send(func(x *extension) bool { return x.closing }, shutdownEvent{
		EventType: "SHUTDOWN", ShutdownReason: "spindown", DeadlineMS: now.Add(shutdownLimit).UnixMilli(),
	})
	e.mu.Unlock()
	e.await(dead, shutdownLimit, func() bool {
		for _, x := range e.known {
			if x.closing && !x.ended {
				return false
			}
		}
		return true
	})
}

// await waits until the condition holds, the sandbox is dead or the time is over.
func (e *extensions) await(dead <-chan struct{}, limit time.Duration, holds func() bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if holds() {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for !holds() {
		changed := e.changed
		e.mu.Unlock()
		over := false
		select {
		case <-changed:
		case <-dead:
			over = true
		case <-timer.C:
			over = true
		}
		e.mu.Lock()
		if over {
			return
		}
	}
}

// registration is the body of a registration, and the answer to it.
type registration struct {
	Events []string `json:"events"`
}

type registered struct {
	FunctionName    string `json:"functionName"`
	FunctionVersion string `json:"functionVersion"`
	Handler         string `json:"handler"`
	AccountID       string `json:"accountId,omitempty"`
}

const extensionIDHeader = "Lambda-Extension-Identifier"

// serveExtension answers a request of the Extensions API.
func (i *instance) serveExtension(x *exchange, path string) error {
	switch {
	case x.req.Method == http.MethodPost && path == "register":
		return i.registerExtension(x)
	case x.req.Method == http.MethodGet && path == "event/next":
		return i.nextExtensionEvent(x)
	case x.req.Method == http.MethodPost && (path == "init/error" || path == "exit/error"):
		if i.extensions.find(x.req) == nil {
			return x.unknownExtension()
		}
		kind := errorType(x.req)
		select {
		case i.initFailed <- failure{kind, errorPayload(kind, "an extension reported an error")}:
		default:
		}
		return x.accept()
	}
	return x.refuse(http.StatusNotFound, "NotFound", "there is no "+x.req.Method+" "+x.req.URL.Path)
}

func (e *extensions) find(r *http.Request) *extension {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.known[r.Header.Get(extensionIDHeader)]
}

func (x *exchange) unknownExtension() error {
	return x.refuse(http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown "+extensionIDHeader)
}

func (i *instance) registerExtension(x *exchange) error {
	name := x.req.Header.Get("Lambda-Extension-Name")
	if name == "" {
		return x.refuse(http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
	}
	body, err := readBody(x.req, 1<<20)
	if err != nil {
		return err
	}
	var want registration
	if err := json.Unmarshal(body, &want); err != nil {
		return x.refuse(http.StatusBadRequest, "InvalidRequestFormat", err.Error())
	}
	if bad := slices.IndexFunc(want.Events, func(e string) bool { return e != "INVOKE" && e != "SHUTDOWN" }); bad >= 0 {
		return x.refuse(http.StatusForbidden, "Extension.InvalidEventType", fmt.Sprintf("%s: unsupported event type", want.Events[bad]))
	}
	id := i.fleet.o.IDs.UUID()
	i.extensions.mu.Lock()
	i.extensions.known[id] = &extension{
		name:    name,
		invoke:  slices.Contains(want.Events, "INVOKE"),
		closing: slices.Contains(want.Events, "SHUTDOWN"),
		events:  make(chan []byte, 2),
	}
	delete(i.extensions.started, name)
	i.extensions.change()
	i.extensions.mu.Unlock()
	answer, err := json.Marshal(registered{i.spec.FunctionName, i.spec.Key.Version, i.spec.Handler, i.spec.Account})
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, "application/json", answer, extensionIDHeader, id)
}

func (i *instance) nextExtensionEvent(x *exchange) error {
	ext := i.extensions.find(x.req)
	if ext == nil {
		return x.unknownExtension()
	}
	i.extensions.mu.Lock()
	ext.waiting = len(ext.events) == 0
	i.extensions.change()
	i.extensions.mu.Unlock()
	select {
	case event := <-ext.events:
		return x.answer(http.StatusOK, "application/json", event, "Lambda-Extension-Event-Identifier", i.fleet.o.IDs.UUID())
	case <-i.streams.draining:
		return net.ErrClosed
	case <-i.dead:
		return net.ErrClosed
	}
}

// serveTelemetry refuses subscriptions to the Telemetry and Logs APIs.
func (i *instance) serveTelemetry(x *exchange) error {
	switch {
	case x.req.Method == http.MethodPut && x.req.URL.Path == "/2022-07-01/telemetry":
		return x.refuse(http.StatusAccepted, "Telemetry.NotSupported", "Telemetry API is not supported")
	case x.req.Method == http.MethodPut && x.req.URL.Path == "/2020-08-15/logs":
		return x.refuse(http.StatusAccepted, "Logs.NotSupported", "Logs API is not supported")
	}
	return x.refuse(http.StatusNotFound, "NotFound", "there is no "+x.req.Method+" "+x.req.URL.Path)
}
