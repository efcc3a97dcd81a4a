package http1

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// seen is what a handler sees of a request.
type seen struct {
	Method, URI, Host, Proto string
	Path, RawPath, Query     string
	ForceQuery               bool
	Header                   http.Header
	Length                   int64
	Transfer                 []string
	Close                    bool
	Body                     []byte
	Err                      string
}

// behaviours are handlers by the first element of a path.
var behaviours = map[string]http.HandlerFunc{
	"echo": func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		s := seen{
			r.Method, r.RequestURI, r.Host, r.Proto, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery,
			r.Header, r.ContentLength, r.TransferEncoding, r.Close, body, fmt.Sprint(err),
		}
		json.NewEncoder(w).Encode(s)
	},
	"unwrap": func(w http.ResponseWriter, r *http.Request) { // as who takes a framing off that is all there is
		r.ContentLength = 0
		delete(r.Header, "A")
	},
	"ignore": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "not read") },
	"some": func(w http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 3))
		io.WriteString(w, "some read")
	},
	"closed": func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, err)
	},
	"status": func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(max(200, n))
		w.WriteHeader(500)
		_, err := io.WriteString(w, "body")
		if allowed := n != 204 && n != 304; allowed != (err == nil) {
			panic(err)
		}
	},
	"empty": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) },
	"early": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "<a>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("X-After", "1")
		io.WriteString(w, "then")
	},
	"length": func(w http.ResponseWriter, r *http.Request) {
		body := bytes.Repeat([]byte("0123456789abcdef"), 1+len(r.URL.RawQuery)*100)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:5])
		w.Write(body[5:])
	},
	"one": func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 10000)) },
	"pieces": func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			w.Write(bytes.Repeat([]byte("x"), 3000))
		}
	},
	"flush": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first")
		http.NewResponseController(w).Flush()
		w.Header().Set("X-Late", "1")
		io.WriteString(w, "second")
	},
	"copy": func(w http.ResponseWriter, r *http.Request) {
		body := strings.Repeat("copied", 4000)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		io.Copy(w, struct{ io.Reader }{strings.NewReader(body)})
	},
	"short": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "9")
		io.WriteString(w, "short")
	},
	"long": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		if _, err := io.WriteString(w, "long"); err != http.ErrContentLength {
			panic(err)
		}
		io.WriteString(w, "ok")
	},
	"header": func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Twice"] = []string{"a", "b"}
		h["X-Line"] = []string{" one\r\nX-Injected: 1 "}
		h["X-Bad Name"] = []string{"1"}
		h["lower"] = []string{"kept"}
		h["Date"] = []string{"Thu, 01 Jan 1970 00:00:00 GMT"}
		io.WriteString(w, "<html>")
		h.Set("X-Late", "1")
	},
	"encoded": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "packed")
	},
	"close": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	},
	"panic": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	"half": func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 10000))
		panic(http.ErrAbortHandler)
	},
}

func behave(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if b, ok := behaviours[name]; ok {
		b(w, r)
		return
	}
	behaviours["echo"](w, r)
}

// inbox is a listener of connections that are given to it.
type inbox chan net.Conn

