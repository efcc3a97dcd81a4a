package expression

import "strings"

// parseUpdate reads an update.
func parseUpdate(text string) (*parsedUpdate, error) {
	var actions []action
	seen := map[verb]bool{}
	p, err := parse(UpdateExpression, text, func(p *parser) error {
		for {
			v, ok := p.verb()
			if !ok {
				return p.unexpected()
			}
			if seen[v] {
				p.note(faultSection, `The "%s" section can only be used once in an update expression;`, v)
			}
			seen[v] = true
			for more := true; more; more = p.accept(",") {
				a, err := p.action(v)
				if err != nil {
					return err
				}
				actions = append(actions, a)
			}
			if p.peek().kind == tokenEOF {
				return nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return &parsedUpdate{parsed: p.parsed, actions: actions}, nil
}

// verb reads the keyword of a section.
func (p *parser) verb() (verb, bool) {
	t := p.peek()
	if t.kind != tokenIdentifier || !p.keyword(t) {
		return "", false
	}
	p.at++
	return verb(strings.ToUpper(t.text)), true
}

func (p *parser) action(v verb) (action, error) {
	a := action{verb: v}
	var err error
	if a.path, err = p.path(); err != nil {
		return a, err
	}
	switch v {
	case verbSet:
		if err := p.expect("="); err != nil {
			return a, err
		}
		a.with, _, err = p.setValue()
	case verbAdd, verbDelete:
		t := p.peek()
		if t.kind != tokenValue {
			return a, p.unexpected()
		}
		p.at++
		a.with = &value{slot: p.slot(&p.values, t.text)}
	}
	return a, err
}

// setValue reads an operand, or the sum or difference of two, with parentheses
// around it or without.
func (p *parser) setValue() (o operand, parens bool, err error) {
	if p.accept("(") {
		var inner bool
		if o, inner, err = p.setValue(); err != nil {
			return nil, false, err
		}
		if err := p.expect(")"); err != nil {
			return nil, false, err
		}
		if inner {
			return nil, false, p.redundant()
		}
		if _, ok := o.(*arithmetic); ok {
			return o, true, nil
		}
		parens = true
	} else if o, err = p.operand(); err != nil {
		return nil, false, err
	}
	t := p.peek()
	if !p.is("+") && !p.is("-") {
		return o, parens, nil
	}
	p.at++
	p.operator()
	second, err := p.operand()
	return &arithmetic{operator: t.text, args: [2]operand{o, second}}, false, err
}

// parseProjection reads a projection.
func parseProjection(text string) (*parsedProjection, error) {
	var paths []*path
	p, err := parse(ProjectionExpression, text, func(p *parser) error {
		for more := true; more; more = p.accept(",") {
			one, err := p.path()
			if err != nil {
				return err
			}
			paths = append(paths, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &parsedProjection{parsed: p.parsed, paths: paths}, nil
}
