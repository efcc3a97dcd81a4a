package protocol

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// maxXMLDepth is the deepest nesting of elements that is read. The deepest
// request of AWS's models nests below 20.
const maxXMLDepth = 128

// errMalformedXML is what every defect of an XML document comes to; AWS's
// services do not say more either.
var errMalformedXML = errors.New("malformed XML")

// xmlToken is what the scanner found.
type xmlToken uint8

const (
	xmlEnd   xmlToken = iota // the end of an element
	xmlStart                 // the start of an element
	xmlText                  // character data, entities resolved
	xmlEOF                   // the end of the document
)

// xmlAttr is an attribute of a start tag: its name as written, and its value
// with entities resolved.
type xmlAttr struct {
	name  []byte
	value []byte
}

// xmlScanner reads a whole XML 1.0 document in UTF-8, token by token. It takes
// what AWS takes: elements, attributes, text, CDATA, comments, processing
// instructions and the five named entities. A document type declaration is an
// error, so no document grows by expansion; every token is a part of the
// document or shorter than its source.
type xmlScanner struct {
	doc  []byte
	pos  int
	open [][]byte // names, as written, of the elements that are open
	// name and attrs belong to the last start token, text to the last text
	// token. They hold until the next call of next.
	name  []byte
	attrs []xmlAttr
	text  []byte
	// selfClosed says that the end of an element such as <a/> is due.
	selfClosed bool
	// mixed says that text between elements is passed, as clients do.
	mixed bool
	// rootSeen says that the document's one element has begun.
	rootSeen bool
}

// newXMLScanner checks what concerns the document as a whole, its characters.
func newXMLScanner(doc []byte) (*xmlScanner, error) {
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(doc) {
		return nil, errMalformedXML
	}
	for _, c := range doc {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return nil, errMalformedXML
		}
	}
	return &xmlScanner{doc: doc}, nil
}

// next is the next token. Text outside of the root element is checked to be
// blank and not reported; adjacent pieces of text are reported one by one.
func (s *xmlScanner) next() (xmlToken, error) {
	if s.selfClosed {
		s.selfClosed = false
		s.open = s.open[:len(s.open)-1]
		return xmlEnd, nil
	}
	for {
		rest := s.doc[s.pos:]
		if len(rest) == 0 {
			if len(s.open) > 0 || !s.rootSeen {
				return 0, errMalformedXML
			}
			return xmlEOF, nil
		}
		switch {
		case rest[0] != '<':
			found, err := s.characters(rest)
			if err != nil {
				return 0, err
			}
			if found {
				return xmlText, nil
			}
		case hasPrefix(rest, "</"):
			return xmlEnd, s.endTag(rest)
		case hasPrefix(rest, "<!--"):
			// A comment holds no "--" but at its end.
			end := bytes.Index(rest[4:], []byte("--"))
			if end < 0 || !hasPrefix(rest[4+end:], "-->") {
				return 0, errMalformedXML
			}
			s.pos += 4 + end + 3
		case hasPrefix(rest, "<![CDATA["):
			end := bytes.Index(rest, []byte("]]>"))
			if end < 0 || len(s.open) == 0 {
				return 0, errMalformedXML
			}
			s.pos += end + 3
			s.text = normalizeNewlines(rest[len("<![CDATA["):end])
			return xmlText, nil
		case hasPrefix(rest, "<?"):
			if err := s.instruction(rest); err != nil {
				return 0, err
			}
		case hasPrefix(rest, "<!"):
			return 0, errMalformedXML
		default:
			return xmlStart, s.startTag(rest)
		}
	}
}

// characters reads text up to the next tag.
func (s *xmlScanner) characters(rest []byte) (bool, error) {
	end := bytes.IndexByte(rest, '<')
	if end < 0 {
		end = len(rest)
	}
	raw := rest[:end]
	s.pos += end
	if len(s.open) == 0 {
		if len(bytes.TrimLeft(raw, " \t\r\n")) > 0 {
			return false, errMalformedXML
		}
		return false, nil
	}
	if bytes.Contains(raw, []byte("]]>")) {
		return false, errMalformedXML
	}
	text, err := resolveEntities(raw)
	s.text = text
	return true, err
}

// instruction passes a processing instruction or the XML declaration, which
// stands at the very start and names no encoding but UTF-8 and its part ASCII.
func (s *xmlScanner) instruction(rest []byte) error {
	end := bytes.Index(rest, []byte("?>"))
	if end < 0 {
		return errMalformedXML
	}
	target := nameLen(rest[2:])
	if target == 0 {
		return errMalformedXML
	}
	if bytes.EqualFold(rest[2:2+target], []byte("xml")) {
		if s.pos != 0 || !knownEncoding(rest[2+target:end]) {
			return errMalformedXML
		}
	}
	s.pos += end + 2
	return nil
}

// knownEncoding says whether an XML declaration names no foreign encoding.
func knownEncoding(declaration []byte) bool {
	_, after, found := bytes.Cut(declaration, []byte("encoding"))
	if !found {
		return true
	}
	after = trimSpace(after)
	if len(after) == 0 || after[0] != '=' {
		return false
	}
	after = trimSpace(after[1:])
	if len(after) < 2 || after[0] != '"' && after[0] != '\'' {
		return false
	}
	end := bytes.IndexByte(after[1:], after[0])
	if end < 0 {
		return false
	}
	name := after[1 : 1+end]
	return bytes.EqualFold(name, []byte("utf-8")) || bytes.EqualFold(name, []byte("us-ascii"))
}

