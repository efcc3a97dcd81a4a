package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/cmd/apigen/model"
)

// The protocol test vectors are AWS's own (botocore's tests/unit/protocols).
// Each case gives shapes, parameters and the message that has them. As a
// server we read the requests that clients write, and clients read what we
// write, so that:
//
//   - of an input case, Decode of the serialized request gives the parameters;
//   - of an output case, the response decodes to the result (which tests the
//     decoders once more), and what Encode writes for the result decodes to
//     the result again.

// vectorsDir is where the vectors are: folders input and output.
var vectorsDir = filepath.Join("..", "..", "..", "shared", "protocol-vectors")

// vectorFiles are the files with the protocol each speaks.
var vectorFiles = map[string]api.Protocol{
	"json":                                api.JSON,
	"json_1_0":                            api.JSON,
	"json_1_0-query-compatible":           api.JSON,
	"rest-json":                           api.RESTJSON,
	"rest-xml":                            api.RESTXML,
	"query":                               api.Query,
	"ec2":                                 api.EC2,
	"smithy-rpc-v2-cbor":                  api.CBOR,
	"smithy-rpc-v2-cbor-query-compatible": api.CBOR,
	"smithy-rpc-v2-cbor-non-query-compatible": api.CBOR,
}

type vectorSuite struct {
	Description string                      `json:"description"`
	Metadata    model.Metadata              `json:"metadata"`
	Shapes      model.Ordered[*model.Shape] `json:"shapes"`
	Cases       []vectorCase                `json:"cases"`
}

