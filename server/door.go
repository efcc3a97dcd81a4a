package server

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
)

// Door is a listener for the clients of one service, by the service's name in
// the models; "" is for all. A request that bears no mark of another service is
// that service's, and none is a data plane's: on a door of S3 every path
// is a bucket's. So clients of servers that speak one service only
// (MinIO, DynamoDB Local) find what they expect on the port that they expect.
type Door struct {
	net.Listener
	Service string
	// AccountPerKey makes each access key id an account of its own, as DynamoDB
	// Local does: whoever comes with another key finds other tables. Key ids
	// that name an account, and keys that IAM issued, keep theirs.
	AccountPerKey bool
}

type doorKey struct{}

// doorway is what is known of the requests that come through a door.
type doorway struct {
	entry         *entry
	accountPerKey bool
}

// behind is the context of all requests that come through a listener.
func (s *Server) behind(l net.Listener) context.Context {
	ctx := context.Background()
	if d, ok := l.(Door); ok && d.Service != "" {
		s.doors.Store(true)
		return context.WithValue(ctx, doorKey{}, &doorway{s.directory.byName[d.Service], d.AccountPerKey})
	}
	return ctx
}

// noDoorway is that of requests to the port for all.
var noDoorway doorway

// doorway is the door that a request came through.
func (s *Server) doorway(r *http.Request) *doorway {
	if s.doors.Load() {
		if d, ok := r.Context().Value(doorKey{}).(*doorway); ok {
			return d
		}
	}
	return &noDoorway
}

// admit is who a caller is behind the door.
func (d *doorway) admit(who *auth.Identity) *auth.Identity {
	if !d.accountPerKey || who.AccessKeyID == "" || who.Verified || who.AccessKeyID == who.Account {
		return who
	}
	sum := sha256.Sum256([]byte(who.AccessKeyID))
	of := *who
	of.Account = fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:])%1e12)
	of.Principal = api.Root(of.Account)
	return &of
}