func (b inbox) Accept() (net.Conn, error) {
	c, ok := <-b
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (b inbox) Close() error   { return nil }
func (b inbox) Addr() net.Addr { return &net.TCPAddr{} }

// bed is a Server with net/http behind it, and net/http alone.
type bed struct {
	quick, plain net.Listener
	server       *Server
	door         Door
	left         atomic.Int32
}

func newBed(t testing.TB, handler http.Handler) *bed {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	b := &bed{quick: listen(t), plain: listen(t)}
	rest := make(inbox)
	behind := &http.Server{Handler: handler, ErrorLog: quiet}
	go behind.Serve(rest)
	alone := &http.Server{Handler: handler, ErrorLog: quiet}
	go alone.Serve(b.plain)
	b.server = &Server{Handler: handler, HeaderTimeout: time.Minute, IdleTimeout: time.Minute, ErrorLog: quiet}
	b.door = Door{b.quick, context.Background(), func(c net.Conn) { b.left.Add(1); rest <- c }}
	go b.server.Serve(b.door)
	t.Cleanup(func() {
		b.server.Shutdown(context.Background())
		close(rest)
		behind.Close()
		alone.Close()
	})
	return b
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// converse sends bytes, says that there are no more, and returns all that comes back.
func converse(t testing.TB, l net.Listener, sent []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		c.Write(sent)
		c.(*net.TCPConn).CloseWrite()
	}()
	got, _ := io.ReadAll(c) // a reset ends it too
	return got
}

// answered is an answer, but for what may differ.
type answered struct {
	Status   int
	Header   http.Header
	Body     string
	Err      string
	Chunked  bool
	Length   int64
	Closing  bool
	Unparsed string
}

// answers reads those to requests of the methods.
func answers(got []byte, methods []string) (all []answered) {
	in := bufio.NewReader(bytes.NewReader(got))
	for i := 0; ; i++ {
		if _, err := in.Peek(1); err != nil {
			return all
		}
		method := "GET"
		if i < len(methods) {
			method = methods[i]
		}
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			rest, _ := io.ReadAll(in)
			return append(all, answered{Unparsed: err.Error() + string(rest)})
		}
		if r.StatusCode < 200 {
			i--
		}
		body, err := io.ReadAll(r.Body)
		if d := r.Header.Get("Date"); d != "" && d < "Thu, 01 Jan 1970" {
			r.Header.Set("Date", "now")
		} else if len(d) == len(http.TimeFormat) && !strings.Contains(d, " 1970 ") {
			r.Header.Set("Date", "now")
		}
		all = append(all, answered{r.StatusCode, r.Header, string(body), fmt.Sprint(err), slices.Contains(r.TransferEncoding, "chunked"), r.ContentLength, r.Close, ""})
	}
}

// same compares what was answered. net/http does not always say that it is about
// to close a connection; saying so is no difference, since what comes after shows
// whether it was closed.
func same(got, want []answered) bool {
	return slices.EqualFunc(got, want, func(g, w answered) bool {
		g.Closing = g.Closing && w.Closing
		return reflect.DeepEqual(g, w)
	})
}

