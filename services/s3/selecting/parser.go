package selecting

import (
	"strconv"
	"strings"
)

// maxDepth bounds how deep expressions are nested, and maxOperators how many
// operators an expression has.
const (
	maxDepth     = 200
	maxOperators = 10_000
)

// Parse reads an expression.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html
func Parse(sql string) (*Query, error) {
	if len(sql) > MaxExpression {
		return nil, fail("ExpressionTooLong", "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.")
	}
	all, err := tokens(sql)
	if err != nil {
		return nil, err
	}
	p := &parser{rest: all, query: &Query{limit: -1}}
	if err := p.statement(); err != nil {
		return nil, err
	}
	return p.query, nil
}

type parser struct {
	rest  []token
	query *Query

	depth, operators int
	// outside is how many references are not within an aggregate.
	outside int
}

func (p *parser) peek() token { return p.rest[0] }

func (p *parser) next() token {
	t := p.rest[0]
	if t.kind != endOfInput {
		p.rest = p.rest[1:]
	}
	return t
}

// accept takes the next token when it is this one.
func (p *parser) accept(k kind, text string) bool {
	if p.peek().is(k, text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) keyword(word string) bool { return p.accept(keyword, word) }

func (p *parser) expect(k kind, text, code string) error {
	if t := p.peek(); !t.is(k, text) {
		return fail(code, "Expected token %s, found %s %s.", k, t, t.position)
	}
	p.next()
	return nil
}

func (p *parser) expectKeyword(word string) error {
	if t := p.peek(); !t.is(keyword, word) {
		return fail("ParseExpectedKeyword", "Expected keyword %s, found %s %s.", strings.ToUpper(word), t, t.position)
	}
	p.next()
	return nil
}

// unexpected is the error of a token that cannot stand where it does.
func unexpected(t token) error {
	switch t.kind {
	case keyword:
		return fail("ParseUnExpectedKeyword", "Unexpected keyword %s %s.", t, t.position)
	case operator:
		return fail("ParseUnexpectedOperator", "Unexpected operator %s %s.", t, t.position)
	case comma, dot, star, leftBracket, rightBracket, rightParen:
		return fail("ParseUnexpectedTerm", "Unexpected term found %s %s.", t, t.position)
	}
	return fail("ParseUnexpectedToken", "Unexpected token found %s %s.", t, t.position)
}

// statement reads SELECT items FROM table WHERE condition LIMIT number.
func (p *parser) statement() error {
	if t := p.peek(); !t.is(keyword, "select") {
		return fail("ParseUnsupportedSyntax", "Unsupported syntax: only SELECT is supported, found %s %s.", t, t.position)
	}
	p.next()
	if t := p.peek(); t.is(keyword, "distinct") || t.is(keyword, "all") {
		return fail("ParseUnsupportedSelect", "Unsupported use of SELECT %s.", t.position)
	}
	// The table's name is known only behind the items that use it.
	items := p.rest
	if err := p.skipItems(); err != nil {
		return err
	}
	if err := p.from(); err != nil {
		return err
	}
	behind := p.rest
	p.rest = items
	if err := p.items(); err != nil {
		return err
	}
	p.rest = behind
	return p.clauses()
}

// skipItems moves to FROM, over those that functions have.
func (p *parser) skipItems() error {
	if p.peek().is(keyword, "from") {
		return fail("ParseEmptySelect", "Empty SELECT list %s.", p.peek().position)
	}
	for open := 0; ; p.next() {
		switch t := p.peek(); {
		case t.kind == leftParen:
			open++
		case t.kind == rightParen:
			open--
		case t.is(keyword, "from") && open == 0:
			return nil
		case t.kind == endOfInput:
			return fail("ParseSelectMissingFrom", "Missing FROM after SELECT list %s.", t.position)
		}
	}
}

// from reads FROM S3Object[*].path AS alias.
func (p *parser) from() error {
	p.next() // FROM
	name := p.next()
	if (name.kind != identifier && name.kind != quotedIdentifier) || !strings.EqualFold(name.text, "s3object") {
		return fail("InvalidDataSource", "Invalid data source %s. Only S3Object is supported %s.", name, name.position)
	}
	p.query.table = step{name: "s3object"}
	path, err := p.path(true)
	if err != nil {
		return err
	}
	// The object is a list of root values, whether that is said or not.
	if len(path) > 0 {
		if !path[0].all {
			return fail("InvalidTableAlias", "Invalid table alias is specified %s. Please check the file and try again.", path[0].position)
		}
		path = path[1:]
	}
	p.query.path = path
	if n := len(path); n > 0 {
		// Without an alias rows are called by the last name of their path.
		p.query.table = path[n-1]
		if p.query.table.name == "" {
			p.query.table = step{name: "_1"}
		}
	}
	as := p.keyword("as")
	switch t := p.peek(); {
	case t.kind == identifier || t.kind == quotedIdentifier:
		p.next()
		p.query.table = step{name: t.text, quoted: t.kind == quotedIdentifier}
	case as:
		return fail("ParseExpectedIdentForAlias", "Expected identifier for alias %s.", t.position)
	}
	switch t := p.peek(); {
	case t.kind == comma || t.is(keyword, "join") || t.is(keyword, "inner") || t.is(keyword, "left") || t.is(keyword, "cross"):
		return fail("ParseMalformedJoin", "JOIN is not supported in the SQL expression %s.", t.position)
	case t.is(keyword, "at"):
		return fail("ParseUnsupportedSyntax", "Unsupported syntax %s.", t.position)
	}
	return nil
}

// items reads what is selected.
func (p *parser) items() error {
	if p.accept(star, "*") {
		if t := p.peek(); !t.is(keyword, "from") {
			return fail("ParseAsteriskIsNotAloneInSelectList", "Other expressions are not allowed in the SELECT list when '*' is used without dot notation %s.", t.position)
		}
		return nil
	}
	for {
		if p.peek().kind == star {
			return fail("ParseAsteriskIsNotAloneInSelectList", "Other expressions are not allowed in the SELECT list when '*' is used without dot notation %s.", p.peek().position)
		}
		everything, err := p.tableStar()
		if err != nil || everything {
			return err
		}
		if err := p.item(); err != nil {
			return err
		}
		if t := p.next(); t.is(keyword, "from") {
			return p.checkAggregates()
		} else if t.kind != comma {
			return unexpected(t)
		}
	}
}

// tableStar takes "alias.*", which selects everything and has to be alone.
func (p *parser) tableStar() (bool, error) {
	t := p.peek()
	if len(p.rest) < 4 || t.kind != identifier && t.kind != quotedIdentifier || !p.query.isTable(t.text) || p.rest[1].kind != dot || p.rest[2].kind != star {
		return false, nil
	}
	if len(p.query.items) > 0 || !p.rest[3].is(keyword, "from") {
		return false, fail("ParseInvalidContextForWildcardInSelectList", "Invalid use of * in select list %s.", p.rest[2].position)
	}
	p.rest = p.rest[3:]
	return true, nil
}

// item reads one expression with its name.
func (p *parser) item() error {
	e, err := p.expression()
	if err != nil {
		return err
	}
	it := item{value: e, name: "_" + strconv.Itoa(len(p.query.items)+1)}
	if r, ok := e.(*reference); ok && len(r.steps) > 0 && r.steps[len(r.steps)-1].name != "" {
		it.name = r.steps[len(r.steps)-1].name
	}
	as := p.keyword("as")
	switch t := p.peek(); {
	case t.kind == identifier || t.kind == quotedIdentifier:
		it.name = p.next().text
	case as:
		return fail("ParseExpectedIdentForAlias", "Expected identifier for alias %s.", t.position)
	}
	p.query.items = append(p.query.items, it)
	return nil
}

// checkAggregates says that columns are only within aggregates where there are
// any: there are no groups.
func (p *parser) checkAggregates() error {
	if len(p.query.aggregates) > 0 && p.outside > 0 {
		return fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference.")
	}
	return nil
}

// clauses reads what is behind FROM.
func (p *parser) clauses() (err error) {
	if p.keyword("where") {
		aggregates := len(p.query.aggregates)
		if p.query.where, err = p.expression(); err != nil {
			return err
		}
		if len(p.query.aggregates) > aggregates {
			return fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference.")
		}
	}
	if t := p.peek(); t.is(keyword, "group") || t.is(keyword, "order") || t.is(keyword, "having") {
		return fail("UnsupportedSyntax", "We encountered syntax that is not valid: %s %s.", t, t.position)
	}
	if p.keyword("limit") {
		t := p.next()
		if t.is(operator, "-") && p.peek().number {
			return fail("EvaluatorNegativeLimit", "LIMIT must not be negative.")
		}
		n, err := strconv.ParseInt(t.text, 10, 64)
		if t.kind != literalText || !t.number || err != nil {
			return fail("ParseExpectedNumber", "Expected number, found %s %s.", t, t.position)
		}
		p.query.limit = n
	}
	p.accept(semicolon, ";")
	if t := p.peek(); t.kind != endOfInput {
		return unexpected(t)
	}
	return nil
}

// path reads the steps of a path. In FROM all members and elements can be meant.
func (p *parser) path(wildcards bool) ([]step, error) {
	var steps []step
	for {
		at := p.peek()
		switch {
		case p.accept(dot, "."):
			t := p.next()
			switch {
			case t.kind == identifier || t.kind == quotedIdentifier:
				steps = append(steps, step{name: t.text, quoted: t.kind == quotedIdentifier, position: t.position})
			case t.kind == star && wildcards:
				steps = append(steps, step{all: true, position: t.position})
			default:
				return nil, fail("ParseInvalidPathComponent", "Invalid Path component, expecting either an IDENTIFIER or STAR, got: %s,%s.", t.kind, t.position)
			}
		case p.accept(leftBracket, "["):
			t := p.next()
			s := step{position: at.position}
			index, err := strconv.Atoi(t.text)
			switch {
			case t.kind == star && wildcards:
				s.all = true
			case t.kind == literalText && t.number && err == nil:
				s.index = index
			case t.kind == literalText && !t.number && t.text != "":
				s.name, s.quoted = t.text, true
			default:
				return nil, fail("ParseInvalidPathComponent", "Invalid Path component, expecting either an IDENTIFIER or STAR, got: %s,%s.", t.kind, t.position)
			}
			if err := p.expect(rightBracket, "]", "ParseExpectedTokenType"); err != nil {
				return nil, err
			}
			steps = append(steps, s)
		default:
			return steps, nil
		}
	}
}
