package protocol

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/jsontext"
)

// errJSONSyntax is what every body that is no JSON comes to. AWS's services do
// not say more either.
var errJSONSyntax = errors.New("malformed JSON")

// errSerialization is a body that is JSON or CBOR, but not what the model has.
func errSerialization(message string) error {
	return &api.Error{Code: "SerializationException", Status: 400, Message: message}
}

// jsonLexer steps through JSON text as RFC 8259 has it.
type jsonLexer struct {
	data []byte
	pos  int
	// kept is the piece of memory that strings are parts of.
	kept strings.Builder
	// scratch holds the last string that had escapes.
	scratch []byte
	depth   int
}

// space skips white space and returns the byte that follows, or 0 at the end.
func (l *jsonLexer) space() byte {
	for l.pos < len(l.data) {
		switch c := l.data[l.pos]; c {
		case ' ', '\t', '\n', '\r':
			l.pos++
		default:
			return c
		}
	}
	return 0
}

// open steps over a bracket or brace and counts the depth.
func (l *jsonLexer) open() error {
	l.pos++
	if l.depth++; l.depth > maxDepth {
		return errSerialization("Request nests too deeply")
	}
	return nil
}

// next stands before an element, or steps over the closing byte and says that
// there is none.
func (l *jsonLexer) next(closing byte, first bool) (more bool, err error) {
	c := l.space()
	if c == closing {
		l.pos++
		l.depth--
		return false, nil
	}
	if !first {
		if c != ',' {
			return false, errJSONSyntax
		}
		l.pos++
		if l.space() == closing {
			return false, errJSONSyntax
		}
	}
	return true, nil
}

// key reads a key with its colon. The bytes are valid until the next string is
// read.
func (l *jsonLexer) key() ([]byte, error) {
	if l.space() != '"' {
		return nil, errJSONSyntax
	}
	raw, err := l.rawString()
	if err != nil {
		return nil, err
	}
	return raw, l.colon()
}

// keyString is key as a string.
func (l *jsonLexer) keyString() (string, error) {
	if l.space() != '"' {
		return "", errJSONSyntax
	}
	s, err := l.string()
	if err != nil {
		return "", err
	}
	return s, l.colon()
}

func (l *jsonLexer) colon() error {
	if l.space() != ':' {
		return errJSONSyntax
	}
	l.pos++
	return nil
}

// literal steps over true, false or null.
func (l *jsonLexer) literal(word string) error {
	if len(l.data)-l.pos < len(word) || string(l.data[l.pos:l.pos+len(word)]) != word {
		return errJSONSyntax
	}
	l.pos += len(word)
	return nil
}

// number reads a number and returns its text.
func (l *jsonLexer) number() ([]byte, error) {
	start := l.pos
	if l.peek() == '-' {
		l.pos++
	}
	switch c := l.peek(); {
	case c == '0':
		l.pos++
	case c >= '1' && c <= '9':
		l.digits()
	default:
		return nil, errJSONSyntax
	}
	if l.peek() == '.' {
		l.pos++
		if !l.digits() {
			return nil, errJSONSyntax
		}
	}
	if c := l.peek(); c == 'e' || c == 'E' {
		l.pos++
		if c := l.peek(); c == '+' || c == '-' {
			l.pos++
		}
		if !l.digits() {
			return nil, errJSONSyntax
		}
	}
	return l.data[start:l.pos], nil
}

func (l *jsonLexer) peek() byte {
	if l.pos < len(l.data) {
		return l.data[l.pos]
	}
	return 0
}

// digits steps over digits; false when there are none.
func (l *jsonLexer) digits() bool {
	start := l.pos
	for l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '9' {
		l.pos++
	}
	return l.pos > start
}

// string reads a string, its quote being next.
func (l *jsonLexer) string() (string, error) {
	raw, err := l.rawString()
	return l.keep(raw), err
}

