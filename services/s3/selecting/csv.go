package selecting

import (
	"bufio"
	"bytes"
	"io"
	"slices"
)

// csvSource reads records of CSV.
type csvSource struct {
	*csvFormat
	r      *bufio.Reader
	names  []string // of the header; nil without
	buf    []byte   // the fields of a record, one behind the other
	ends   []int    // where in buf each ends
	fields []string
}

func newCSV(r io.Reader, f *csvFormat) *csvSource {
	return &csvSource{csvFormat: f, r: bufio.NewReaderSize(r, 64<<10)}
}

// readHeader reads the record that names the columns.
func (s *csvSource) readHeader() error {
	if err := s.readRecord(); err != nil && err != io.EOF {
		return err
	}
	s.names = slices.Clone(s.fields)
	if s.names == nil {
		s.names = []string{}
	}
	return nil
}

func (s *csvSource) next(row *row) error {
	if err := s.readRecord(); err != nil {
		return err
	}
	row.fields, row.names = s.fields, s.names
	return nil
}

// readRecord reads the fields of the next record that is neither empty nor a comment.
func (s *csvSource) readRecord() error {
	for {
		quoted, err := s.scan()
		if err != nil {
			return err
		}
		comment := s.comment != "" && bytes.HasPrefix(s.buf, []byte(s.comment)) && !quoted
		if len(s.ends) == 1 && len(s.buf) == 0 && !quoted || comment {
			continue
		}
		all := string(s.buf)
		s.fields = s.fields[:0]
		from := 0
		for _, end := range s.ends {
			s.fields = append(s.fields, all[from:end])
			from = end
		}
		return nil
	}
}

// scan reads a record into buf and ends, and says whether its first field is quoted.
func (s *csvSource) scan() (quoted bool, err error) {
	s.buf, s.ends = s.buf[:0], s.ends[:0]
	within, start, size := false, true, 0
	for ; ; size++ {
		c, err := s.r.ReadByte()
		switch {
		case err == io.EOF && within:
			return quoted, fail("CSVUnescapedQuote", "An unescaped quote was found while parsing the CSV file. To allow quoted record delimiters, set AllowQuotedRecordDelimiter to 'TRUE'.")
		case err == io.EOF && size > 0:
			s.ends = append(s.ends, len(s.buf))
			return quoted, nil
		case err != nil:
			return quoted, err
		case size > maxRecord:
			return quoted, errRecordTooLong()
		}
		switch {
		case within && s.escape != s.quote && s.at(c, s.escape):
			if c, err = s.r.ReadByte(); err == nil {
				s.buf = append(s.buf, c)
			}
		case within && s.at(c, s.quote):
			if within = s.follows(s.quote) && s.escape == s.quote; within {
				s.buf = append(s.buf, s.quote...)
			}
		case within && (s.across || !s.at(c, s.record)):
			s.buf = append(s.buf, c)
		case start && s.at(c, s.quote):
			within = true
			quoted = quoted || len(s.ends) == 0
		case !within && s.at(c, s.field):
			s.ends = append(s.ends, len(s.buf))
			start = true
			continue
		case within: // the record delimiter, which may not be there
			return quoted, fail("CSVEscapingRecordDelimiter", "A quoted record delimiter was found in the file. To allow quoted record delimiters, set AllowQuotedRecordDelimiter to 'TRUE'.")
		case s.at(c, s.record):
			s.ends = append(s.ends, len(s.buf))
			return quoted, nil
		default:
			s.buf = append(s.buf, c)
		}
		start = false
	}
}

// at says that c, with what follows, is text; it is read then.
func (s *csvSource) at(c byte, text string) bool {
	return text != "" && c == text[0] && (len(text) == 1 || s.follows(text[1:]))
}

// follows reads text, if it is next.
func (s *csvSource) follows(text string) bool {
	b, err := s.r.Peek(len(text))
	if err != nil || string(b) != text {
		return false
	}
	_, _ = s.r.Discard(len(text)) // it was peeked
	return true
}
