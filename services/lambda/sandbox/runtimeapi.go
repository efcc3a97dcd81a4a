package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// The Runtime API, version 2018-06-01.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// Requests are read with net/http's parser and answered on the goroutine that read
// them: a runtime has one or two connections, sends one request at a time on each, and
// waits in one of them for the next event, so that a full server's
// machinery would only add wake-ups to every invocation.

const (
	runtimePrefix   = "/2018-06-01/"
	extensionPrefix = "/2020-01-01/extension/"
)

// exchange is one request of a connection and its answer.
type exchange struct {
	c   net.Conn
	req *http.Request
	out bytes.Buffer
}

// serveRuntimeAPI serves one connection of the runtime or of an extension.
func (i *instance) serveRuntimeAPI(c net.Conn) {
	r := bufio.NewReaderSize(c, 16<<10)
	x := &exchange{c: c}
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
			if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return
			}
		}
		x.req = req
		x.out.Reset()
		if err := i.serveExchange(x); err != nil {
			return
		}
		// What is left of the body stands before the next request.
		if _, err := io.Copy(io.Discard, req.Body); err != nil || req.Close {
			return
		}
	}
}

// serveExchange answers one request. An error ends the connection.
func (i *instance) serveExchange(x *exchange) error {
	path, isRuntime := strings.CutPrefix(x.req.URL.Path, runtimePrefix)
	get, post := x.req.Method == http.MethodGet, x.req.Method == http.MethodPost
	if !isRuntime {
		if path, ok := strings.CutPrefix(x.req.URL.Path, extensionPrefix); ok {
			return i.serveExtension(x, path)
		}
		return i.serveTelemetry(x)
	}
	switch {
	case get && path == "runtime/invocation/next":
		return i.serveNext(x)
	case post && path == "runtime/init/error":
		return i.serveInitError(x)
	case get && path == "ping":
		return x.answer(http.StatusOK, "text/plain", []byte("pong"))
	}
	if id, rest, ok := strings.Cut(strings.TrimPrefix(path, "runtime/invocation/"), "/"); ok && post {
		switch rest {
		case "response":
			return i.serveResponse(x, id)
		case "error":
			return i.serveError(x, id)
		}
	}
	return x.refuse(http.StatusNotFound, "NotFound", "there is no "+x.req.Method+" "+x.req.URL.Path)
}

// serveNext waits for the next event.
func (i *instance) serveNext(x *exchange) error {
	i.mu.Lock()
	if i.current != nil {
		i.mu.Unlock()
		return x.refuse(http.StatusForbidden, "InvalidStateTransition", "Transition from InvocationInProgress to Ready is not allowed: the invocation has no response")
	}
	if i.poll != nil {
		close(i.poll) // a runtime has one such request; an earlier one is of a connection that it gave up
	}
	mine := make(chan struct{})
	i.poll = mine
	i.mu.Unlock()
	i.readyOnce.Do(func() { close(i.ready) })
	select {
	case c := <-i.work:
		i.mu.Lock()
		i.current = c
		if i.poll == mine {
			i.poll = nil
		}
		i.mu.Unlock()
		i.extensions.invoke(c)
		return x.event(i, c)
	case <-mine:
		return errors.New("another request took its place")
	case <-i.streams.draining:
		return net.ErrClosed
	case <-i.dead:
		return net.ErrClosed
	}
}