// conversations are what the same is expected of as of net/http; those that are
// not plain have to be left to it. Each is what is sent over one connection.
var conversations = []struct {
	name  string
	plain bool
	sent  string
}{
	{"nothing", true, ""},
	{"GET", true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"lower-case headers", true, "GET / HTTP/1.1\r\nhost: a\r\nx-amz-date: 1\r\nX-AMZ-odd: 2\r\n\r\n"},
	{"blanks around values", true, "GET / HTTP/1.1\r\nHost:a\r\nA: \t b c \t\r\nB:\r\nC: \r\n\r\n"},
	{"a header twice", true, "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\na: 3\r\nA: 4\r\n\r\n"},
	{"bytes beyond ASCII in a value", true, "GET / HTTP/1.1\r\nHost: a\r\nA: \xc3\xa9\xff\r\n\r\n"},
	{"a port", true, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"},
	{"an empty host", true, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
	{"POST", true, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
	{"POST of nothing", true, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
	{"POST without a length", true, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a length with zeros", true, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello"},
	{"GET with a body", true, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
	{"a body cut short", true, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello"},
	{"a long body", true, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("b", 100000)},
	{"a pipeline", true, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nHost: a\r\n\r\nDELETE /c HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"HEAD", true, "HEAD /one HTTP/1.1\r\nHost: a\r\n\r\nHEAD /empty HTTP/1.1\r\nHost: a\r\n\r\nHEAD /length HTTP/1.1\r\nHost: a\r\n\r\nHEAD /status/304 HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"OPTIONS and PATCH", true, "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\nPATCH /a HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"escaped paths", true, "GET /a%2Fb%20c//d/../e HTTP/1.1\r\nHost: a\r\n\r\nGET //a HTTP/1.1\r\nHost: a\r\n\r\nGET /a[b]!'()*;:@&=+$, HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"bytes beyond ASCII in a path", true, "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"queries", true, "GET /a?b=%20&c HTTP/1.1\r\nHost: a\r\n\r\nGET /a? HTTP/1.1\r\nHost: a\r\n\r\nGET /a?? HTTP/1.1\r\nHost: a\r\n\r\nGET /?a?b#c HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a body that is not read", true, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a body that is read in part", true, "POST /some HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + strings.Repeat("b", 50000) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a body too long to be skipped", true, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n" + strings.Repeat("b", 400000) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"headers that come again and others", true, "GET /1 HTTP/1.1\r\nHost: a\r\nX-Odd: 1\r\nx-amz-date: 1\r\nA: 1\r\n\r\n" +
		"GET /2 HTTP/1.1\r\nHost: b\r\nX-Odd: 2\r\nx-amz-date: 2\r\nA: 2\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\nX-Odd: 3\r\nX-Amz-Date: 3\r\nx-amz-date: 4\r\n\r\n" +
		"GET /4 HTTP/1.1\r\nX-Odd: 5\r\nHost: a\r\nX-Odd: 6\r\nX-Odder: 7\r\nx-odd: 8\r\n\r\nGET /5 HTTP/1.1\r\nX-Odd: 9\r\nHost: a\r\n\r\n"},
	{"a body that is closed", true, "POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"an expected body", true, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"},
	{"an expected body of nothing", true, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"},
	{"an expected body that is not read", true, "PUT /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"statuses", true, "GET /status/201 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/204 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/304 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/599 HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"early hints", true, "GET /early HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"answers of all sizes", true, "GET /length HTTP/1.1\r\nHost: a\r\n\r\nGET /length?aaa HTTP/1.1\r\nHost: a\r\n\r\nGET /length?aaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\nGET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /pieces HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"flushed", true, "GET /flush HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"copied", true, "GET /copy HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /copy HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"an answer that is too short", true, "GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"an answer that is too long", true, "GET /long HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"odd headers of an answer", true, "GET /header HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"an encoded answer", true, "GET /encoded HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"closed by the client", true, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"closed by the handler", true, "GET /close HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"kept alive", true, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"panics", true, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /panic HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"panics in the middle", true, "GET /half HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},

	{"a chunked body", false, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a chunked body after a plain one", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	{"chunked with a length", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	{"two lengths", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
	{"a length that is none", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"},
	{"a list of lengths", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello"},
	{"an endless length", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nhello"},
	{"HTTP/1.0", false, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"},
	{"HTTP/1.0 kept alive", false, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n"},
	{"HTTP/3.0", false, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"},
	{"no version", false, "GET /\r\n\r\n"},
	{"empty lines behind a POST", true, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"empty lines behind the last POST", true, "POST / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n"},
	{"too many empty lines behind a POST", false, "POST / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"less than an empty line behind a POST", false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na\rbcd"},
	{"an empty line behind a GET", false, "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a line feed behind the last request", true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n\n\r\n"},
	{"a name that is none where one was", false, "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nA : 1\r\n\r\n"},
	{"no host behind one that had", false, "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\n\r\nGET / HTTP/1.1\r\nA: 1\r\n\r\n"},
	{"no host", false, "GET / HTTP/1.1\r\n\r\n"},
	{"two hosts", false, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
	{"a host that is none", false, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
	{"another method", false, "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a method that is none", false, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"an absolute target", false, "GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"an asterisk", false, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"CONNECT", false, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a bad escape", false, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a control byte in a target", false, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a space in a target", false, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a folded header", false, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"},
	{"a folded first header", false, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
	{"a blank before the colon", false, "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n"},
	{"no colon", false, "GET / HTTP/1.1\r\nHost: a\r\nA\r\n\r\n"},
	{"no name", false, "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"},
	{"a name that is none", false, "GET / HTTP/1.1\r\nHost: a\r\nA(: b\r\n\r\n"},
	{"a control byte in a value", false, "GET / HTTP/1.1\r\nHost: a\r\nA: b\x01\r\n\r\n"},
	{"a zero byte in a value", false, "GET / HTTP/1.1\r\nHost: a\r\nA: b\x00\r\n\r\n"},
	{"a bare carriage return in a value", false, "GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n"},
	{"a bare line feed in a value", false, "GET / HTTP/1.1\r\nHost: a\r\nA: b\nB: c\r\n\r\n"},
	{"line feeds alone", false, "GET / HTTP/1.1\nHost: a\n\n"},
	{"an empty line first", false, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a head cut short", false, "GET / HTTP/1.1\r\nHost: a\r\nA"},
	{"a line cut short", false, "GE"},
	{"an upgrade", false, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
	{"another wish for the connection", false, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, te\r\n\r\n"},
	{"two wishes for the connection", false, "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"},
	{"another expectation", false, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 5\r\n\r\nhello"},
	{"Pragma", false, "GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n"},
	{"a trailer", false, "POST / HTTP/1.1\r\nHost: a\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n"},
	{"a long head", false, "GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 3*longestHead) + "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"a preface of HTTP/2", false, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{"a greeting of TLS", false, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
}

// methodsOf are those of the requests that net/http finds in what is sent.
func methodsOf(sent []byte) (found []string) {
	in := bufio.NewReader(bytes.NewReader(sent))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return found
		}
		found = append(found, r.Method)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return found
		}
	}
}

func TestSameAsNetHTTP(t *testing.T) {
	b := newBed(t, http.HandlerFunc(behave))
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			before := b.left.Load()
			methods := methodsOf([]byte(c.sent))
			got := answers(converse(t, b.quick, []byte(c.sent)), methods)
			want := answers(converse(t, b.plain, []byte(c.sent)), methods)
			if !same(got, want) {
				t.Errorf("sent %.200q\n got %.2000s\nwant %.2000s", c.sent, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
			}
			if plain := b.left.Load() == before; plain != c.plain {
				t.Errorf("served without net/http: %v", plain)
			}
		})
	}
}

// crumbs is a listener whose connections give no more than n bytes at once.
type crumbs struct {
	net.Listener
	n int
}

func (l crumbs) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return crumbled{c.(*net.TCPConn), l.n}, nil
}

type crumbled struct {
	*net.TCPConn
	n int
}

func (c crumbled) Read(p []byte) (int, error) { return c.TCPConn.Read(p[:min(len(p), c.n)]) }

func TestSameInPieces(t *testing.T) {
	for _, n := range []int{1, 7} {
		b := newBed(t, http.HandlerFunc(behave))
		door := b.door
		door.Listener = crumbs{listen(t), n}
		go b.server.Serve(door)
		for _, c := range conversations {
			methods := methodsOf([]byte(c.sent))
			got := answers(converse(t, door.Listener, []byte(c.sent)), methods)
			want := answers(converse(t, b.plain, []byte(c.sent)), methods)
			if !same(got, want) {
				t.Errorf("%s, %d bytes at a time:\n got %.2000s\nwant %.2000s", c.name, n, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
			}
		}
	}
}

func FuzzSameAsNetHTTP(f *testing.F) {
	for _, c := range conversations {
		if len(c.sent) < 1000 {
			f.Add([]byte(c.sent))
		}
	}
	b := newBed(f, http.HandlerFunc(behave))
	f.Fuzz(func(t *testing.T, sent []byte) {
		methods := methodsOf(sent)
		got := answers(converse(t, b.quick, sent), methods)
		want := answers(converse(t, b.plain, sent), methods)
		if !same(got, want) {
			t.Errorf("sent %q\n got %+v\nwant %+v", sent, got, want)
		}
	})
}

func TestCountsOnlyWhatIsItsOwn(t *testing.T) {
	// The URL of a plain target is made without net/url, and has to be what net/url makes.
	for _, target := range []string{"/", "/a", "/a/b.c~d_e-f", "//", "/a?b", "/a?b=c&d=%20", "/a?", "/a?b?", "/-._~"} {
		want, err := url.ParseRequestURI(target)
		if got := new(conn).locate(target); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, want %#v", target, got, want)
		}
	}
}

func TestTakesEightBytesAtATimeForWhatTheyAre(t *testing.T) {
	for b := range 256 {
		for length := range 20 {
			for at := range length {
				text := bytes.Repeat([]byte("v"), length)
				text[at] = byte(b)
				if got, want := isValue(text), only(text, inValue); got != want {
					t.Fatalf("%q is said to be a value: %v, want %v", text, got, want)
				}
			}
		}
	}
}

// Who takes a framing off a body that is all there is changes the request's length. net/http
// closes the connection then.
func TestSkipsWhatIsLeftOfABodyWhoseLengthIsChanged(t *testing.T) {
	b := newBed(t, http.HandlerFunc(behave))
	sent := "POST /unwrap HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthere"
	got := answers(converse(t, b.quick, []byte(sent)), []string{"POST", "POST"})
	if len(got) != 2 || got[1].Status != http.StatusOK || b.left.Load() != 0 {
		t.Errorf("the request behind it has been answered with %+v", got)
	}
}
