package selecting

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

// bytesObject is an object in memory.
type bytesObject []byte

func (b bytesObject) Size() int64 { return int64(len(b)) }

func (b bytesObject) Open(off, n int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b[off : off+n])), nil
}

func (b bytesObject) Close() error { return nil }

var now = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

// query runs an expression over an object.
func query(sql, object string, in *s3.InputSerialization, out *s3.OutputSerialization, r *s3.ScanRange) (string, error) {
	i, err := ParseInput(in, r)
	if err != nil {
		return "", err
	}
	o, err := ParseOutput(out)
	if err != nil {
		return "", err
	}
	q, err := Parse(sql)
	if err != nil {
		return "", err
	}
	run, err := q.Start(bytesObject(object), i, o, now)
	if err != nil {
		return "", err
	}
	defer run.Close()
	var all strings.Builder
	for {
		b, err := run.Next()
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
		all.Write(b)
	}
}

func csvIn(header s3.FileHeaderInfo) *s3.InputSerialization {
	return &s3.InputSerialization{CSV: &s3.CSVInput{FileHeaderInfo: header}}
}

var (
	jsonIn  = &s3.InputSerialization{JSON: &s3.JSONInput{Type: s3.JSONTypeDocument}}
	csvOut  = &s3.OutputSerialization{CSV: &s3.CSVOutput{}}
	jsonOut = &s3.OutputSerialization{JSON: &s3.JSONOutput{}}
)

const people = "name,age,city\nAda,36,London\nAlan,41,Wilmslow\nGrace,85,\"New York, NY\"\nLinus,,Portland\n"

