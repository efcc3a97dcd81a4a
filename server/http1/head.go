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

// names are the canonical forms of headers, by how clients write them. Others
// are made canonical each time.
var names = func() map[string]string {
	names := map[string]string{}
	for _, name := range strings.Fields(`
		Accept Accept-Encoding Amz-Sdk-Invocation-Id Amz-Sdk-Request Authorization Cache-Control Connection
		Content-Encoding Content-Length Content-Md5 Content-Type Cookie Date Expect Host If-Match If-Modified-Since
		If-None-Match If-Unmodified-Since Origin Range Referer User-Agent X-Amz-Acl X-Amz-Checksum-Algorithm
		X-Amz-Checksum-Crc32 X-Amz-Checksum-Crc64nvme X-Amz-Checksum-Mode X-Amz-Content-Sha256 X-Amz-Copy-Source
		X-Amz-Date X-Amz-Decoded-Content-Length X-Amz-Expected-Bucket-Owner X-Amz-Sdk-Checksum-Algorithm
		X-Amz-Security-Token X-Amz-Target X-Amz-Trailer X-Amz-User-Agent X-Amzn-Query-Mode X-Forwarded-For`) {
		names[name], names[strings.ToLower(name)] = name, name
	}
	names["Content-MD5"], names["X-Amz-Content-SHA256"] = "Content-Md5", "X-Amz-Content-Sha256"
	return names
}()

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

// read makes a request of its head, which ends with an empty line. It is false
// for what is not plain.
func (t *turn) read(c *conn, head []byte) bool {
	line, rest, _ := bytes.Cut(head, crlf)
	method, line, _ := bytes.Cut(line, space)
	target, proto, _ := bytes.Cut(line, space)
	r := c.template.WithContext(&t.context)
	if r.Method = methods[string(method)]; r.Method == "" || string(proto) != "HTTP/1.1" || len(target) == 0 || target[0] != '/' || !only(target, inTarget) {
		return false
	}
	text := string(head[len(r.Method)+1:]) // what strings are parts of, so that there is one
	r.RequestURI = text[:len(target)]
	if r.URL = t.locate(r.RequestURI); r.URL == nil {
		return false
	}
	if !t.headers(c, r, rest, text[len(text)-len(rest):]) {
		return false
	}
	t.conn, t.request = c, r
	return true
}

// locate is the URL of a target, or nil.
func (t *turn) locate(target string) *url.URL {
	path, query, more := strings.Cut(target, "?")
	if only(path, inPath) && more == (query != "") {
		t.url = url.URL{Path: path, RawQuery: query}
		return &t.url
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	return u
}

// headers reads the lines of a head; text is their string.
func (t *turn) headers(c *conn, r *http.Request, lines []byte, text string) bool {
	h := c.requestHeader
	clear(h)
	r.Header = h
	values := make([]string, 0, 16)
	host, length := false, false
	for at := 0; ; {
		end := bytes.Index(lines[at:], crlf)
		if end == 0 {
			break
		}
		line := lines[at : at+end]
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !only(line[:colon], inName) || !only(line[colon+1:], inValue) {
			return false
		}
		from, to := colon+1, len(line)
		for from < to && blank(line[from]) {
			from++
		}
		for from < to && blank(line[to-1]) {
			to--
		}
		value := text[at+from : at+to]
		name, ok := names[string(line[:colon])]
		if !ok {
			name = textproto.CanonicalMIMEHeaderKey(text[at : at+colon])
		}
		at += end + len(crlf)
		switch name {
		case "Host":
			if host || !only(value, inHost) {
				return false
			}
			host, r.Host = true, value
			continue
		case "Content-Length":
			if length || !t.announce(r, value) {
				return false
			}
			length = true
		case "Connection":
			switch {
			case r.Close || h["Connection"] != nil:
				return false
			case strings.EqualFold(value, "close"):
				r.Close = true
			case !strings.EqualFold(value, "keep-alive"):
				return false
			}
		case "Expect":
			if h["Expect"] != nil || !strings.EqualFold(value, "100-continue") {
				return false
			}
		case "Transfer-Encoding", "Upgrade", "Trailer", "Pragma", "Http2-Settings":
			return false
		}
		values = append(values, value)
		if had, ok := h[name]; ok {
			h[name] = append(had[:len(had):len(had)], value)
		} else {
			h[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	if !host {
		return false
	}
	r.Body = http.NoBody
	if t.body.left = r.ContentLength; t.body.left > 0 {
		t.body.expected = h["Expect"] != nil
		r.Body = &t.body
	}
	return true
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
