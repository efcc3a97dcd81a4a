package expression

import (
	"slices"
	"strconv"
	"strings"
)

// parser reads one expression by recursive descent. The first fault that stops
// it is returned; faults that it can read past are noted, since AWS reports
// them only when all of the text has been read.
type parser struct {
	kind   Kind
	text   string
	tokens []token
	at     int
	parsed
	operators int
	noted     [faults]error
}

// fault is a kind of mistake that the text alone shows. The lesser ones are
// reported first.
type fault int

const (
	faultFunction fault = iota // no such function
	faultMisuse                // a function where it may not stand
	faultReserved
	faultLimit
	faultSection
	faults
)

// parse checks what holds of all texts and lets read read it to its end.
func parse(kind Kind, text string, read func(*parser) error) (*parser, error) {
	if len(text) > maxText {
		return nil, kind.errorf("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	p := &parser{kind: kind, text: text, tokens: lex(text)}
	if len(p.tokens) == 1 {
		return nil, kind.errorf("The expression can not be empty;")
	}
	if err := read(p); err != nil {
		return nil, err
	}
	if p.peek().kind != tokenEOF {
		return nil, p.unexpected()
	}
	order := []fault{faultFunction, faultMisuse, faultReserved, faultLimit}
	if kind == UpdateExpression {
		order = []fault{faultReserved, faultFunction, faultMisuse, faultLimit, faultSection}
	}
	for _, f := range order {
		if p.noted[f] != nil {
			return nil, p.noted[f]
		}
	}
	return p, nil
}

// note keeps the first fault of each kind.
func (p *parser) note(f fault, format string, args ...any) {
	if p.noted[f] == nil {
		p.noted[f] = p.kind.errorf(format, args...)
	}
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEOF {
		p.at++
	}
	return t
}

func (p *parser) is(symbol string) bool {
	t := p.peek()
	return t.kind == tokenSymbol && t.text == symbol
}

// accept passes over the symbol if it is next.
func (p *parser) accept(symbol string) bool {
	if p.is(symbol) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(symbol string) error {
	if !p.accept(symbol) {
		return p.unexpected()
	}
	return nil
}

// unexpected is the syntax error of the next token. AWS shows it with the
// tokens before and behind it, as they are written.
func (p *parser) unexpected() error {
	t := p.peek()
	from, to := t.start, t.end
	if p.at > 0 {
		from = p.tokens[p.at-1].start
	}
	if p.at+1 < len(p.tokens) {
		to = p.tokens[p.at+1].end
	}
	return p.kind.errorf(`Syntax error; token: "%s", near: "%s"`, t.text, p.text[from:to])
}

func (p *parser) slot(slots *[]string, placeholder string) int {
	if i := slices.Index(*slots, placeholder); i >= 0 {
		return i
	}
	*slots = append(*slots, placeholder)
	return len(*slots) - 1
}

// path reads a document path.
func (p *parser) path() (*path, error) {
	first, err := p.pathName()
	if err != nil {
		return nil, err
	}
	out := &path{elements: []element{first}}
	return out, p.pathRest(out)
}

// pathRest reads what may follow a path's first element, and continues it.
func (p *parser) pathRest(out *path) error {
	for {
		switch {
		case p.accept("."):
			e, err := p.pathName()
			if err != nil {
				return err
			}
			out.elements = append(out.elements, e)
		case p.accept("["):
			t := p.peek()
			if t.kind != tokenInteger {
				return p.unexpected()
			}
			p.at++
			if err := p.expect("]"); err != nil {
				return err
			}
			index, err := strconv.ParseInt(t.text, 10, 32)
			if err != nil {
				p.note(faultLimit, "List index is not within the allowable range; index: [%s]", t.text)
			}
			out.elements = append(out.elements, element{slot: -1, index: int(index)})
		default:
			if n := len(out.elements); n > maxPath {
				p.note(faultLimit, "The document path has too many nesting levels; nesting levels: %d", n)
			}
			return nil
		}
	}
}

// pathName reads an attribute's name or its placeholder.
func (p *parser) pathName() (element, error) {
	t := p.peek()
	switch {
	case t.kind == tokenName:
		p.at++
		return element{name: t.text, slot: p.slot(&p.names, t.text)}, nil
	case t.kind == tokenIdentifier && !p.keyword(t):
		p.at++
		if reserved(t.text) {
			p.note(faultReserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return element{name: t.text, slot: -1}, nil
	}
	return element{}, p.unexpected()
}

// The words that no name of the grammar can be, placeholders aside.
var (
	conditionKeywords = []string{"AND", "OR", "NOT", "BETWEEN", "IN"}
	updateKeywords    = []string{"SET", "REMOVE", "ADD", "DELETE"}
)

func (p *parser) keyword(t token) bool {
	words := conditionKeywords
	switch p.kind {
	case UpdateExpression:
		words = updateKeywords
	case ProjectionExpression:
		return false
	}
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, t.text) })
}

// operand reads a path, a value or a function call, with parentheses around it
// or without.
func (p *parser) operand() (operand, error) {
	o, _, err := p.operandParens()
	return o, err
}

func (p *parser) operandParens() (o operand, parens bool, err error) {
	t := p.peek()
	switch {
	case p.accept("("):
		o, inner, err := p.operandParens()
		if err != nil {
			return nil, false, err
		}
		if err := p.expect(")"); err != nil {
			return nil, false, err
		}
		if inner {
			return nil, false, p.redundant()
		}
		return p.continued(o)
	case t.kind == tokenValue:
		p.at++
		return &value{slot: p.slot(&p.values, t.text)}, false, nil
	case t.kind == tokenIdentifier && !p.keyword(t) && p.tokens[p.at+1].text == "(":
		c, err := p.call()
		if err != nil {
			return nil, false, err
		}
		return c, false, nil
	}
	at, err := p.path()
	if err != nil {
		return nil, false, err
	}
	return at, false, nil
}

// continued reads on behind a closing parenthesis: a condition may have one
// around the beginning of a path.
func (p *parser) continued(o operand) (_ operand, parens bool, err error) {
	if inner, ok := o.(*path); ok && p.kind != UpdateExpression && (p.is(".") || p.is("[")) {
		return inner, false, p.pathRest(inner)
	}
	return o, true, nil
}

// redundant is the error of two pairs of parentheses straight around one thing.
func (p *parser) redundant() error {
	return p.kind.errorf("The expression has redundant parentheses;")
}

// call reads a function call.
func (p *parser) call() (*call, error) {
	name := p.next().text
	if err := p.expect("("); err != nil {
		return nil, err
	}
	args, err := p.operands()
	if err != nil {
		return nil, err
	}
	p.function(name)
	return &call{name: name, args: args}, nil
}

// operands reads operands and the parenthesis that closes them.
func (p *parser) operands() ([]operand, error) {
	var list []operand
	for more := true; more; more = p.accept(",") {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	p.arguments(list...)
	return list, p.expect(")")
}

// function notes a name that is no function here.
func (p *parser) function(name string) {
	f, ok := functions[name]
	switch {
	case !ok:
		p.note(faultFunction, "Invalid function name; function: %s", name)
	case f.update && p.kind != UpdateExpression:
		p.note(faultMisuse, "The function is not allowed in a condition expression; function: %s", name)
	case !f.update && p.kind == UpdateExpression:
		p.note(faultMisuse, "The function is not allowed in an update expression; function: %s", name)
	}
}

// arguments notes functions whose results are no operands.
func (p *parser) arguments(list ...operand) {
	for _, o := range list {
		if c, ok := o.(*call); ok && functions[c.name].standalone {
			p.note(faultMisuse, "The function is not allowed to be used this way in an expression; function: %s", c.name)
		}
	}
}

// operator counts an operator.
func (p *parser) operator() {
	if p.operators++; p.operators > maxOperators {
		p.note(faultLimit, "The expression contains too many operators; operator count: %d", maxOperators+1)
	}
}

// functions are all there are.
var functions = map[string]struct {
	arity      int
	update     bool // of updates rather than conditions
	standalone bool // its result is no operand of anything
}{
	"attribute_exists":     {arity: 1, standalone: true},
	"attribute_not_exists": {arity: 1, standalone: true},
	"attribute_type":       {arity: 2, standalone: true},
	"begins_with":          {arity: 2, standalone: true},
	"contains":             {arity: 2, standalone: true},
	"size":                 {arity: 1},
	"if_not_exists":        {arity: 2, update: true},
	"list_append":          {arity: 2, update: true, standalone: true},
}
