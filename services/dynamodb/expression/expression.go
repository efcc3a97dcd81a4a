// Package expression is DynamoDB's expression language: conditions (which are
// also filters and key conditions), updates and projections.
//
// A request's expressions share its placeholders, so everything begins with
// those:
//
//	p, err := expression.NewPlaceholders(names, values)
//	condition, err := p.Condition(expression.ConditionExpression, text)
//	update, err := p.Update(text)
//	err = p.Unused()
//
// What comes back is checked as far as it can be without an item, with AWS's
// texts and in AWS's order: syntax first, then what the text alone shows
// (functions, reserved words), then names, values and their types. Applied to
// items it is pure: Condition.Matches, Update.Apply and Projection.Apply change
// nothing, and values that they did not touch are shared between old and new.
//
// Parsed texts are kept, a bounded number of them, because programs send the
// same few over and over. The package knows no tables, keys or indexes: who
// calls it asks an expression for the attributes it uses.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
package expression

import "fmt"

// Kind is the request parameter that an expression came in; messages name it.
type Kind string

// The kinds of expressions.
const (
	ConditionExpression    Kind = "ConditionExpression"
	FilterExpression       Kind = "FilterExpression"
	KeyConditionExpression Kind = "KeyConditionExpression"
	UpdateExpression       Kind = "UpdateExpression"
	ProjectionExpression   Kind = "ProjectionExpression"
)

// AWS's limits.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
const (
	maxText        = 4096 // bytes of an expression
	maxOperators   = 300  // operators in an expression
	maxInOperands  = 100  // operands on the right of IN
	maxPath        = 32   // elements of a document path
	maxPlaceholder = 255  // bytes of a placeholder
)

// Error says what is wrong with an expression. It is AWS's text.
type Error string

func (e Error) Error() string { return string(e) }

// errorf is an Error without a prefix.
func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

// errorf is an Error that names the expression it is about.
func (k Kind) errorf(format string, args ...any) error {
	return Error("Invalid " + string(k) + ": " + fmt.Sprintf(format, args...))
}
