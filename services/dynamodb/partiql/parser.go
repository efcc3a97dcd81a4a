package partiql

import (
	"strings"

	"github.com/virga-cloud/virga/services/dynamodb/expression"
)

// parser reads one statement by recursive descent.
type parser struct {
	tokens     []token
	at         int
	parameters int
}

// Parse reads a statement.
func Parse(text string) (*Statement, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	s, err := p.statement()
	if err != nil {
		return nil, err
	}
	p.accept(";")
	if p.peek().kind != tokenEOF {
		return nil, errMalformed(leftover)
	}
	s.parameters = p.parameters
	return s, s.check()
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEOF {
		p.at++
	}
	return t
}

// accept passes over the symbol if it is next.
func (p *parser) accept(symbol string) bool {
	if p.peek().symbol(symbol) {
		p.at++
		return true
	}
	return false
}

// word passes over the keyword if it is next.
func (p *parser) word(keyword string) bool {
	if p.peek().word(keyword) {
		p.at++
		return true
	}
	return false
}

func (p *parser) statement() (*Statement, error) {
	switch {
	case p.word("SELECT"):
		return p.selection()
	case p.word("INSERT"):
		return p.insertion()
	case p.word("UPDATE"):
		return p.update()
	case p.word("DELETE"):
		return p.deletion()
	case p.word("FROM"):
		return p.fromFirst()
	case p.peek().word("EXISTS") && p.tokens[p.at+1].symbol("("):
		p.at += 2
		return p.exists()
	}
	return nil, errMalformed(noManipulation)
}

func (p *parser) selection() (s *Statement, err error) {
	s = &Statement{Kind: Select}
	if s.Columns, err = p.columns(); err != nil {
		return nil, err
	}
	if !p.word("FROM") {
		return nil, errMalformed("Expected FROM")
	}
	if p.peek().kind == tokenEOF || p.peek().symbol(";") {
		return nil, errMalformed(unexpectedTerm)
	}
	if err := p.table(s); err != nil {
		return nil, err
	}
	for _, join := range []string{"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "OUTER"} {
		if p.peek().word(join) {
			return nil, Error("Only select from a single table or index is supported.")
		}
	}
	if p.peek().symbol(",") {
		return nil, Error("Only select from a single table or index is supported.")
	}
	if err := p.whereClause(s); err != nil {
		return nil, err
	}
	for _, clause := range []string{"GROUP", "HAVING", "LIMIT"} {
		if p.peek().word(clause) {
			if clause == "GROUP" {
				clause = "GROUP BY"
			}
			return nil, errorf("Unsupported clause: %s", clause)
		}
	}
	if p.word("ORDER") {
		return s, p.order(s)
	}
	return s, nil
}

// columns reads what a SELECT chooses; nil for all.
func (p *parser) columns() ([]expression.Column, error) {
	switch {
	case p.peek().word("DISTINCT"):
		return nil, Error("Unsupported token in expression: DISTINCT")
	case p.peek().word("VALUE"), p.peek().word("PIVOT"):
		return nil, Error("Select projection doesn't support value or pivot keywords")
	case p.accept("*"):
		if p.peek().symbol(",") {
			return nil, errStar()
		}
		return nil, nil
	}
	var out []expression.Column
	for more := true; more; more = p.accept(",") {
		if p.peek().symbol("*") {
			return nil, errStar()
		}
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		path, ok := e.(*pathExpr)
		if !ok {
			return nil, errorf("Unexpected path component at %s", positionOf(e))
		}
		if p.peek().word("AS") || p.peek().name() {
			return nil, errAlias()
		}
		out = append(out, expression.Column{Name: columnName(path, len(out)), Steps: path.steps})
	}
	return out, checkColumns(out)
}

func errStar() error {
	return Error("Other attributes should not be present in the projection when '*' is used.")
}

func errAlias() error { return Error("Aliasing is not supported") }

