// Package service says what every service is given (Env) and what it offers
// (Service, and the optional interfaces beside it).
package service

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
)

// Env is what a service is given. A service takes nothing from elsewhere: no
// time, no randomness, no goroutine, no environment variable.
type Env struct {
	// DB holds the service's records. Its keys begin with the service's name.
	DB storage.DB
	// Blobs holds bodies that are too large for records.
	Blobs *storage.Blobs
	// Events takes deliveries to other services.
	Events events.Sender
	// Clock tells the time.
	Clock *clock.Clock
	// IDs makes identifiers.
	IDs *ids.Source
	// Log is the service's log.
	Log *slog.Logger
	// Config is the part of the configuration that services see.
	Config Config
	// ServeAWS serves one connection as if it had reached the server's port,
	// and returns when it ends. Function sandboxes reach AWS through it.
	ServeAWS func(net.Conn)
}

// Config is what the user configured, as far as services see it.
type Config struct {
	// Host and Port are the address that clients use: they go into the
	// addresses that answers hold (queue URLs, function URLs).
	Host string
	Port int
	// DataDir is where the store is; "" when it is in memory.
	DataDir string
	// CacheDir is for files that can be made again, unpacked function code
	// among them. It exists, and is private to this server.
	CacheDir string
	// SandboxInit is the command of the program that starts in functions'
	// sandboxes: this binary, which is static, with its hidden subcommand.
	SandboxInit []string
	// LambdaExecutor is "auto", "docker" or "process".
	LambdaExecutor string
	// Lambda holds further settings of function execution.
	Lambda LambdaConfig
	// DynamoDB holds how long tables take to change, and what they may take.
	DynamoDB DynamoDBConfig
}

// DynamoDBConfig is how long tables are in the states between others, by the
// clock, zero being not at all, and whether they have limits.
type DynamoDBConfig struct {
	CreateDelay, UpdateDelay, DeleteDelay time.Duration
	// IndexDelay is how long a new index of a table waits before it is filled.
	IndexDelay time.Duration
	// Throttle refuses requests beyond the capacity of tables and indexes.
	Throttle bool
}

// LambdaConfig is how functions run; each has the environment variable of the
// same name, by LocalStack's names.
type LambdaConfig struct {
	// DockerNetwork is the network of function containers ("" the engine's default).
	DockerNetwork string
	// DockerFlags are further flags as `docker run` takes them (-e, -v, -p and others that are documented).
	DockerFlags string
	// KeepAliveMS is how long an idle sandbox is kept, in milliseconds.
	KeepAliveMS int
	// RemoveContainers removes containers that have ended; on by default.
	RemoveContainers bool
	// InitTimeoutS is how long a sandbox may take to start, in seconds.
	InitTimeoutS int
	// RuntimeImageMapping maps runtimes to images: a JSON object, or a pattern
	// with <runtime> in it.
	RuntimeImageMapping string
}

// Service is the behaviour of one AWS service.
type Service interface {
	// Model is the generated package's Model.
	Model() *api.Model
	// Operations are the operations that are implemented.
	Operations() []api.Handler
}

// Runner is a service with background work, as a function of the clock.
// The server owns the goroutine.
type Runner interface {
	// Run works until the context ends, and returns when nothing of it is left running.
	Run(ctx context.Context) error
}

// Drainer is a service whose work goes on after its answers.
type Drainer interface {
	// Drain returns when all that was accepted has been done.
	Drain(ctx context.Context) error
}

// Resetter is a service that holds state outside the store.
type Resetter interface {
	// Reset lets go of it. The store has been emptied.
	Reset(ctx context.Context) error
}

// CrossOrigin is a service whose resources have rules for pages of other origins.
type CrossOrigin interface {
	// Cross returns the headers that tell a browser what the page may do. The
	// error of a preflight says why it may not do it; other requests
	// are carried out whatever the rules say, since the browser keeps the answer to itself.
	Cross(ctx context.Context, c Crossing) ([]api.Field, error)
}

// Crossing is what a request says of the page that it comes from.
type Crossing struct {
	// Labels are what the request's path names, as in an operation's URI, encoded.
	Labels map[string]string
	// Preflight says that the request only asks, with the method OPTIONS.
	Preflight bool
	// Origin is the page's. Method is the one that the page asks for or uses, ""
	// when a preflight names none. Headers are the names of headers that it asks for.
	Origin, Method, Headers string
}

// Regional is a service whose resources are each in one region, and reached by
// that region's hosts and by those that name none.
type Regional interface {
	// Elsewhere returns the error that sends a request on to the region of what it
	// names, and nil when it is right where it is.
	Elsewhere(a Addressed) error
}

// Addressed is a request at a host that names a region.
type Addressed struct {
	Operation *api.Operation
	// Labels are what the request's path names, as in an operation's URI, encoded.
	Labels map[string]string
	// Region is the one that the host names, Domain what is behind it, with the port:
	// "localhost:4566".
	Region, Domain string
	// VirtualHost says that an S3 bucket was named by the host.
	VirtualHost bool
}

// Witness is a service that keeps a record of what was asked of it.
type Witness interface {
	// Witness is told of each request that reached the service, when it has been
	// answered; the client may have the answer by then.
	Witness(w Witnessed)
}

// Witnessed is a request with what became of it.
type Witnessed struct {
	// Call and Input are what the handler was given.
	Call  *api.Call
	Input any
	// Method, URI (as sent) and Version ("HTTP/1.1") are the request's first line.
	Method, URI, Version string
	Referer              string
	// Presigned says that the signature, if there was one, was in the URI.
	Presigned bool
	// Status is the answer's, Code that of its error, or "".
	Status int
	Code   string
	// Sent is the size of the answer's body, in bytes; Took is by the machine's clock.
	Sent int64
	Took time.Duration
}

// DataPlane is a service with HTTP addresses besides its API.
type DataPlane interface {
	Routes() []Route
}

// Route is an address of a data plane. Exactly one of Host and Path is set.
type Route struct {
	// Host is the first labels of a host, in gorilla/mux's syntax, as in
	// "{api}.execute-api": it matches that host under every domain the server
	// answers to, with and without a region label behind it.
	Host string
	// Path is the beginning of an encoded path, in gorilla/mux's syntax, as in
	// "/restapis/{api}/{stage}/_user_request_".
	Path string
	// Serve answers what matches.
	Serve func(w http.ResponseWriter, r *http.Request, v Vars)
}

// Vars are the variables of a matched route. "region" is there where the host
// named one; what follows a Path is "rest", encoded as it was sent, with its slash.
type Vars map[string]string