// keep is a copy of what was read of the body. What is still to be read
// tells how much room there has to be for copies to come.
func (l *jsonLexer) keep(raw []byte) string {
	if l.kept.Cap()-l.kept.Len() < len(raw) {
		if len(raw) > sharedText/4 { // it would leave no room to others
			return string(raw)
		}
		l.kept = strings.Builder{}
		l.kept.Grow(min(len(raw)+len(l.data)-l.pos, sharedText))
	}
	from := l.kept.Len()
	l.kept.Write(raw)
	return l.kept.String()[from:]
}

// sharedText is how many bytes the strings of a body share. One
// allocation then serves many of them, and a string that is kept for long holds
// no more than this.
const sharedText = 4096

// rawString reads a string, its quote being next. The bytes are valid until
// the next one is read.
func (l *jsonLexer) rawString() ([]byte, error) {
	l.pos++
	start, wide := l.pos, false
	for i := jsontext.Plain(l.data, start); i < len(l.data); i = jsontext.Plain(l.data, i) {
		switch c := l.data[i]; {
		case c == '"':
			l.pos = i + 1
			raw := l.data[start:i]
			if wide && !utf8.Valid(raw) {
				return nil, errJSONSyntax
			}
			return raw, nil
		case c == '\\':
			l.pos = i
			return l.escapedString(start)
		case c < ' ':
			return nil, errJSONSyntax
		}
		wide = true
		for i < len(l.data) && l.data[i] >= utf8.RuneSelf {
			i++
		}
	}
	return nil, errJSONSyntax
}

// escapedString goes on with a string that began at start and has its first
// escape at l.pos.
func (l *jsonLexer) escapedString(start int) ([]byte, error) {
	out := append(l.scratch[:0], l.data[start:l.pos]...)
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		switch {
		case c == '"':
			l.scratch = out
			if !utf8.Valid(out) {
				return nil, errJSONSyntax
			}
			return out, nil
		case c < ' ':
			return nil, errJSONSyntax
		case c != '\\':
			out = append(out, c)
			continue
		}
		c = l.peek()
		l.pos++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := l.hex4()
			if err != nil {
				return nil, err
			}
			if utf16.IsSurrogate(r) {
				r = l.secondHalf(r)
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, errJSONSyntax
		}
	}
	return nil, errJSONSyntax
}

// secondHalf joins a surrogate with the escape that follows; one without its
// other half becomes U+FFFD.
func (l *jsonLexer) secondHalf(first rune) rune {
	if len(l.data)-l.pos < 6 || l.data[l.pos] != '\\' || l.data[l.pos+1] != 'u' {
		return utf8.RuneError
	}
	at := l.pos
	l.pos += 2
	second, err := l.hex4()
	if err == nil {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return r
		}
	}
	l.pos = at
	return utf8.RuneError
}

// hex4 reads the four digits of a \u escape.
func (l *jsonLexer) hex4() (rune, error) {
	if len(l.data)-l.pos < 4 {
		return 0, errJSONSyntax
	}
	v, err := strconv.ParseUint(string(l.data[l.pos:l.pos+4]), 16, 16)
	if err != nil {
		return 0, errJSONSyntax
	}
	l.pos += 4
	return rune(v), nil
}

// skip steps over a value of any kind.
func (l *jsonLexer) skip() error {
	switch c := l.space(); c {
	case '{':
		if err := l.open(); err != nil {
			return err
		}
		for first := true; ; first = false {
			more, err := l.next('}', first)
			if err != nil || !more {
				return err
			}
			if _, err := l.key(); err != nil {
				return err
			}
			if err := l.skip(); err != nil {
				return err
			}
		}
	case '[':
		if err := l.open(); err != nil {
			return err
		}
		for first := true; ; first = false {
			more, err := l.next(']', first)
			if err != nil || !more {
				return err
			}
			if err := l.skip(); err != nil {
				return err
			}
		}
	case '"':
		_, err := l.rawString()
		return err
	case 't':
		return l.literal("true")
	case 'f':
		return l.literal("false")
	case 'n':
		return l.literal("null")
	}
	_, err := l.number()
	return err
}
