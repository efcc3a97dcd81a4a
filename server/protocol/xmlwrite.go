package protocol

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// xsiNamespace is what the prefix xsi stands for wherever AWS's models use it.
const xsiNamespace = "http://www.w3.org/2001/XMLSchema-instance"

// xmlTimeStyle is how a service writes timestamps of the format iso8601.
type xmlTimeStyle uint8

const (
	xmlTimeShort  xmlTimeStyle = iota // milliseconds where there are any
	xmlTimeMillis                     // milliseconds always, as S3 and EC2 do
)

// xmlWriter appends elements to a buffer along the plan of their values.
//
// Absent members are left out. A string, list or map that the model requires
// is written even when it is empty: <Value></Value> of a tag without value.
type xmlWriter struct {
	buf   []byte
	times xmlTimeStyle
}

// element writes a whole element that declares the namespace ns ("" for none)
// as the default one or for a prefix.
func (w *xmlWriter) element(name, ns, prefix string, sh *shape, s slot) {
	w.begin(name, ns, prefix)
	w.attributes(sh, s)
	w.buf = append(w.buf, '>')
	w.members(sh, s)
	w.close(name)
}

// begin writes a start tag but for its end, with a namespace where ns is not "".
func (w *xmlWriter) begin(name, ns, prefix string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, name...)
	if ns == "" {
		return
	}
	w.buf = append(w.buf, " xmlns"...)
	if prefix != "" {
		w.buf = append(w.buf, ':')
		w.buf = append(w.buf, prefix...)
	}
	w.buf = append(w.buf, `="`...)
	w.buf = appendXMLText(w.buf, ns)
	w.buf = append(w.buf, '"')
}

func (w *xmlWriter) open(name, ns, prefix string) {
	w.begin(name, ns, prefix)
	w.buf = append(w.buf, '>')
}

