// Package selecting runs the SQL of S3 Select over one object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html
//
// # Vocabulary
//
// A query is a parsed expression: what it selects, from which path within the
// object, where, and how much. A source reads an object's rows: records of a CSV
// file, values of a JSON one, rows of a Parquet one. A sink writes the rows that
// come out. A run is a query with a source and a sink; it is pulled, so that its caller
// decides when bytes are read.
//
// # Powers and limits
//
// A row is the most that is in memory, but for Parquet, whose row groups are read a
// page at a time. Values are typed as AWS types them: everything in CSV is a string
// until it is cast, numbers that are not whole are decimals, and what is not there
// is MISSING, which is not NULL. Values of different types are never equal. There are no joins,
// subqueries, groups and orders, as there are none in S3 Select.
//
// Errors are of type Error, with AWS's codes and, where they are known, its texts.
package selecting

import "fmt"

// Error is what is wrong with a query or the object. Its status is always 400.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// position is where in an expression something is, from 1.
type position struct{ line, column int }

func (p position) String() string { return fmt.Sprintf("at line %d, column %d", p.line, p.column) }

// MaxExpression is the longest expression, in bytes.
const MaxExpression = 256 << 10

// maxRecord is the longest record, in bytes.
const maxRecord = 1 << 20

func errRecordTooLong() error {
	return fail("OverMaxRecordSize", "The character number in one record is more than our max threshold, maxCharsPerRecord: 1,048,576")
}

// Query is a parsed expression. It is used by one run.
type Query struct {
	// items are what is selected; none is everything.
	items []item
	// path leads from each root value of a JSON object to the rows.
	path []step
	// table is what rows are called.
	table step
	where expression
	// limit is the most rows; negative is no limit.
	limit int64
	// aggregates are the aggregate functions among the items.
	aggregates []*aggregate
	// refs are all references to columns.
	refs []*reference
}

// item is one column of the result.
type item struct {
	value expression
	name  string
}

// step is one step of a path: into a member, an element, or all of them.
type step struct {
	name     string
	quoted   bool // name is taken by its case
	index    int  // of an element, where name is "" and all is false
	all      bool
	position position
}
