package selecting

import (
	"strings"
)

// levels are the binary operators, those that bind least first. Comparisons
// and what is like them are between the second and the third.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-operators.html
var levels = [][]string{{"||"}, {"+", "-"}, {"*", "/", "%"}}

// expression reads OR, and what binds more.
func (p *parser) expression() (expression, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fail("MaxOperatorsExceeded", "Failed to parse SQL expression, try reducing complexity. For example, reduce number of operators used.")
	}
	defer func() { p.depth-- }()
	return p.chain("or", func() (expression, error) { return p.chain("and", p.negation) })
}

// chain reads operands with AND or OR between them.
func (p *parser) chain(word string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for err == nil && p.keyword(word) {
		var right expression
		if right, err = operand(); err == nil {
			left, err = logic{word == "or", left, right}, p.count()
		}
	}
	return left, err
}

// count counts an operator.
func (p *parser) count() error {
	if p.operators++; p.operators > maxOperators {
		return fail("MaxOperatorsExceeded", "Failed to parse SQL expression, try reducing complexity. For example, reduce number of operators used.")
	}
	return nil
}

func (p *parser) negation() (expression, error) {
	negative := false
	for p.keyword("not") {
		negative = !negative
	}
	e, err := p.comparison()
	if err == nil && negative {
		e = not{e}
	}
	return e, err
}

// comparison reads comparisons, IS, IN, BETWEEN and LIKE.
func (p *parser) comparison() (expression, error) {
	left, err := p.binary(0)
	for err == nil {
		t := p.peek()
		switch {
		case t.kind == operator && strings.Contains("= <> != < <= > >=", t.text):
			p.next()
			var right expression
			if right, err = p.binary(0); err == nil {
				left, err = comparison{t.text, left, right}, p.count()
			}
		case t.is(keyword, "is"):
			left, err = p.existence(left)
		case t.is(keyword, "not") || t.is(keyword, "in") || t.is(keyword, "between") || t.is(keyword, "like"):
			negative := p.keyword("not")
			if left, err = p.predicate(left); err == nil && negative {
				left = not{left}
			}
		default:
			return left, nil
		}
	}
	return nil, err
}

// existence reads IS [NOT] NULL and IS [NOT] MISSING.
func (p *parser) existence(of expression) (expression, error) {
	p.next()
	negative := p.keyword("not")
	var e expression
	switch t := p.next(); {
	case t.is(keyword, "null"):
		e = existence{of, false}
	case t.is(keyword, "missing"):
		e = existence{of, true}
	default:
		return nil, fail("ParseExpectedTypeName", "Expected type name, found %s %s.", t, t.position)
	}
	if negative {
		e = not{e}
	}
	return e, nil
}

// predicate reads IN, BETWEEN and LIKE.
func (p *parser) predicate(left expression) (expression, error) {
	switch t := p.next(); {
	case t.is(keyword, "in"):
		if err := p.expect(leftParen, "(", "ParseExpectedLeftParenValueConstructor"); err != nil {
			return nil, err
		}
		of, err := p.arguments()
		return membership{left, of}, err
	case t.is(keyword, "between"):
		low, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		if err := p.expectKeyword("and"); err != nil {
			return nil, err
		}
		high, err := p.binary(0)
		return between{left, low, high}, err
	case t.is(keyword, "like"):
		pattern, err := p.binary(0)
		if err != nil || !p.keyword("escape") {
			return &likeness{value: left, pattern: pattern}, err
		}
		escape, err := p.binary(0)
		return &likeness{value: left, pattern: pattern, escape: escape}, err
	default:
		return nil, unexpected(t)
	}
}

// binary reads operators of a level, and what binds more.
func (p *parser) binary(level int) (expression, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	for err == nil {
		t := p.peek()
		if !contains(levels[level], t) {
			return left, nil
		}
		p.next()
		right, failure := p.binary(level + 1)
		if err = failure; err != nil {
			break
		}
		if err = p.count(); t.text == "||" {
			left = concatenation{left, right}
		} else {
			left = arithmetic{t.text[0], left, right}
		}
	}
	return left, err
}

func contains(level []string, t token) bool {
	if t.kind != operator && t.kind != star {
		return false
	}
	for _, o := range level {
		if o == t.text {
			return true
		}
	}
	return false
}

func (p *parser) unary() (expression, error) {
	negative := false
	for {
		if p.accept(operator, "-") {
			negative = !negative
		} else if !p.accept(operator, "+") {
			break
		}
	}
	// The least integer is not the negative of one.
	if t := p.peek(); negative && t.kind == literalText && t.number {
		if v, ok := parseNumber("-" + t.text); ok {
			p.next()
			return literal{v}, nil
		}
	}
	e, err := p.primary()
	if err == nil && negative {
		e = arithmetic{'-', literal{intOf(0)}, e}
	}
	return e, err
}

// primary reads literals, references, calls and what is in parentheses.
func (p *parser) primary() (expression, error) {
	t := p.peek()
	switch {
	case t.kind == literalText:
		p.next()
		if !t.number {
			return literal{textOf(t.text)}, nil
		}
		v, ok := parseNumber(t.text)
		if !ok {
			return nil, fail("LexerInvalidLiteral", "Invalid literal %s.", t.position)
		}
		if strings.ContainsAny(v.s, "eE") {
			v.s = "" // it is shown without exponent
		}
		return literal{v}, nil
	case t.kind == ionLiteral:
		p.next()
		return ion(t)
	case t.kind == leftParen:
		p.next()
		if p.peek().is(keyword, "select") {
			return nil, fail("ParseUnsupportedSelect", "Unsupported use of SELECT %s.", p.peek().position)
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		return e, p.expect(rightParen, ")", "ParseExpectedTokenType")
	case t.kind == keyword:
		return p.word()
	case t.kind == identifier && p.rest[1].kind == leftParen:
		return p.call()
	case t.kind == identifier || t.kind == quotedIdentifier:
		return p.reference()
	}
	return nil, unexpected(t)
}

// ion reads a literal of the Ion data format, as far as it is a scalar.
func ion(t token) (expression, error) {
	s := strings.TrimSpace(t.text)
	if v, ok := parseTimestamp(s); ok {
		return literal{timeOf(v)}, nil
	}
	if v, ok := parseNumber(s); ok {
		return literal{v}, nil
	}
	switch strings.ToLower(s) {
	case "true", "false":
		return literal{boolOf(strings.EqualFold(s, "true"))}, nil
	case "null":
		return literal{value{typ: null}}, nil
	}
	if len(s) >= 2 && s[0] == '"' && strings.IndexByte(s[1:], '"') == len(s)-2 {
		return literal{textOf(s[1 : len(s)-1])}, nil
	}
	return nil, fail("LexerInvalidIONLiteral", "Invalid ION literal %s.", t.position)
}

// reference reads a path that begins with a column, or with the table's name.
func (p *parser) reference() (expression, error) {
	t := p.next()
	steps, err := p.path(false)
	if err != nil {
		return nil, err
	}
	first := step{name: t.text, quoted: t.kind == quotedIdentifier, position: t.position}
	r := &reference{steps: append([]step{first}, steps...), column: -1}
	p.query.refs = append(p.query.refs, r)
	p.outside++
	return r, nil
}
