package protocol

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/catalog"
)

// The service modules of aws-sdk-go-v2 ship what their clients write for
// inputs whose members are all set (request_snapshot) and what they read
// outputs and errors from (response_snapshot). Each is decoded and written
// again here; nothing that the models know may get lost on the way.

// snapshotModules are the SDK's modules by the names of generated packages,
// where they differ.
var snapshotModules = map[string]string{"events": "eventbridge", "logs": "cloudwatchlogs"}

// unmetSnapshots are the requests that cannot be read, with the reason.
var unmetSnapshots = map[string]string{
	"s3.GetObjectAttributes": "the snapshot has a word for the part number marker, which is a number in the model",
	"s3.ListParts":           "the snapshot has a word for the part number marker, which is a number in the model",
}

// snapshotDir is the folder of a service's module.
func snapshotDir(t *testing.T, service string) string {
	t.Helper()
	module := service
	if m := snapshotModules[service]; m != "" {
		module = m
	}
	path := "github.com/aws/aws-sdk-go-v2/service/" + module
	list := func() string {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	dir := list()
	if dir == "" && exec.Command("go", "mod", "download", path).Run() == nil {
		dir = list()
	}
	if dir == "" {
		t.Skipf("%s is not among go.mod's modules, or cannot be downloaded: go mod download %s", path, path)
	}
	return dir
}

// snapshots are the files of a service's folder by the names of what they show.
func snapshots(t *testing.T, dir, suffix string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("the module has no %s in %s", suffix, dir)
	}
	shots := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		shots[strings.TrimSuffix(filepath.Base(f), suffix)] = b
	}
	return shots
}

// split parts a snapshot into its first line, its headers and its body.
func split(t *testing.T, snapshot []byte) (first string, h http.Header, body []byte) {
	t.Helper()
	line, rest, ok := strings.Cut(string(snapshot), "\n")
	if !ok {
		t.Fatalf("no line in %q", snapshot)
	}
	// Requests have an empty line behind the first, answers have not; either
	// have one before the body.
	rest = strings.TrimPrefix(rest, "\n")
	h = http.Header{}
	for {
		header, after, _ := strings.Cut(rest, "\n")
		rest = after
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return line, h, []byte(rest)
		}
		h.Add(name, strings.TrimSpace(value))
	}
}

func operationsOf(m *api.Model) map[string]api.Known {
	ops := map[string]api.Known{}
	for _, k := range m.Operations {
		ops[k.Spec().Name] = k
	}
	return ops
}

func TestRequestSnapshots(t *testing.T) {
	for _, m := range catalog.Models {
		t.Run(m.Service.Name, func(t *testing.T) {
			shots := snapshots(t, filepath.Join(snapshotDir(t, m.Service.Name), "request_snapshot"), ".request.snap")
			ops := operationsOf(m)
			for name, shot := range shots {
				t.Run(name, func(t *testing.T) {
					known := ops[name]
					if known == nil {
						t.Skip("the model at hand has no such operation: take a newer one")
					}
					if reason := unmetSnapshots[m.Service.Name+"."+name]; reason != "" {
						t.Skip(reason)
					}
					testRequestSnapshot(t, known, shot)
				})
			}
		})
	}
}

func testRequestSnapshot(t *testing.T, known api.Known, shot []byte) {
	op := known.Spec()
	first, h, body := split(t, shot)
	method, uri, _ := strings.Cut(first, " ")
	p := op.Service.Protocols[0]
	if op.Service.Name == "s3" && strings.Contains(op.URI, "{Bucket}") {
		uri = "/bucket" + uri // the SDK has it in the host
	}
	r := httptest.NewRequest(method, "http://example.com"+uri, bytes.NewReader(body))
	r.Header = h
	in := known.NewInput()
	labels := uriOf(op.URI, r)
	if _, err := For(p).Decode(op, r, labels, in); err != nil {
		t.Fatalf("%v\n%s", err, shot)
	}
	sh, s := planOf(in)
	again := writeRequest(t, p, op, sh, s)
	if _, ok := codecs[p].(rest); ok {
		got, want := boundValues(sh, again.Header), boundValues(sh, h)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers: -want +got\n%s", diff)
		}
		query := r.URL.Query()
		query.Del("x-id") // the SDK's mark, bound to nothing
		if diff := cmp.Diff(query, again.URL.Query()); diff != "" {
			t.Errorf("query: -want +got\n%s", diff)
		}
		if sh.payload == nil && len(sh.body) == 0 || sh.streams() {
			return
		}
	}
	written, err := io.ReadAll(again.Body)
	if err != nil {
		t.Fatal(err)
	}
	compareBodies(t, p, sh, body, written)
}

