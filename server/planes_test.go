package server

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/catalog"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/services/service"
)

// plain is a service with a data plane that notes how it was reached.
type plain struct{ vars service.Vars }

func (*plain) Model() *api.Model         { return &lambda.Model }
func (*plain) Operations() []api.Handler { return nil }
func (p *plain) Routes() []service.Route {
	serve := func(w http.ResponseWriter, r *http.Request, v service.Vars) {
		p.vars = v
		io.WriteString(w, "plane")
	}
	return []service.Route{
		{Host: "{api}.execute-api", Serve: serve},
		{Path: "/restapis/{api}/{stage}/_user_request_", Serve: serve},
	}
}

func newTestServer(services ...service.Service) *Server {
	c := clock.System()
	return New(Options{
		Models: catalog.Models, Services: services, Verifier: &auth.Verifier{Clock: c}, Clock: c, IDs: ids.Random(),
		Log: slog.New(slog.DiscardHandler), Version: "test",
	})
}

// Data planes are found by host, below every domain, with and without a region
// and a port, and by path; what they are given is encoded as it was sent.
func TestPlanes(t *testing.T) {
	p := new(plain)
	s := newTestServer(p)
	for _, c := range []struct {
		host, path string
		want       service.Vars // nil: the AWS API's
	}{
		{"abc.execute-api.localhost.localstack.cloud:4566", "/dev/a%2Fb//c", service.Vars{"api": "abc", "rest": "/dev/a%2Fb//c"}},
		{"abc.execute-api.us-east-1.amazonaws.com", "/dev", service.Vars{"api": "abc", "region": "us-east-1", "rest": "/dev"}},
		{"abc.execute-api.localhost", "/", service.Vars{"api": "abc", "rest": "/"}},
		{"127.0.0.1:4566", "/restapis/abc/dev/_user_request_/a%20b//", service.Vars{"api": "abc", "stage": "dev", "rest": "/a%20b//"}},
		{"127.0.0.1:4566", "/restapis/abc/dev/_user_request_", service.Vars{"api": "abc", "stage": "dev", "rest": ""}},
		{"127.0.0.1:4566", "/restapis/abc/stages", nil},
		{"abc.s3.amazonaws.com", "/dev", nil},
		{"execute-api.us-east-1.amazonaws.com", "/dev", nil},
	} {
		p.vars = nil
		r := httptest.NewRequest("GET", c.path, nil)
		r.Host = c.host
		s.ServeHTTP(httptest.NewRecorder(), r)
		if !maps.Equal(p.vars, c.want) {
			t.Errorf("%s at %s: %v, want %v", c.path, c.host, p.vars, c.want)
		}
	}
}

// Every request that asks for what we have not is answered in the client's
// own protocol, and says so.
func TestHonestAnswers(t *testing.T) {
	s := newTestServer(new(plain))
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
		status             int
		body               string
	}{
		{"known operation, JSON", "POST", "/", h("X-Amz-Target", "DynamoDB_20120810.ListTables"), 501,
			`{"__type":"com.amazonaws.dynamodb.v20120810#NotImplementedException","message":"dynamodb:ListTables is not implemented by Virga."}`},
		{"unknown service, JSON", "POST", "/", h("X-Amz-Target", "AWSGlue.GetTables", "Authorization", signed("us-east-1", "glue")), 501,
			`{"__type":"NotImplementedException","message":"The service \"glue\" is not implemented by Virga."}`},
		{"our own address", "GET", "/_virga/nonsense", nil, 404, `{"message":"there is no GET /_virga/nonsense"}` + "\n"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Host = local
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s: %d %s, want %d %s", c.name, w.Code, w.Body, c.status, c.body)
		}
	}
}
