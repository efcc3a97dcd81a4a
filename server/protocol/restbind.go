package protocol

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// binding reads the members that live outside the body.
type binding struct {
	decoding
	header http.Header
	// status is the status of a response.
	status int
	// request and uri are those of a request.
	request *http.Request
	uri     URI
	// presigned says that headers may have come as parameters.
	presigned bool
}

// decode reads the members in the model's order. An operation knows many headers of
// which a request has few, so that the others are not looked for.
func (b *binding) decode(sh *shape, s slot) error {
	b.presigned = b.request != nil && strings.Contains(b.request.URL.RawQuery, "Signature=")
	var sent [maxBound]bool
	for name := range b.header {
		if i, bound := sh.headers[name]; bound {
			sent[i] = true
		}
	}
	for i, m := range sh.bound {
		if m.loc == inHeader && !sent[i] && !m.elsewhere(b.presigned) {
			continue
		}
		if err := b.member(sh, m, s.field(m)); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere says that the value of a header may be at another place in the request.
func (m *member) elsewhere(presigned bool) bool {
	return m.wire == "Content-Length" || presigned && m.hoistable
}

func (b *binding) member(sh *shape, m *member, at slot) error {
	switch m.loc {
	case inURI:
		if text, ok := b.uri.Labels.Get(m.wire); ok {
			plain, err := url.PathUnescape(text)
			if err != nil {
				return errBinding(b.op, m, text)
			}
			return b.scalar(m, at, plain, timeISO8601)
		}
	case inQuery:
		if m.shape.kind == kindMap {
			b.otherParameters(sh, m, at)
			return nil
		}
		var values []string
		for _, p := range b.uri.Query {
			if p.Name == m.wire {
				values = append(values, p.Value)
			}
		}
		return b.values(m, at, values, timeISO8601)
	case inHeader:
		if m.wire == "Content-Length" && b.request != nil {
			if n := b.request.ContentLength; n > 0 || n == 0 && lengthSaid(b.request) {
				return b.scalar(m, at, strconv.FormatInt(n, 10), timeUnix)
			}
			return nil
		}
		values := b.header[m.header]
		if len(values) == 0 {
			values = b.hoisted(m)
		}
		if len(values) > 0 && m.shape.kind == kindList {
			values = splitHeader(values, m.shape.elem.value().kind == kindTime && m.timeFormat(timeRFC822) == timeRFC822)
		}
		if m.wire == "Content-Encoding" && len(values) == 1 && !sh.streams() {
			if encoding, zipped := withoutGzip(values[0]); zipped {
				values = strings.Fields(encoding)
			}
		}
		return b.values(m, at, values, timeRFC822)
	case inHeaders:
		b.prefixed(m, at)
	case inStatus:
		if b.request == nil {
			return b.scalar(m, at, strconv.Itoa(b.status), timeUnix)
		}
	}
	return nil
}

// lengthSaid tells a length of nothing from no length: in HTTP/1, where
// nothing is said, net/http takes the body for empty. Of a body that is framed
// on its way another header says it.
func lengthSaid(r *http.Request) bool {
	return r.ProtoMajor != 1 || r.Header["Content-Length"] != nil || r.Header["X-Amz-Decoded-Content-Length"] != nil
}

// values sets a member from its values: all of them for a list, else the first.
func (b *binding) values(m *member, at slot, values []string, def timeFormat) error {
	if len(values) == 0 {
		return nil
	}
	if m.shape.kind != kindList {
		return b.scalar(m, at, values[0], def)
	}
	at.makeList(m.shape)
	for _, text := range values {
		if err := parseText(m.shape.elem, at.appendZero(m.shape), text, m.timeFormat(def)); err != nil {
			return errBinding(b.op, m, text)
		}
	}
	return nil
}

// scalar sets a member from text. A date in a header that is none counts as
// not sent, as RFC 9110 (section 13.1.3) has it.
func (b *binding) scalar(m *member, at slot, text string, def timeFormat) error {
	if m.jsonValue {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return errBinding(b.op, m, text)
		}
		text = string(raw)
	}
	if err := parseText(m.shape, at, text, m.timeFormat(def)); err != nil {
		if m.shape.kind == kindTime && m.loc == inHeader {
			return nil
		}
		if text == "" && m.shape.kind == kindPointer {
			at.setNil() // "?max-keys=" is as good as nothing
			return nil
		}
		return errBinding(b.op, m, text)
	}
	if m.shape.kind == kindString && text == "" {
		b.note(m.shape, at)
	}
	return nil
}

// otherParameters sets a map of the parameters that no other member is bound
// to and that are no part of the operation's URI.
func (b *binding) otherParameters(sh *shape, m *member, at slot) {
	elem := m.shape.elem
	values := map[string][]string{}
	for _, p := range b.uri.Query {
		values[p.Name] = append(values[p.Name], p.Value)
	}
	for _, o := range sh.bound {
		if o.loc == inQuery {
			delete(values, o.wire)
		}
	}
	_, constants, _ := strings.Cut(b.op.URI, "?")
	for pair := range strings.SplitSeq(constants, "&") {
		constant, _, _ := strings.Cut(pair, "=")
		delete(values, constant)
	}
	if len(values) > 0 {
		at.makeMap(m.shape)
	}
	for name, texts := range values {
		v := newValue(elem)
		if elem.kind == kindList {
			for _, text := range texts {
				*v.appendZero(elem).string() = text
			}
		} else {
			*v.string() = texts[0]
		}
		at.put(m.shape, name, v)
	}
}

// prefixed sets a map of the headers that begin with the member's name. Header
// names have no case, so the keys are in small letters.
func (b *binding) prefixed(m *member, at slot) {
	set := func(name, value string) {
		if len(name) < len(m.wire) || !strings.EqualFold(name[:len(m.wire)], m.wire) {
			return
		}
		key := strings.ToLower(name[len(m.wire):])
		if at.absent(m.shape) {
			at.makeMap(m.shape)
		}
		v := newValue(m.shape.elem)
		*v.string() = value
		at.put(m.shape, key, v)
	}
	if b.presigned && m.hoistable {
		for _, p := range b.uri.Query {
			set(p.Name, p.Value)
		}
	}
	for name, values := range b.header {
		set(name, strings.Join(values, ","))
	}
}

// hoisted are the values of a header that a presigned URL carries as a parameter.
func (b *binding) hoisted(m *member) []string {
	if !b.presigned || !m.hoistable {
		return nil
	}
	for _, p := range b.uri.Query {
		if strings.EqualFold(p.Name, m.wire) {
			return []string{p.Value}
		}
	}
	return nil
}

// splitHeader splits header values at their commas: outside of quotes for
// text, and at every second one for dates, which have one themselves.
func splitHeader(values []string, dates bool) []string {
	var out []string
	for _, v := range values {
		for v = strings.TrimLeft(v, " \t"); v != ""; v = strings.TrimLeft(v, " \t") {
			var item string
			switch {
			case v[0] == '"':
				item, v = unquoteHeader(v)
			case dates:
				day, rest, _ := strings.Cut(v, ",")
				item, v, _ = strings.Cut(rest, ",")
				item = day + "," + item
			default:
				item, v, _ = strings.Cut(v, ",")
			}
			out = append(out, strings.TrimRight(item, " \t"))
		}
	}
	return out
}

// unquoteHeader reads a quoted string and steps behind the comma after it.
func unquoteHeader(v string) (item, rest string) {
	var b strings.Builder
	i := 1
	for ; i < len(v) && v[i] != '"'; i++ {
		if v[i] == '\\' && i+1 < len(v) {
			i++
		}
		b.WriteByte(v[i])
	}
	_, rest, _ = strings.Cut(v[min(i+1, len(v)):], ",")
	return b.String(), rest
}

// encodeBound writes the members of an output that live in headers and in the status.
func encodeBound(h http.Header, status *int, sh *shape, s slot) {
	var values headerValues
	for _, m := range sh.bound {
		at := s.field(m)
		if at.absent(m.shape) {
			continue
		}
		switch m.loc {
		case inStatus:
			if target, ok := at.target(); ok {
				*status = int(*target.int32())
			}
		case inHeader:
			if text := headerText(m, m.shape, at); text != "" || m.shape.kind == kindString {
				h[m.header] = values.of(text)
			}
		case inHeaders:
			// As the model writes it: SDKs take the names of S3's metadata from
			// the header as it comes, and AWS sends them in lower case.
			for key, v := range at.entries(m.shape) {
				h[m.wire+key] = values.of(*v.string())
			}
		}
	}
}

// headerValues makes the values of an answer's headers out of memory that they share.
type headerValues struct{ room []string }

// of is a header's only value.
func (v *headerValues) of(text string) []string {
	if len(v.room) == cap(v.room) {
		v.room = make([]string, 0, 12)
	}
	n := len(v.room)
	v.room = append(v.room, text)
	return v.room[n : n+1 : n+1]
}

// headerText is a value as a header has it.
func headerText(m *member, sh *shape, s slot) string {
	switch sh.kind {
	case kindPointer:
		target, _ := s.target()
		return headerText(m, sh.elem, target)
	case kindList:
		items := make([]string, s.len())
		for i := range items {
			items[i] = headerText(m, sh.elem, s.elem(sh, i))
			if sh.elem.kind == kindString && strings.ContainsAny(items[i], `",`) {
				items[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(items[i]) + `"`
			}
		}
		return strings.Join(items, ", ")
	case kindString:
		if m.jsonValue {
			return base64.StdEncoding.EncodeToString([]byte(*s.string()))
		}
		return *s.string()
	case kindBlob:
		return base64.StdEncoding.EncodeToString(*s.blob())
	case kindBool:
		return strconv.FormatBool(*s.bool())
	case kindInt32:
		return strconv.FormatInt(int64(*s.int32()), 10)
	case kindInt64:
		return strconv.FormatInt(*s.int64(), 10)
	case kindFloat32:
		return string(appendFloatText(nil, float64(*s.float32()), 32))
	case kindFloat64:
		return string(appendFloatText(nil, *s.float64(), 64))
	case kindTime:
		var room [40]byte
		return string(appendTime(room[:0], m.timeFormat(timeRFC822), *s.time()))
	}
	panic("protocol: no header for " + sh.typ.String())
}