// columnName is the name under which a SELECT answers with a path: its last
// step's, or one made of the column's number.
func columnName(p *pathExpr, number int) string {
	if name := p.steps[len(p.steps)-1].Name; name != "" {
		return name
	}
	return "_" + itoa(number+1)
}

func checkColumns(list []expression.Column) error {
	seen := map[string]bool{}
	for _, c := range list {
		if seen[c.Name] {
			return errorf("Duplicate identifiers in select clause: %s", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

// table reads the table of a statement, and its index.
func (p *parser) table(s *Statement) error {
	if !p.peek().name() {
		return errMalformed("Expected identifier for simple path")
	}
	s.Table = p.next().text
	if p.accept(".") {
		if !p.peek().name() {
			return Error("Invalid path dot component in this operation, expecting either an IDENTIFIER or STAR.")
		}
		s.Index = p.next().text
	}
	switch {
	case p.peek().symbol("."):
		return Error("A path may contain at most 2 components in the FROM clause")
	case p.peek().symbol("["):
		return Error("Invalid list expression in source.")
	case s.Kind == Insert:
		return nil
	case p.peek().word("AS"), p.peek().word("AT"), p.peek().name():
		return errAlias()
	}
	return nil
}

func (p *parser) whereClause(s *Statement) (err error) {
	if p.word("WHERE") {
		s.where, err = p.expression()
	}
	return err
}

func (p *parser) order(s *Statement) error {
	if !p.word("BY") {
		return errMalformed("Expected BY")
	}
	for more := true; more; more = p.accept(",") {
		e, err := p.sum()
		if err != nil {
			return err
		}
		path, ok := e.(*pathExpr)
		if !ok || len(path.steps) > 1 {
			return errorf("Argument to ORDER BY must be of type VariableReference. Type: %s", typeName(e))
		}
		o := Order{Attribute: path.steps[0].Name}
		if p.word("DESC") {
			o.Descending = true
		} else {
			p.word("ASC")
		}
		s.Order = append(s.Order, o)
	}
	return nil
}

func (p *parser) exists() (*Statement, error) {
	if !p.word("SELECT") {
		return nil, Error("Unsupported operation in transaction.")
	}
	s, err := p.selection()
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, errMalformed("Expected ')'")
	}
	s.Kind = Exists
	return s, nil
}

// check finds what a statement that could be read must not be.
func (s *Statement) check() error {
	if s.Index != "" && s.Kind != Select && s.Kind != Exists {
		return Error("This operation is not supported on an index")
	}
	if s.Kind == Delete && s.Returning.Asked && (s.Returning.Modified || s.Returning.New) {
		return errorf("Invalid returning clause: RETURNING %s. Only RETURNING ALL OLD * is allowed in DELETE statements.", s.Returning)
	}
	if s.Order != nil && s.where == nil {
		return Error("Must have WHERE clause in the statement when using ORDER BY clause.")
	}
	if s.Kind == Insert {
		switch s.item.(type) {
		case *tuple, *parameter:
		default:
			return Error("Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.")
		}
	}
	return nil
}

// typeName is what AWS calls an expression in messages.
func typeName(e expr) string {
	switch e.(type) {
	case *literal:
		return "Literal"
	case *pathExpr:
		return "Path"
	case *parameter:
		return "Parameter"
	case *list, *bag:
		return "Seq"
	case *tuple:
		return "Struct"
	}
	return "NAry"
}

// operators are the words that stand between operands.
var operators = words("AND OR IN IS LIKE BETWEEN UNION EXCEPT INTERSECT")

// isOperator says whether t stands between operands.
func (t token) isOperator() bool {
	if t.kind == tokenWord {
		return operators[strings.ToUpper(t.text)]
	}
	switch t.text {
	case "=", "<>", "!=", "<", "<=", ">", ">=", "||", "/", "%", "*":
		return t.kind == tokenSymbol
	}
	return false
}
