// Package server is the one port: it finds out what a request wants, who sends
// it and whether the input is right, hands it to the service, and encodes the answer.
//
// # Vocabulary
//
// A target is what a request wants: a service, a protocol and an operation. A
// plane is an address that is not the AWS API: a deployed REST API, a function
// URL, our own health check. The directory knows all services by every name that requests use.
//
// # Powers and limits
//
// The server owns every goroutine and every limit of headers, bodies and time.
// It knows no service: what is special about one is in its model, in the
// protocol package's tables, or behind the interfaces of services/service.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/sync/errgroup"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/server/http1"
	"github.com/virga-cloud/virga/server/protocol"
	"github.com/virga-cloud/virga/services/service"
)

// Options are what a server is made of.
type Options struct {
	// Models are all services that are known by name.
	Models []*api.Model
	// Services are those that are implemented, wholly or in part.
	Services []service.Service
	// Verifier authenticates requests.
	Verifier *auth.Verifier
	// Clock, IDs and Log are as services get them.
	Clock *clock.Clock
	IDs   *ids.Source
	Log   *slog.Logger
	// Domain is a further domain below which services have hosts ("" none).
	Domain string
	// TLS makes the port answer TLS as well; nil does not.
	TLS *tls.Config
	// Version is told by the health check.
	Version string
	// Reset empties the store.
	Reset func() error
	// Drain returns when all deliveries that are due have been made.
	Drain func(context.Context) error
}

// Server serves the AWS API, the data planes and the admin API.
type Server struct {
	options   Options
	directory *directory
	// operations are those that are implemented.
	operations map[api.Known]*operation
	// crossing are the services that have rules for pages of other origins.
	crossing map[*api.Model]service.CrossOrigin
	// regional are the services whose resources are each in one region.
	regional   map[*api.Model]service.Regional
	planes     *mux.Router
	planePaths []string
	planeHosts []string
	// quick serves what is plain HTTP/1.1, http everything else.
	quick *http1.Server
	http  *http.Server
	// inbox holds the connections of ServeConn.
	inbox *inbox
	// doors says that there are doors of single services.
	doors atomic.Bool
}

// operation is one that is implemented.
type operation struct {
	api.Handler
	// name is what the log calls it.
	name string
	// witness is the service if it is to be told of the requests, or nil.
	witness service.Witness
	// streams says that the service reads the body itself.
	streams bool
}

// nameOf is what the log calls an operation.
func nameOf(op *api.Operation) string { return op.Service.Name + "." + op.Name }

// New makes a server; Serve makes it listen.
func New(o Options) *Server {
	s := &Server{
		options:    o,
		directory:  newDirectory(o.Models, o.Domain),
		operations: map[api.Known]*operation{},
		crossing:   map[*api.Model]service.CrossOrigin{},
		regional:   map[*api.Model]service.Regional{},
		planes:     newPlanes(),
		inbox:      newInbox(),
	}
	s.admin()
	for _, svc := range o.Services {
		for _, h := range svc.Operations() {
			o := &operation{Handler: h, name: nameOf(h.Spec()), streams: streamsBody(h.Known)}
			o.witness, _ = svc.(service.Witness)
			s.operations[h.Known] = o
		}
		if c, ok := svc.(service.CrossOrigin); ok {
			s.crossing[svc.Model()] = c
		}
		if g, ok := svc.(service.Regional); ok {
			s.regional[svc.Model()] = g
		}
		if p, ok := svc.(service.DataPlane); ok {
			s.plane(p.Routes())
		}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	errorLog := slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)
	s.quick = &http1.Server{Handler: s, HeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, ErrorLog: errorLog}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		TLSConfig:         speaking(o.TLS),
		BaseContext:       s.behind,
		ErrorLog:          errorLog,
	}
	return s
}

// speaking offers both versions of HTTP to clients of TLS.
func speaking(config *tls.Config) *tls.Config {
	if config == nil {
		return nil
	}
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	return config
}

// streamsBody says whether an operation's input holds a stream.
func streamsBody(op api.Known) bool {
	t := reflect.TypeOf(op.NewInput()).Elem()
	for i := range t.NumField() {
		if t.Field(i).Type == reflect.TypeFor[io.ReadCloser]() {
			return true
		}
	}
	return false
}

