package http1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// methods are those of plain requests.
var methods = map[string]string{
	"DELETE": http.MethodDelete, "GET": http.MethodGet, "HEAD": http.MethodHead, "OPTIONS": http.MethodOptions,
	"PATCH": http.MethodPatch, "POST": http.MethodPost, "PUT": http.MethodPut,
}

// header is a header's name.
type header struct {
	name string // in canonical form
	// part is what the header does to a request, besides being a header of it.
	part part
	// mark is a bit of the header's own (0: it has none).
	mark uint64
}

// hostMark is the mark of Host.
var hostMark = names["Host"].header.mark

// part is what a header does to a request.
type part uint8

const (
	mere       part = iota // nothing
	isHost                 // says the host
	isLength               // says how long the body is
	isKept                 // says what becomes of the connection
	isExpected             // asks before it sends the body
	isStrange              // makes a request that is not plain
)

// line is how a client begins a header's line: with a name and its colon.
type line struct {
	written string
	header  *header
}

// names are lines by how clients write names. Others are made canonical each time.
var names = func() map[string]*line {
	names := map[string]*line{}
	add := func(written string, h *header) { names[written] = &line{written + ":", h} }
	for i, name := range strings.Fields(`
		Accept Accept-Encoding Amz-Sdk-Invocation-Id Amz-Sdk-Request Authorization Cache-Control Connection
		Content-Encoding Content-Length Content-Md5 Content-Type Cookie Date Expect Host If-Match If-Modified-Since
		If-None-Match If-Unmodified-Since Origin Range Referer User-Agent X-Amz-Acl X-Amz-Checksum-Algorithm
		X-Amz-Checksum-Crc32 X-Amz-Checksum-Crc64nvme X-Amz-Checksum-Mode X-Amz-Content-Sha256 X-Amz-Copy-Source
		X-Amz-Date X-Amz-Decoded-Content-Length X-Amz-Expected-Bucket-Owner X-Amz-Sdk-Checksum-Algorithm
		X-Amz-Security-Token X-Amz-Target X-Amz-Trailer X-Amz-User-Agent X-Amzn-Query-Mode X-Forwarded-For`) {
		h := &header{name: name, mark: 1 << i}
		add(name, h)
		add(strings.ToLower(name), h)
	}
	add("Content-MD5", names["Content-Md5"].header)
	add("X-Amz-Content-SHA256", names["X-Amz-Content-Sha256"].header)
	for name, part := range map[string]part{"Host": isHost, "Content-Length": isLength, "Connection": isKept, "Expect": isExpected} {
		names[name].header.part = part
	}
	for _, name := range []string{"Transfer-Encoding", "Upgrade", "Trailer", "Pragma", "Http2-Settings"} {
		add(name, &header{name: name, part: isStrange})
	}
	return names
}()

// lineOf is the line that begins with a name and its colon.
func lineOf(text []byte) *line {
	if l := names[string(text[:len(text)-1])]; l != nil {
		return l
	}
	l := &line{written: string(text)}
	name := textproto.CanonicalMIMEHeaderKey(l.written[:len(text)-1])
	if known := names[name]; known != nil {
		l.header = known.header
	} else {
		l.header = &header{name: name}
	}
	return l
}

// longestLine is how long what is remembered of a line may be, mostLines how many are.
const longestLine, mostLines = 64, 32

// The kinds of bytes in a head.
const (
	inName   = 1 << iota // of a header's name: RFC 9110's token
	inHost               // of a host, with its port
	inValue              // of a header's value
	inTarget             // of a target
	inPath               // of a path that is its own canonical form
)

var kinds = func() (kinds [256]byte) {
	for b := range kinds {
		c := byte(b)
		alphanumeric := '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if alphanumeric || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			kinds[b] |= inName
		}
		if alphanumeric || strings.IndexByte("-.:[]_", c) >= 0 {
			kinds[b] |= inHost
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			kinds[b] |= inValue
		}
		if c > ' ' && c != 0x7f {
			kinds[b] |= inTarget
		}
		if alphanumeric || strings.IndexByte("-._~/", c) >= 0 {
			kinds[b] |= inPath
		}
	}
	return kinds
}()

// only says whether all bytes of s are of a kind.
func only[T []byte | string](s T, kind byte) bool {
	for i := range len(s) {
		if kinds[s[i]]&kind == 0 {
			return false
		}
	}
	return true
}

