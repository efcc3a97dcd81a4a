package partiql

func (p *parser) insertion() (*Statement, error) {
	s := &Statement{Kind: Insert}
	if !p.word("INTO") {
		return nil, errMalformed("Expected keyword INTO")
	}
	if err := p.table(s); err != nil {
		return nil, err
	}
	switch {
	case p.word("VALUE"):
	case p.peek().word("VALUES"), p.peek().symbol("<<"):
		return nil, Error(`Unsupported operation: Inserting multiple items in a single statement is not supported, use "INSERT INTO tableName VALUE item" instead`)
	case p.peek().kind == tokenEOF:
		return nil, errMalformed(unexpectedTerm)
	case p.peek().symbol("("):
		return nil, errMalformed(unexpectedWord)
	default:
		return nil, errMalformed(leftover)
	}
	var err error
	if s.item, err = p.sum(); err != nil {
		return nil, err
	}
	if p.peek().word("RETURNING") {
		return nil, Error("RETURNING is not supported in INSERT")
	}
	return s, nil
}

func (p *parser) update() (*Statement, error) {
	s := &Statement{Kind: Update}
	if err := p.table(s); err != nil {
		return nil, err
	}
	if err := p.assignments(s); err != nil {
		return nil, err
	}
	if err := p.whereClause(s); err != nil {
		return nil, err
	}
	return s, p.returning(s)
}

// fromFirst reads the form of UPDATE that names the table and the item first.
func (p *parser) fromFirst() (*Statement, error) {
	s := &Statement{Kind: Update}
	if err := p.table(s); err != nil {
		return nil, err
	}
	if err := p.whereClause(s); err != nil {
		return nil, err
	}
	if err := p.assignments(s); err != nil {
		return nil, err
	}
	return s, p.returning(s)
}

// assignments reads SET and REMOVE clauses, of which there is one at least.
func (p *parser) assignments(s *Statement) error {
	for {
		switch {
		case p.word("SET"):
			for more := true; more; more = p.accept(",") {
				a, err := p.assignment()
				if err != nil {
					return err
				}
				s.actions = append(s.actions, a)
			}
		case p.word("REMOVE"):
			target, err := p.target()
			if err != nil {
				return err
			}
			s.actions = append(s.actions, assignment{target: target})
		case len(s.actions) == 0:
			return errMalformed(noManipulation)
		default:
			return nil
		}
	}
}

func (p *parser) assignment() (a assignment, err error) {
	if a.target, err = p.target(); err != nil {
		return a, err
	}
	if !p.accept("=") {
		return a, errMalformed("Expected '='")
	}
	a.to, err = p.sum()
	return a, err
}

// target reads the path that an assignment acts on.
func (p *parser) target() (*pathExpr, error) {
	if !p.peek().name() {
		return nil, errMalformed("Expected identifier for simple path")
	}
	return p.path()
}

func (p *parser) deletion() (*Statement, error) {
	s := &Statement{Kind: Delete}
	if !p.word("FROM") {
		return nil, errMalformed("Expected keyword FROM")
	}
	if err := p.table(s); err != nil {
		return nil, err
	}
	if err := p.whereClause(s); err != nil {
		return nil, err
	}
	return s, p.returning(s)
}

// returning reads a RETURNING clause where there is one.
func (p *parser) returning(s *Statement) error {
	if !p.word("RETURNING") {
		return nil
	}
	r := Returning{Asked: true}
	switch {
	case p.word("MODIFIED"):
		r.Modified = true
	case !p.word("ALL"):
		return errMalformed("Expected ALL or MODIFIED")
	}
	switch {
	case p.word("NEW"):
		r.New = true
	case !p.word("OLD"):
		return errMalformed("Expected OLD or NEW")
	}
	if !p.accept("*") {
		return Error("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
	}
	if p.peek().symbol(",") {
		return Error("Invalid syntax with multiple returning elements in RETURNING clause")
	}
	s.Returning = r
	return nil
}
