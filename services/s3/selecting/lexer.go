package selecting

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is a kind of token, named as AWS's messages name it.
type kind string

const (
	endOfInput       kind = "EOF"
	keyword          kind = "KEYWORD"
	identifier       kind = "IDENTIFIER"
	quotedIdentifier kind = "QUOTED_IDENTIFIER"
	literalText      kind = "LITERAL" // a string or a number, by text
	ionLiteral       kind = "ION_LITERAL"
	operator         kind = "OPERATOR"
	dot              kind = "DOT"
	comma            kind = "COMMA"
	star             kind = "STAR"
	leftParen        kind = "LEFT_PAREN"
	rightParen       kind = "RIGHT_PAREN"
	leftBracket      kind = "LEFT_BRACKET"
	rightBracket     kind = "RIGHT_BRACKET"
	semicolon        kind = "SEMICOLON"
)

// token is one token. The text of keywords is in lower case, that of strings
// and quoted identifiers without quotes.
type token struct {
	kind
	text     string
	number   bool // a literal that is a number
	position position
}

func (t token) is(k kind, text string) bool { return t.kind == k && t.text == text }

// String is the token as messages show it.
func (t token) String() string {
	if t.kind == endOfInput {
		return string(endOfInput)
	}
	return string(t.kind) + ":'" + t.text + "'"
}

// reserved are the words that are no identifiers unless they are quoted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-keyword-list.html
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(`absolute action add all allocate alter and any are as asc assertion at
		authorization avg bag begin between bit bit_length blob bool boolean both by cascade cascaded case cast catalog
		char char_length character character_length check clob close coalesce collate collation column commit connect
		connection constraint constraints continue convert corresponding count create cross current current_date
		current_time current_timestamp current_user cursor date day deallocate dec decimal declare default deferrable
		deferred delete desc describe descriptor diagnostics disconnect distinct domain double drop else end end-exec
		escape except exception exec execute exists external extract false fetch first float for foreign found from full
		get global go goto grant group having hour identity immediate in indicator initially inner input insensitive
		insert int integer intersect interval into is isolation join key language last leading left level like limit list
		local lower match max min minute missing module month names national natural nchar next no not null nullif
		numeric octet_length of on only open option or order outer output overlaps pad partial pivot position precision
		prepare preserve primary prior privileges procedure public read real references relative restrict revoke right
		rollback rows schema scroll second section select session session_user set sexp size smallint some space sql
		sqlcode sqlerror sqlstate string struct substring sum symbol system_user table temporary then time timestamp
		timezone_hour timezone_minute to trailing transaction translate translation trim true tuple union unique unknown
		unpivot update upper usage user using value values varchar varying view when whenever where with work write year
		zone`) {
		words[w] = true
	}
	return words
}()

// operators are those of more than one character first.
var operators = []string{"<=", ">=", "<>", "!=", "||", "<", ">", "=", "+", "-", "/", "%"}

var punctuation = map[byte]kind{
	'.': dot, ',': comma, '*': star, '(': leftParen, ')': rightParen, '[': leftBracket, ']': rightBracket, ';': semicolon,
}

// tokens are the tokens of an expression, the last of them the end of input.
func tokens(s string) ([]token, error) {
	if !utf8.ValidString(s) {
		return nil, fail("LexerInvalidChar", "The SQL expression contains a character that is not valid.")
	}
	l := &lexer{rest: s, at: position{1, 1}}
	var all []token
	for {
		if err := l.space(); err != nil {
			return nil, err
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
		if t.kind == endOfInput {
			return all, nil
		}
	}
}

type lexer struct {
	rest string
	at   position
}

// take moves past n bytes and returns them.
func (l *lexer) take(n int) string {
	taken := l.rest[:n]
	l.rest = l.rest[n:]
	for _, r := range taken {
		if l.at.column++; r == '\n' {
			l.at = position{l.at.line + 1, 1}
		}
	}
	return taken
}

// space moves past white space and comments.
func (l *lexer) space() error {
	for l.rest != "" {
		switch r, size := utf8.DecodeRuneInString(l.rest); {
		case unicode.IsSpace(r):
			l.take(size)
		case strings.HasPrefix(l.rest, "--"):
			end := strings.IndexByte(l.rest, '\n')
			if end < 0 {
				end = len(l.rest)
			}
			l.take(end)
		case strings.HasPrefix(l.rest, "/*"):
			end := strings.Index(l.rest, "*/")
			if end < 0 {
				return fail("LexerInvalidChar", "Unterminated comment %s.", l.at)
			}
			l.take(end + 2)
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) next() (token, error) {
	t := token{position: l.at}
	if l.rest == "" {
		t.kind = endOfInput
		return t, nil
	}
	c := l.rest[0]
	switch {
	case c == '\'' || c == '"' || c == '`':
		return l.quoted(t, c)
	case c >= '0' && c <= '9' || c == '.' && len(l.rest) > 1 && l.rest[1] >= '0' && l.rest[1] <= '9':
		t.kind, t.number = literalText, true
		t.text = l.take(numberLength(l.rest))
		if r, _ := utf8.DecodeRuneInString(l.rest); l.rest != "" && wordRune(r) {
			return t, fail("LexerInvalidLiteral", "Invalid literal %s.", t.position)
		}
		return t, nil
	}
	if k, ok := punctuation[c]; ok {
		t.kind, t.text = k, l.take(1)
		return t, nil
	}
	for _, o := range operators {
		if strings.HasPrefix(l.rest, o) {
			t.kind, t.text = operator, l.take(len(o))
			return t, nil
		}
	}
	if n := strings.IndexFunc(l.rest, func(r rune) bool { return !wordRune(r) }); n != 0 {
		if n < 0 {
			n = len(l.rest)
		}
		t.kind, t.text = identifier, l.take(n)
		if w := strings.ToLower(t.text); reserved[w] {
			t.kind, t.text = keyword, w
		}
		return t, nil
	}
	return t, fail("LexerInvalidChar", "Invalid character %s.", t.position)
}

func wordRune(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// quoted reads what is between quotes; two of them are one within.
func (l *lexer) quoted(t token, quote byte) (token, error) {
	t.kind = map[byte]kind{'\'': literalText, '"': quotedIdentifier, '`': ionLiteral}[quote]
	var text strings.Builder
	for l.take(1); ; l.take(1) {
		end := strings.IndexByte(l.rest, quote)
		if end < 0 {
			return t, fail("LexerInvalidChar", "Unterminated %s %s.", t.kind, t.position)
		}
		text.WriteString(l.take(end))
		if l.take(1); l.rest == "" || l.rest[0] != quote {
			t.text = text.String()
			return t, nil
		}
		text.WriteByte(quote)
	}
}

// numberLength is the length of the number that s begins with.
func numberLength(s string) int {
	digits := func(i int) int {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i
	}
	n := digits(0)
	if n < len(s) && s[n] == '.' {
		n = digits(n + 1)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		exponent := n + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		if end := digits(exponent); end > exponent {
			return end
		}
	}
	return n
}
