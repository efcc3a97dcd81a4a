package protocol

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/jsontext"
)

// failure is an error on its way out, whatever it was made of.
type failure struct {
	// name is the error's shape name, or the code of one that has no shape:
	// what JSON and CBOR call it.
	name string
	// code is what XML and x-amzn-query-error call it.
	code    string
	status  int
	server  bool // the fault is the server's
	message string
	// shape and at are the fields of a modelled error; shape is nil otherwise.
	shape  *shape
	at     slot
	detail []api.Field
	header map[string]string
}

// failureOf looks in err for what may be shown: a modelled error or an
// *api.Error. Anything else becomes the service's internal error.
func failureOf(svc *api.Service, err error) *failure {
	f := &failure{}
	if m, ok := errors.AsType[api.ModelledError](err); ok {
		what := m.Shape()
		f.name, f.code, f.status, f.server = what.Name, what.WireCode(), what.Status, what.Server
		f.shape, f.at = planOf(m)
		f.message = messageOf(f.shape, f.at)
	} else {
		e, ok := errors.AsType[*api.Error](err)
		if !ok {
			e = internalError(svc)
		}
		f.name, f.code, f.status, f.server = e.Code, e.Code, e.Status, e.Status >= http.StatusInternalServerError
		f.message, f.detail, f.header = e.Message, e.Detail, e.Header
	}
	if f.status == 0 {
		f.status = http.StatusBadRequest
	}
	return f
}

// isMessage says whether a member is an error's message.
func isMessage(m *member) bool {
	return m.shape.kind == kindString && strings.EqualFold(m.name, "message")
}

// messageOf is the message of a modelled error.
func messageOf(sh *shape, s slot) string {
	for _, m := range sh.members {
		if isMessage(m) {
			return *s.field(m).string()
		}
	}
	return ""
}

// begin sets the headers that errors of all protocols share. What an answer
// that failed while it was being made has left of its own goes away.
func (f *failure) begin(w http.ResponseWriter) {
	h := w.Header()
	for _, name := range [...]string{"Content-Type", "Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Cache-Control", "Expires"} {
		h.Del(name)
	}
	if f.shape != nil {
		encodeBound(h, &f.status, f.shape, f.at)
	}
	for name, value := range f.header {
		h.Set(name, value)
	}
}

// fault says whose fault it is, in the words of the query protocol.
func (f *failure) fault() string {
	if f.server {
		return "Receiver"
	}
	return "Sender"
}

// EncodeError implements Codec with the envelopes of the RPC protocols.
func (c rpc) EncodeError(op *api.Operation, svc *api.Service, w http.ResponseWriter, err error, requestID string) {
	c.encodeFailure(failureOf(svc, err), op, svc, w, requestID)
}

func (c rpc) encodeFailure(f *failure, op *api.Operation, svc *api.Service, w http.ResponseWriter, requestID string) {
	f.begin(w)
	e := encodingOfError(op, svc, requestID)
	contentType := "text/xml"
	switch n := c.notation.(type) {
	case formNotation:
		if n.ec2 {
			f.ec2Envelope(&e)
		} else {
			f.queryEnvelope(&e, svc)
		}
	case jsonNotation:
		contentType = n.contentType(e.op)
		f.markQueryCompatible(w, svc)
		f.jsonEnvelope(&e, svc)
	case cborNotation:
		contentType = n.contentType(e.op)
		f.markQueryCompatible(w, svc)
		c.mark(w)
		f.cborEnvelope(&e, svc)
	}
	f.send(w, svc, contentType, &e)
}

// EncodeError implements Codec with the envelopes of the REST protocols.
func (c rest) EncodeError(op *api.Operation, svc *api.Service, w http.ResponseWriter, err error, requestID string) {
	c.encodeFailure(failureOf(svc, err), op, svc, w, requestID)
}

func (c rest) encodeFailure(f *failure, op *api.Operation, svc *api.Service, w http.ResponseWriter, requestID string) {
	f.begin(w)
	e := encodingOfError(op, svc, requestID)
	contentType := c.notation.contentType(e.op)
	switch c.notation.(type) {
	case jsonNotation:
		setHeader(w, "X-Amzn-Errortype", f.name)
		f.restJSONEnvelope(&e, svc)
	case xmlNotation:
		if svc == nil || quirkOf(svc).bareXMLError {
			f.s3Envelope(&e, w.Header().Get("X-Amz-Id-2"))
		} else {
			f.queryEnvelope(&e, svc)
		}
	}
	f.send(w, svc, contentType, &e)
}

// encodingOfError stands an operation in for the one that was not found, so
// that the notation knows the service.
func encodingOfError(op *api.Operation, svc *api.Service, requestID string) encoding {
	if op == nil {
		op = &api.Operation{Service: svc}
	}
	return encoding{op: op, requestID: requestID}
}

// send writes the answer. An error is the end of a request: that its client is
// gone has no further consequence.
func (f *failure) send(w http.ResponseWriter, svc *api.Service, contentType string, e *encoding) {
	_ = writeBody(w, svc, f.status, contentType, e.buf)
}

// markQueryCompatible tells clients that came from query to another protocol
// the code they know.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#querycompatible-trait
func (f *failure) markQueryCompatible(w http.ResponseWriter, svc *api.Service) {
	if svc != nil && svc.QueryCompatible {
		setHeader(w, "X-Amzn-Query-Error", f.code+";"+f.fault())
	}
}

// jsonEnvelope is {"__type":...,"message":...}.
func (f *failure) jsonEnvelope(e *encoding, svc *api.Service) {
	w := jsonWriter{e, false}
	e.buf = append(e.buf, '{')
	w.property("__type", quirkOf(svc).errorType(f))
	f.jsonMembers(w, svc)
}

