package protocol

import (
	"net/http"

	"github.com/virga-cloud/virga/api"
)

// rpc is the binding of awsJson, RPC v2 CBOR, query and ec2Query: a message is
// a body and nothing else.
type rpc struct{ notation notation }

// Decode implements Codec.
func (c rpc) Decode(op *api.Operation, r *http.Request, _ URI, in any) (api.Presence, error) {
	msg := messages.Get().(*message)
	var body []byte
	var err error
	if encoding := HeaderOf(r.Header, "Content-Encoding"); encoding != "" && quirkOf(op.Service).encodes {
		body, err = inflated(encoding, r.Body, msg.buf)
	} else {
		body, err = readBody(r.Body, r.ContentLength, r.Header, msg.buf)
	}
	defer func() { msg.free(body) }()
	if err != nil {
		return nil, err
	}
	if len(body) == 0 && quirkOf(op.Service).encodes {
		return nil, errMalformedJSON(op.Service)
	}
	if _, form := c.notation.(formNotation); form && r.URL.RawQuery != "" {
		// Query services take parameters in the URI as well.
		body = append(append(body, '&'), r.URL.RawQuery...)
	}
	d := &msg.decoding
	d.op = op
	sh, s := planOf(in)
	err = c.notation.decode(d, body, sh, s)
	return d.presence, err
}

// Encode implements Codec.
func (c rpc) Encode(op *api.Operation, w http.ResponseWriter, out any) error {
	sh, s := planOf(out)
	msg := messages.Get().(*message)
	e := &msg.encoding
	e.op, e.requestID, e.buf = op, HeaderOf(w.Header(), "X-Amzn-Requestid"), msg.buf
	defer func() { msg.free(e.buf) }()
	c.mark(w)
	if m := sh.payload; m != nil && m.shape.kind == kindEvents {
		return writeEvents(e, c.notation, w, http.StatusOK, sh, m, s)
	}
	if len(sh.members) > 0 || !quirkOf(op.Service).bare[op.Name] {
		if err := c.notation.encode(e, sh, s); err != nil {
			return err
		}
	}
	return writeBody(w, op.Service, http.StatusOK, c.notation.contentType(op), e.buf)
}

// mark sets the header by which RPC v2 CBOR is known.
func (c rpc) mark(w http.ResponseWriter) {
	if _, ok := c.notation.(cborNotation); ok {
		setHeader(w, "Smithy-Protocol", "rpc-v2-cbor")
	}
}

func (c rpc) decodeResponse(d *decoding, resp *http.Response, sh *shape, s slot) error {
	if m := sh.payload; m != nil && m.shape.kind == kindEvents {
		return readEvents(d, c.notation, resp.Body, sh, m, s)
	}
	body, err := readBody(resp.Body, resp.ContentLength, resp.Header, nil)
	if err != nil {
		return err
	}
	if form, ok := c.notation.(formNotation); ok {
		return form.decodeAnswer(d, body, sh, s)
	}
	return c.notation.decode(d, body, sh, s)
}
