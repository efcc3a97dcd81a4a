package selecting

import (
	"strconv"
	"strings"
)

// word reads an expression that begins with a keyword.
func (p *parser) word() (expression, error) {
	switch t := p.peek(); t.text {
	case "true", "false":
		p.next()
		return literal{boolOf(t.text == "true")}, nil
	case "null":
		p.next()
		return literal{value{typ: null}}, nil
	case "missing":
		p.next()
		return literal{}, nil
	case "case":
		return p.choice()
	case "cast":
		return p.cast()
	case "count", "sum", "avg", "min", "max":
		return p.aggregate()
	case "substring":
		return p.substring()
	case "trim":
		return p.trim()
	case "extract":
		return p.extract()
	case "coalesce", "nullif", "char_length", "character_length", "lower", "upper":
		return p.call()
	}
	return nil, unexpected(p.peek())
}

// open reads the name of a function and its left parenthesis.
func (p *parser) open() error {
	p.next()
	return p.expect(leftParen, "(", "ParseExpectedLeftParenBuiltinFunctionCall")
}

func (p *parser) close() error {
	return p.expect(rightParen, ")", "ParseExpectedRightParenBuiltinFunctionCall")
}

// arguments reads expressions up to the right parenthesis.
func (p *parser) arguments() ([]expression, error) {
	var all []expression
	for !p.accept(rightParen, ")") {
		if len(all) > 0 {
			if err := p.expect(comma, ",", "ParseExpectedArgumentDelimiter"); err != nil {
				return nil, err
			}
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// call reads a call of a function that has nothing but arguments.
func (p *parser) call() (expression, error) {
	t := p.peek()
	name := strings.ToLower(t.text)
	if name == "date_add" || name == "date_diff" {
		return p.date(name)
	}
	f, ok := functions[name]
	c := call{function: f}
	switch name {
	case "coalesce":
		c.function, c.nulls = function{1, maxOperators, coalesce}, true
	case "nullif":
		c.function, c.nulls = function{2, 2, nullIf}, true
	default:
		if !ok {
			return nil, fail("UnsupportedFunction", "Encountered an unsupported SQL function.")
		}
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	var err error
	if c.arguments, err = p.arguments(); err != nil {
		return nil, err
	}
	if n := len(c.arguments); n < c.min || n > c.max {
		return nil, errArguments()
	}
	return c, p.count()
}

func errArguments() error {
	return fail("EvaluatorInvalidArguments", "Incorrect number of arguments in the function call in the SQL expression.")
}

// aggregate reads COUNT and the others.
func (p *parser) aggregate() (expression, error) {
	t := p.peek()
	if err := p.open(); err != nil {
		return nil, err
	}
	a := &aggregate{name: t.text, number: len(p.query.aggregates)}
	if at := p.peek(); p.accept(star, "*") {
		if t.text != "count" {
			return nil, fail("ParseUnsupportedCallWithStar", "Only COUNT with (*) as a parameter is supported in the SQL expression %s.", at.position)
		}
		if err := p.close(); err != nil {
			return nil, err
		}
		p.query.aggregates = append(p.query.aggregates, a)
		return a, nil
	}
	outside := p.outside
	arguments, err := p.arguments()
	if err != nil {
		return nil, err
	}
	p.outside = outside
	if len(arguments) != 1 {
		return nil, fail("ParseNonUnaryAgregateFunctionCall", "Only one argument is supported for aggregate functions in the SQL expression %s.", t.position)
	}
	if len(p.query.aggregates) > a.number {
		return nil, fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference.")
	}
	a.of = arguments[0]
	p.query.aggregates = append(p.query.aggregates, a)
	return a, nil
}

// choice reads CASE WHEN condition THEN value ELSE value END.
func (p *parser) choice() (expression, error) {
	p.next()
	c := choice{}
	var err error
	if !p.peek().is(keyword, "when") {
		if c.subject, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); !t.is(keyword, "when") {
		return nil, fail("ParseExpectedWhenClause", "Expected WHEN clause %s.", t.position)
	}
	for p.keyword("when") {
		when, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectKeyword("then"); err != nil {
			return nil, err
		}
		then, err := p.expression()
		if err != nil {
			return nil, err
		}
		c.conditions, c.results = append(c.conditions, when), append(c.results, then)
	}
	if p.keyword("else") {
		if c.otherwise, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return c, p.expectKeyword("end")
}

// cast reads CAST(value AS type).
func (p *parser) cast() (expression, error) {
	p.next()
	if err := p.expect(leftParen, "(", "ParseExpectedLeftParenAfterCast"); err != nil {
		return nil, err
	}
	of, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.keyword("as") {
		return nil, fail("ParseCastArity", "The SQL expression CAST has incorrect arity %s.", p.peek().position)
	}
	t := p.next()
	to, ok := types[strings.ToLower(t.text)]
	if !ok || t.kind != keyword && t.kind != identifier {
		if t.kind == keyword {
			return nil, fail("InvalidDataType", "The SQL expression contains a data type that is not valid.")
		}
		return nil, fail("ParseExpectedTypeName", "Expected type name, found %s %s.", t, t.position)
	}
	c := conversion{of, to, -1}
	if p.accept(leftParen, "(") {
		if c.scale, err = p.typeParameters(to); err != nil {
			return nil, err
		}
	}
	return c, p.expect(rightParen, ")", "ParseExpectedRightParenBuiltinFunctionCall")
}

// typeParameters reads the precision and scale of a decimal, or the length of
// a string, which changes nothing.
func (p *parser) typeParameters(to typ) (scale int, err error) {
	numbers := []int{}
	for {
		t := p.next()
		n, err := strconv.Atoi(t.text)
		if t.kind != literalText || !t.number || err != nil || n > precision && to == decimal {
			return 0, fail("ParseInvalidTypeParam", "Invalid parameter value in the SQL expression %s.", t.position)
		}
		if numbers = append(numbers, n); !p.accept(comma, ",") {
			break
		}
	}
	switch {
	case to == text && len(numbers) == 1:
		scale = -1
	case to == decimal && len(numbers) == 2 && numbers[1] <= numbers[0]:
		scale = numbers[1]
	case to == decimal && len(numbers) == 1:
	default:
		return 0, fail("ParseInvalidTypeParam", "Invalid parameter value in the SQL expression %s.", p.peek().position)
	}
	return scale, p.expect(rightParen, ")", "ParseExpectedTokenType")
}

// substring reads both of its forms: (text, from, length) and (text FROM from FOR length).
func (p *parser) substring() (expression, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	of, err := p.expression()
	if err != nil {
		return nil, err
	}
	c := call{function: function{2, 3, substring}, arguments: []expression{of}}
	between := [][2]token{{{kind: keyword, text: "from"}, {kind: comma, text: ","}}, {{kind: keyword, text: "for"}, {kind: comma, text: ","}}}
	for _, b := range between {
		if !p.accept(b[0].kind, b[0].text) && !p.accept(b[1].kind, b[1].text) {
			break
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		c.arguments = append(c.arguments, e)
	}
	if len(c.arguments) < c.min {
		return nil, fail("ParseExpectedArgumentDelimiter", "Expected argument delimiter %s.", p.peek().position)
	}
	return c, p.close()
}

// trim reads TRIM([LEADING|TRAILING|BOTH] [characters FROM] text).
func (p *parser) trim() (expression, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	leading, trailing := true, true
	switch {
	case p.keyword("leading"):
		trailing = false
	case p.keyword("trailing"):
		leading = false
	default:
		p.keyword("both")
	}
	var characters expression = literal{textOf(" ")}
	var of expression
	var err error
	if !p.peek().is(keyword, "from") {
		if of, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.keyword("from") {
		if of != nil {
			characters = of
		}
		if of, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return call{function: function{2, 2, trim(leading, trailing)}, arguments: []expression{of, characters}}, p.close()
}

// part reads the name of a date part.
func (p *parser) part() (part, error) {
	t := p.next()
	found := parts[strings.ToLower(t.text)]
	if found == noPart || t.kind != keyword && t.kind != identifier {
		return noPart, fail("ParseExpectedDatePart", "Expected date part, found %s %s.", t, t.position)
	}
	return found, nil
}

// extract reads EXTRACT(part FROM timestamp).
func (p *parser) extract() (expression, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	of, err := p.part()
	if err != nil {
		return nil, err
	}
	if err := p.expectKeyword("from"); err != nil {
		return nil, err
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	return call{function: function{1, 1, extract(of)}, arguments: []expression{e}}, p.close()
}

// date reads DATE_ADD and DATE_DIFF, whose first argument is a date part.
func (p *parser) date(name string) (expression, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	of, err := p.part()
	if err != nil {
		return nil, err
	}
	if of >= zoneHour {
		return nil, fail("ParseExpectedDatePart", "Expected date part %s.", p.peek().position)
	}
	if err := p.expect(comma, ",", "ParseExpectedArgumentDelimiter"); err != nil {
		return nil, err
	}
	arguments, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if len(arguments) != 2 {
		return nil, errArguments()
	}
	f := dateAdd(of)
	if name == "date_diff" {
		f = dateDiff(of)
	}
	return call{function: function{2, 2, f}, arguments: arguments}, nil
}
