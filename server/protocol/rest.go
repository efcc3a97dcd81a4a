package protocol

import (
	"io"
	"net/http"
	"strconv"

	"github.com/virga-cloud/virga/api"
)

// rest is the binding of restJson1 and restXml: members live in the path, the
// query, headers and the status; the payload member, or else all members that
// are bound to nothing, are the body.
// https://smithy.io/2.0/spec/http-bindings.html
type rest struct{ notation notation }

// Decode implements Codec.
func (c rest) Decode(op *api.Operation, r *http.Request, at URI, in any) (api.Presence, error) {
	sh, s := planOf(in)
	var presence api.Presence
	if len(sh.bound) > 0 {
		b := binding{decoding: decoding{op: op}, header: r.Header, request: r, uri: at}
		if err := b.decode(sh, s); err != nil {
			return nil, err
		}
		presence = b.presence
	}
	if sh.payload == nil && len(sh.body) == 0 || r.Body == nil {
		return presence, nil
	}
	if sh.payload != nil && sh.payload.shape.kind == kindStream {
		*s.field(sh.payload).stream() = r.Body
		return presence, nil
	}
	d := &decoding{op: op, presence: presence}
	err := c.decodeBody(d, r.Body, r.ContentLength, r.Header, sh, s)
	return d.presence, err
}

func (c rest) decodeResponse(d *decoding, resp *http.Response, sh *shape, s slot) error {
	sh = sh.answer
	b := binding{decoding: *d, header: resp.Header, status: resp.StatusCode}
	if err := b.decode(sh, s); err != nil {
		return err
	}
	d.presence = b.presence
	return c.decodeBody(d, resp.Body, resp.ContentLength, resp.Header, sh, s)
}

// decodeBody reads the payload, or the members that are bound to nothing.
func (c rest) decodeBody(d *decoding, body io.ReadCloser, length int64, h http.Header, sh *shape, s slot) error {
	m := sh.payload
	if m == nil && len(sh.body) == 0 || body == nil {
		return nil
	}
	if m != nil {
		switch m.shape.kind {
		case kindStream:
			*s.field(m).stream() = body
			return nil
		case kindEvents:
			return readEvents(d, c.notation, body, sh, m, s)
		}
	}
	msg := messages.Get().(*message)
	data, err := readBody(body, length, h, msg.buf)
	defer func() { msg.free(data) }()
	switch {
	case err != nil:
		return err
	case m == nil:
		return c.notation.decode(d, data, sh, s)
	case m.shape.kind == kindBlob:
		if len(data) > 0 {
			*s.field(m).blob() = append([]byte(nil), data...)
		}
		return nil
	case m.shape.kind == kindString:
		*s.field(m).string() = string(data)
		return nil
	}
	return c.notation.decodePayload(d, data, m, s)
}

// Encode implements Codec.
func (c rest) Encode(op *api.Operation, w http.ResponseWriter, out any) error {
	sh, s := planOf(out)
	sh = sh.answer
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	encodeBound(w.Header(), &status, sh, s)
	if status == http.StatusOK && w.Header()["Content-Range"] != nil {
		status = http.StatusPartialContent // which the models do not say
	}
	m := sh.payload
	if m != nil && m.shape.kind == kindStream {
		return writeStream(w, status, *s.field(m).stream())
	}
	msg := messages.Get().(*message)
	e := &msg.encoding
	e.op, e.requestID, e.buf = op, HeaderOf(w.Header(), "X-Amzn-Requestid"), msg.buf
	defer func() { msg.free(e.buf) }()
	if m != nil && m.shape.kind == kindEvents {
		return writeEvents(e, c.notation, w, status, sh, m, s)
	}
	contentType, err := c.encodeBody(e, sh, m, s)
	if err != nil {
		return err
	}
	if HeaderOf(w.Header(), "Content-Type") != "" {
		contentType = "" // a member said it
	}
	return writeBody(w, op.Service, status, contentType, e.buf)
}

// encodeBody appends the payload, or the members that are bound to nothing, and
// says what it is.
func (c rest) encodeBody(e *encoding, sh *shape, m *member, s slot) (contentType string, err error) {
	contentType = c.notation.contentType(e.op)
	switch {
	case m == nil:
		if len(sh.body) > 0 {
			err = c.notation.encode(e, sh, s)
		}
		return contentType, err
	case m.shape.kind == kindBlob:
		e.buf = append(e.buf, *s.field(m).blob()...)
		if t := quirkOf(e.op.Service).blobType; t != "" {
			return t, nil
		}
		return "application/octet-stream", nil
	case m.shape.kind == kindString:
		e.buf = append(e.buf, *s.field(m).string()...)
		return "text/plain", nil
	case s.field(m).absent(m.shape):
		return contentType, nil
	}
	return contentType, c.notation.encodePayload(e, m, s)
}

// writeStream copies a streaming payload and closes it. A file goes from the
// disk to the socket without passing through here, when it is an *os.File.
func writeStream(w http.ResponseWriter, status int, body io.ReadCloser) error {
	h := w.Header()
	if body == nil {
		if HeaderOf(h, "Content-Length") == "" && bodyAllowed(status) {
			setHeader(w, "Content-Length", "0")
		}
		w.WriteHeader(status)
		return nil
	}
	defer func() { _ = body.Close() }() // it was only read
	if HeaderOf(h, "Content-Type") == "" {
		setHeader(w, "Content-Type", "application/octet-stream")
	}
	if l, ok := body.(interface{ Len() int }); ok && HeaderOf(h, "Content-Length") == "" {
		setHeader(w, "Content-Length", strconv.Itoa(l.Len()))
	}
	w.WriteHeader(status)
	_, err := io.Copy(w, body)
	return err
}