// Serve serves l, and further doors, until Shutdown, after which it returns nil.
func (s *Server) Serve(l net.Listener, more ...Door) error {
	var group errgroup.Group
	// What the quick way does not take, and what speaks TLS, goes to net/http.
	rest := func(d Door) *inbox {
		box := newInbox()
		group.Go(func() error { return s.http.Serve(Door{box, d.Service, d.AccountPerKey}) })
		return box
	}
	quick := func(l net.Listener, d Door) {
		group.Go(func() error { return s.quick.Serve(http1.Door{Listener: l, Context: s.behind(d), Leave: rest(d).give}) })
	}
	quick(s.inbox, Door{})
	for _, d := range append([]Door{{Listener: l}}, more...) {
		if s.options.TLS == nil {
			quick(d, d)
			continue
		}
		plain, secure := newInbox(), newInbox()
		quick(plain, d)
		// Not by ServeTLS, which would hide from behind what door it is.
		group.Go(func() error {
			return s.http.Serve(Door{tls.NewListener(secure, s.http.TLSConfig), d.Service, d.AccountPerKey})
		})
		group.Go(func() error { return split(d, plain, secure) })
		defer d.Close()
	}
	if err := group.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeConn serves one connection as if it had reached the port, and returns
// when it ends.
func (s *Server) ServeConn(c net.Conn) {
	awaited := &awaitedConn{Conn: c, closed: make(chan struct{})}
	s.inbox.give(awaited)
	<-awaited.closed
}

// Shutdown takes no more requests and waits for those that run.
func (s *Server) Shutdown(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error { return s.quick.Shutdown(ctx) })
	group.Go(func() error { return s.http.Shutdown(ctx) })
	return group.Wait()
}

// ServeHTTP answers one request: a plane's, or the AWS API's.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{server: s, began: time.Now(), answer: answer{ResponseWriter: w, request: r.Header}}
	x.start = x.began.UTC()
	defer x.finish(r)
	if s.options.Clock.Moved() { // clients take the Date for the server's clock, and sign by it
		x.start = s.options.Clock.Now()
		w.Header().Set("Date", x.start.UTC().Format(http.TimeFormat))
	}
	if r.Body != http.NoBody && (r.ContentLength < 0 || r.ContentLength > pace) {
		r.Body = &pacedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	}
	x.door = s.doorway(r)
	if plane, pr := s.planeFor(r, x.door.entry); plane != nil {
		x.what, x.id = r.Method+" "+r.URL.Path, s.options.IDs.UUID()
		plane.ServeHTTP(&x.answer, pr)
		return
	}
	x.api(r)
}

// api carries out a request. The steps are in the order in which AWS makes its
// checks: what is wanted, who asks, is the input right, is it allowed, do it.
func (x *exchange) api(r *http.Request) {
	s := x.server
	x.target = s.directory.identify(r, x.door.entry)
	t := &x.target
	x.header()
	if t.inForm {
		if err := x.readForm(r); err != nil {
			x.fail(err)
			return
		}
	}
	if x.crossOrigin(r) {
		return
	}
	if x.isPost(r) {
		x.post(r)
		return
	}
	if x.nameless(r) {
		return
	}
	if err := x.known(r.Method); err != nil {
		x.fail(err)
		return
	}
	op := t.op.Spec()
	if implemented := s.operations[t.op]; implemented != nil {
		x.what = implemented.name
	} else {
		x.what = nameOf(op)
	}
	who, err := s.options.Verifier.Authenticate(r, auth.Target{
		Service: op.Service, Protocol: t.protocol, Region: t.place, AllowAnonymous: op.NoAuth || op.Service.Name == "s3",
	})
	if err != nil {
		x.fail(err)
		return
	}
	out, err := x.carryOut(r, x.door.admit(who))
	if err != nil {
		x.fail(err)
		return
	}
	if err := protocol.For(t.protocol).Encode(op, &x.answer, out); err != nil {
		x.fail(err)
	}
}

// carryOut does what a caller wants: the steps from what was sent to what is
// to be answered.
func (x *exchange) carryOut(r *http.Request, who *auth.Identity) (out any, err error) {
	t := &x.target
	op := t.op.Spec()
	if t.place != "" {
		if err := x.elsewhere(op, r); err != nil {
			return nil, err
		}
	}
	operation := x.server.operations[t.op]
	if operation == nil {
		return nil, protocol.NotImplemented(t.protocol, op)
	}
	in := t.op.NewInput()
	if err := misplaced(op, r, x.door.entry != nil); err != nil {
		return nil, err
	}
	check := checkBody
	if operation.streams {
		check = checkStream
	}
	if err := check(op, r); err != nil {
		return nil, err
	}
	if !operation.streams {
		x.limit(r)
	}
	present, err := protocol.For(t.protocol).Decode(op, r, t.uri, in)
	if err != nil {
		return nil, err
	}
	if err := protocol.Validate(op.Service, op, in, present); err != nil {
		return nil, err
	}
	x.calls(r, who)
	if x.witnessed = operation.witness; x.witnessed != nil {
		x.input = in
	}
	if err := authorize(&x.call.Call, in); err != nil {
		return nil, err
	}
	return operation.Call(&x.call, in)
}

// authorize is the place of policy evaluation in the chain: after decoding,
// since the resource is in the input. Until policies are evaluated everyone
// who is authenticated may do everything.
func authorize(*api.Call, any) error { return nil }
