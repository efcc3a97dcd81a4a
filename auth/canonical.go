package auth

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A canonical request is the request as it was signed:
//
//	method \n path \n query \n headers \n \n signed header names \n payload hash
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

// scratch is the memory that one verification needs, kept between requests.
type scratch struct {
	canonical []byte
	text      []byte // string to sign, and encoded query parameters before that
	params    []param
}

// param is a query parameter, encoded, at text[start:end], its name ending at equals.
type param struct{ start, equals, end int }

var scratches = sync.Pool{New: func() any {
	return &scratch{canonical: make([]byte, 0, 2048), text: make([]byte, 0, 1024)}
}}

// free gives the memory back, unless a request has made it very large.
func (c *scratch) free() {
	if cap(c.canonical) <= 1<<16 && cap(c.text) <= 1<<16 {
		scratches.Put(c)
	}
}

// build writes the canonical request into c.canonical. once says that the path
// is encoded once and not normalised, as S3 does. host is the signed value of
// the Host header.
func (c *scratch) build(r *http.Request, s *Signature, once bool, host, payloadHash string) {
	b := append(c.canonical[:0], r.Method...)
	b = append(b, '\n')
	if once {
		b = appendPathOnce(b, r.URL.Path)
	} else {
		raw := r.URL.RawPath
		if raw == "" {
			raw = r.URL.EscapedPath()
		}
		b = appendPathTwice(b, raw)
	}
	b = append(b, '\n')
	b = c.appendQuery(b, r.URL.RawQuery)
	b = append(b, '\n')
	for name := range strings.SplitSeq(s.SignedHeaders, ";") {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name, host)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, s.SignedHeaders...)
	b = append(b, '\n')
	c.canonical = append(b, payloadHash...)
}

// unreserved are the characters that are never escaped.
var unreserved = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		t[c] = true
	}
	return t
}()

const upperHex = "0123456789ABCDEF"

func appendEscaped(b []byte, c byte) []byte {
	if unreserved[c] {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// appendPathOnce appends a path that has been unescaped: S3's object keys are
// signed as they are, empty segments and dots included.
func appendPathOnce(b []byte, path string) []byte {
	if path == "" {
		return append(b, '/')
	}
	for i := range len(path) {
		if c := path[i]; c == '/' {
			b = append(b, c)
		} else {
			b = appendEscaped(b, c)
		}
	}
	return b
}

// appendPathTwice appends a path as it was sent, escaped, once more escaped and
// with its empty and dot segments resolved.
func appendPathTwice(b []byte, path string) []byte {
	start := len(b)
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			b = b[:start+max(0, bytes.LastIndexByte(b[start:], '/'))]
		default:
			b = append(b, '/')
			for i := range len(segment) {
				b = appendEscaped(b, segment[i])
			}
		}
	}
	if len(b) == start || strings.HasSuffix(path, "/") {
		b = append(b, '/')
	}
	return b
}

// appendQuery appends the query's parameters, each escaped anew and all sorted
// by name and then by value as escaped, without the signature itself.
func (c *scratch) appendQuery(b []byte, query string) []byte {
	c.params, c.text = c.params[:0], c.text[:0]
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if name == "X-Amz-Signature" {
			continue
		}
		p := param{start: len(c.text)}
		c.text = appendRescaped(c.text, name)
		p.equals = len(c.text)
		c.text = append(c.text, '=')
		c.text = appendRescaped(c.text, value)
		p.end = len(c.text)
		c.params = append(c.params, p)
	}
	slices.SortFunc(c.params, func(x, y param) int {
		if n := bytes.Compare(c.text[x.start:x.equals], c.text[y.start:y.equals]); n != 0 {
			return n
		}
		return bytes.Compare(c.text[x.equals:x.end], c.text[y.equals:y.end])
	})
	for i, p := range c.params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, c.text[p.start:p.end]...)
	}
	return b
}

// appendRescaped appends a query component with its escapes undone and done
// again in the one canonical way. A percent sign that begins no escape stands for itself.
func appendRescaped(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hexValue(s[i+1]) < 16 && hexValue(s[i+2]) < 16:
			c = hexValue(s[i+1])<<4 | hexValue(s[i+2])
			i += 2
		}
		b = appendEscaped(b, c)
	}
	return b
}

// hexValue is the value of a hexadecimal digit, 16 for any other character.
func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// appendHeader appends the values of the header with the given lower-case name,
// which net/http keeps under its canonical name, or in fields of the request.
func appendHeader(b []byte, r *http.Request, name, host string) []byte {
	switch name {
	case "host":
		return append(b, host...)
	case "content-length":
		if r.Header["Content-Length"] == nil && r.ContentLength >= 0 {
			return strconv.AppendInt(b, r.ContentLength, 10)
		}
	case "transfer-encoding":
		if r.Header["Transfer-Encoding"] == nil {
			return append(b, strings.Join(r.TransferEncoding, ",")...)
		}
	case "trailer":
		if r.Header["Trailer"] == nil {
			return append(b, trailerNames(r)...)
		}
	}
	for i, v := range header(r.Header, name) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCollapsed(b, v)
	}
	return b
}

// trailerNames is the Trailer header, which net/http takes apart.
func trailerNames(r *http.Request) string {
	names := make([]string, 0, len(r.Trailer))
	for name := range r.Trailer {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// header is h[http.CanonicalHeaderKey(name)] without an allocation for names
// of ordinary length.
func header(h http.Header, name string) []string {
	var buf [64]byte
	if len(name) > len(buf) {
		return h.Values(name)
	}
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		} else if !upper && 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
		upper = c == '-'
	}
	return h[string(buf[:len(name)])]
}

// appendCollapsed appends a header's value without white space around it, and
// with single spaces for the white space inside it.
func appendCollapsed(b []byte, v string) []byte {
	space, any := false, false
	for i := range len(v) {
		c := v[i]
		if c == ' ' || c == '\t' {
			space = any
			continue
		}
		if space {
			b = append(b, ' ')
		}
		b = append(b, c)
		space, any = false, true
	}
	return b
}
