package server

import (
	"net/http"

	"github.com/virga-cloud/virga/services/service"
)

// crossOrigin lets the service tell browsers what pages of other origins may
// do. It returns true when that was all that was asked: OPTIONS is no
// operation, and needs no credentials.
func (x *exchange) crossOrigin(r *http.Request) (answered bool) {
	preflight := r.Method == http.MethodOptions
	if !preflight && r.Header["Origin"] == nil {
		return false
	}
	rules := x.server.crossing[x.target.model]
	if rules == nil {
		return false
	}
	c := service.Crossing{
		Labels: x.target.labels(), Preflight: preflight, Origin: r.Header.Get("Origin"),
		Method: r.Header.Get("Access-Control-Request-Method"), Headers: r.Header.Get("Access-Control-Request-Headers"),
	}
	if c.Method == "" && !preflight {
		c.Method = r.Method
	}
	headers, err := rules.Cross(r.Context(), c)
	if err != nil {
		x.fail(err)
		return true
	}
	if len(headers) == 0 {
		return false
	}
	h := x.answer.Header()
	for _, f := range headers {
		h.Set(f.Name, f.Value)
	}
	if preflight {
		x.what = "preflight " + r.URL.Path
		h.Set("Content-Length", "0")
		x.answer.WriteHeader(http.StatusOK)
	}
	return preflight
}
