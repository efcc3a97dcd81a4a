// Package partiql reads the statements of DynamoDB's PartiQL: SELECT, INSERT,
// UPDATE and DELETE of one table, and EXISTS around a SELECT, which transactions
// check conditions with.
//
//	s, err := partiql.Parse(text)
//	b, err := partiql.Bind(s, parameters)
//
// A Statement is what a text says, and needs neither parameters nor a table. A
// Bound statement has its parameters, and is taken apart as the caller needs it:
// into the branches that a read consists of (Branches), a key and the rest of
// its WHERE clause (Key), a condition (Condition), an item (Item) or an update
// (Update). Conditions and updates are those of package expression: there is
// one evaluator for both languages.
//
// The package knows no tables: who calls it says which attributes are keys.
// Errors are AWS's texts, those of the grammar included.
//
// Of PartiQL's reserved words, only those that its clauses and operators are
// made of are reserved here; AWS refuses a few more as unquoted names.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
package partiql

import (
	"fmt"

	"github.com/virga-cloud/virga/services/dynamodb/expression"
)

// Error says what is wrong with a statement. It is AWS's text.
type Error string

func (e Error) Error() string { return string(e) }

func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

// errMalformed is the error of a text that is no statement; AWS has a detail
// for some, and nothing for what is not even a sequence of tokens.
func errMalformed(detail string) error {
	return Error("Statement wasn't well formed, can't be processed: " + detail)
}

// The details of malformed statements that occur in several places.
const (
	leftover         = "Unexpected token after expression"
	noManipulation   = "Expected data manipulation"
	unexpectedTerm   = "Unexpected term"
	unexpectedWord   = "Unexpected keyword"
	missingRightSide = "Missing right-hand side expression of infix operator"
)

// Kind is what a statement does.
type Kind int

// The kinds of statements.
const (
	Select Kind = iota
	Insert
	Update
	Delete
	Exists // a condition of a transaction
)

// Reads says whether statements of the kind only read.
func (k Kind) Reads() bool { return k == Select }

// Statement is a statement as it was written. It is never changed.
type Statement struct {
	Kind Kind
	// Table is the name or ARN of a table; Index is that of an index, "" for none.
	Table, Index string
	// Columns are what a SELECT chooses; nil for all.
	Columns []expression.Column
	// Order is the ORDER BY of a SELECT.
	Order []Order
	// Returning is what an UPDATE or DELETE answers with.
	Returning Returning

	where      expr // nil for none
	item       expr // of an INSERT
	actions    []assignment
	parameters int // how many there are in the text
}

// Filtered says whether the statement has a WHERE clause.
func (s *Statement) Filtered() bool { return s.where != nil }

// Order is an attribute that a SELECT sorts by.
type Order struct {
	Attribute  string
	Descending bool
}

// Returning is a RETURNING clause; the zero value is none.
type Returning struct {
	// Asked says that there is one.
	Asked bool
	// Modified chooses what the statement acted on, instead of all.
	Modified bool
	// New chooses the item as it became, instead of as it was.
	New bool
}

func (r Returning) String() string {
	part, age := "ALL", "OLD"
	if r.Modified {
		part = "MODIFIED"
	}
	if r.New {
		age = "NEW"
	}
	return part + " " + age + " *"
}

// An expr is a *pathExpr, *literal, *parameter, *list, *bag, *tuple, *call,
// *binary, *not, *between, *in or *is.
type expr interface{}

// position is where a token stands, as AWS tells it: the line, the column and
// the length, in characters.
type position struct{ line, column, length int }

func (p position) String() string { return fmt.Sprintf("%d:%d:%d", p.line, p.column, p.length) }

// pathExpr is a document path.
type pathExpr struct {
	steps []expression.Step
	at    position
}

// literal is a string, a number as it was written, TRUE, FALSE, NULL or MISSING.
type literal struct {
	kind literalKind
	text string
	at   position
}

type literalKind int

const (
	stringLiteral literalKind = iota
	numberLiteral
	boolLiteral // text is "true" or "false"
	nullLiteral
	missingLiteral
	ionLiteral
)

// parameter is a question mark; they count from 0.
type parameter struct{ number int }

// list is [a, b], or (a, b).
type list struct{ items []expr }

// bag is <<a, b>>.
type bag struct{ items []expr }

// tuple is {'a': b}.
type tuple struct {
	keys, values []expr
}

// call is a function call; name is in lower case.
type call struct {
	name string
	args []expr
	at   position
}

// binary is an infix operator: AND, OR, =, <>, <, <=, >, >=, +, - and those
// that are read only to be refused.
type binary struct {
	operator string
	x, y     expr
}

type not struct{ of expr }

type between struct{ of, low, high expr }

type in struct{ of, list expr }

// is tests the type of something; name is in upper case.
type is struct {
	of   expr
	name string
}

// assignment is one SET or REMOVE, which has no value.
type assignment struct {
	target *pathExpr
	to     expr
}
