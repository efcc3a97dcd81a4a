package dynamodb

import (
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
)

// parameters are those of a request that its expressions are made of, and the
// older ones that do not go together with expressions. Every operation lists its own.
type parameters struct {
	expressions parameterList
	legacy      parameterList
	names       map[string]string
	values      map[string]attribute.Value
}

type parameter struct {
	name  string
	given bool
}

// parameterList has the parameters of an operation, and nothing behind them. It
// is no slice, which would be allocated for every request.
type parameterList [5]parameter

// some says whether any was given.
func (l *parameterList) some() bool {
	for i := range l {
		if l[i].given {
			return true
		}
	}
	return false
}

// given are the names of the parameters that were given, as AWS lists them.
func given(list []parameter) (names []string) {
	for _, p := range list {
		if p.given {
			names = append(names, p.name)
		}
	}
	return names
}

// check finds parameters that do not go together.
func (p *parameters) check() error {
	expressions := p.expressions.some()
	if expressions && p.legacy.some() {
		return errValidation("Can not use both expression and non-expression parameters in the same request: "+
			"Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(given(p.legacy[:]), ", "), strings.Join(given(p.expressions[:]), ", "))
	}
	if p.names != nil && !expressions {
		return errValidation("ExpressionAttributeNames can only be specified when using expressions")
	}
	if p.values != nil && !p.usesValues() {
		return p.errNoUse()
	}
	return nil
}

// usesValues says whether an expression was given that can have values; a
// projection can not.
func (p *parameters) usesValues() bool {
	for i := range p.expressions {
		if e := &p.expressions[i]; e.given && e.name != string(expression.ProjectionExpression) {
			return true
		}
	}
	return false
}

func (p *parameters) errNoUse() error {
	var names []string
	for _, e := range p.expressions {
		if e.name != "" && e.name != string(expression.ProjectionExpression) {
			names = append(names, e.name)
		}
	}
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	return errValidation("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(names, " and "), verb)
}

// placeholders reads the names and values.
func (p *parameters) placeholders() (*expression.Placeholders, error) {
	out, err := expression.NewPlaceholders(p.names, p.values)
	if err != nil {
		return nil, errInvalid(err)
	}
	return out, nil
}

// condition reads a condition or a filter, nil when it was not given.
func condition(p *expression.Placeholders, kind expression.Kind, text *string) (*expression.Condition, error) {
	if text == nil {
		return nil, nil
	}
	c, err := p.Condition(kind, *text)
	if err != nil {
		return nil, errInvalid(err)
	}
	return c, nil
}

// projection reads a projection, nil when it was not given.
func projection(p *expression.Placeholders, text *string) (*expression.Projection, error) {
	if text == nil {
		return nil, nil
	}
	out, err := p.Projection(*text)
	if err != nil {
		return nil, errInvalid(err)
	}
	return out, nil
}

// attributesToGet is the projection to whole attributes that the older
// parameter asks for, nil when it was not given.
func attributesToGet(names []string) (*expression.Projection, error) {
	if names == nil {
		return nil, nil
	}
	seen := map[string]bool{}
	for _, name := range names {
		if name == "" {
			return nil, errEmptyName()
		}
		if seen[name] {
			return nil, errParameter("Duplicate value in attribute name: %s", name)
		}
		seen[name] = true
	}
	return expression.Attributes(names), nil
}

// unused is the error of placeholders that were given in vain.
func unused(p *expression.Placeholders) error {
	if err := p.Unused(); err != nil {
		return errInvalid(err)
	}
	return nil
}

// writeCondition reads the condition of a write, nil when it has none.
func (p *parameters) writeCondition(text *string, legacy map[string]*ddb.ExpectedAttributeValue, operator ddb.ConditionalOperator) (*expression.Condition, error) {
	if legacy != nil || operator != "" {
		return expected(legacy, operator)
	}
	if text == nil {
		return nil, nil
	}
	holders, err := p.placeholders()
	if err != nil {
		return nil, err
	}
	c, err := condition(holders, expression.ConditionExpression, text)
	if err != nil {
		return nil, err
	}
	return c, unused(holders)
}
