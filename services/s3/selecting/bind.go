package selecting

import (
	"strconv"
	"strings"
)

// isTable says that a name is what rows are called: by the alias or, where
// there is none, by the last name of their path.
func (q *Query) isTable(name string) bool {
	return q.table.matches(name) || len(q.path) == 0 && strings.EqualFold(name, "s3object")
}

// bindValues makes references lead into rows that are values: of JSON and
// Parquet. There "_1" is the row too.
func (q *Query) bindValues() {
	for _, r := range q.refs {
		if first := r.steps[0]; q.isTable(first.name) || first.name == "_1" {
			r.steps = r.steps[1:]
		}
	}
}

// bindColumns makes references lead to fields of CSV records: by the names of
// the header or, where names is nil, by their positions as _1, _2 and so on.
func (q *Query) bindColumns(names []string) error {
	if len(q.path) > 0 {
		return fail("InvalidKeyPath", "The key path in the SQL expression is not valid.")
	}
	for _, r := range q.refs {
		column := r.steps[0]
		qualified := len(r.steps) > 1
		if qualified {
			if !q.isTable(column.name) {
				return fail("InvalidTableAlias", "Invalid table alias is specified %s. Please check the file and try again.", column.position)
			}
			column = r.steps[1]
		}
		if len(r.steps) > 2 || column.name == "" {
			return fail("InvalidKeyPath", "The key path in the SQL expression is not valid.")
		}
		var err error
		if r.column, err = findColumn(names, column, qualified); err != nil {
			return err
		}
	}
	return nil
}

func findColumn(names []string, s step, qualified bool) (int, error) {
	if names == nil {
		digits, ok := strings.CutPrefix(s.name, "_")
		n, err := strconv.Atoi(digits)
		switch {
		case ok && err == nil && n >= 1:
			return n - 1, nil
		case qualified && !ok:
			return 0, errMissingHeaders()
		}
		return 0, fail("InvalidColumnIndex", "The column index %s is invalid. Please check the service documentation and try again.", s.position)
	}
	found := -1
	for i, name := range names {
		if !s.matches(name) {
			continue
		}
		if found >= 0 {
			return 0, fail("AmbiguousFieldName", "Field name matches to multiple fields in the file. Check the SQL expression and the file, and try again.")
		}
		found = i
	}
	if found < 0 {
		return 0, errMissingHeaders()
	}
	return found, nil
}

func errMissingHeaders() error {
	return fail("MissingHeaders", "Some headers in the query are missing from the file. Please check the file and try again.")
}
