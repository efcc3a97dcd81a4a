package partiql

import (
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/services/dynamodb/expression"
)

func itoa(n int) string { return strconv.Itoa(n) }

// expression reads a condition. OR binds looser than AND, AND than NOT, NOT
// than comparisons.
func (p *parser) expression() (expr, error) { return p.joined("OR", p.conjunction) }

func (p *parser) conjunction() (expr, error) { return p.joined("AND", p.negation) }

func (p *parser) joined(keyword string, part func() (expr, error)) (expr, error) {
	x, err := part()
	for err == nil && p.word(keyword) {
		if p.ended() {
			return nil, errMalformed(missingRightSide)
		}
		var y expr
		y, err = part()
		x = &binary{operator: keyword, x: x, y: y}
	}
	return x, err
}

// ended says whether nothing follows.
func (p *parser) ended() bool { return p.peek().kind == tokenEOF || p.peek().symbol(";") }

func (p *parser) negation() (expr, error) {
	if !p.word("NOT") {
		return p.comparison()
	}
	of, err := p.negation()
	return &not{of}, err
}

// comparison reads an operand, and what it is compared with.
func (p *parser) comparison() (expr, error) {
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	negated := t.word("NOT") && (p.tokens[p.at+1].word("IN") || p.tokens[p.at+1].word("BETWEEN"))
	if negated {
		p.at++
	}
	var out expr
	switch {
	case t.kind == tokenSymbol && t.isOperator() && t.text != "*":
		p.at++
		if p.ended() {
			return nil, errMalformed(missingRightSide)
		}
		operator := t.text
		if operator == "!=" {
			operator = "<>"
		}
		y, err := p.sum()
		return &binary{operator: operator, x: x, y: y}, err
	case p.word("BETWEEN"):
		out, err = p.between(x)
	case p.word("IN"):
		var list expr
		list, err = p.sum()
		out = &in{of: x, list: list}
	case p.word("IS"):
		return p.is(x)
	case p.word("LIKE"):
		return nil, Error("Unsupported operator in Condition Expression. Operator: LIKE")
	default:
		return x, nil
	}
	if negated {
		out = &not{out}
	}
	return out, err
}

func (p *parser) between(of expr) (expr, error) {
	low, err := p.sum()
	if err != nil {
		return nil, err
	}
	if !p.word("AND") {
		return nil, errMalformed("Expected AND after BETWEEN")
	}
	high, err := p.sum()
	return &between{of: of, low: low, high: high}, err
}

// types are the names that may stand behind IS, and the wire names of the
// types they test for; "" for those that DynamoDB has not.
var types = map[string]string{
	"MISSING": "MISSING", "NULL": "NULL", "BOOL": "BOOL", "BOOLEAN": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N",
	"STRUCT": "M", "TUPLE": "M", "LIST": "L",
	"INT": "", "INTEGER": "", "INT2": "", "INT4": "", "INT8": "", "SMALLINT": "", "BIGINT": "", "FLOAT": "", "REAL": "", "DOUBLE": "", "DECIMAL": "", "DEC": "",
	"TIMESTAMP": "", "DATE": "", "TIME": "", "CHAR": "", "CHARACTER": "", "VARCHAR": "", "SYMBOL": "", "CLOB": "", "SEXP": "", "BAG": "", "ANY": "",
}

func (p *parser) is(of expr) (expr, error) {
	negated := p.word("NOT")
	t := p.next()
	name := strings.ToUpper(t.text)
	wire, ok := types[name]
	switch {
	case t.kind != tokenWord || !ok:
		return nil, errMalformed("Expected type name")
	case wire == "":
		return nil, errorf("Unsupported data type for IS operator: %s. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]", name)
	}
	switch of.(type) {
	case *pathExpr, *literal, *parameter:
	default:
		return nil, Error("The left hand side argument to IS must be a Variable Reference, Literal, or Path")
	}
	var out expr = &is{of: of, name: wire}
	if negated {
		out = &not{out}
	}
	return out, nil
}

// sum reads operands with + and - between them.
func (p *parser) sum() (expr, error) {
	x, err := p.primary()
	for err == nil && (p.peek().symbol("+") || p.peek().symbol("-")) {
		operator := p.next().text
		if p.ended() {
			return nil, errMalformed(missingRightSide)
		}
		var y expr
		y, err = p.primary()
		x = &binary{operator: operator, x: x, y: y}
	}
	return x, err
}

// primary reads one operand.
func (p *parser) primary() (expr, error) {
	t := p.peek()
	switch t.kind {
	case tokenString:
		p.at++
		return &literal{kind: stringLiteral, text: t.text, at: t.at}, nil
	case tokenNumber:
		p.at++
		return &literal{kind: numberLiteral, text: t.text, at: t.at}, nil
	case tokenIon:
		p.at++
		return &literal{kind: ionLiteral, text: t.text, at: t.at}, nil
	case tokenParameter:
		p.at++
		p.parameters++
		return &parameter{p.parameters - 1}, nil
	case tokenSymbol:
		return p.punctuated()
	case tokenWord, tokenQuoted:
		return p.named()
	}
	return nil, errMalformed(unexpectedTerm)
}

