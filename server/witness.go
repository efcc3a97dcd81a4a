package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/server/protocol"
	"github.com/virga-cloud/virga/services/service"
)

// witness tells the service of a request, if it wants to know, when all of it
// has been answered. What was refused before its input could be read is not told.
func (x *exchange) witness(r *http.Request) {
	if x.witnessed == nil {
		return
	}
	code := ""
	if e, ok := errors.AsType[api.ModelledError](x.err); ok {
		code = e.Shape().WireCode()
	} else if e, ok := errors.AsType[*api.Error](x.err); ok {
		code = e.Code
	}
	x.witnessed.Witness(service.Witnessed{
		Call: &x.call.Call, Input: x.input,
		Method: r.Method, URI: r.RequestURI, Version: r.Proto, Referer: r.Referer(), Presigned: protocol.HeaderOf(r.Header, "Authorization") == "",
		Status: x.answer.status, Code: code, Sent: x.answer.bytes, Took: time.Since(x.began),
	})
}
