package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/server/protocol"
	"github.com/virga-cloud/virga/services/service"
)

// exchange is one request with its answer.
type exchange struct {
	server *Server
	answer answer
	// start is when it arrived by the injected clock, began by the machine's.
	start, began time.Time
	id           string
	// door is what the request came through.
	door   *doorway
	target target
	// what is the operation or plane, for the log.
	what string
	// call is what handlers learn of the request, and what they are called with.
	call api.CallContext
	// err is the error that was answered, for the log.
	err error

	// witnessed is the service that is told of the request; input is what its
	// handler was given.
	witnessed service.Witness
	input     any
}

// readForm reads a query protocol's body, finds the operation in it, and puts
// the body back.
func (x *exchange) readForm(r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxFormBody))
	if err != nil {
		return requestTooLarge(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form := protocol.ParseQuery(string(body))
	x.target = x.server.directory.action(x.target, form.Value("Action"), form.Value("Version"))
	return nil
}

// known refuses what names no service or operation, in the client's protocol.
func (x *exchange) known(method string) error {
	t := &x.target
	switch {
	case t.model == nil && t.unknown != "":
		return unknownService(t.protocol, t.unknown)
	case t.model == nil:
		return protocol.UnknownOperation(t.protocol, new(api.Service), t.operation)
	case t.op == nil && t.model.Service.Name == "s3":
		return protocol.UnknownOperation(t.protocol, t.model.Service, t.operation).
			With("Method", method).With("ResourceType", t.resourceType())
	case t.op == nil:
		return protocol.UnknownOperation(t.protocol, t.model.Service, t.operation)
	}
	return nil
}

// resourceType is what S3 calls the kind of thing that a path names.
func (t *target) resourceType() string {
	switch {
	case t.uri.Labels.Value("Key") != "":
		return "OBJECT"
	case t.uri.Labels.Value("Bucket") != "":
		return "BUCKET"
	}
	return "SERVICE"
}

// labels are what the path names, for services that ask by name.
func (t *target) labels() map[string]string {
	labels := make(map[string]string, len(t.uri.Labels))
	for _, l := range t.uri.Labels {
		labels[l.Name] = l.Value
	}
	return labels
}

// unknownService answers for a service of which Virga knows nothing.
func unknownService(p api.Protocol, name string) error {
	code := "NotImplementedException"
	if p == api.Query {
		code = "NotImplemented"
	}
	return api.Errorf(code, http.StatusNotImplemented, "The service %q is not implemented by Virga.", name)
}

// service is the target's service, or nil.
func (t *target) service() *api.Service {
	if t.model == nil {
		return nil
	}
	return t.model.Service
}

// serverAmazonS3 is the header Server of S3's answers.
var serverAmazonS3 = []string{"AmazonS3"}

// header names the request, and sets what every answer of a service carries.
func (x *exchange) header() {
	h := x.answer.Header()
	name := ""
	if svc := x.target.service(); svc != nil {
		name = svc.Name
	}
	switch name {
	case "s3":
		x.id = x.server.options.IDs.UUID()
		x.answer.SetHeader("X-Amz-Request-Id", x.id)
		h["X-Amz-Id-2"] = h["X-Amz-Request-Id"]
		h["Server"] = serverAmazonS3
		return
	case "dynamodb":
		x.id = requestID(x.server.options.IDs)
		h["Server"] = serverServer
	default:
		x.id = x.server.options.IDs.UUID()
	}
	x.answer.SetHeader("X-Amzn-Requestid", x.id)
}

// limit bounds a body that is held in memory.
func (x *exchange) limit(r *http.Request) {
	n, ok := bodyLimits[x.target.model.Service.Name]
	if !ok {
		n = maxBody
	}
	if r.ContentLength < 0 || r.ContentLength > n {
		r.Body = http.MaxBytesReader(&x.answer, r.Body, n)
	}
}

// calls makes the call of the request.
func (x *exchange) calls(r *http.Request, who *auth.Identity) {
	region := x.target.region
	if region == "" {
		region = api.DefaultRegion
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = "127.0.0.1" // a function, through its sandbox's tube
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	x.call.Context = r.Context()
	x.call.Call = api.Call{
		Account: who.Account, Region: region, Principal: who.Principal, AccessKeyID: who.AccessKeyID,
		RequestID: x.id, Time: x.start, Operation: x.target.op.Spec(),
		Scheme: scheme, Host: r.Host, SourceIP: ip, UserAgent: r.UserAgent(),
		VirtualHost: x.target.virtualHost,
	}
}

// fail answers an error, in the protocol of the request.
func (x *exchange) fail(err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = requestTooLarge(err)
	}
	x.err = err
	if x.answer.begun() {
		x.broken(err)
		return
	}
	var op *api.Operation
	if x.target.op != nil {
		op = x.target.op.Spec()
	}
	protocol.For(x.target.protocol).EncodeError(op, x.target.service(), &x.answer, err, x.id)
}

// requestTooLarge is the answer to a body over the limit.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func requestTooLarge(err error) error {
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		return err
	}
	return api.Errorf("RequestEntityTooLargeException", http.StatusRequestEntityTooLarge,
		"Request must be smaller than %d bytes for the operation", tooLarge.Limit)
}

// broken ends an answer that cannot be finished: the connection is closed, so
// that the client cannot take it for a whole one.
func (x *exchange) broken(err error) {
	x.err = err
	if !errors.Is(err, net.ErrClosed) {
		panic(http.ErrAbortHandler)
	}
}

// finish logs the request, and answers what panicked.
func (x *exchange) finish(r *http.Request) {
	defer x.answer.done()
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			x.log(r)
			panic(p)
		}
		x.err = fmt.Errorf("panic: %v", p)
		x.server.options.Log.Error("panic", "operation", x.what, "request", x.id, "panic", p, "stack", string(debug.Stack()))
		if x.answer.begun() {
			panic(http.ErrAbortHandler)
		}
		if x.target.protocol == "" {
			http.Error(&x.answer, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		} else {
			protocol.For(x.target.protocol).EncodeError(nil, x.target.service(), &x.answer, x.err, x.id)
		}
	}
	x.log(r)
	x.witness(r)
}

// log writes the line of a request. Errors of the server are logged with
// their cause, those of the client with what they were told.
func (x *exchange) log(r *http.Request) {
	log, level := x.server.options.Log, slog.LevelInfo
	if x.answer.status >= 500 && x.answer.status != http.StatusNotImplemented {
		level = slog.LevelError
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	what := x.what
	if what == "" {
		what = r.Method + " " + (&url.URL{Path: r.URL.Path}).EscapedPath()
	}
	now := time.Now()
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.Int("status", x.answer.status),
		slog.Duration("took", now.Sub(x.began).Round(time.Microsecond)))
	if call := &x.call.Call; call.Account != "" {
		if call.Account != api.DefaultAccount {
			attrs = append(attrs, slog.String("account", call.Account))
		}
		if call.Region != api.DefaultRegion {
			attrs = append(attrs, slog.String("region", call.Region))
		}
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	attrs = append(attrs, slog.String("request", x.id))
	// Not through the logger, which would look for the caller of this line.
	record := slog.NewRecord(now, level, what, 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(r.Context(), record) // there is nowhere to tell it
}
