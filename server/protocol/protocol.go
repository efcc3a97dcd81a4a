// Package protocol turns HTTP requests into the generated inputs of
// operations, and their outputs and errors into HTTP answers, in the protocols
// that AWS's services speak.
//
// # Vocabulary
//
// A protocol is a notation (how a body is written: json, xml, cbor, form) with
// a binding (rpc: the body is all there is; rest: members also live in the
// path, the query and headers) and an error envelope. A shape is the plan of
// one Go type, a member that of one field, a slot the address of a value; they
// are made once per type from the aws tags that package api documents, and
// every codec and the validator walk them.
//
// # Powers and limits
//
// The package knows no service beyond the tables of wire peculiarities in
// quirks.go. It does not route, authenticate or limit: the caller has found
// the operation, and bounds the body. Decoders hold every body but streaming
// ones in memory, nest at most maxDepth deep, and allocate no more than in
// proportion to what was sent.
package protocol

import (
	"fmt"
	"net/http"

	"github.com/virga-cloud/virga/api"
)

// maxDepth is how deep a body may nest. DynamoDB's documents, the deepest that
// AWS takes, have 32 levels of two JSON levels each; JSON policies and
// documents stay far below.
const maxDepth = 128

// Codec speaks one protocol as a server. It is safe for concurrent use.
type Codec interface {
	// Decode reads a request into in, a pointer to the operation's input. The
	// caller has limited the body. at is what r's URI says; RPC protocols need
	// none of it. Streaming members are given r.Body, which the handler then reads.
	//
	// Errors are *api.Error with the service's code for a request that cannot
	// be read (SerializationException, MalformedXML and others), or what
	// reading the body returned.
	Decode(op *api.Operation, r *http.Request, at URI, in any) (api.Presence, error)

	// Encode writes out, a pointer to the operation's output, with status,
	// Content-Type and, but for streams of unknown length, Content-Length.
	// The caller has set X-Amzn-Requestid, which query answers repeat. An
	// error before anything was written leaves w untouched but for headers;
	// after that it can only be logged, and the connection closed. Streams in
	// out are closed in any case.
	Encode(op *api.Operation, w http.ResponseWriter, out any) error

	// EncodeError writes err in the protocol's envelope: a modelled error with
	// its fields, an *api.Error with its code, and anything else as the
	// service's internal error without its text. op is nil when the request
	// named no known operation; svc is nil when it named no known service.
	EncodeError(op *api.Operation, svc *api.Service, w http.ResponseWriter, err error, requestID string)
}

// For is the codec of a protocol. It panics when there is no such protocol.
func For(p api.Protocol) Codec {
	c, ok := codecs[p]
	if !ok {
		panic(fmt.Sprintf("protocol: no protocol %q", p))
	}
	return c
}

var codecs = map[api.Protocol]Codec{
	api.JSON:     rpc{jsonNotation{}},
	api.CBOR:     rpc{cborNotation{}},
	api.Query:    rpc{formNotation{}},
	api.EC2:      rpc{formNotation{ec2: true}},
	api.RESTJSON: rest{jsonNotation{rest: true}},
	api.RESTXML:  rest{xmlNotation{}},
}

// notation is how bodies are written. Its methods walk plans; they read and
// write the members of a body only, never those that rest binds elsewhere.
type notation interface {
	// contentType is the Content-Type of bodies in this notation.
	contentType(op *api.Operation) string

	// decode reads a whole body into the input or output at s. data is only
	// valid during the call, so that strings are copied. An empty body leaves
	// s as it is.
	decode(d *decoding, data []byte, sh *shape, s slot) error

	// decodePayload reads a whole body into the payload member m (a structure,
	// union, list, map or document) of the structure at s.
	decodePayload(d *decoding, data []byte, m *member, s slot) error

	// encode appends the body of the output (or input) at s to e.buf.
	encode(e *encoding, sh *shape, s slot) error

	// encodePayload appends the payload member m of the structure at s.
	encodePayload(e *encoding, m *member, s slot) error
}

// decoding is one message on its way in.
type decoding struct {
	op *api.Operation
	// response says that the message is an answer, read by a client.
	response bool
	// presence collects what a value cannot say: codecs note every string (and
	// zero time) that was sent and is zero.
	presence api.Presence
}

// note records that the value of shape sh at s was sent, when it is the zero
// value, which else would look absent.
func (d *decoding) note(sh *shape, s slot) {
	if !d.response && s.absent(sh) {
		d.presence.Note(s.address(sh))
	}
}

// encoding is one message on its way out.
type encoding struct {
	op *api.Operation
	// requestID is for envelopes that hold it.
	requestID string
	// buf is the body so far.
	buf []byte
}

// DecodeResponse reads an answer as a client does: into out, a pointer to the
// operation's output. It is how tests and callers of services over HTTP read
// what Encode wrote. Errors of the service are not read.
func DecodeResponse(p api.Protocol, op *api.Operation, resp *http.Response, out any) error {
	sh, s := planOf(out)
	return codecs[p].(responseDecoder).decodeResponse(&decoding{op: op, response: true}, resp, sh, s)
}

// responseDecoder is the client's side of a codec.
type responseDecoder interface {
	decodeResponse(d *decoding, resp *http.Response, sh *shape, s slot) error
}
