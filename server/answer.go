package server

import (
	"io"
	"math"
	"net/http"
	"time"

	"github.com/virga-cloud/virga/server/protocol"
)

// answer is the writer of one response; it remembers what was sent, for the
// log, and whether an error can still be sent.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
	paced  bool
	// request is the headers of what is answered.
	request http.Header
	// values are those of headers, of which the first set have been given out.
	values [4]string
	set    int
}

// SetHeader implements protocol.Setter.
func (a *answer) SetHeader(name, value string) {
	if a.set == len(a.values) {
		a.Header()[name] = []string{value}
		return
	}
	n := a.set
	a.set++
	a.values[n] = value
	a.Header()[name] = a.values[n:a.set:a.set]
}

// Asked implements protocol.Asker.
func (a *answer) Asked(header string) string {
	return protocol.HeaderOf(a.request, header)
}

// WriteHeader leaves a plain 200 to the first Write: net/http need not copy the
// headers then for the case that they are changed behind its back.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	if status != http.StatusOK {
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	total := 0
	for first := true; first || len(p) > 0; first = false {
		piece := p[:min(len(p), writePiece)]
		a.allow(len(piece))
		n, err := a.ResponseWriter.Write(piece)
		a.bytes += int64(n)
		total += n
		if err != nil {
			return total, err
		}
		p = p[n:]
	}
	return total, nil
}

// ReadFrom keeps the kernel's path from file to socket, which wants a file or
// one limit around it, no more.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: r, N: math.MaxInt64}
	}
	total := int64(0)
	for limited.N > 0 {
		piece := io.LimitedReader{R: limited.R, N: min(limited.N, writePiece)}
		a.allow(int(piece.N))
		n, err := io.Copy(a.ResponseWriter, &piece)
		limited.N -= n
		a.bytes += n
		total += n
		if err != nil || piece.N > 0 { // piece.N > 0: the reader is at its end
			return total, err
		}
	}
	return total, nil
}

// writePiece is how much is written before the client must have taken some of it.
const writePiece = 4 << 20

// allow gives the client time for the next n bytes. Small answers fit in the
// socket's buffer, and whom they are for cannot hold anything up.
func (a *answer) allow(n int) {
	if n > pace {
		a.paced = true
		http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(stallTimeout))
	}
}

// done ends the time that allow gave, which would else hold for the
// connection's next answer.
func (a *answer) done() {
	if a.paced {
		http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Time{})
	}
}

// Unwrap serves http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush sends what has been written.
func (a *answer) Flush() { http.NewResponseController(a.ResponseWriter).Flush() }

// begun says that the status is on its way and cannot be changed.
func (a *answer) begun() bool { return a.status != 0 }