// boundValues are the headers that members are bound to.
func boundValues(sh *shape, h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		if name == "Content-Length" {
			continue // the snapshots leave it out
		}
		for _, m := range sh.bound {
			if m.loc == inHeader && strings.EqualFold(m.wire, name) ||
				m.loc == inHeaders && strings.HasPrefix(strings.ToLower(name), strings.ToLower(m.wire)) {
				out[http.CanonicalHeaderKey(name)] = splitHeader([]string{strings.Join(values, ",")}, m.shape.value().kind == kindTime)
			}
		}
	}
	return out
}

// writeRequest writes an input as a client does. The server needs no such
// thing; the notations' encoders and the texts of headers are the server's.
func writeRequest(t *testing.T, p api.Protocol, op *api.Operation, sh *shape, s slot) *http.Request {
	t.Helper()
	e := encoding{op: op}
	_, query, _ := strings.Cut(op.URI, "?")
	r := httptest.NewRequest(op.Method, "http://example.com/?"+query, nil)
	r.Header = http.Header{}
	var err error
	switch c := codecs[p].(type) {
	case rest:
		var status int
		encodeBound(r.Header, &status, sh, s)
		values := r.URL.Query()
		for _, m := range sh.bound {
			at := s.field(m)
			if m.loc != inQuery || at.absent(m.shape) {
				continue
			}
			switch def := *m; {
			case m.shape.kind == kindMap:
				for key, v := range at.entries(m.shape) {
					values.Set(key, *v.string())
				}
			case m.shape.kind == kindList:
				def.format = m.timeFormat(timeISO8601)
				for i := range at.len() {
					values.Add(m.wire, headerText(&def, m.shape.elem, at.elem(m.shape, i)))
				}
			default:
				def.format = m.timeFormat(timeISO8601)
				values.Set(m.wire, headerText(&def, m.shape, at))
			}
		}
		r.URL.RawQuery = values.Encode()
		if !sh.streams() {
			_, err = c.encodeBody(&e, sh, sh.payload, s)
		}
	case rpc:
		if _, form := c.notation.(formNotation); form {
			e.buf = fmt.Appendf(nil, "Action=%s&Version=%s", op.Name, op.Service.Version)
			formValues(&e, "", sh, s, nil)
		} else {
			err = c.notation.encode(&e, sh, s)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(e.buf))
	return r
}

// formValues appends a value as the parameters of a query request.
func formValues(e *encoding, name string, sh *shape, s slot, m *member) {
	switch sh.kind {
	case kindPointer:
		if target, ok := s.target(); ok {
			formValues(e, name, sh.elem, target, m)
		}
	case kindStruct:
		for _, m := range sh.body {
			at := s.field(m)
			if at.absent(m.shape) {
				continue
			}
			full := m.wire
			if name != "" {
				full = name + "." + m.wire
			}
			formValues(e, full, m.shape, at, m)
		}
	case kindList:
		item := name
		if !m.flattened {
			item += "." + m.item(0)
		}
		for i := range s.len() {
			formValues(e, item+"."+strconv.Itoa(i+1), sh.elem, s.elem(sh, i), m)
		}
	case kindMap:
		entry := name
		if !m.flattened {
			entry += ".entry"
		}
		i := 0
		key, value := m.entry(0)
		for k, v := range s.entries(sh) {
			i++
			base := entry + "." + strconv.Itoa(i) + "."
			e.buf = fmt.Appendf(e.buf, "&%s=%s", base+key, k)
			formValues(e, base+value, sh.elem, v, m)
		}
	default:
		def := *m
		def.format = m.timeFormat(timeISO8601)
		e.buf = fmt.Appendf(e.buf, "&%s=%s", name, headerText(&def, sh, s))
	}
}

func TestResponseSnapshots(t *testing.T) {
	for _, m := range catalog.Models {
		t.Run(m.Service.Name, func(t *testing.T) {
			dir := filepath.Join(snapshotDir(t, m.Service.Name), "response_snapshot")
			ops := operationsOf(m)
			for name, shot := range snapshots(t, dir, ".response.snap") {
				t.Run(name, func(t *testing.T) {
					known := ops[name]
					if known == nil {
						t.Skip("the model at hand has no such operation: take a newer one")
					}
					testResponseSnapshot(t, known, shot)
				})
			}
			errors := map[string]func() api.ModelledError{}
			for _, e := range m.Errors {
				errors[e().Shape().Name] = e
			}
			for name, shot := range snapshots(t, dir, ".error.snap") {
				t.Run(name, func(t *testing.T) {
					newError := errors[name]
					if newError == nil {
						t.Skip("the model at hand has no such error: take a newer one")
					}
					testErrorSnapshot(t, m.Service, newError(), shot)
				})
			}
		})
	}
}

func testResponseSnapshot(t *testing.T, known api.Known, shot []byte) {
	op := known.Spec()
	first, h, body := split(t, shot)
	status, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	p := op.Service.Protocols[0]
	out := known.NewOutput()
	sh, _ := planOf(out)
	resp := &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	if sh.payload != nil && sh.payload.shape.kind == kindEvents {
		t.Skip("an event stream; eventstream_test.go has those")
	}
	if err := DecodeResponse(p, op, resp, out); err != nil {
		t.Fatalf("%v\n%s", err, shot)
	}
	w := httptest.NewRecorder()
	if err := For(p).Encode(op, w, out); err != nil {
		t.Fatal(err)
	}
	if _, ok := codecs[p].(rest); ok {
		if diff := cmp.Diff(boundValues(sh, h), boundValues(sh, w.Header())); diff != "" {
			t.Errorf("headers: -want +got\n%s", diff)
		}
		if sh.payload == nil && len(sh.body) == 0 {
			return
		}
	}
	compareBodies(t, p, sh, body, w.Body.Bytes())
}

func testErrorSnapshot(t *testing.T, svc *api.Service, e api.ModelledError, shot []byte) {
	first, h, body := split(t, shot)
	p := svc.Protocols[0]
	sh, s := planOf(e)
	d := &decoding{op: &api.Operation{Service: svc}, response: true}
	if _, ok := codecs[p].(rest); ok {
		b := binding{decoding: *d, header: h}
		if err := b.decode(sh, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := decodeErrorMembers(p, d, body, sh, s); err != nil {
		t.Fatalf("%v\n%s", err, shot)
	}
	w := httptest.NewRecorder()
	For(p).EncodeError(nil, svc, w, e, "request-id")
	if got := strconv.Itoa(w.Code); got != first && e.Shape().Status != 0 {
		t.Logf("status %s, and %s in the snapshot: the model says %d", got, first, e.Shape().Status)
	}
	code, _ := errorAnswer(t, p, w.Header(), w.Body.Bytes())
	if want := e.Shape().WireCode(); code != want && code != e.Shape().Name {
		t.Errorf("code %q, want %q", code, want)
	}
	if diff := cmp.Diff(boundValues(sh, h), boundValues(sh, w.Header())); diff != "" {
		t.Errorf("headers: -want +got\n%s", diff)
	}
	again := reflect.New(reflect.TypeOf(e).Elem()).Interface()
	ash, as := planOf(again)
	if _, ok := codecs[p].(rest); ok {
		b := binding{decoding: *d, header: w.Header()}
		if err := b.decode(ash, as); err != nil {
			t.Fatal(err)
		}
	}
	if err := decodeErrorMembers(p, d, w.Body.Bytes(), ash, as); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, again); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
