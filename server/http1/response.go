package http1

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// unknown is the length of an answer that has not said it.
	unknown = -1
	// hold is how much of a body waits for more of it. An answer that ends before
	// has a Content-Length, and goes out in one piece with its head.
	hold = 4 << 10
	// announced is from which size on, in bytes, what is written has its beginning sent
	// ahead of the rest: a client on the same machine, which that wakes, takes in the rest
	// while it is written, and not the writer for him. Of 1 MiB that is a quarter of
	// the processor's time.
	announced = 128 << 10
)

// response is the writer of an answer.
type response struct {
	turn *turn
	conn *conn
	// header is the handler's to fill until WriteHeader; then it is in conn.out.
	header http.Header
	// status is 0 before WriteHeader.
	status int
	// length is the Content-Length that the handler gave, written how much of the body it has.
	length, written int64
	// bare is an answer whose body is not sent: to HEAD.
	bare bool
	// typed, dated and encoded say that there are such headers.
	typed, dated, encoded bool
	// begun says that the head is complete, chunked that the body goes in pieces.
	begun, chunked bool
	// close says that the connection ends with this answer, failed that it has ended.
	close, failed bool
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. A status of 1xx goes out at once
// and is not the answer's.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	c := w.conn
	c.out = appendStatus(c.out[:0], status)
	if status < 200 {
		for name, values := range w.header {
			if name != "Content-Length" && name != "Transfer-Encoding" {
				w.line(name, values)
			}
		}
		c.out = append(c.out, crlf...)
		w.write(c.out)
		return
	}
	w.status = status
	c.held = c.held[:0]
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			w.declare(values)
			continue
		case "Transfer-Encoding":
			continue
		case "Connection":
			if len(values) > 0 && strings.EqualFold(values[0], "close") {
				w.close = true
				continue
			}
		case "Content-Type":
			if w.typed = true; status == http.StatusNotModified {
				continue
			}
		case "Content-Encoding":
			w.encoded = len(values) > 0 && values[0] != ""
		case "Date":
			w.dated = true
		}
		w.line(name, values)
	}
}

// appendStatus writes the first line of an answer.
func appendStatus(b []byte, status int) []byte {
	if status == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(status), 10)
	b = append(b, ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else {
		b = strconv.AppendInt(append(b, "status code "...), int64(status), 10)
	}
	return append(b, crlf...)
}

// declare takes the length that the handler gave.
func (w *response) declare(values []string) {
	if len(values) == 0 {
		return
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(values[0]), 10, 64); err == nil && n >= 0 {
		w.length = n
	}
}

// line writes a header's lines. A name that is none is left out, and an end of
// line within a value becomes a space, so that no value can pass for a header.
func (w *response) line(name string, values []string) {
	if name == "" || !only(name, inName) {
		return
	}
	c := w.conn
	for _, v := range values {
		c.out = append(c.out, name...)
		c.out = append(c.out, ": "...)
		from := len(c.out)
		if v != "" && (v[0] <= ' ' || v[len(v)-1] <= ' ') {
			v = strings.Trim(v, " \t\r\n")
		}
		c.out = append(c.out, v...)
		if !isValue(c.out[from:]) {
			for i := from; i < len(c.out); i++ {
				if c.out[i] == '\r' || c.out[i] == '\n' {
					c.out[i] = ' '
				}
			}
		}
		c.out = append(c.out, crlf...)
	}
}

// bodiless says whether an answer of a status has no body.
func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// Write implements http.ResponseWriter. It returns http.ErrBodyNotAllowed and
// http.ErrContentLength as net/http does.
func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK) // unless there is a status
	if len(p) == 0 {
		return 0, nil
	}
	if bodiless(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.written += int64(len(p)); w.length != unknown && w.written > w.length {
		return 0, http.ErrContentLength
	}
	c := w.conn
	if w.bare { // the beginning is kept too, for its type
		c.held = append(c.held, p[:min(len(p), hold-len(c.held))]...)
		return len(p), nil
	}
	if len(c.held)+len(p) <= hold {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	if err := w.flush(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Flush implements http.Flusher.
func (w *response) Flush() { w.FlushError() }

// FlushError sends what has been written.
func (w *response) FlushError() error {
	w.WriteHeader(http.StatusOK) // unless there is a status
	return w.flush(nil, false)
}

// ReadFrom implements io.ReaderFrom: a body of a known length goes from a file to
// the socket within the kernel.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	w.WriteHeader(http.StatusOK) // unless there is a status
	to, ok := w.conn.Conn.(io.ReaderFrom)
	if !ok || !w.typed || w.bare || bodiless(w.status) || w.length == unknown {
		return io.Copy(struct{ io.Writer }{w}, r)
	}
	if err := w.flush(nil, false); err != nil {
		return 0, err
	}
	limited := io.LimitReader(r, w.length-w.written)
	if l, ok := r.(*io.LimitedReader); ok && l.N <= w.length-w.written {
		limited = r // the kernel's path wants one limit around a file, no more
	}
	n, err := to.ReadFrom(limited)
	if w.written += n; err != nil {
		w.failed, w.close = true, true
	}
	return n, err
}

// SetReadDeadline serves http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	w.conn.foreign, w.conn.armed = !t.IsZero(), time.Time{}
	return w.conn.SetReadDeadline(t)
}

// SetWriteDeadline serves http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.conn.writeDeadline = true
	return w.conn.SetWriteDeadline(t)
}

