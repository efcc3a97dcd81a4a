package selecting

import (
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

// What is written to cost much is refused, or costs no more than its length.
func TestHostile(t *testing.T) {
	const times = 100 // of which each doubled what is to be done, or more
	csv := &s3.InputSerialization{CSV: &s3.CSVInput{}}
	cases := strings.Repeat("CASE ", times) + "0" + strings.Repeat(" WHEN 1 THEN 0 WHEN 2 THEN 0 WHEN 0 THEN 0 END", times)
	large := strings.Repeat("x", 300_000)
	for name, c := range map[string]struct{ sql, object, want string }{
		"a chain of BETWEEN":   {"true" + strings.Repeat(" BETWEEN false AND true", times), "row\n", "true\n"},
		"CASE within CASE":     {cases, "row\n", "0\n"},
		"a growing text":       {"_1" + strings.Repeat("||_1", 9_000), large + "\n", "error OverMaxRecordSize"},
		"a growing number":     {"1e1000" + strings.Repeat("*1e1000", 9_000), "row\n", "error IntegerOverflow"},
		"a growing fraction":   {"1e-1000" + strings.Repeat("*1e-1000", 9_000), "row\n", "0\n"},
		"many tests for NULL":  {"1" + strings.Repeat(" IS NULL", 30_000), "row\n", "false\n"},
		"deeply nested by ()":  {strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000), "row\n", "error MaxOperatorsExceeded"},
		"many negations":       {strings.Repeat("NOT ", 50_000) + "true", "row\n", "true\n"},
		"many minus signs":     {strings.Repeat("- ", 50_000) + "1", "row\n", "1\n"},
		"many operators":       {"1" + strings.Repeat("+1", 20_000), "row\n", "error MaxOperatorsExceeded"},
		"the largest exponent": {"1e1001", "row\n", "error LexerInvalidLiteral"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, "SELECT "+c.sql+" FROM S3Object", c.want, c.object, csv, csvOut)
		})
	}
	for _, nested := range []string{strings.Repeat("[", maxRecord-1), strings.Repeat(`{"a":`, maxRecord/5)} {
		check(t, "SELECT * FROM S3Object[*]", "error JSONParsingError", nested, jsonIn, jsonOut)
		check(t, "SELECT * FROM S3Object[*].z", "error JSONParsingError", nested, jsonIn, jsonOut)
	}
}