// event answers with the event of an invocation.
func (x *exchange) event(i *instance, c *call) error {
	trace := c.in.TraceID
	x.out.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: ")
	x.out.WriteString(c.in.RequestID)
	x.header("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
	x.header("Lambda-Runtime-Invoked-Function-Arn", c.in.FunctionARN)
	x.header("Lambda-Runtime-Trace-Id", trace)
	x.header("Lambda-Runtime-Client-Context", c.in.ClientContext)
	x.header("Lambda-Runtime-Cognito-Identity", c.in.CognitoIdentity)
	x.header("Content-Length", strconv.Itoa(len(c.in.Payload)))
	x.out.WriteString("\r\n\r\n")
	x.out.Write(c.in.Payload)
	_, err := x.c.Write(x.out.Bytes())
	if x.out.Cap() > 64<<10 {
		x.out = bytes.Buffer{} // a large event is rare: an idle sandbox does not keep its memory
	}
	return err
}

// header adds a header that has a value. Line ends cannot be part of one.
func (x *exchange) header(name, value string) {
	if value == "" {
		return
	}
	x.out.WriteString("\r\n")
	x.out.WriteString(name)
	x.out.WriteString(": ")
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	x.out.WriteString(value)
}

// invocation takes the call with the id out of the runtime's hands.
func (i *instance) invocation(id string) *call {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := i.current
	if c == nil || c.in.RequestID != id {
		return nil
	}
	i.current = nil
	return c
}

// serveResponse takes the response of an invocation.
func (i *instance) serveResponse(x *exchange, id string) error {
	c := i.invocation(id)
	if c == nil {
		return x.refuse(http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	out := outcome{contentType: x.req.Header.Get("Content-Type")}
	if c.in.Stream != nil {
		_, err := io.Copy(c.in.Stream, x.req.Body)
		if err != nil {
			// The reader of the stream or the runtime has gone. The rest is not wanted.
			_, _ = io.Copy(io.Discard, x.req.Body)
		}
	} else {
		body, err := readBody(x.req, MaxResponse+1)
		if err != nil {
			return err // the runtime went away in the middle: it has ended, and that is the outcome
		}
		if len(body) > MaxResponse {
			c.done <- tooLarge()
			return x.refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
				"Exceeded maximum allowed payload size ("+strconv.Itoa(MaxResponse)+" bytes).")
		}
		out.payload = body
	}
	// A response that was streamed can end in an error, told in its trailer.
	if t := x.req.Trailer.Get("Lambda-Runtime-Function-Error-Type"); t != "" {
		out.failed, out.failure = true, t
	}
	c.done <- out
	return x.accept()
}

// serveError takes the error of an invocation.
func (i *instance) serveError(x *exchange, id string) error {
	c := i.invocation(id)
	if c == nil {
		return x.refuse(http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	body, err := readBody(x.req, MaxResponse)
	if err != nil {
		return err
	}
	c.done <- outcome{payload: body, contentType: x.req.Header.Get("Content-Type"), failed: true, failure: errorType(x.req)}
	return x.accept()
}

// serveInitError takes the error of the initialization.
func (i *instance) serveInitError(x *exchange) error {
	body, err := readBody(x.req, MaxResponse)
	if err != nil {
		return err
	}
	select {
	case i.initFailed <- failure{errorType(x.req), body}:
	default: // the first counts
	}
	return x.accept()
}

// errorType is what the runtime says of an error.
func errorType(r *http.Request) string {
	if t := r.Header.Get("Lambda-Runtime-Function-Error-Type"); t != "" {
		return t
	}
	return "Runtime.Unknown"
}

// readBody reads at most limit bytes.
func readBody(r *http.Request, limit int) ([]byte, error) {
	if n := r.ContentLength; n >= 0 {
		b := make([]byte, min(n, int64(limit)))
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(io.LimitReader(r.Body, int64(limit)))
}

func (x *exchange) accept() error {
	return x.answer(http.StatusAccepted, "application/json", []byte(`{"status":"OK"}`))
}

// refuse answers with an error in the form that the Runtime API documents.
func (x *exchange) refuse(status int, errorType, message string) error {
	return x.answer(status, "application/json", errorPayload(errorType, message))
}

func (x *exchange) answer(status int, contentType string, body []byte, headers ...string) error {
	x.out.WriteString("HTTP/1.1 ")
	x.out.WriteString(strconv.Itoa(status))
	x.out.WriteByte(' ')
	x.out.WriteString(http.StatusText(status))
	x.header("Content-Type", contentType)
	for n := 0; n+1 < len(headers); n += 2 {
		x.header(headers[n], headers[n+1])
	}
	x.header("Content-Length", strconv.Itoa(len(body)))
	x.out.WriteString("\r\n\r\n")
	x.out.Write(body)
	_, err := x.c.Write(x.out.Bytes())
	return err
}

// streams counts the connections that are served, so that the end of the runtime
// can wait until what it has sent is read.
type streams struct {
	mu   sync.Mutex
	n    int
	done chan struct{}
	// draining is closed when the runtime has ended: nothing waits for an event then.
	draining chan struct{}
}

func (s *streams) init() { s.done, s.draining = make(chan struct{}), make(chan struct{}) }

func (s *streams) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
}

func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n--
	s.finish()
}

func (s *streams) finish() {
	select {
	case <-s.draining:
		if s.n == 0 {
			select {
			case <-s.done:
			default:
				close(s.done)
			}
		}
	default:
	}
}

// drain waits until no connection is served. It is called once.
func (s *streams) drain() {
	s.mu.Lock()
	close(s.draining)
	s.finish()
	s.mu.Unlock()
	<-s.done
}