// isValue says whether all bytes are of a header's value, for eight of them at a time
// where there is neither a tab nor what is no part of one.
func isValue[T []byte | string](s T) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		b := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		control, del := (b-each*' ')&^b, b^each*0x7f
		if (control|(del-each)&^del)&high != 0 && !only(s[i:i+8], inValue) {
			return false
		}
	}
	return only(s[i:], inValue)
}

// read makes a request of its head, which ends with an empty line. It is false
// for what is not plain.
func (t *turn) read(c *conn, head []byte) bool {
	line, rest, _ := bytes.Cut(head, crlf)
	method, line, _ := bytes.Cut(line, space)
	target, proto, _ := bytes.Cut(line, space)
	r := &c.request
	*r = *c.template.WithContext(&t.context)
	if r.Method = methods[string(method)]; r.Method == "" || string(proto) != "HTTP/1.1" || len(target) == 0 || target[0] != '/' || !only(target, inTarget) {
		return false
	}
	text := string(head[len(r.Method)+1:]) // what strings are parts of, so that there is one
	r.RequestURI = text[:len(target)]
	if r.URL = c.locate(r.RequestURI); r.URL == nil {
		return false
	}
	if !t.headers(c, r, rest, text[len(text)-len(rest):]) {
		return false
	}
	t.conn = c
	return true
}

// locate is the URL of a target, or nil.
func (c *conn) locate(target string) *url.URL {
	path, query, more := strings.Cut(target, "?")
	if only(path, inPath) && more == (query != "") {
		c.url = url.URL{Path: path, RawQuery: query}
		return &c.url
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	return u
}

// headers reads the lines of a head; text is their string.
func (t *turn) headers(c *conn, r *http.Request, lines []byte, text string) bool {
	h := c.incoming
	clear(h)
	r.Header = h
	values := c.values[:0]
	seen := uint64(0)
	for i, at := 0, 0; ; i++ {
		end := bytes.IndexByte(lines[at:], '\n') - 1
		if end < 0 || lines[at+end] != '\r' {
			return false
		}
		if end == 0 {
			break
		}
		header, from := c.name(i, lines[at:at+end])
		if header == nil || !isValue(lines[at+from:at+end]) {
			return false
		}
		from, to := at+from, at+end
		for from < to && blank(lines[from]) {
			from++
		}
		for from < to && blank(lines[to-1]) {
			to--
		}
		value := text[from:to]
		at += end + len(crlf)
		again := seen&header.mark != 0 || header.mark == 0 && h[header.name] != nil
		seen |= header.mark
		switch header.part {
		case isHost:
			if again || !only(value, inHost) {
				return false
			}
			r.Host = value
			continue
		case isLength:
			if again || !t.announce(r, value) {
				return false
			}
		case isKept:
			switch {
			case again:
				return false
			case strings.EqualFold(value, "close"):
				r.Close = true
			case !strings.EqualFold(value, "keep-alive"):
				return false
			}
		case isExpected:
			if again || !strings.EqualFold(value, "100-continue") {
				return false
			}
		case isStrange:
			return false
		}
		values = append(values, value)
		if again {
			had := h[header.name]
			h[header.name] = append(had[:len(had):len(had)], value)
		} else {
			h[header.name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	if c.values = values; seen&hostMark == 0 {
		return false
	}
	r.Body = http.NoBody
	if t.body.announced, t.body.left = r.ContentLength, r.ContentLength; t.body.left > 0 {
		t.body.expected = h["Expect"] != nil
		r.Body = &t.body
	}
	return true
}

// name reads the name of the i-th header of a head, and returns where its value begins. It
// is nil for what is none.
func (c *conn) name(i int, text []byte) (h *header, value int) {
	if i < len(c.lines) {
		if l := c.lines[i]; len(text) >= len(l.written) && string(text[:len(l.written)]) == l.written {
			return l.header, len(l.written)
		}
	}
	colon := bytes.IndexByte(text, ':')
	if colon <= 0 || !only(text[:colon], inName) {
		return nil, 0
	}
	l := lineOf(text[:colon+1])
	switch {
	case len(l.written) > longestLine:
	case i < len(c.lines):
		c.lines[i] = l
	case i == len(c.lines) && i < mostLines:
		c.lines = append(c.lines, l)
	}
	return l.header, colon + 1
}

// announce reads a Content-Length.
func (t *turn) announce(r *http.Request, value string) bool {
	if value == "" || len(value) > 18 {
		return false
	}
	for i := range len(value) {
		d := value[i] - '0'
		if d > 9 {
			return false
		}
		r.ContentLength = 10*r.ContentLength + int64(d)
	}
	return true
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

var crlf, space = []byte("\r\n"), []byte(" ")