func TestCSV(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM S3Object":                                                            "Ada,36,London\nAlan,41,Wilmslow\nGrace,85,\"New York, NY\"\nLinus,,Portland\n",
		"SELECT s.* FROM S3Object s LIMIT 1":                                                "Ada,36,London\n",
		"select name from s3object limit 2;":                                                "Ada\nAlan\n",
		"SELECT s.name, s.\"age\" FROM S3Object AS s WHERE s.name = 'Ada'":                  "Ada,36\n",
		"SELECT NAME FROM S3Object WHERE CAST(age AS INT) > 40":                             "error CastFailed",
		"SELECT NAME FROM S3Object WHERE age <> '' AND CAST(age AS INT) > 40":               "Alan\nGrace\n",
		"SELECT name FROM S3Object s WHERE s.city LIKE '%o%' AND NOT name LIKE 'A%'":        "Grace\nLinus\n",
		"SELECT name FROM S3Object WHERE name IN ('Ada', 'Grace')":                          "Ada\nGrace\n",
		"SELECT name FROM S3Object WHERE name BETWEEN 'Al' AND 'H'":                         "Alan\nGrace\n",
		"SELECT name FROM S3Object WHERE age = ''":                                          "Linus\n",
		"SELECT name FROM S3Object WHERE age = 36":                                          "", // CSV holds strings
		"SELECT COUNT(*) FROM S3Object":                                                     "4\n",
		"SELECT COUNT(*), MAX(name), MIN(name) FROM S3Object WHERE name < 'B'":              "2,Alan,Ada\n",
		"SELECT SUM(CAST(age AS INT)), AVG(CAST(age AS INT)) FROM S3Object WHERE age <> ''": "162,54\n",
		"SELECT SUM(CAST(age AS INT)) / COUNT(*) AS mean FROM S3Object WHERE age <> ''":     "54\n",
		"SELECT AVG(CAST(age AS DECIMAL)) FROM S3Object WHERE age < '5' AND age <> ''":      "38.5\n",
		"SELECT CASE WHEN age = '' THEN 'none' ELSE age END FROM S3Object WHERE name > 'G'": "85\nnone\n",
		"SELECT name || '!' FROM S3Object LIMIT 1":                                          "Ada!\n",
		"SELECT name, missing FROM S3Object":                                                "Ada,\nAlan,\nGrace,\nLinus,\n",
		"SELECT nome FROM S3Object":                                                         "error MissingHeaders",
		"SELECT s.name FROM S3Object":                                                       "error InvalidTableAlias",
		"SELECT _1 FROM S3Object":                                                           "error MissingHeaders",
		"SELECT name, COUNT(*) FROM S3Object":                                               "error UnsupportedSqlStructure",
		"SELECT name FROM S3Object WHERE SUM(1) > 1":                                        "error UnsupportedSqlStructure",
		"SELECT name + 1 FROM S3Object":                                                     "error IncorrectSqlFunctionArgumentType",
		"SELECT name FROM S3Object[*].people":                                               "error InvalidKeyPath",
	} {
		check(t, sql, want, people, csvIn(s3.FileHeaderInfoUse), csvOut)
	}
	for sql, want := range map[string]string{
		"SELECT _1, s._3 FROM S3Object s LIMIT 1": "Ada,London\n",
		"SELECT _9 FROM S3Object LIMIT 1":         "\n",
		"SELECT name FROM S3Object":               "error InvalidColumnIndex",
		"SELECT s.name FROM S3Object s":           "error MissingHeaders",
		`SELECT * FROM S3Object WHERE _1 = "Ada"`: "error InvalidColumnIndex",
	} {
		check(t, sql, want, people, csvIn(s3.FileHeaderInfoIgnore), csvOut)
	}
	check(t, "SELECT * FROM S3Object LIMIT 2", "{\"name\":\"Ada\",\"age\":\"36\",\"city\":\"London\"}\n{\"name\":\"Alan\",\"age\":\"41\",\"city\":\"Wilmslow\"}\n", people, csvIn(s3.FileHeaderInfoUse), jsonOut)
	check(t, "SELECT * FROM S3Object LIMIT 1", "{\"_1\":\"name\",\"_2\":\"age\",\"_3\":\"city\"}\n", people, csvIn(""), jsonOut)
	check(t, "SELECT * FROM S3Object", "error CSVEscapingRecordDelimiter", "a,\"b\nc\"\n", csvIn(""), csvOut)
	check(t, "SELECT * FROM S3Object", "error CSVUnescapedQuote", "a,\"b", csvIn(""), csvOut)
	check(t, "SELECT 'a' LIKE 1 FROM S3Object", "error LikeInvalidInputs", "a\n", csvIn(""), csvOut)
	check(t, "SELECT SUBSTRING('a', 1, -1) FROM S3Object", "error IllegalSqlFunctionArgument", "a\n", csvIn(""), csvOut)
	check(t, "SELECT * FROM S3Object LIMIT -1", "error EvaluatorNegativeLimit", "a\n", csvIn(""), csvOut)
	check(t, "SELECT * FROM S3Object WHERE from", "error ParseUnExpectedKeyword", "a\n", csvIn(""), csvOut)
	check(t, `SELECT s."A" FROM S3Object s`, "1\n", "A,a\n1,2\n", csvIn(s3.FileHeaderInfoUse), csvOut)
	check(t, "SELECT s.A FROM S3Object s", "error AmbiguousFieldName", "A,a\n1,2\n", csvIn(s3.FileHeaderInfoUse), csvOut)
}

// check runs a query and compares its result, or its error's code.
func check(t *testing.T, sql, want, object string, in *s3.InputSerialization, out *s3.OutputSerialization) {
	t.Helper()
	got, err := query(sql, object, in, out, nil)
	if e, ok := errors.AsType[*Error](err); ok {
		got = "error " + e.Code
	} else if err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	if got != want {
		t.Errorf("%s\n got %q (%v)\nwant %q", sql, got, err, want)
	}
}