type vectorCase struct {
	ID           string          `json:"id"`
	Given        model.Operation `json:"given"`
	Params       any             `json:"params"`
	Result       any             `json:"result"`
	Error        any             `json:"error"`
	ErrorCode    string          `json:"errorCode"`
	ErrorMessage string          `json:"errorMessage"`
	Serialized   struct {
		Method  string            `json:"method"`
		URI     string            `json:"uri"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Host    string            `json:"host"`
	} `json:"serialized"`
	Response struct {
		Status  int               `json:"status_code"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
}

// readVectors reads a file's suites, numbers as json.Number.
func readVectors(t *testing.T, direction, file string) []vectorSuite {
	t.Helper()
	path := filepath.Join(vectorsDir, direction, file+".json")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no protocol vectors at %s: put botocore's tests/unit/protocols there", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var suites []vectorSuite
	if err := d.Decode(&suites); err != nil {
		t.Fatal(err)
	}
	return suites
}

// types makes Go types of a suite's shapes.
func (s *vectorSuite) types() *vectorTypes {
	for name, shape := range s.Shapes.ByName {
		shape.Name = name
	}
	for _, shape := range s.Shapes.ByName {
		if ref := shape.Members.ByName[shape.Payload]; ref != nil && ref.LocationName == shape.Payload {
			// The conversion of these models from Smithy has put the member's
			// name where the root element has the shape's.
			target := s.Shapes.ByName[ref.Shape]
			if ref.LocationName = target.LocationName; ref.LocationName == "" {
				ref.LocationName = target.Name
			}
		}
	}
	return &vectorTypes{model: &model.Model{Metadata: s.Metadata, Shapes: s.Shapes}}
}

// operation is a case's operation as the generator would have written it.
func (s *vectorSuite) operation(c *vectorCase) *api.Operation {
	op := &api.Operation{
		Service: &api.Service{
			Name: "vectors", Version: s.Metadata.APIVersion, TargetPrefix: s.Metadata.TargetPrefix,
			JSONVersion: s.Metadata.JSONVersion, XMLNamespace: s.Metadata.XMLNamespace,
			QueryCompatible: len(s.Metadata.AWSQueryCompatible) > 0,
		},
		Name: c.Given.Name, Method: c.Given.HTTP.Method, URI: c.Given.HTTP.RequestURI, Status: c.Given.HTTP.ResponseCode,
	}
	if in := c.Given.Input; in != nil {
		op.InputName, op.InputNamespace = in.LocationName, in.XMLNamespace.URI
		if shape := s.Shapes.ByName[in.Shape]; shape.LocationName != "" {
			op.InputName = shape.LocationName
		}
	}
	if out := c.Given.Output; out != nil {
		op.ResultWrapper = out.ResultWrapper
		op.OutputName = out.LocationName
		if op.OutputName == "" {
			op.OutputName = out.Shape
		}
		op.OutputNamespace = out.XMLNamespace.URI
	}
	return op
}

func TestInputVectors(t *testing.T) {
	for file, p := range vectorFiles {
		t.Run(file, func(t *testing.T) {
			for _, suite := range readVectors(t, "input", file) {
				types := suite.types()
				for _, c := range suite.Cases {
					t.Run(c.ID, func(t *testing.T) {
						if reason := unmetInputs[c.ID]; reason != "" {
							t.Skip(reason)
						}
						suite.testInput(t, types, p, &c)
					})
				}
			}
		})
	}
}

func (s *vectorSuite) testInput(t *testing.T, types *vectorTypes, p api.Protocol, c *vectorCase) {
	op := s.operation(c)
	body := vectorBody(t, p, c.Serialized.Body)
	r := httptest.NewRequest(c.Serialized.Method, "http://example.com"+c.Serialized.URI, bytes.NewReader(body))
	r.Header = http.Header{}
	for name, value := range c.Serialized.Headers {
		r.Header.Set(name, value)
	}
	in := types.newStructure(c.Given.Input)
	presence, err := For(p).Decode(op, r, uriOf(op.URI, r), in.Interface())
	if err != nil {
		t.Fatal(err)
	}
	got := types.params(c.Given.Input, in, presence)
	if diff := cmp.Diff(plainParams(c.Params), got); diff != "" {
		t.Errorf("-want +got\n%s\nfrom %s", diff, body)
	}
}

func TestOutputVectors(t *testing.T) {
	for file, p := range vectorFiles {
		t.Run(file, func(t *testing.T) {
			for _, suite := range readVectors(t, "output", file) {
				types := suite.types()
				for _, c := range suite.Cases {
					t.Run(c.ID, func(t *testing.T) {
						if reason := unmetOutputs[c.ID]; reason != "" {
							t.Skip(reason)
						}
						if len(c.Given.Errors) > 0 && c.Given.Output == nil {
							suite.testError(t, types, p, &c)
						} else {
							suite.testOutput(t, types, p, &c)
						}
					})
				}
			}
		})
	}
}

func (s *vectorSuite) testOutput(t *testing.T, types *vectorTypes, p api.Protocol, c *vectorCase) {
	op := s.operation(c)
	want := plainParams(c.Result)

	theirs := &http.Response{StatusCode: c.Response.Status, Header: http.Header{}}
	for name, value := range c.Response.Headers {
		theirs.Header.Set(name, value)
	}
	body := vectorBody(t, p, c.Response.Body)
	theirs.Body, theirs.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	s.check(t, types, p, op, c, theirs, want, "their answer")

	out := types.newStructure(c.Given.Output)
	if m, ok := want.(map[string]any); ok {
		types.set(types.shape(c.Given.Output), out.Elem(), m)
	}
	w := httptest.NewRecorder()
	if err := For(p).Encode(op, w, out.Interface()); err != nil {
		t.Fatal(err)
	}
	ours := w.Result()
	ours.Header.Del("Content-Length") // HTTP's own, not the answer's
	if ours.StatusCode != c.Response.Status {
		t.Errorf("status %d, want %d", ours.StatusCode, c.Response.Status)
	}
	s.check(t, types, p, op, c, ours, want, "our answer")
}

// check decodes an answer and compares it with the result.
func (s *vectorSuite) check(t *testing.T, types *vectorTypes, p api.Protocol, op *api.Operation, c *vectorCase, resp *http.Response, want any, whose string) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	out := types.newStructure(c.Given.Output)
	if err := DecodeResponse(p, op, resp, out.Interface()); err != nil {
		t.Fatalf("%s: %v\n%s", whose, err, body)
	}
	if diff := cmp.Diff(withoutEmpty(want), withoutEmpty(types.params(c.Given.Output, out, nil))); diff != "" {
		t.Errorf("%s: -want +got\n%s\nfrom %q", whose, diff, body)
	}
}

