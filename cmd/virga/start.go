package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/virga-cloud/virga/api/catalog"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/server"
	"github.com/virga-cloud/virga/services"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// drainTimeout is how long running requests may take to finish at the end.
const drainTimeout = 10 * time.Second

func startCommand() *cobra.Command {
	var c config
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start the server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.environment(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return start(ctx, &c)
		},
	}
	c.flags(cmd.Flags())
	return cmd
}

// start runs a server until the context ends. It puts the parts together:
// store, clock, events, services, port.
func start(ctx context.Context, c *config) (err error) {
	defer runtime.KeepAlive(ballast())
	out := newBuffered(os.Stderr)
	defer out.Close()
	log := slog.New(newLines(out, &slog.HandlerOptions{Level: c.level()}))

	// The port comes first: the commonest mistake is a second server.
	listener, err := listen(c.host, c.port)
	if err != nil {
		return err
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	doors, err := openDoors(c)
	if err != nil {
		return err
	}

	own := "http://" + net.JoinHostPort(hostOf(c.host), strconv.Itoa(port))
	runHooks(ctx, hooksDir, hookBoot, own, log)
	if c.pprof != "" {
		profiles, err := serveProfiles(c.pprof)
		if err != nil {
			return err
		}
		defer profiles.Close()
	}

	stored, err := openStore(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stored.close()) }()

	parts, err := compose(c, stored, port, log)
	if err != nil {
		return err
	}
	// Background work ends after the port is closed and requests are done.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work, background := errgroup.WithContext(background)
	work.Go(func() error { return parts.queue.Run(background) })
	work.Go(func() error { return storage.Maintain(background, stored.db) })
	for _, svc := range parts.services {
		if r, ok := svc.(service.Runner); ok {
			work.Go(func() error { return r.Run(background) })
		}
	}

	runHooks(ctx, hooksDir, hookStart, own, log)
	served := make(chan error, 1)
	go func() { served <- parts.server.Serve(listener, doors...) }()
	log.Info("listening", "address", listener.Addr().String(), "data", stored.where, "version", version)
	for _, d := range doors {
		log.Info("listening too", "address", d.Addr().String(), "service", d.Service)
	}
	runHooks(ctx, hooksDir, hookReady, own, log)
	fmt.Fprintln(out, "Ready.")
	out.Flush()

	select {
	case <-ctx.Done():
		log.Info("stopping")
		runHooks(context.WithoutCancel(ctx), hooksDir, hookShutdown, own, log)
	case <-background.Done(): // background work failed
	case err := <-served:
		stop()
		return errors.Join(err, work.Wait())
	}
	deadline, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err = parts.server.Shutdown(deadline)
	stop()
	if werr := work.Wait(); !errors.Is(werr, context.Canceled) {
		err = errors.Join(err, werr)
	}
	return err
}

func listen(host string, port int) (net.Listener, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, reason(err))
	}
	return l, nil
}

// openDoors listens on the ports of single services.
func openDoors(c *config) (doors []server.Door, err error) {
	for _, d := range []struct {
		port    int
		service string
		perKey  bool
	}{{c.s3Port, "s3", false}, {c.dynamoPort, "dynamodb", c.dynamoKeys}} {
		if d.port == noPort {
			continue
		}
		l, err := listen(c.host, d.port)
		if err != nil {
			return nil, err
		}
		doors = append(doors, server.Door{Listener: l, Service: d.service, AccountPerKey: d.perKey})
	}
	return doors, nil
}

// hostOf is an address at which this machine reaches a listener on host.
func hostOf(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// parts are what a running server is made of.
type parts struct {
	services []service.Service
	queue    *events.Queue
	server   *server.Server
}

// compose makes the parts and joins them.
func compose(c *config, stored *stored, port int, log *slog.Logger) (*parts, error) {
	p := new(parts)
	now, id := clock.System(), ids.Random()
	deliverers := map[string]events.Deliverer{}
	p.queue = events.New(stored.db, now, id, log, func(service string) (events.Deliverer, bool) {
		d, ok := deliverers[service]
		return d, ok
	})
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all, err := services.New(service.Env{
		DB: stored.db, Blobs: stored.blobs, Events: p.queue, Clock: now, IDs: id, Log: log,
		Config: service.Config{
			Host: c.publicHost, Port: port, DataDir: stored.dir, CacheDir: stored.cache,
			SandboxInit: []string{program, sandboxInit}, LambdaExecutor: c.executor, Lambda: c.lambda, DynamoDB: c.dynamo,
		},
		ServeAWS: func(conn net.Conn) { p.server.ServeConn(conn) },
	})
	if err != nil {
		return nil, err
	}
	p.services = all.Services
	if len(c.services) > 0 {
		p.services = slices.DeleteFunc(p.services, func(s service.Service) bool {
			return !slices.Contains(c.services, s.Model().Service.Name)
		})
	}
	for _, s := range p.services {
		if d, ok := s.(events.Deliverer); ok {
			deliverers[s.Model().Service.SigningName] = d
		}
	}
	var certificate *tls.Config
	if c.tls {
		var err error
		if certificate, err = selfSigned(c.publicHost); err != nil {
			return nil, err
		}
	}
	p.server = server.New(server.Options{
		Models: catalog.Models, Services: p.services,
		Verifier: &auth.Verifier{Provider: rootKeys{all.Credentials, c.minio, auth.Mode(c.auth) != auth.Off}, Clock: now, Mode: auth.Mode(c.auth)},
		Clock:    now, IDs: id, Log: log, Domain: c.publicHost, Version: version, TLS: certificate,
		Reset: func() error { return storage.Reset(stored.db, stored.blobs) },
		Drain: func(ctx context.Context) error { return p.drain(ctx) },
	})
	return p, nil
}

// drain waits until all deliveries that are due have been made, and all work
// that they started has been done. Work that services finish may send
// deliveries, and these may give them work: it ends with a round that delivered nothing.
func (p *parts) drain(ctx context.Context) error {
	for {
		before := p.queue.Counts()
		for _, s := range p.services {
			if d, ok := s.(service.Drainer); ok {
				if err := d.Drain(ctx); err != nil {
					return err
				}
			}
		}
		if err := p.queue.Drain(ctx); err != nil {
			return err
		}
		if p.queue.Counts() == before {
			return nil
		}
	}
}

// stored is the open store.
type stored struct {
	db    storage.DB
	blobs *storage.Blobs
	// dir is the data directory, "" in memory; where says it for people.
	dir, where string
	// cache is for what can be made again.
	cache string
	// temporary says that cache goes with the server.
	temporary bool
}

func openStore(c *config, log *slog.Logger) (*stored, error) {
	s := &stored{where: "memory"}
	url, err := "memory:", error(nil)
	if c.memory {
		s.temporary = true
		s.cache, err = os.MkdirTemp("", "virga-")
	} else {
		s.dir, err = filepath.Abs(c.data)
		s.where, s.cache, url = s.dir, filepath.Join(s.dir, "cache"), "badger:"+s.dir
	}
	if err != nil {
		return nil, err
	}
	options := storage.Options{Sync: c.sync, Log: log}
	if s.db, err = storage.Open(url, options); err != nil {
		return nil, err
	}
	if s.blobs, err = storage.OpenBlobs(url, s.db, options); err == nil && !s.temporary {
		err = os.MkdirAll(s.cache, 0o700)
	}
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func (s *stored) close() error {
	err := errors.Join(s.blobs.Close(), s.db.Close())
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.cache))
	}
	return err
}

// reason is the innermost error: what the system said, without our own steps.
func reason(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
