package partiql

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEOF    tokenKind = iota
	tokenWord             // a keyword or a name
	tokenQuoted           // a name in double quotes
	tokenString
	tokenNumber
	tokenIon // a literal in backquotes
	tokenParameter
	tokenSymbol
)

// token is a part of a statement. The text of quoted ones has no quotes.
type token struct {
	kind tokenKind
	text string
	at   position
}

// word says whether t is the keyword, in any case.
func (t token) word(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

func (t token) symbol(text string) bool { return t.kind == tokenSymbol && t.text == text }

// name says whether t can be a name.
func (t token) name() bool {
	return t.kind == tokenQuoted || t.kind == tokenWord && !reserved[strings.ToUpper(t.text)]
}

// reserved are the words that no unquoted name can be.
var reserved = words(`ALL AND ANY AS ASC AT BETWEEN BY CASE CREATE CROSS DELETE DESC DISTINCT DROP ELSE END EXCEPT
	FALSE FROM FULL GROUP HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LIMIT MISSING NOT NULL ON OR ORDER OUTER
	PIVOT REMOVE RETURNING RIGHT SELECT SET THEN TRUE UNION UNPIVOT UPDATE VALUE VALUES WHEN WHERE`)

func words(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(text) {
		out[w] = true
	}
	return out
}

// lexer splits a text into tokens.
type lexer struct {
	text         string
	at           int // in text
	line, column int // of at
}

// lex gives the tokens of a text, the last of which is tokenEOF.
func lex(text string) ([]token, error) {
	l := lexer{text: text, line: 1, column: 1}
	tokens := make([]token, 0, len(text)/4+2)
	for {
		if err := l.skip(); err != nil {
			return nil, err
		}
		start := position{line: l.line, column: l.column}
		if l.at == len(l.text) {
			return append(tokens, token{kind: tokenEOF, at: start}), nil
		}
		from := l.at
		t, n, err := lexOne(l.text[from:])
		if err != nil {
			return nil, err
		}
		l.advance(n)
		t.at = start
		t.at.length = utf8.RuneCountInString(l.text[from:l.at])
		tokens = append(tokens, t)
	}
}

// advance passes over n bytes.
func (l *lexer) advance(n int) {
	for _, r := range l.text[l.at : l.at+n] {
		if l.column++; r == '\n' {
			l.line, l.column = l.line+1, 1
		}
	}
	l.at += n
}

// skip passes over white space and comments.
func (l *lexer) skip() error {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\v\f", rest[0]) >= 0:
			l.advance(1)
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.advance(n)
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return errMalformed("")
			}
			l.advance(n + 4)
		default:
			return nil
		}
	}
	return nil
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// symbols are the tokens of punctuation, those that begin with others first.
var symbols = []string{"<<", ">>", "<=", ">=", "<>", "!=", "||", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", ";", "*", "+", "-", "/", "%"}

// lexOne is the token that s begins with, and how many bytes it takes.
func lexOne(s string) (token, int, error) {
	switch c := s[0]; {
	case letter(c):
		n := 1
		for n < len(s) && (letter(s[n]) || digit(s[n])) {
			n++
		}
		return token{kind: tokenWord, text: s[:n]}, n, nil
	case digit(c), c == '.' && len(s) > 1 && digit(s[1]):
		n, err := numberEnd(s)
		return token{kind: tokenNumber, text: s[:n]}, n, err
	case c == '\'':
		return quoted(s, tokenString)
	case c == '"':
		return quoted(s, tokenQuoted)
	case c == '`':
		return quoted(s, tokenIon)
	case c == '?':
		return token{kind: tokenParameter, text: "?"}, 1, nil
	}
	for _, symbol := range symbols {
		if strings.HasPrefix(s, symbol) {
			return token{kind: tokenSymbol, text: symbol}, len(symbol), nil
		}
	}
	return token{}, 0, errMalformed("")
}

// quoted reads what is between quotes, of which two stand for one.
func quoted(s string, kind tokenKind) (token, int, error) {
	quote := s[:1]
	for n := 1; ; {
		i := strings.Index(s[n:], quote)
		if i < 0 {
			return token{}, 0, errMalformed("")
		}
		n += i + 1
		if strings.HasPrefix(s[n:], quote) {
			n++
			continue
		}
		return token{kind: kind, text: strings.ReplaceAll(s[1:n-1], quote+quote, quote)}, n, nil
	}
}

// numberEnd is how many bytes of s are a number. Its exponent, and the digits that
// it has behind the point less that, must be 32-bit integers.
func numberEnd(s string) (int, error) {
	digits := func(n int) int {
		for n < len(s) && digit(s[n]) {
			n++
		}
		return n
	}
	n, places := digits(0), 0
	if n < len(s) && s[n] == '.' {
		end := digits(n + 1)
		places, n = end-n-1, end
	}
	if n == len(s) || s[n]|0x20 != 'e' {
		return n, nil
	}
	e := n + 1
	if e < len(s) && (s[e] == '+' || s[e] == '-') {
		e++
	}
	end := digits(e)
	if end == e {
		return n, nil // a word follows
	}
	exponent, err := strconv.ParseInt(s[n+1:end], 10, 32)
	if scale := int64(places) - exponent; err != nil || scale > math.MaxInt32 || scale < math.MinInt32 {
		return 0, errMalformed("")
	}
	return end, nil
}
