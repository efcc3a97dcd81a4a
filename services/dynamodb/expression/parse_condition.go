package expression

import "slices"

// parseCondition reads a condition, a filter or a key condition.
func parseCondition(kind Kind, text string) (*parsedCondition, error) {
	var root condition
	p, err := parse(kind, text, func(p *parser) error {
		read, err := p.condition(false)
		root = p.whole(read.condition)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &parsedCondition{parsed: p.parsed, root: root}, nil
}

// reading is what was read, which in parentheses may turn out to be an operand
// of a condition that goes on behind them.
type reading struct {
	condition
	parens bool // they are around all of it
}

// isOperand says whether what was read can not be a condition.
func (r reading) isOperand() bool {
	switch r.condition.(type) {
	case *path, *value:
		return true
	}
	return false
}

// condition reads conditions joined by OR and AND, of which AND binds closer.
func (p *parser) condition(inParens bool) (reading, error) {
	return p.joined("OR", inParens, func(inParens bool) (reading, error) {
		return p.joined("AND", inParens, p.negation)
	})
}

// joined reads a condition, or several joined by the keyword.
func (p *parser) joined(keyword string, inParens bool, part func(inParens bool) (reading, error)) (reading, error) {
	a, err := part(inParens)
	for err == nil && p.peek().keyword(keyword) {
		p.at++
		p.operator()
		var b reading
		b, err = part(false)
		a = reading{condition: &logical{or: keyword == "OR", a: p.whole(a.condition), b: p.whole(b.condition)}}
	}
	return a, err
}

func (p *parser) negation(inParens bool) (reading, error) {
	if !p.peek().keyword("NOT") {
		return p.predicate(inParens)
	}
	p.at++
	p.operator()
	of, err := p.negation(false)
	return reading{condition: &negation{of: p.whole(of.condition)}}, err
}

// whole notes a function that stands as a condition and is none.
func (p *parser) whole(c condition) condition {
	if f, ok := c.(*call); ok && f.name == "size" {
		p.note(faultMisuse, "The function is not allowed to be used this way in an expression; function: %s", f.name)
	}
	return c
}

// predicate reads a comparison, BETWEEN, IN, a function or a condition in
// parentheses. In parentheses it also reads a lone operand.
func (p *parser) predicate(inParens bool) (reading, error) {
	left, err := p.primary()
	if err != nil {
		return reading{}, err
	}
	_, isCall := left.condition.(*call)
	if !isCall && !left.isOperand() {
		return left, nil
	}
	t := p.peek()
	switch {
	case t.kind == tokenSymbol && slices.Contains(comparators, t.text):
		p.at++
		p.operator()
		right, err := p.operand()
		p.arguments(left.condition, right)
		return reading{condition: &comparison{operator: t.text, a: left.condition, b: right}}, err
	case t.keyword("BETWEEN"):
		return p.between(left.condition)
	case t.keyword("IN"):
		return p.membership(left.condition)
	case left.isOperand() && !(inParens && p.is(")")):
		return reading{}, p.unexpected()
	}
	return left, nil
}

var comparators = []string{"=", "<>", "<", "<=", ">", ">="}

// primary reads an operand, or a condition in parentheses.
func (p *parser) primary() (reading, error) {
	if !p.accept("(") {
		o, err := p.operand()
		return reading{condition: o}, err
	}
	inner, err := p.condition(true)
	if err != nil {
		return reading{}, err
	}
	if err := p.expect(")"); err != nil {
		return reading{}, err
	}
	if inner.parens {
		return reading{}, p.redundant()
	}
	o, parens, err := p.continued(inner.condition)
	return reading{condition: o, parens: parens}, err
}

func (p *parser) between(of operand) (reading, error) {
	p.at++
	p.operator()
	low, err := p.operand()
	if err != nil {
		return reading{}, err
	}
	if !p.peek().keyword("AND") {
		return reading{}, p.unexpected()
	}
	p.at++
	high, err := p.operand()
	p.arguments(of, low, high)
	return reading{condition: &between{of: of, low: low, high: high}}, err
}

func (p *parser) membership(of operand) (reading, error) {
	p.at++
	p.operator()
	if err := p.expect("("); err != nil {
		return reading{}, err
	}
	list, err := p.operands()
	p.arguments(of)
	return reading{condition: &membership{of: of, list: list}}, err
}