// restJSONEnvelope is the error's members alone; its type is in a header.
func (f *failure) restJSONEnvelope(e *encoding, svc *api.Service) {
	w := jsonWriter{e, true}
	e.buf = append(e.buf, '{')
	if t := f.shape; t != nil && quirkOf(svc).errorOwner {
		if m := t.byWire["Type"]; m != nil && f.at.field(m).absent(m.shape) {
			owner := "User"
			if f.server {
				owner = "Service"
			}
			w.property("Type", owner)
		}
	}
	f.jsonMembers(w, svc)
}

// jsonMembers writes the message and what else the error has, and the closing brace.
func (f *failure) jsonMembers(w jsonWriter, svc *api.Service) {
	if f.shape != nil {
		// What the members of errors are is known to have a form in JSON.
		_ = w.members(f.shape, f.at)
	} else {
		if f.message != "" {
			w.property(quirkOf(svc).messageName(f.name), f.message)
		}
		for _, d := range f.detail {
			w.property(d.Name, d.Value)
		}
	}
	if last := len(w.buf) - 1; w.buf[last] == ',' {
		w.buf[last] = '}'
	} else {
		w.buf = append(w.buf, '}')
	}
}

// property writes a member with a comma behind it.
func (w jsonWriter) property(name, value string) {
	w.buf = append(jsontext.AppendString(w.buf, name), ':')
	w.buf = append(jsontext.AppendString(w.buf, value), ',')
}

// cborEnvelope is the map of __type and the error's members.
func (f *failure) cborEnvelope(e *encoding, svc *api.Service) {
	w := cborWriter{e}
	e.buf = append(e.buf, cborMap<<5|31)
	property := func(name, value string) {
		e.buf = appendCBORText(appendCBORText(e.buf, name), value)
	}
	property("__type", absoluteID(svc, f.name))
	if f.shape != nil {
		_ = w.members(f.shape, f.at) // as in JSON
	} else {
		if f.message != "" {
			property("message", f.message)
		}
		for _, d := range f.detail {
			property(d.Name, d.Value)
		}
	}
	e.buf = append(e.buf, cborBreak)
}

// queryEnvelope is <ErrorResponse> with the service's namespace.
func (f *failure) queryEnvelope(e *encoding, svc *api.Service) {
	w := xmlWriter{buf: e.buf}
	ns := ""
	if svc != nil {
		ns = svc.XMLNamespace
	}
	w.open("ErrorResponse", ns, "")
	w.open("Error", "", "")
	w.text("Type", f.fault())
	f.xmlMembers(&w)
	w.close("Error")
	w.text("RequestId", e.requestID)
	w.close("ErrorResponse")
	e.buf = w.buf
}

// ec2Envelope is <Response>, which holds one of possibly many errors.
func (f *failure) ec2Envelope(e *encoding) {
	w := xmlWriter{buf: append(e.buf, xmlDeclaration...)}
	w.open("Response", "", "")
	w.open("Errors", "", "")
	w.open("Error", "", "")
	f.xmlMembers(&w)
	w.close("Error")
	w.close("Errors")
	w.text("RequestID", e.requestID)
	w.close("Response")
	e.buf = w.buf
}

// s3Envelope is a bare <Error>, with its quotes as they are: clients look for
// parts of a policy in it, and for regions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (f *failure) s3Envelope(e *encoding, hostID string) {
	w := xmlWriter{buf: append(e.buf, xmlDeclaration...)}
	w.open("Error", "", "")
	f.xmlMembers(&w)
	w.text("RequestId", e.requestID)
	w.text("HostId", hostID)
	w.close("Error")
	e.buf = bytes.ReplaceAll(bytes.ReplaceAll(w.buf, []byte("&quot;"), []byte{'"'}), []byte("&apos;"), []byte{'\''})
}

// xmlMembers writes the code, the message and what else the error has.
func (f *failure) xmlMembers(w *xmlWriter) {
	w.text("Code", f.code)
	if f.message != "" {
		w.text("Message", f.message)
	}
	if f.shape != nil {
		others := *f.shape
		others.body = nil
		for _, m := range f.shape.body {
			if !isMessage(m) {
				others.body = append(others.body, m)
			}
		}
		w.members(&others, f.at)
	}
	for _, d := range f.detail {
		w.text(d.Name, d.Value)
	}
}

// UnknownOperation is the error for a request that names an operation that
// the service's model does not have.
func UnknownOperation(p api.Protocol, svc *api.Service, name string) *api.Error {
	switch p {
	case api.Query:
		return api.Errorf("InvalidAction", http.StatusBadRequest, "Could not find operation %s for version %s", name, svc.Version)
	case api.EC2:
		return api.Errorf("InvalidAction", http.StatusBadRequest, "The action %s is not valid for this web service.", name)
	case api.RESTXML:
		return api.Errorf("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource.")
	case api.RESTJSON, api.CBOR:
		return &api.Error{Code: "UnknownOperationException", Status: http.StatusNotFound}
	}
	return &api.Error{Code: "UnknownOperationException", Status: http.StatusBadRequest}
}

// NotImplemented is the error for an operation that the model has and Virga has not.
func NotImplemented(p api.Protocol, op *api.Operation) *api.Error {
	code := "NotImplementedException"
	if p == api.RESTXML || p == api.Query || p == api.EC2 {
		code = "NotImplemented"
	}
	return api.Errorf(code, http.StatusNotImplemented, "%s is not implemented by Virga.", op)
}
