package server

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/virga-cloud/virga/services/service"
)

// newPlanes is the matcher of everything that is not the AWS API: our own
// addresses, and the data planes of services by host and path. Paths are matched
// as they were sent and are not cleaned: "//" and "%2F" mean something.
func newPlanes() *mux.Router {
	m := mux.NewRouter().UseEncodedPath().SkipClean(true)
	m.NotFoundHandler, m.MethodNotAllowedHandler = nil, nil
	return m
}

// plane adds the routes of a data plane.
func (s *Server) plane(routes []service.Route) {
	for _, route := range routes {
		serve := route.Serve
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			vars := service.Vars(mux.Vars(r))
			if route.Host != "" {
				vars["rest"] = r.URL.EscapedPath()
			}
			serve(w, r, vars)
		})
		if route.Path != "" {
			s.planes.Path(route.Path + "{rest:(?:/.*)?}").Handler(handler)
			prefix := route.Path
			if i := strings.IndexByte(prefix, '{'); i >= 0 {
				prefix = prefix[:i]
			}
			s.planePaths = append(s.planePaths, prefix)
			continue
		}
		s.planeHosts = append(s.planeHosts, hostMark(route.Host))
		ours := domains
		if s.options.Domain != "" {
			ours = append([]string{s.options.Domain}, domains...)
		}
		for _, domain := range ours {
			for _, host := range []string{
				route.Host + ".{region:[a-z0-9-]+}." + domain,
				route.Host + "." + domain,
			} {
				s.planes.Host(host).Handler(handler) // with any port
			}
		}
	}
}

// hostMark is the literal label of a host pattern, by which hosts that cannot
// match are told apart cheaply: ".execute-api." of "{api}.execute-api".
func hostMark(pattern string) string {
	_, after, _ := strings.Cut(pattern, "}")
	if i := strings.IndexByte(after, '{'); i >= 0 {
		after = after[:i]
	}
	return after
}

// planeFor is the handler of our own address or a data plane, with the request
// it is to be given; nil when the request is for the AWS API, as all but those
// for our own addresses are that come through the door of a single service.
func (s *Server) planeFor(r *http.Request, only *entry) (http.Handler, *http.Request) {
	if !ownAddress(r.URL.Path) && (only != nil || !s.mayBePlane(r)) {
		return nil, nil
	}
	var m mux.RouteMatch
	if !s.planes.Match(r, &m) || m.MatchErr != nil || m.Handler == nil {
		return nil, nil
	}
	return m.Handler, mux.SetURLVars(r, m.Vars)
}

// ownAddress says that a path is Virga's: no bucket's name begins so.
func ownAddress(path string) bool {
	return strings.HasPrefix(path, "/_") || strings.HasPrefix(path, minioHealth)
}

// mayBePlane says whether matching is worth while: it costs more than
// answering a small request.
func (s *Server) mayBePlane(r *http.Request) bool {
	for _, p := range s.planePaths {
		if strings.HasPrefix(r.URL.Path, p) {
			return true
		}
	}
	for _, mark := range s.planeHosts {
		if strings.Contains(r.Host, mark) {
			return true
		}
	}
	return false
}
