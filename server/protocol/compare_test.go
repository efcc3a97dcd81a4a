package protocol

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
)

// compareBodies compares two bodies by what they say, read by decoders that
// are not ours. The SDK is newer than the models: what a snapshot has and the
// model has not is left out of want.
func compareBodies(t *testing.T, p api.Protocol, sh *shape, want, got []byte) {
	t.Helper()
	if m := sh.payload; m != nil && (p == api.RESTJSON || p == api.RESTXML) {
		switch m.shape.kind {
		case kindBlob, kindString, kindStream:
			if !bytes.Equal(want, got) {
				t.Errorf("body %q, want %q", got, want)
			}
			return
		}
		sh = m.shape.value()
	}
	read := func(b []byte) (any, error) { return readJSON(sh, b, p == api.RESTJSON) }
	switch p {
	case api.CBOR:
		read = func(b []byte) (any, error) { return readCBOR(sh, b) }
	case api.RESTXML:
		read = func(b []byte) (any, error) { return readXML(sh, b) }
	case api.Query, api.EC2:
		read = func(b []byte) (any, error) { return readForm(sh, b) }
	}
	w, err := read(want)
	if err != nil {
		t.Fatalf("snapshot: %v\n%s", err, want)
	}
	g, err := read(got)
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("body: -want +got\n%s\nfrom %q\nto   %q", diff, want, got)
	}
}

// known is what json.Unmarshal read, without members that the shape has not.
func known(sh *shape, v any, rest bool) any {
	sh = sh.value()
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		names := sh.byName
		if rest {
			names = sh.byWire
		}
		for key, e := range v {
			switch {
			case sh.kind == kindStruct && names[key] != nil:
				out[key] = known(names[key].shape, e, rest)
			case sh.kind == kindMap:
				out[key] = known(sh.elem, e, rest)
			case sh.kind == kindAttribute, sh.kind == kindItem, sh.kind == kindDocument:
				out[key] = e
			}
		}
		return out
	case []any:
		for i := range v {
			if sh.kind == kindList {
				v[i] = known(sh.elem, v[i], rest)
			}
		}
	}
	return v
}

// namesBelow collects the names that elements and parameters below a shape have.
func namesBelow(sh *shape, names map[string]bool, seen map[*shape]bool) {
	if sh == nil || seen[sh] {
		return
	}
	seen[sh] = true
	namesBelow(sh.elem, names, seen)
	for _, m := range sh.members {
		key, value := m.entry(0)
		for _, name := range []string{m.wire, m.item(0), key, value, "entry"} {
			names[name] = true
		}
		namesBelow(m.shape, names, seen)
	}
}

func readJSON(sh *shape, b []byte, rest bool) (any, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return map[string]any{}, nil
	}
	var v any
	err := json.Unmarshal(b, &v)
	return known(sh, v, rest), err
}

// readCBOR reads CBOR into what readJSON gives, timestamps as texts.
func readCBOR(sh *shape, b []byte) (any, error) {
	if len(b) == 0 {
		return map[string]any{}, nil
	}
	var v any
	if err := cbor.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	var plain func(any) any
	plain = func(v any) any {
		switch v := v.(type) {
		case map[any]any:
			m := map[string]any{}
			for k, e := range v {
				m[fmt.Sprint(k)] = plain(e)
			}
			return m
		case []any:
			for i := range v {
				v[i] = plain(v[i])
			}
			return v
		case time.Time:
			return v.UTC().Format(time.RFC3339Nano)
		}
		return v
	}
	return known(sh, plain(v), false), nil
}

// readForm reads the parameters of a query request.
func readForm(sh *shape, b []byte) (any, error) {
	v, err := url.ParseQuery(string(b))
	names := map[string]bool{"Action": true, "Version": true}
	namesBelow(sh, names, map[*shape]bool{})
	for key := range v {
		for part := range strings.SplitSeq(key, ".") {
			if _, err := strconv.Atoi(part); err != nil && !names[part] {
				delete(v, key)
			}
		}
	}
	return v, err
}

// element is an XML element; order among its children says nothing.
type element struct {
	Name, Space, Text string
	Attributes        []string
	Children          []*element
}

// readXML reads a document into its root.
func readXML(sh *shape, b []byte) (any, error) {
	if len(b) == 0 {
		return nil, nil
	}
	names := map[string]bool{}
	namesBelow(sh, names, map[*shape]bool{})
	path := []*element{{}}
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return path[0].Children[0], nil
		}
		if err != nil {
			return nil, err
		}
		last := path[len(path)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{Name: token.Name.Local, Space: token.Name.Space}
			for _, a := range token.Attr {
				if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
					e.Attributes = append(e.Attributes, a.Name.Local+"="+a.Value)
				}
			}
			if len(path) == 1 || names[e.Name] {
				last.Children = append(last.Children, e)
			}
			path = append(path, e)
		case xml.CharData:
			last.Text += strings.TrimSpace(string(token))
		case xml.EndElement:
			if at, err := time.Parse(time.RFC3339Nano, last.Text); err == nil {
				last.Text = at.Format(time.RFC3339Nano)
			}
			slices.SortFunc(last.Children, func(a, b *element) int { return strings.Compare(a.sum(), b.sum()) })
			path = path[:len(path)-1]
		}
	}
}

// sum is an element as text, to sort by.
func (e *element) sum() string {
	text := e.Name + " " + e.Text
	for _, c := range e.Children {
		text += " (" + c.sum() + ")"
	}
	return text
}