func (s *xmlScanner) endTag(rest []byte) error {
	n := nameLen(rest[2:])
	name := rest[2 : 2+n]
	after := 2 + n + spaceLen(rest[2+n:])
	if n == 0 || after >= len(rest) || rest[after] != '>' || len(s.open) == 0 ||
		!bytes.Equal(s.open[len(s.open)-1], name) {
		return errMalformedXML
	}
	s.open = s.open[:len(s.open)-1]
	s.pos += after + 1
	return nil
}

func (s *xmlScanner) startTag(rest []byte) error {
	n := nameLen(rest[1:])
	if n == 0 || len(s.open) == maxXMLDepth || len(s.open) == 0 && s.rootSeen {
		return errMalformedXML
	}
	s.name = rest[1 : 1+n]
	s.attrs = s.attrs[:0]
	i := 1 + n
	for {
		blank := spaceLen(rest[i:])
		i += blank
		if i >= len(rest) {
			return errMalformedXML
		}
		if rest[i] == '>' {
			i++
			break
		}
		if hasPrefix(rest[i:], "/>") {
			i += 2
			s.selfClosed = true
			break
		}
		if blank == 0 {
			return errMalformedXML
		}
		attr, length, err := xmlAttribute(rest[i:])
		if err != nil {
			return err
		}
		s.attrs = append(s.attrs, attr)
		i += length
	}
	s.rootSeen = true
	s.open = append(s.open, s.name)
	s.pos += i
	return nil
}

// xmlAttribute reads name="value" and says how long it was.
func xmlAttribute(b []byte) (xmlAttr, int, error) {
	n := nameLen(b)
	i := n + spaceLen(b[n:])
	if n == 0 || i >= len(b) || b[i] != '=' {
		return xmlAttr{}, 0, errMalformedXML
	}
	i++
	i += spaceLen(b[i:])
	if i >= len(b) || b[i] != '"' && b[i] != '\'' {
		return xmlAttr{}, 0, errMalformedXML
	}
	length := bytes.IndexByte(b[i+1:], b[i])
	if length < 0 {
		return xmlAttr{}, 0, errMalformedXML
	}
	raw := b[i+1 : i+1+length]
	if bytes.IndexByte(raw, '<') >= 0 {
		return xmlAttr{}, 0, errMalformedXML
	}
	value, err := resolveEntities(raw)
	return xmlAttr{name: b[:n], value: value}, i + length + 2, err
}

// resolveEntities is raw with entities replaced and line ends made "\n". It is
// raw itself where there is nothing to do.
func resolveEntities(raw []byte) ([]byte, error) {
	amp := bytes.IndexByte(raw, '&')
	if amp < 0 {
		return normalizeNewlines(raw), nil
	}
	out := make([]byte, 0, len(raw))
	for amp >= 0 {
		out = append(out, normalizeNewlines(raw[:amp])...)
		semi := bytes.IndexByte(raw[amp:], ';')
		if semi < 0 {
			return nil, errMalformedXML
		}
		r, ok := entity(raw[amp+1 : amp+semi])
		if !ok {
			return nil, errMalformedXML
		}
		out = utf8.AppendRune(out, r)
		raw = raw[amp+semi+1:]
		amp = bytes.IndexByte(raw, '&')
	}
	return append(out, normalizeNewlines(raw)...), nil
}

// entity is the character of an entity's name, without "&" and ";". Control
// characters may be given by number, beyond XML 1.0: object keys hold them, and
// S3 itself writes them so.
func entity(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	base, digits := rune(10), name[1:]
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	if len(digits) == 0 {
		return 0, false
	}
	var r rune
	for _, c := range digits {
		d := rune(99)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case 'a' <= c && c <= 'f':
			d = rune(c-'a') + 10
		case 'A' <= c && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d >= base {
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, r != 0 && utf8.ValidRune(r)
}

// normalizeNewlines makes "\r\n" and "\r" to "\n", as every XML parser does.
func normalizeNewlines(raw []byte) []byte {
	if bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	out := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(out, []byte("\r"), []byte("\n"))
}

// nameLen is the length of the XML name at the start of b, 0 when there is none.
func nameLen(b []byte) int {
	for i, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':', c >= 0x80:
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '.'):
		default:
			return i
		}
	}
	return len(b)
}

// spaceLen is the length of the blank at the start of b.
func spaceLen(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
	}
	return len(b)
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// localName is a name without its prefix.
func localName(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

// skip passes the rest of the element that has just begun.
func (s *xmlScanner) skip() error {
	for depth := len(s.open); ; {
		token, err := s.next()
		if err != nil {
			return err
		}
		if token == xmlEnd && len(s.open) < depth {
			return nil
		}
	}
}

// content is the text of the element that has just begun, up to its end. An
// element within is an error. The bytes hold until the next call.
func (s *xmlScanner) content() ([]byte, error) {
	var text []byte
	owned := false
	for {
		token, err := s.next()
		if err != nil {
			return nil, err
		}
		switch {
		case token == xmlEnd:
			return text, nil
		case token != xmlText:
			return nil, errMalformedXML
		case text == nil:
			text = s.text
		case !owned:
			text, owned = append(append(make([]byte, 0, len(text)+len(s.text)), text...), s.text...), true
		default:
			text = append(text, s.text...)
		}
	}
}

// child is the start of the next element within the one that is open, or the
// end of that one. Blank between elements is passed, other text is an error
// unless it is mixed with them.
func (s *xmlScanner) child() (more bool, err error) {
	for {
		token, err := s.next()
		if err != nil {
			return false, err
		}
		switch token {
		case xmlStart:
			return true, nil
		case xmlText:
			if !s.mixed && len(trimSpace(s.text)) > 0 {
				return false, errMalformedXML
			}
		default:
			return false, nil
		}
	}
}