func (w *xmlWriter) close(name string) {
	w.buf = append(w.buf, "</"...)
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

// text writes an element that holds text.
func (w *xmlWriter) text(name, text string) {
	w.open(name, "", "")
	w.buf = appendXMLText(w.buf, text)
	w.close(name)
}

// attributes writes the members of the structure at s that are attributes.
func (w *xmlWriter) attributes(sh *shape, s slot) {
	if !sh.attributed {
		return
	}
	for _, m := range sh.body {
		if f := s.field(m); m.attr && !f.absent(m.shape) {
			if len(m.wire) > 4 && m.wire[:4] == "xsi:" {
				w.buf = append(w.buf, ` xmlns:xsi="`+xsiNamespace+`"`...)
			}
			w.buf = append(w.buf, ' ')
			w.buf = append(w.buf, m.wire...)
			w.buf = append(w.buf, `="`...)
			w.scalar(m, m.shape, f)
			w.buf = append(w.buf, '"')
		}
	}
}

// members writes the members of the structure at s that are elements.
func (w *xmlWriter) members(sh *shape, s slot) {
	for at, m := range sh.body {
		f := s.field(m)
		if m.attr {
			continue
		}
		if f.absent(m.shape) && !m.writtenEmpty() {
			continue
		}
		switch {
		case m.flattened && m.shape.kind == kindList:
			w.flat(sh, s, at)
		case m.flattened && m.shape.kind == kindMap:
			w.entries(m, m.wire, m.xmlns, 0, m.shape, f)
		default:
			w.value(m, m.wire, m.xmlns, 0, m.shape, f)
		}
	}
}

// flat writes the elements of the flattened list that is the member at an
// index of the structure at s. Where it has nil, the list of the next member has the
// element of that place, so that the two are in one order.
func (w *xmlWriter) flat(sh *shape, s slot, at int) {
	m := sh.body[at]
	for i := range s.field(m).len() {
		switch {
		case !hole(sh, s, at, i):
			if !hole(sh, s, at-1, i) { // or it has been written there
				w.value(m, m.wire, m.xmlns, 1, m.shape.elem, s.field(m).elem(m.shape, i))
			}
		case at+1 < len(sh.body) && !hole(sh, s, at+1, i):
			if next := sh.body[at+1]; next.flattened && next.shape.kind == kindList && i < s.field(next).len() {
				w.value(next, next.wire, next.xmlns, 1, next.shape.elem, s.field(next).elem(next.shape, i))
			}
		}
	}
}

// hole says that the member at an index of the structure at s is a flattened
// list with nil at i.
func hole(sh *shape, s slot, at, i int) bool {
	if at < 0 || at >= len(sh.body) {
		return false
	}
	m := sh.body[at]
	if !m.flattened || m.shape.kind != kindList || m.shape.elem.kind != kindPointer || i >= s.field(m).len() {
		return false
	}
	_, ok := s.field(m).elem(m.shape, i).target()
	return !ok
}

// value writes the value at s, which lies depth collections below the member
// m, as an element of the given name.
func (w *xmlWriter) value(m *member, name, ns string, depth int, sh *shape, s slot) {
	prefix := ""
	if depth == 0 {
		prefix = m.xmlPrefix
	}
	switch sh.kind {
	case kindPointer:
		if target, ok := s.target(); ok {
			w.value(m, name, ns, depth, sh.elem, target)
		}
	case kindStruct:
		w.element(name, ns, prefix, sh, s)
	case kindList:
		w.open(name, ns, prefix)
		item := m.item(depth)
		for i := range s.len() {
			w.value(m, item, "", depth+1, sh.elem, s.elem(sh, i))
		}
		w.close(name)
	case kindMap:
		w.open(name, ns, prefix)
		w.entries(m, "entry", "", depth, sh, s)
		w.close(name)
	default:
		w.open(name, ns, prefix)
		w.scalar(m, sh, s)
		w.close(name)
	}
}

// entries writes the entries of the map at s in the order of their keys, each
// as an element of the given name.
func (w *xmlWriter) entries(m *member, name, ns string, depth int, sh *shape, s slot) {
	keyName, valueName := m.entry(depth)
	for key, v := range s.entries(sh) {
		w.open(name, ns, "")
		w.text(keyName, key)
		w.value(m, valueName, "", depth+1, sh.elem, v)
		w.close(name)
	}
}

// scalar writes the text of a scalar.
func (w *xmlWriter) scalar(m *member, sh *shape, s slot) {
	switch sh.kind {
	case kindString:
		w.buf = appendXMLText(w.buf, *s.string())
	case kindBool:
		w.buf = strconv.AppendBool(w.buf, *s.bool())
	case kindInt32:
		w.buf = strconv.AppendInt(w.buf, int64(*s.int32()), 10)
	case kindInt64:
		w.buf = strconv.AppendInt(w.buf, *s.int64(), 10)
	case kindFloat32:
		w.buf = appendFloatText(w.buf, float64(*s.float32()), 32)
	case kindFloat64:
		w.buf = appendFloatText(w.buf, *s.float64(), 64)
	case kindTime:
		w.time(m.timeFormat(timeISO8601), *s.time())
	case kindBlob:
		w.buf = base64.StdEncoding.AppendEncode(w.buf, *s.blob())
	case kindPointer:
		if target, ok := s.target(); ok {
			w.scalar(m, sh.elem, target)
		}
	default:
		panic("protocol: XML has no form of " + sh.typ.String())
	}
}

func (w *xmlWriter) time(format timeFormat, t time.Time) {
	if format == timeISO8601 && w.times == xmlTimeMillis {
		w.buf = appendISO8601Millis(w.buf, t)
		return
	}
	w.buf = appendTime(w.buf, format, t)
}

// xmlEscapes are the characters of ASCII that text and attributes hold escaped.
// The control characters are no XML 1.0 in any form; S3 writes them so where
// keys hold them, and clients that have such keys ask for encoding-type=url.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
var xmlEscapes = func() (table [utf8.RuneSelf]string) {
	for c := range 0x20 {
		table[c] = "&#x" + strconv.FormatInt(int64(c), 16) + ";"
	}
	table['\t'] = "" // stands for itself
	table['\n'] = "&#xA;"
	table['\r'] = "&#xD;"
	table['&'], table['<'], table['>'] = "&amp;", "&lt;", "&gt;"
	table['"'], table['\''] = "&quot;", "&apos;"
	return table
}()

// appendXMLText writes text with what XML cannot hold escaped. Bytes that are
// not UTF-8 become U+FFFD.
func appendXMLText(b []byte, text string) []byte {
	written := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if escape := xmlEscapes[c]; escape != "" {
				b = append(b, text[written:i]...)
				b = append(b, escape...)
				written = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, text[written:i]...)
			b = append(b, "\uFFFD"...)
			written = i + 1
		}
		i += size
	}
	return append(b, text[written:]...)
}
