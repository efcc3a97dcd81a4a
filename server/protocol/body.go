package protocol

import (
	"compress/gzip"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/virga-cloud/virga/api"
)

// maxInflated is how large a compressed body may become. The SDKs compress
// requests of CloudWatch's PutMetricData, which takes 1 MB uncompressed.
const maxInflated = 16 << 20

// maxPooled is the largest buffer that is kept for the next message.
const maxPooled = 1 << 20

// message is one on its way in or out, with the buffer that its body is read into or
// written from.
type message struct {
	decoding decoding
	encoding encoding
	buf      []byte
}

// messages are kept for those that come.
var messages = sync.Pool{New: func() any { return &message{buf: make([]byte, 0, 4096)} }}

// free gives a message back with the slice that grew from its buffer.
func (m *message) free(grown []byte) {
	if cap(grown) <= maxPooled {
		*m = message{buf: grown[:0]}
		messages.Put(m)
	}
}

// readBody appends the whole body of a message to buf, inflated where it is
// compressed. A declared length is believed only as far as bytes follow.
func readBody(body io.Reader, length int64, h http.Header, buf []byte) ([]byte, error) {
	if body == nil || body == http.NoBody {
		return buf, nil
	}
	if _, zipped := withoutGzip(HeaderOf(h, "Content-Encoding")); !zipped {
		return readAll(body, length, buf)
	}
	z, err := gzip.NewReader(body)
	if err == io.EOF {
		return buf, nil
	}
	if err != nil {
		return buf, errSerialization("Request body is not gzip, as its Content-Encoding says")
	}
	defer func() { _ = z.Close() }() // it owns nothing
	buf, err = readAll(io.LimitReader(z, maxInflated+1), 0, buf)
	if err == nil && len(buf) > maxInflated {
		err = &api.Error{Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge, Message: "Request body is too large when inflated"}
	}
	return buf, err
}

// withoutGzip takes gzip off the end of a Content-Encoding: clients that
// compress a request put it behind what the caller gave.
func withoutGzip(encoding string) (rest string, zipped bool) {
	rest, zipped = strings.CutSuffix(encoding, "gzip")
	return strings.TrimRight(rest, ", "), zipped
}

// readAll is io.ReadAll into a buffer that is at hand.
func readAll(r io.Reader, length int64, buf []byte) ([]byte, error) {
	if need := min(length+1, maxPooled); int64(cap(buf)) < need {
		buf = make([]byte, 0, need)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// writeBody sends a whole answer.
func writeBody(w http.ResponseWriter, svc *api.Service, status int, contentType string, body []byte) error {
	h := w.Header()
	q := quirkOf(svc)
	if q.encodes && len(body) >= leastCompressed {
		if encoding := preferred(asked(w, "Accept-Encoding")); encoding != "" {
			var err error
			if body, err = compressed(encoding, body); err != nil {
				return err
			}
			setHeader(w, "Content-Encoding", encoding)
		}
	}
	if a, ok := w.(Asker); ok && q.encodes && contentType != "" && !strings.HasPrefix(a.Asked("Content-Type"), contentType) {
		contentType = "application/json"
	}
	if len(body) > 0 && contentType != "" {
		setHeader(w, "Content-Type", contentType)
	}
	if q.crc32 {
		setHeader(w, "X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	// An answer to HEAD has the length that the body would have had.
	if bodyAllowed(status) && (len(body) > 0 || HeaderOf(h, "Content-Length") == "") {
		setHeader(w, "Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if !bodyAllowed(status) {
		return nil
	}
	_, err := w.Write(body)
	return err
}

// bodyAllowed says whether answers of a status have a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// HeaderOf is Header.Get for a name in canonical form, which Get would make of it
// letter by letter.
func HeaderOf(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Setter is a ResponseWriter that has room for the values of a few headers.
type Setter interface {
	// SetHeader is Header().Set for a name in canonical form.
	SetHeader(name, value string)
}

// setHeader is Header.Set for a name in canonical form.
func setHeader(w http.ResponseWriter, name, value string) {
	if s, ok := w.(Setter); ok {
		s.SetHeader(name, value)
		return
	}
	w.Header()[name] = []string{value}
}
