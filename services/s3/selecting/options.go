package selecting

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/virga-cloud/virga/api/s3"
)

// Input says how an object is read.
type Input struct {
	compression s3.CompressionType
	// One of them is the format.
	csv     *csvFormat
	json    *s3.JSONInput
	parquet bool
	// ranged says that only records that begin from byte start to byte end are
	// read; an end without a start is how many bytes of the object's end are meant.
	ranged     bool
	start, end *int64
}

// csvFormat says how CSV is read and written.
type csvFormat struct {
	record, field, quote, escape string
	// comment begins records that are not read.
	comment string
	header  s3.FileHeaderInfo
	// across says that quoted fields may hold the record delimiter.
	across bool
	always bool // write quotes around every field
}

// Output says how results are written.
type Output struct {
	csv    *csvFormat
	record string // behind each record of JSON
}

func errConflict() error {
	return fail("ObjectSerializationConflict", "InputSerialization specifies more than one format (CSV, JSON, or Parquet), or OutputSerialization specifies more than one format (CSV or JSON). For InputSerialization and OutputSerialization, you can specify only one format for each.")
}

func errRequired(name string) error {
	return fail("MissingRequiredParameter", "%s is required. Please check the service documentation and try again.", name)
}

func errParameter(name string) error {
	return fail("InvalidRequestParameter", "The value of a parameter in SelectRequest element is invalid: %s. Check the service API documentation and try again.", name)
}

// ParseInput checks how an object is to be read.
func ParseInput(in *s3.InputSerialization, r *s3.ScanRange) (*Input, error) {
	i := &Input{compression: cmp.Or(in.CompressionType, s3.CompressionTypeNone), json: in.JSON, parquet: in.Parquet != nil}
	if !slices.Contains(i.compression.Values(), string(i.compression)) {
		return nil, fail("InvalidCompressionFormat", "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.")
	}
	formats := 0
	for _, given := range []bool{in.CSV != nil, in.JSON != nil, in.Parquet != nil} {
		if given {
			formats++
		}
	}
	switch {
	case formats == 0:
		return nil, errRequired("InputSerialization")
	case formats > 1:
		return nil, errConflict()
	case i.parquet && i.compression != s3.CompressionTypeNone:
		return nil, fail("InvalidCompressionFormat", "%s is not applicable to the queried object. Please correct the request and try again.", i.compression)
	case i.json != nil && i.json.Type == "":
		return nil, errRequired("Type")
	case i.json != nil && !slices.Contains(i.json.Type.Values(), string(i.json.Type)):
		return nil, fail("InvalidJsonType", "The JsonType is invalid. Only DOCUMENT and LINES are supported.")
	case in.CSV != nil:
		var err error
		if i.csv, err = parseCSV(in.CSV); err != nil {
			return nil, err
		}
	}
	return i, i.scan(r)
}

func parseCSV(in *s3.CSVInput) (*csvFormat, error) {
	f := &csvFormat{
		record: cmp.Or(in.RecordDelimiter, "\n"), field: cmp.Or(in.FieldDelimiter, ","), quote: cmp.Or(in.QuoteCharacter, `"`),
		escape: cmp.Or(in.QuoteEscapeCharacter, `"`), comment: cmp.Or(in.Comments, "#"), header: cmp.Or(in.FileHeaderInfo, s3.FileHeaderInfoNone),
		across: in.AllowQuotedRecordDelimiter != nil && *in.AllowQuotedRecordDelimiter,
	}
	if !slices.Contains(f.header.Values(), string(f.header)) {
		return nil, fail("InvalidFileHeaderInfo", "The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are supported.")
	}
	return f, f.check()
}

// check holds delimiters and quotes to their lengths, in characters.
func (f *csvFormat) check() error {
	for _, c := range []struct {
		name, value string
		most        int
	}{
		{"RecordDelimiter", f.record, 2}, {"FieldDelimiter", f.field, 1}, {"QuoteCharacter", f.quote, 1},
		{"QuoteEscapeCharacter", f.escape, 1}, {"Comments", f.comment, 1},
	} {
		if utf8.RuneCountInString(c.value) > c.most {
			return errParameter(c.name)
		}
	}
	return nil
}

// scan checks a range, which needs records that can be found from anywhere.
func (i *Input) scan(r *s3.ScanRange) error {
	if r == nil || r.Start == nil && r.End == nil {
		return nil
	}
	i.ranged, i.start, i.end = true, r.Start, r.End
	switch {
	case r.Start != nil && *r.Start < 0 || r.End != nil && *r.End < 0, r.Start != nil && r.End != nil && *r.Start > *r.End:
		return errScanRange()
	case i.compression != s3.CompressionTypeNone || i.parquet || i.csv != nil && i.csv.across || i.json != nil && i.json.Type == s3.JSONTypeDocument:
		return fail("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object.")
	}
	return nil
}

func errScanRange() error {
	return fail("InvalidScanRange", "The provided scan range is not valid.")
}

// ParseOutput checks how results are to be written.
func ParseOutput(out *s3.OutputSerialization) (*Output, error) {
	switch {
	case out.CSV != nil && out.JSON != nil:
		return nil, errConflict()
	case out.JSON != nil:
		return &Output{record: cmp.Or(out.JSON.RecordDelimiter, "\n")}, nil
	case out.CSV == nil:
		return nil, errRequired("OutputSerialization")
	}
	f := &csvFormat{
		record: cmp.Or(out.CSV.RecordDelimiter, "\n"), field: cmp.Or(out.CSV.FieldDelimiter, ","), quote: cmp.Or(out.CSV.QuoteCharacter, `"`),
		escape: cmp.Or(out.CSV.QuoteEscapeCharacter, `"`), always: out.CSV.QuoteFields == s3.QuoteFieldsAlways,
	}
	if q := out.CSV.QuoteFields; q != "" && !slices.Contains(q.Values(), string(q)) {
		return nil, fail("InvalidQuoteFields", "The QuoteFields is invalid. Only ALWAYS and ASNEEDED are supported.")
	}
	return &Output{csv: f}, f.check()
}