func (s *vectorSuite) testError(t *testing.T, types *vectorTypes, p api.Protocol, c *vectorCase) {
	op := s.operation(c)
	ref := c.Given.Errors[0]
	shape := types.shape(ref)
	value := types.newStructure(ref)
	fields, _ := plainParams(c.Error).(map[string]any)
	types.set(shape, value.Elem(), fields)
	sh, at := planOf(value.Interface())
	f := &failure{name: ref.Shape, code: ref.Shape, status: c.Response.Status, message: c.ErrorMessage, shape: sh, at: at}
	if e := shape.Error; e != nil && e.Code != "" {
		f.code = e.Code
	}
	w := httptest.NewRecorder()
	codecs[p].(interface {
		encodeFailure(*failure, *api.Operation, *api.Service, http.ResponseWriter, string)
	}).encodeFailure(f, op, op.Service, w, "request-id")
	resp := w.Result()
	if resp.StatusCode != c.Response.Status {
		t.Errorf("status %d, want %d", resp.StatusCode, c.Response.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	code, inner := errorAnswer(t, p, resp.Header, body)
	if code != c.ErrorCode {
		t.Errorf("code %q, want %q in %s", code, c.ErrorCode, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(inner))
	got := types.newStructure(ref)
	gsh, gat := planOf(got.Interface())
	b := binding{decoding: decoding{op: op, response: true}, header: resp.Header, status: resp.StatusCode}
	if p == api.RESTJSON || p == api.RESTXML {
		if err := b.decode(gsh, gat); err != nil {
			t.Fatal(err)
		}
	}
	if err := decodeErrorMembers(p, &b.decoding, inner, gsh, gat); err != nil {
		t.Fatalf("%v in %s", err, inner)
	}
	if diff := cmp.Diff(withoutEmpty(fields), withoutEmpty(types.params(ref, got, nil))); diff != "" {
		t.Errorf("-want +got\n%s\nfrom %s", diff, body)
	}
}

// errorAnswer reads the code of an error as the SDKs do, and the part of the
// body that holds the members.
func errorAnswer(t *testing.T, p api.Protocol, h http.Header, body []byte) (code string, members []byte) {
	t.Helper()
	bare := func(id string) string {
		id, _, _ = strings.Cut(id, ":")
		return id[strings.LastIndexByte(id, '#')+1:]
	}
	if query := h.Get("X-Amzn-Query-Error"); query != "" {
		code, _, _ = strings.Cut(query, ";")
		return code, body
	}
	switch p {
	case api.RESTJSON:
		return bare(h.Get("X-Amzn-Errortype")), body
	case api.JSON, api.CBOR:
		var typed struct {
			Type string `aws:"__type"`
		}
		sh, s := planOf(&typed)
		if err := codecs[p].(rpc).notation.decode(&decoding{op: &api.Operation{}, response: true}, body, sh, s); err != nil {
			t.Fatal(err)
		}
		return bare(typed.Type), body
	}
	// In XML the members stand beside the code, inside <Error>.
	_, inner, ok := strings.Cut(string(body), "<Error>")
	inner, _, end := strings.Cut(inner, "</Error>")
	_, code, coded := strings.Cut(inner, "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	if !ok || !end || !coded {
		t.Fatalf("no <Error> with a <Code> in %s", body)
	}
	return code, []byte("<Error>" + inner + "</Error>")
}

func decodeErrorMembers(p api.Protocol, d *decoding, body []byte, sh *shape, s slot) error {
	if p == api.Query || p == api.EC2 || p == api.RESTXML {
		return xmlNotation{}.decode(d, body, sh, s)
	}
	if c, ok := codecs[p].(rest); ok {
		return c.notation.decode(d, body, sh, s)
	}
	return codecs[p].(rpc).notation.decode(d, body, sh, s)
}

// vectorBody is a body as bytes; CBOR bodies are base64 in the files.
func vectorBody(t *testing.T, p api.Protocol, text string) []byte {
	if p != api.CBOR {
		return []byte(text)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// uriOf matches a request with an operation's URI. It stands in for the
// server's router.
func uriOf(uri string, r *http.Request) URI {
	uri, _, _ = strings.Cut(uri, "?")
	at := URI{Query: ParseQuery(r.URL.RawQuery)}
	names, parts := strings.Split(uri, "/"), strings.Split(r.URL.EscapedPath(), "/")
	for i, name := range names {
		if !strings.HasPrefix(name, "{") {
			continue
		}
		name = strings.Trim(name, "{}")
		if greedy, ok := strings.CutSuffix(name, "+"); ok {
			at.Labels = append(at.Labels, api.Field{Name: greedy, Value: strings.Join(parts[i:len(parts)-(len(names)-1-i)], "/")})
			break
		}
		at.Labels = append(at.Labels, api.Field{Name: name, Value: parts[i]})
	}
	return at
}

// plainParams is a vector's parameters without nulls, which say that a member
// is absent.
func plainParams(v any) any {
	switch v := v.(type) {
	case nil:
		return map[string]any{}
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e != nil {
				out[k] = plainParams(e)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, plainParams(e))
		}
		return out
	case json.Number:
		return number(string(v))
	}
	return v
}

// number is a number in one form, whatever it was written as.
func number(text string) string {
	var f float64
	if _, err := fmt.Sscanf(text, "%g", &f); err != nil {
		return text
	}
	return fmt.Sprint(f)
}

// withoutEmpty is a value without the empty strings at the top, which an
// output cannot tell from absent ones.
func withoutEmpty(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for k, e := range m {
		if e != "" {
			out[k] = withoutEmpty(e)
		}
	}
	return out
}