func TestCSVForms(t *testing.T) {
	for name, c := range map[string]struct {
		in           s3.CSVInput
		object, want string
	}{
		"quotes":           {s3.CSVInput{}, "\"a,b\",\"say \"\"hi\"\"\",c\n", `a,b|say "hi"|c`},
		"no end":           {s3.CSVInput{}, "a,b\nc,", "a|b/c|"},
		"comments":         {s3.CSVInput{}, "#no\na\n\"#yes\"\n\nb\n", "a/#yes/b"},
		"other comments":   {s3.CSVInput{Comments: ";"}, "#a\n;b\n", "#a"},
		"delimiters":       {s3.CSVInput{FieldDelimiter: "\t", RecordDelimiter: "|"}, "a\tb|c\nd\te", "a|b/c\nd|e"},
		"two characters":   {s3.CSVInput{RecordDelimiter: "\r\n"}, "a\rb,c\r\nd\r\n", "a\rb|c/d"},
		"wide":             {s3.CSVInput{FieldDelimiter: "→"}, "a→b→ü\n", "a|b|ü"},
		"escape":           {s3.CSVInput{QuoteEscapeCharacter: `\`}, `"a\"b,",c`, `a"b,|c`},
		"quote":            {s3.CSVInput{QuoteCharacter: "'", QuoteEscapeCharacter: "'"}, "'a,b',\"\n", `a,b|"`},
		"record in quotes": {s3.CSVInput{AllowQuotedRecordDelimiter: new(true)}, "\"a\nb\",c\n", "a\nb|c"},
		"byte order mark":  {s3.CSVInput{}, "\ufeffa,b\n", "a|b"},
		"empty":            {s3.CSVInput{}, "", ""},
	} {
		r := newCSV(&utf8Reader{r: strings.NewReader(c.object)}, must(parseCSV(&c.in)))
		var records []string
		var err error
		for row := (row{}); err == nil; {
			if err = r.next(&row); err == nil {
				records = append(records, strings.Join(row.fields, "|"))
			}
		}
		if got := strings.Join(records, "/"); err != io.EOF || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const document = `{"Rules":[{"id":"1","n":1.50},{"expr":"y < x"},{"id":"2","deep":{"a":[1,2,{"b":null}]}},{"ID":"3"}],"created":"June 27","On":true,"tags":{"x":1,"y":2}}`

func TestJSON(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT id FROM S3Object[*].Rules[*].id":                                          `{"id":"1"}|{}|{"id":"2"}|{"id":"3"}`,
		"SELECT id FROM S3Object[*].Rules[*].id WHERE id IS NOT MISSING":                  `{"id":"1"}|{"id":"2"}|{"id":"3"}`,
		`SELECT "id" FROM S3Object[*].Rules[*]."id" WHERE "id" IS NOT MISSING`:            `{"id":"1"}|{"id":"2"}`,
		"SELECT d.created, d.\"On\" FROM S3Object[*] d":                                   `{"created":"June 27","On":true}`,
		"SELECT _1.created FROM S3Object[*]":                                              `{"created":"June 27"}`,
		"SELECT created FROM S3Object":                                                    `{"created":"June 27"}`,
		"SELECT s.Rules[0].n, s.Rules[2].deep.a[2] FROM S3Object s":                       `{"n":1.50,"_2":{"b":null}}`,
		"SELECT * FROM S3Object[*].Rules[1]":                                              `{"expr":"y < x"}`,
		"SELECT * FROM S3Object[*].tags.*":                                                `{"_1":1}|{"_1":2}`,
		"SELECT _1.id AS i FROM S3Object[*].Rules[*] WHERE _1.id = '1'":                   `{"i":"1"}`,
		"SELECT r['id'] FROM S3Object[*].Rules[*] r LIMIT 1":                              `{"id":"1"}`,
		"SELECT r.nothing FROM S3Object[*].Rules[*] r LIMIT 1":                            `{}`,
		"SELECT r.deep.a[2].b AS b FROM S3Object[*].Rules[2] r":                           `{"b":null}`,
		"SELECT COUNT(r.id) FROM S3Object[*].Rules[*] r":                                  `{"_1":3}`,
		"SELECT COUNT(*) AS n FROM S3Object[*].Rules[*]":                                  `{"n":4}`,
		"SELECT r.n * 2 AS twice, r.n + 0.25 AS more FROM S3Object[*].Rules[0] r":         `{"twice":3,"more":1.75}`,
		"SELECT * FROM S3Object[*].nothing[*]":                                            `{}`,
		"SELECT * FROM S3Object[*].created.x":                                             `{}`,
		"SELECT r.id FROM S3Object.Rules[*] r":                                            "error InvalidTableAlias",
		"SELECT s.Rules[*] FROM S3Object s":                                               "error ParseInvalidPathComponent",
		"SELECT COALESCE(s.nope, s.created) AS c, NULLIF(s.created, 'x') FROM S3Object s": `{"c":"June 27","_2":"June 27"}`,
	} {
		if !strings.HasPrefix(want, "error") {
			want = strings.ReplaceAll(want, "|", "\n") + "\n"
		}
		check(t, sql, want, document, jsonIn, jsonOut)
	}
	lines := "{\"a\":1}\n{\"a\":2.5,\"b\":\"x,y\"}\n{\"a\":[1,\"é\"]}\n"
	check(t, "SELECT * FROM S3Object", "1\n2.5,\"x,y\"\n\"[1,\"\"é\"\"]\"\n", lines, jsonIn, csvOut)
	check(t, "SELECT s.a FROM S3Object s WHERE s.a > 1", "2.5\n", lines, jsonIn, csvOut)
	for _, broken := range []string{`{"a":1`, `{"a" 1}`, `{"a":1}}`, `[1,]`, `nul`} {
		check(t, "SELECT * FROM S3Object[*]", "error JSONParsingError", broken, jsonIn, csvOut)
		if broken[0] == '{' {
			check(t, "SELECT * FROM S3Object[*].z", "error JSONParsingError", broken, jsonIn, csvOut)
		}
	}
}

// The examples of AWS's documentation of functions and operators.
func TestExpressions(t *testing.T) {
	for sql, want := range map[string]string{
		"1+2*3": "7", "(1+2)*3": "9", "7/2": "3", "7%4": "3", "-5 - -3": "-2", "7.0/2": "3.5", "0.1+0.2": "0.3", "10/4.0": "2.5", "1/3.0": "0." + strings.Repeat("3", 37),
		"1 = 1.0": "true", "'a' = 1": "false", "'a' < 1": "", "NULL = NULL": "", "1 <> 2 AND NOT false": "true", "NULL OR true": "true", "NULL AND false": "false",
		"1 IN (1,2)": "true", "3 NOT IN (1,2)": "true", "3 IN (1,NULL)": "", "2 BETWEEN 1 AND 3": "true", "2 NOT BETWEEN 1 AND 3": "false",
		"'ab' LIKE 'a_'": "true", "'a%b' LIKE 'a\\%b' ESCAPE '\\'": "true", "'axb' LIKE 'a\\%b' ESCAPE '\\'": "false", "'abcabd' LIKE '%abd'": "true", "'' LIKE '%'": "true",
		"'a' LIKE 'ab' ESCAPE 'b'": "error EvaluatorLikePatternInvalidEscapeSequence", "NULL IS NULL": "true", "MISSING IS NULL": "true", "NULL IS MISSING": "false", "1 IS NOT NULL": "true",
		"CHAR_LENGTH('')": "0", "CHARACTER_LENGTH('äbc')": "3", "LOWER('AbCdEfG!@#$')": "abcdefg!@#$", "UPPER('a')": "A",
		"SUBSTRING('123456789', 0)": "123456789", "SUBSTRING('123456789', 1)": "123456789", "SUBSTRING('123456789', 2)": "23456789", "SUBSTRING('123456789', -4)": "123456789",
		"SUBSTRING('123456789', 0, 999)": "123456789", "SUBSTRING('123456789', 1, 5)": "12345", "SUBSTRING('hello' FROM 2 FOR 3)": "ell", "SUBSTRING('123', -1, 3)": "1",
		"TRIM('       foobar         ')": "foobar", "TRIM(LEADING FROM '   foobar ')": "foobar ", "TRIM(BOTH '12' FROM '1112211foobar22211122')": "foobar", "TRIM(TRAILING 'r' FROM 'foobar')": "fooba",
		"COALESCE(1)": "1", "COALESCE(null, null, 'string')": "string", "NULLIF(1, 2)": "1", "NULLIF(1, 1.0)": "", "NULLIF(1, 'foo')": "1",
		"CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END": "two", "CASE WHEN false THEN 1 END": "",
		"CAST('2007-04-05T14:30Z' AS TIMESTAMP)": "2007-04-05T14:30Z", "CAST(0.456 AS FLOAT)": "0.456", "CAST('12' AS INT) + 1": "13", "CAST('1.9' AS INT)": "1",
		"CAST('true' AS BOOL)": "true", "CAST(0 AS BOOLEAN)": "false", "CAST(12 AS STRING) || 'x'": "12x", "CAST('1.005' AS DECIMAL(5,2))": "1.01", "CAST('x' AS INT)": "error CastFailed",
		"CAST('1e400' AS FLOAT)": "error CastFailed", "CAST('-7.25' AS NUMERIC)": "-7.25", "CAST(true AS INT)": "1", "CAST('1' AS interval)": "error InvalidDataType",
		"9223372036854775807 + 1": "error IntegerOverflow", "-9223372036854775808": "-9223372036854775808", "-9223372036854775808 / -1": "error IntegerOverflow", "1/0": "error ExternalEvalException", "1.0 % 0": "error ExternalEvalException",
		"DATE_ADD(year, 5, `2010-01-01T`)": "2015-01-01T", "DATE_ADD(month, 1, `2010T`)": "2010-02T", "DATE_ADD(month, 13, `2010T`)": "2011-02T", "DATE_ADD(day, -1, `2017-01-10T`)": "2017-01-09T",
		"DATE_ADD(hour, 1, `2017T`)": "2017-01-01T01:00-00:00", "DATE_ADD(hour, 1, `2017-01-02T03:04Z`)": "2017-01-02T04:04Z", "DATE_ADD(minute, 1, `2017-01-02T03:04:05.006Z`)": "2017-01-02T03:05:05.006Z",
		"DATE_ADD(second, 1, `2017-01-02T03:04:05.006Z`)": "2017-01-02T03:04:06.006Z", "DATE_ADD(month, 1, `2017-01-31T`)": "2017-02-28T", "DATE_ADD(hour, 2000000000, `2017T`)": "error IntegerOverflow",
		"DATE_DIFF(year, `2010-01-01T`, `2011-01-01T`)": "1", "DATE_DIFF(month, `2010T`, `2010-05T`)": "4", "DATE_DIFF(month, `2010T`, `2011T`)": "12", "DATE_DIFF(month, `2011T`, `2010T`)": "-12",
		"DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)": "0", "EXTRACT(YEAR FROM `2010-01-01T`)": "2010", "EXTRACT(MONTH FROM `2010T`)": "1", "EXTRACT(HOUR FROM `2017-01-02T03:04:05+07:08`)": "3",
		"EXTRACT(TIMEZONE_HOUR FROM `2017-01-02T03:04:05+07:08`)": "7", "EXTRACT(TIMEZONE_MINUTE FROM `2017-01-02T03:04:05+07:08`)": "8",
		"TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y')": "July 20, 1969", "TO_STRING(`1969-07-20T20:18Z`, 'MMM d, yyyy')": "Jul 20, 1969", "TO_STRING(`1969-07-20T20:18Z`, 'M-d-yy')": "7-20-69",
		"TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y h:m a')": "July 20, 1969 8:18 PM", "TO_STRING(`1969-07-20T20:18Z`, 'y-MM-dd''T''H:m:ssX')": "1969-07-20T20:18:00Z",
		"TO_STRING(`1969-07-20T20:18+08:00`, 'y-MM-dd''T''H:m:ssXXXX')": "1969-07-20T20:18:00+0800", "TO_STRING(`1969-07-20T20:18+08:00`, 'y-MM-dd''T''H:m:ssXXXXX')": "1969-07-20T20:18:00+08:00",
		"TO_STRING(`1969-07-20T20:18Z`, 'Q')": "error EvaluatorInvalidTimestampFormatPatternSymbol", "TO_STRING(`1969-07-20T20:18Z`, 'ddd')": "error EvaluatorInvalidTimestampFormatPatternToken",
		"TO_STRING(`1969-07-20T20:18Z`, '''x')": "error EvaluatorUnterminatedTimestampFormatPatternToken",
		"TO_TIMESTAMP('2007T')":                 "2007T", "TO_TIMESTAMP('2007-02-23T12:14:33.079-08:00')": "2007-02-23T12:14:33.079-08:00", "TO_TIMESTAMP('2007-02-30T')": "error ValueParseFailure",
		"UTCNOW()": "2026-03-04T05:06:07.890Z", "`2010T` < `2011T`": "true", "`true`": "true", "`\"text\"`": "text", "1e2": "100", "'it''s'": "it's",
	} {
		if want == "" || !strings.HasPrefix(want, "error") {
			want += "\n"
		}
		in := &s3.InputSerialization{CSV: &s3.CSVInput{}}
		check(t, "SELECT "+sql+" FROM S3Object", want, "row\n", in, &s3.OutputSerialization{CSV: &s3.CSVOutput{FieldDelimiter: "|", QuoteCharacter: "~"}})
	}
}

func TestParseErrors(t *testing.T) {
	for sql, want := range map[string]string{
		"":                                               "ParseUnsupportedSyntax: ",
		"DELETE FROM S3Object":                           "ParseUnsupportedSyntax: ",
		"SELECT":                                         "ParseSelectMissingFrom: Missing FROM",
		"SELECT FROM S3Object":                           "ParseEmptySelect: ",
		"SELECT *, a FROM S3Object":                      "ParseAsteriskIsNotAloneInSelectList: ",
		"SELECT a, * FROM S3Object":                      "ParseAsteriskIsNotAloneInSelectList: ",
		"SELECT s.*, a FROM S3Object s":                  "ParseInvalidContextForWildcardInSelectList: ",
		"SELECT a b c FROM S3Object":                     "ParseUnexpectedToken: Unexpected token found IDENTIFIER:'c' at line 1, column 12.",
		"SELECT a FROM other":                            "InvalidDataSource: ",
		"SELECT a FROM S3Object WHERE":                   "ParseUnexpectedToken: ",
		"SELECT a AS FROM S3Object":                      "ParseExpectedIdentForAlias: ",
		"SELECT a FROM S3Object a, S3Object b":           "ParseMalformedJoin: ",
		"SELECT a FROM S3Object LIMIT x":                 "ParseExpectedNumber: ",
		"SELECT a FROM S3Object GROUP BY a":              "UnsupportedSyntax: ",
		"SELECT DISTINCT a FROM S3Object":                "ParseUnsupportedSelect: ",
		"SELECT a FROM S3Object s WHERE s.'odd' = 1":     "ParseInvalidPathComponent: Invalid Path component, expecting either an IDENTIFIER or STAR, got: LITERAL,at line 1, column 34.",
		"SELECT s.key FROM S3Object s":                   "ParseInvalidPathComponent: Invalid Path component, expecting either an IDENTIFIER or STAR, got: KEYWORD,at line 1, column 10.",
		`SELECT * FROM S3OBJECT s WHERE s.odd is "true"`: "ParseExpectedTypeName: Expected type name, found QUOTED_IDENTIFIER:'true' at line 1, column 41.",
		"SELECT a FROM S3Object\nWHERE a % % 2":          "ParseUnexpectedOperator: Unexpected operator OPERATOR:'%' at line 2, column 11.",
		"SELECT SUM(*) FROM S3Object":                    "ParseUnsupportedCallWithStar: ",
		"SELECT SUM(a, b) FROM S3Object":                 "ParseNonUnaryAgregateFunctionCall: ",
		"SELECT f(a) FROM S3Object":                      "UnsupportedFunction: ",
		"SELECT LOWER(a, b) FROM S3Object":               "EvaluatorInvalidArguments: ",
		"SELECT CAST(a, INT) FROM S3Object":              "ParseCastArity: ",
		"SELECT CAST a AS INT FROM S3Object":             "ParseExpectedLeftParenAfterCast: ",
		"SELECT CAST(a AS DECIMAL(x)) FROM S3Object":     "ParseInvalidTypeParam: ",
		"SELECT EXTRACT(era FROM a) FROM S3Object":       "ParseExpectedDatePart: ",
		"SELECT CASE a THEN 1 END FROM S3Object":         "ParseExpectedWhenClause: ",
		"SELECT LOWER a FROM S3Object":                   "ParseExpectedLeftParenBuiltinFunctionCall: ",
		"SELECT LOWER(a b) FROM S3Object":                "ParseExpectedArgumentDelimiter: ",
		"SELECT (SELECT a FROM S3Object) FROM S3Object":  "ParseUnsupportedSelect: ",
		"SELECT 'a FROM S3Object":                        "LexerInvalidChar: ",
		"SELECT ? FROM S3Object":                         "LexerInvalidChar: Invalid character at line 1, column 8.",
		"SELECT `{}` FROM S3Object":                      "LexerInvalidIONLiteral: ",
		"SELECT 1x FROM S3Object":                        "LexerInvalidLiteral: ",
		"SELECT " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + " FROM S3Object": "MaxOperatorsExceeded: ",
		strings.Repeat(" ", MaxExpression+1):                                                     "ExpressionTooLong: ",
	} {
		_, err := Parse(sql)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", sql, err, want)
		}
	}
}

// bzipped is "a,b\n1,2\n".
const bzipped = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xbf\x87\x40\x7f\x00\x00\x03\x59\x00\x00\x10\x00\x04\x30\x00\x30\x00\x20\x00\x30\xc0\x08\x69\xb2\x88\x23\x27\x8b\xb9\x22\x9c\x28\x48\x5f\xc3\xa0\x3f\x80"

func TestInputs(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(people)) // buffers never fail
	_ = z.Close()
	in := csvIn(s3.FileHeaderInfoUse)
	in.CompressionType = s3.CompressionTypeGzip
	check(t, "SELECT COUNT(*) FROM S3Object", "4\n", zipped.String(), in, csvOut)
	check(t, "SELECT COUNT(*) FROM S3Object", "error TruncatedInput", zipped.String()[:60], in, csvOut)
	check(t, "SELECT COUNT(*) FROM S3Object", "error InvalidCompressionFormat", people, in, csvOut)
	in.CompressionType = s3.CompressionTypeBzip2
	in.CSV.FileHeaderInfo = ""
	check(t, "SELECT * FROM S3Object", "a,b\n1,2\n", bzipped, in, csvOut)
	check(t, "SELECT COUNT(*) FROM S3Object", "error TruncatedInput", bzipped[:30], in, csvOut)
	check(t, "SELECT COUNT(*) FROM S3Object", "error InvalidCompressionFormat", people, in, csvOut)
	check(t, "SELECT * FROM S3Object", "error InvalidTextEncoding", "a,\xff\n", csvIn(""), csvOut)
	check(t, "SELECT * FROM S3Object", "error OverMaxRecordSize", strings.Repeat("a", maxRecord+2), csvIn(""), csvOut)
	check(t, "SELECT * FROM S3Object", "error OverMaxRecordSize", `"`+strings.Repeat("a", maxRecord+2)+`"`, jsonIn, csvOut)
	check(t, "SELECT * FROM S3Object[*].a", "error OverMaxRecordSize", `{"b":"`+strings.Repeat("a", 4*maxRecord)+`"}`, jsonIn, csvOut)
	// Characters stay whole where reads cut them.
	long := strings.Repeat("é→𝄞\n", 50_000)
	check(t, "SELECT * FROM S3Object", long, long, csvIn(""), csvOut)
	_, err := query("SELECT * FROM S3Object", strings.Repeat("a\n", 4096)+"\xff", csvIn(""), csvOut, nil)
	if err == nil || !strings.Contains(err.Error(), "near byte 8,193.") {
		t.Error(err)
	}
}

func TestScanRanges(t *testing.T) {
	object := "aa\nbb\ncc\ndd\n" // records begin at 0, 3, 6 and 9
	for _, c := range []struct {
		start, end int64 // negative is none
		want       string
	}{
		{0, 2, "aa\n"}, {0, 3, "aa\nbb\n"}, {1, 5, "bb\n"}, {3, 5, "bb\n"}, {3, 6, "bb\ncc\n"}, {4, -1, "cc\ndd\n"}, {10, 11, ""}, {-1, 3, "dd\n"}, {-1, 100, object}, {9, 9, "dd\n"},
	} {
		r := &s3.ScanRange{}
		if c.start >= 0 {
			r.Start = &c.start
		}
		if c.end >= 0 {
			r.End = &c.end
		}
		if got, err := query("SELECT * FROM S3Object", object, csvIn(""), csvOut, r); err != nil || got != c.want {
			t.Errorf("%d to %d: %q, %v, want %q", c.start, c.end, got, err, c.want)
		}
	}
	got, err := query("SELECT name FROM S3Object", people, csvIn(s3.FileHeaderInfoUse), csvOut, &s3.ScanRange{Start: new(int64(20))})
	if err != nil || got != "Alan\nGrace\nLinus\n" {
		t.Errorf("with a header: %q, %v", got, err)
	}
	lines := &s3.InputSerialization{JSON: &s3.JSONInput{Type: s3.JSONTypeLines}}
	got, err = query("SELECT s.a FROM S3Object s", "{\"a\":1}\n{\"a\":2}\n", lines, csvOut, &s3.ScanRange{Start: new(int64(2)), End: new(int64(9))})
	if err != nil || got != "2\n" {
		t.Errorf("lines: %q, %v", got, err)
	}
	for want, c := range map[string]struct {
		in *s3.InputSerialization
		r  s3.ScanRange
	}{
		"InvalidScanRange":          {csvIn(""), s3.ScanRange{Start: new(int64(5)), End: new(int64(4))}},
		"UnsupportedScanRangeInput": {jsonIn, s3.ScanRange{Start: new(int64(5))}},
	} {
		_, err := query("SELECT * FROM S3Object", object, c.in, csvOut, &c.r)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for want, c := range map[string]struct {
		in  *s3.InputSerialization
		out *s3.OutputSerialization
	}{
		"InvalidFileHeaderInfo":       {csvIn("x"), csvOut},
		"InvalidCompressionFormat":    {&s3.InputSerialization{CSV: &s3.CSVInput{}, CompressionType: "ZIP"}, csvOut},
		"InvalidJsonType":             {&s3.InputSerialization{JSON: &s3.JSONInput{Type: "x"}}, csvOut},
		"MissingRequiredParameter":    {&s3.InputSerialization{JSON: &s3.JSONInput{}}, csvOut},
		"ObjectSerializationConflict": {&s3.InputSerialization{CSV: &s3.CSVInput{}, JSON: &s3.JSONInput{Type: "LINES"}}, csvOut},
		"InvalidQuoteFields":          {csvIn(""), &s3.OutputSerialization{CSV: &s3.CSVOutput{QuoteFields: "x"}}},
		"InvalidRequestParameter":     {&s3.InputSerialization{CSV: &s3.CSVInput{FieldDelimiter: "ab"}}, csvOut},
	} {
		_, err := query("SELECT * FROM S3Object", "a\n", c.in, c.out, nil)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for want, out := range map[string]*s3.OutputSerialization{
		`"a","it ""is"""` + "\n":       {CSV: &s3.CSVOutput{QuoteFields: s3.QuoteFieldsAlways}},
		`a;it "is"|`:                   {CSV: &s3.CSVOutput{FieldDelimiter: ";", RecordDelimiter: "|", QuoteCharacter: "'", QuoteFields: s3.QuoteFieldsAsneeded}},
		`{"_1":"a","_2":"it \"is\""},`: {JSON: &s3.JSONOutput{RecordDelimiter: ","}},
	} {
		got, err := query("SELECT * FROM S3Object", "a,\"it \"\"is\"\"\"\n", csvIn(""), out, nil)
		if err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, sql := range []string{
		"SELECT * FROM S3Object", "SELECT s.a, CAST(b AS INT) AS c FROM S3Object[*].x['y'][0] AS s WHERE a LIKE '%' ESCAPE '\\' AND b IN (1, `2010T`) LIMIT 5",
		"SELECT COUNT(*), SUM(a) FROM S3Object WHERE CASE a WHEN 1 THEN true ELSE b IS MISSING END", "SELECT TRIM(LEADING 'x' FROM a), SUBSTRING(a FROM 1 FOR 2) FROM S3Object",
		"SELECT DATE_ADD(year, 1, `2010T`), EXTRACT(day FROM a), -1.5e3 FROM S3Object -- end",
	} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		q, err := Parse(sql)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Fatalf("%v is no error of a query", err)
		}
		if err != nil {
			return
		}
		// What parses runs, or fails with a code.
		i, _ := ParseInput(jsonIn, nil)
		o, _ := ParseOutput(jsonOut)
		run, err := q.Start(bytesObject(document), i, o, now)
		for err == nil {
			_, err = run.Next()
		}
		if _, ok := errors.AsType[*Error](err); err != io.EOF && !ok {
			t.Fatalf("%q: %v", sql, err)
		}
	})
}