// punctuated reads an operand that begins with punctuation.
func (p *parser) punctuated() (expr, error) {
	t := p.next()
	switch t.text {
	case "(":
		return p.parenthesised()
	case "[":
		items, err := p.items("]")
		return &list{items}, err
	case "<<":
		items, err := p.items(">>")
		return &bag{items}, err
	case "{":
		return p.tuple()
	case "-", "+":
		if n := p.peek(); n.kind == tokenNumber {
			p.at++
			text := n.text
			if t.text == "-" {
				text = "-" + text
			}
			return &literal{kind: numberLiteral, text: text, at: t.at}, nil
		}
	}
	if t.isOperator() {
		return nil, errMalformed("Unexpected operator")
	}
	return nil, errMalformed(unexpectedTerm)
}

// parenthesised reads an expression, or a list, in parentheses.
func (p *parser) parenthesised() (expr, error) {
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.accept(")") {
		return x, nil
	}
	if !p.accept(",") {
		return nil, errMalformed("Expected ')'")
	}
	rest, err := p.items(")")
	return &list{append([]expr{x}, rest...)}, err
}

// items reads expressions up to the symbol that closes them.
func (p *parser) items(closing string) ([]expr, error) {
	var out []expr
	if p.accept(closing) {
		return nil, nil
	}
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if p.accept(closing) {
			return out, nil
		}
		if !p.accept(",") {
			return nil, errMalformed("Expected ',' or '" + closing + "'")
		}
	}
}

func (p *parser) tuple() (expr, error) {
	out := &tuple{}
	if p.accept("}") {
		return out, nil
	}
	for {
		key, err := p.primary()
		if err != nil {
			return nil, err
		}
		if !p.accept(":") {
			return nil, errMalformed("Expected ':'")
		}
		value, err := p.sum()
		if err != nil {
			return nil, err
		}
		out.keys, out.values = append(out.keys, key), append(out.values, value)
		if p.accept("}") {
			return out, nil
		}
		if !p.accept(",") {
			return nil, errMalformed("Expected ',' or '}'")
		}
	}
}

// named reads a word that stands for a value, a function call or a path.
func (p *parser) named() (expr, error) {
	t := p.peek()
	if t.kind == tokenWord {
		switch strings.ToUpper(t.text) {
		case "TRUE", "FALSE":
			p.at++
			return &literal{kind: boolLiteral, text: strings.ToLower(t.text), at: t.at}, nil
		case "NULL":
			p.at++
			return &literal{kind: nullLiteral, at: t.at}, nil
		case "MISSING":
			p.at++
			return &literal{kind: missingLiteral, at: t.at}, nil
		}
		switch {
		case t.isOperator():
			return nil, errMalformed("Unexpected operator")
		case !t.name():
			return nil, errMalformed(unexpectedWord)
		case p.tokens[p.at+1].symbol("("):
			p.at += 2
			args, err := p.items(")")
			return &call{name: strings.ToLower(t.text), args: args, at: t.at}, err
		}
	}
	return p.path()
}

// path reads a document path, whose first name is next.
func (p *parser) path() (*pathExpr, error) {
	t := p.next()
	if t.text == "" {
		return nil, Error("Path component cannot be an empty string")
	}
	out := &pathExpr{steps: []expression.Step{{Name: t.text}}, at: t.at}
	for {
		switch {
		case p.accept("."):
			t := p.next()
			switch {
			case t.symbol("*"):
				return nil, Error("Unpivot path component like a.*.b are not supported")
			case !t.name():
				return nil, errMalformed("Invalid path dot component")
			case t.text == "":
				return nil, Error("Path component cannot be an empty string")
			}
			out.steps = append(out.steps, expression.Step{Name: t.text})
		case p.accept("["):
			step, err := p.bracketed()
			if err != nil {
				return nil, err
			}
			out.steps = append(out.steps, step)
		default:
			return out, nil
		}
	}
}

// bracketed reads a list index, or a name as a string.
func (p *parser) bracketed() (step expression.Step, err error) {
	t := p.next()
	switch {
	case t.symbol("*"):
		return step, Error("Wildcard path component like a[*].b are not supported")
	case t.kind == tokenString && t.text == "":
		return step, Error("Path component cannot be an empty string")
	case t.kind == tokenString:
		step.Name = t.text
	case t.kind == tokenNumber:
		n, err := strconv.ParseInt(t.text, 10, 32)
		if err != nil {
			return step, errorf("List index is not within the allowable range; index: [%s]", t.text)
		}
		step.Index = int(n)
	default:
		return step, Error("Unexpected path component")
	}
	if !p.accept("]") {
		return step, errMalformed("Expected ']'")
	}
	return step, nil
}

// positionOf is where an expression begins, as far as that is known.
func positionOf(e expr) position {
	switch e := e.(type) {
	case *pathExpr:
		return e.at
	case *literal:
		return e.at
	case *call:
		return e.at
	case *binary:
		return positionOf(e.x)
	}
	return position{1, 1, 1}
}
