package expression

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEOF        tokenKind = iota
	tokenIdentifier           // an attribute, a function or a keyword
	tokenName                 // #placeholder
	tokenValue                // :placeholder
	tokenInteger
	tokenSymbol
	tokenInvalid // what no expression can have
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // in the expression
}

// keyword says whether t is the keyword, in any case.
func (t token) keyword(word string) bool {
	return t.kind == tokenIdentifier && strings.EqualFold(t.text, word)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func word(c byte) bool   { return letter(c) || digit(c) || c == '_' }

// lex splits text into tokens, the last of which is tokenEOF.
func lex(text string) []token {
	tokens := make([]token, 0, len(text)/3+2)
	for i := 0; i < len(text); {
		c := text[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			i++
			continue
		}
		kind, n := lexOne(text[i:])
		tokens = append(tokens, token{kind: kind, text: text[i : i+n], start: i, end: i + n})
		i += n
	}
	return append(tokens, token{kind: tokenEOF, text: "<EOF>", start: len(text), end: len(text)})
}

// lexOne is the kind and the length of the token that s begins with.
func lexOne(s string) (tokenKind, int) {
	run := func(from int, in func(byte) bool) int {
		for from < len(s) && in(s[from]) {
			from++
		}
		return from
	}
	switch c := s[0]; {
	case letter(c):
		return tokenIdentifier, run(1, word)
	case digit(c):
		return tokenInteger, run(1, digit)
	case c == '#' || c == ':':
		n := run(1, word)
		switch {
		case n == 1:
			return tokenInvalid, 1
		case c == '#':
			return tokenName, n
		}
		return tokenValue, n
	case strings.HasPrefix(s, "<="), strings.HasPrefix(s, ">="), strings.HasPrefix(s, "<>"):
		return tokenSymbol, 2
	case strings.IndexByte("=<>()[],.+-", c) >= 0:
		return tokenSymbol, 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return tokenInvalid, n
}