// proceed tells the client to send its body.
func (w *response) proceed() error {
	if w.begun {
		return nil
	}
	// Not by the shorter way, which has one writer: the body may be read while an answer is written.
	_, err := w.conn.Conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	if err != nil {
		w.failed, w.close = true, true
	}
	return err
}

// begin completes the head. all says that what is held is the whole body.
func (w *response) begin(p []byte, all bool) {
	w.begun = true
	c := w.conn
	if !w.turn.body.settle() || c.server.stopping.Load() {
		w.close = true
	}
	none, length := bodiless(w.status), w.length
	if length == unknown && all && (!w.bare || 0 < w.written && w.written <= hold) {
		length = w.written
	}
	switch {
	case none:
	case length != unknown:
		c.out = append(c.out, "Content-Length: "...)
		c.out = strconv.AppendInt(c.out, length, 10)
		c.out = append(c.out, crlf...)
	case !w.bare:
		w.chunked = true
		c.out = append(c.out, "Transfer-Encoding: chunked\r\n"...)
	}
	if !w.typed && !w.encoded && !none && len(c.held)+len(p) > 0 {
		sample := c.held
		if len(sample) == 0 {
			sample = p
		}
		c.out = append(c.out, "Content-Type: "...)
		c.out = append(c.out, http.DetectContentType(sample)...)
		c.out = append(c.out, crlf...)
	}
	if !w.dated {
		c.out = append(c.out, "Date: "...)
		c.out = append(c.out, date()...)
		c.out = append(c.out, crlf...)
	}
	if w.close {
		c.out = append(c.out, "Connection: close\r\n"...)
	}
	c.out = append(c.out, crlf...)
}

// flush sends what is held, and p after it. last ends the body.
func (w *response) flush(p []byte, last bool) error {
	if w.failed {
		return net.ErrClosed
	}
	c := w.conn
	first := !w.begun
	if first {
		w.begin(p, last)
	} else {
		c.out = c.out[:0]
	}
	end := ""
	if w.bare {
		c.held, p = c.held[:0], nil
	}
	if n := len(c.held) + len(p); w.chunked && n > 0 {
		c.out = strconv.AppendInt(c.out, int64(n), 16)
		c.out = append(c.out, crlf...)
		end = "\r\n"
	}
	if w.chunked && last {
		end += "0\r\n\r\n"
	}
	c.out = append(c.out, c.held...)
	c.held = c.held[:0]
	if first && len(p) >= announced {
		c.out = append(c.out, p[:hold]...)
		if err := w.write(c.out); err != nil {
			return err
		}
		c.out, p = c.out[:0], p[hold:]
	}
	if len(p) <= hold {
		c.out = append(c.out, p...)
		c.out = append(c.out, end...)
		return w.write(c.out)
	}
	return w.write(c.out, p, []byte(end))
}

// write sends pieces, with one system call if it can be.
func (w *response) write(pieces ...[]byte) error {
	c := w.conn
	err := error(nil)
	if len(pieces) == 1 {
		if len(pieces[0]) > 0 {
			_, err = c.Write(pieces[0])
		}
	} else {
		buffers := net.Buffers(c.pieces[:copy(c.pieces[:], pieces)])
		_, err = buffers.WriteTo(c.Conn)
		clear(c.pieces[:])
	}
	if err != nil {
		w.failed, w.close = true, true
	}
	return err
}

// finish sends the rest of the answer.
func (w *response) finish() {
	w.WriteHeader(http.StatusOK) // unless there is a status
	if w.failed {
		return
	}
	if !w.bare && !bodiless(w.status) && w.length != unknown && w.written != w.length {
		w.close = true // the client cannot tell where it ends
	}
	w.flush(nil, true)
	if c := w.conn; cap(c.out) > 4*hold {
		c.out = nil
	}
}

// stamp is a second in the form of the Date header.
type stamp struct {
	second int64
	text   string
}

var latest atomic.Pointer[stamp]

// date is the time for a Date header, which has only seconds.
func date() string {
	now := time.Now()
	s := latest.Load()
	if s == nil || s.second != now.Unix() {
		s = &stamp{now.Unix(), now.UTC().Format(http.TimeFormat)}
		latest.Store(s)
	}
	return s.text
}
