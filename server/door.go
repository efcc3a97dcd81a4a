package server

import (
	"context"
	"net"
	"net/http"
)

// Door is a listener for the clients of one service, by the service's name in
// the models; "" is for all. A request that bears no mark of another service is
// that service's, and none is a data plane's: on a door of S3 every path
// is a bucket's. So clients of servers that speak one service only
// (MinIO, DynamoDB Local) find what they expect on the port that they expect.
type Door struct {
	net.Listener
	Service string
}

type doorKey struct{}

// behind is the context of all requests that come through a listener.
func (s *Server) behind(l net.Listener) context.Context {
	ctx := context.Background()
	if d, ok := l.(Door); ok && d.Service != "" {
		s.doors.Store(true)
		return context.WithValue(ctx, doorKey{}, s.directory.byName[d.Service])
	}
	return ctx
}

// only is the service whose door a request came through, or nil.
func (s *Server) only(r *http.Request) *entry {
	if !s.doors.Load() {
		return nil
	}
	e, _ := r.Context().Value(doorKey{}).(*entry)
	return e
}
