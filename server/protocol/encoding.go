package protocol

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// What DynamoDB does with compressed bodies, in both directions. It takes gzip
// and deflate, and answers with the one a client likes better.

// Asker is a ResponseWriter that knows the headers of the request it answers.
type Asker interface {
	// Asked is the first value of a request's header, by its canonical name.
	Asked(header string) string
}

func asked(w http.ResponseWriter, header string) string {
	if a, ok := w.(Asker); ok {
		return a.Asked(header)
	}
	return ""
}

// leastCompressed is the size from which answers are compressed.
const leastCompressed = 4096

// compressor is a gzip.Writer or a zlib.Writer.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

var compressors = map[string]*sync.Pool{
	"gzip":    {New: func() any { return gzip.NewWriter(nil) }},
	"deflate": {New: func() any { return zlib.NewWriter(nil) }},
}

// compressed is a body in an encoding that there is a compressor of.
func compressed(encoding string, body []byte) ([]byte, error) {
	pool := compressors[encoding]
	c := pool.Get().(compressor)
	defer pool.Put(c)
	var out bytes.Buffer
	c.Reset(&out)
	if _, err := c.Write(body); err != nil {
		return nil, err
	}
	err := c.Close()
	return out.Bytes(), err
}

// preferred is the encoding that an Accept-Encoding likes best of gzip and
// deflate, the first where it likes both alike, "" when it likes neither. It
// reads what is malformed as DynamoDB does: a quality that is no number is 1,
// one that is too large is too, and a negative one is 0.
func preferred(accept string) string {
	if accept == "" || accept == "identity" { // as the SDKs have it
		return ""
	}
	best, most := "", 0.0
	var named [2]bool
	names := [2]string{"gzip", "deflate"}
	others := 0.0
	for _, part := range strings.Split(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		q := quality(parameters)
		if name == "*" {
			others = max(others, q)
		}
		for i := range names {
			if name == names[i] {
				named[i] = true
				if q > most {
					best, most = name, q
				}
			}
		}
	}
	for i := range names {
		if !named[i] && others > most {
			best, most = names[i], others
		}
	}
	return best
}

// quality is the q of an Accept-Encoding's element: what stands behind the
// first "q=", be that the end of another parameter's name.
func quality(parameters string) float64 {
	_, value, ok := strings.Cut(parameters, "q=")
	if !ok {
		return 1
	}
	value, _, _ = strings.Cut(value, ";")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 1
	}
	return min(max(q, 0), 1)
}

var errEncoding = errors.New("protocol: a request body that is not in its Content-Encoding")

// inflated appends the whole body of a request that is in the encoding.
func inflated(encoding string, body io.Reader, buf []byte) ([]byte, error) {
	var r io.ReadCloser
	var err error
	switch strings.ToLower(encoding) {
	case "gzip":
		r, err = gzip.NewReader(body)
	case "deflate":
		r, err = zlib.NewReader(body)
	default:
		return buf, errEncoding
	}
	if err != nil {
		return buf, errEncoding
	}
	defer func() { _ = r.Close() }() // it owns nothing
	buf, err = readAll(io.LimitReader(r, maxInflated+1), 0, buf)
	if err != nil || len(buf) > maxInflated {
		return buf, errEncoding
	}
	return buf, nil
}
