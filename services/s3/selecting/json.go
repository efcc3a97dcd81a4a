package selecting

import (
	"encoding/json"
	"errors"
	"io"
)

// jsonSource reads values of JSON along a path: root values one after the
// other, and of them what the path leads to. Only that is kept.
type jsonSource struct {
	d     *json.Decoder
	text  *bounded
	path  []step
	open  []frame
	began int64 // where in the input the row began
	depth int   // of what is being read within it
}

// maxNesting bounds how deep a row's values are nested, as encoding/json does:
// they are read, compared and written one within the other.
const maxNesting = 10_000

// frame is an object or array that the path goes through.
type frame struct {
	step   int // which of the path's it is
	object bool
	index  int
	// found says that the step has led to something. What leads nowhere is a
	// row without a value.
	found bool
}

func newJSON(r io.Reader, path []step) *jsonSource {
	text := &bounded{r: r}
	d := json.NewDecoder(text)
	d.UseNumber()
	return &jsonSource{d: d, text: text, path: path}
}

// bounded fails when more is read for one token than a record may have: the
// decoder keeps a token in memory, also one that is passed over.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRecordTooLong()
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

func (s *jsonSource) token() (json.Token, error) {
	s.text.left = 2 * maxRecord
	return s.d.Token()
}

func (s *jsonSource) next(row *row) error {
	for {
		v, ok, err := s.advance()
		if err == io.EOF && len(s.open) == 0 {
			return io.EOF
		}
		if err != nil {
			return jsonError(err)
		}
		if ok {
			row.value = v
			return nil
		}
	}
}

// jsonError is the error of a text that is not JSON; errors of reading stay.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || err == io.EOF || err == io.ErrUnexpectedEOF {
		return errJSON()
	}
	return err
}

func errJSON() error {
	return fail("JSONParsingError", "Encountered an error parsing the JSON file. Check the file and try again.")
}

// advance reads to the next value on the path; ok says that it is a row.
func (s *jsonSource) advance() (v value, ok bool, err error) {
	if len(s.open) == 0 {
		return s.enter(0)
	}
	f := &s.open[len(s.open)-1]
	if !s.d.More() {
		if _, err := s.token(); err != nil {
			return v, false, err
		}
		nothing := !f.found
		s.open = s.open[:len(s.open)-1]
		return value{}, nothing, nil
	}
	at := s.path[f.step]
	matches := at.all
	if f.object {
		t, err := s.token()
		if err != nil {
			return v, false, err
		}
		name, _ := t.(string)
		matches = matches || !f.found && at.matches(name)
	} else {
		matches = matches || f.index == at.index
		f.index++
	}
	if !matches {
		return v, false, s.skip()
	}
	f.found = true
	return s.enter(f.step + 1)
}

// enter reads a value that the first steps of the path have led to.
func (s *jsonSource) enter(steps int) (value, bool, error) {
	s.began = s.d.InputOffset()
	t, err := s.token()
	if err != nil {
		return value{}, false, err
	}
	if steps == len(s.path) {
		v, err := s.value(t)
		return v, true, err
	}
	opened, isOpening := t.(json.Delim)
	at := s.path[steps]
	if !isOpening {
		return value{}, true, nil
	}
	if object := opened == '{'; at.all || (at.name != "") == object {
		s.open = append(s.open, frame{step: steps, object: object})
		return value{}, false, nil
	}
	return value{}, true, s.leave() // the path goes on in another kind of value
}

// skip reads past a value.
func (s *jsonSource) skip() error {
	t, err := s.token()
	if d, ok := t.(json.Delim); err == nil && ok && (d == '{' || d == '[') {
		return s.leave()
	}
	return err
}

// leave reads to the end of what has been opened.
func (s *jsonSource) leave() error {
	for depth := 1; depth > 0; {
		t, err := s.token()
		if err != nil {
			return unended(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// value is the whole value that begins with a token.
func (s *jsonSource) value(t json.Token) (value, error) {
	if s.d.InputOffset()-s.began > maxRecord {
		return value{}, errRecordTooLong()
	}
	switch t := t.(type) {
	case bool:
		return boolOf(t), nil
	case string:
		return textOf(t), nil
	case json.Number:
		if v, ok := parseNumber(t.String()); ok {
			return v, nil
		}
		f, err := t.Float64()
		if err != nil {
			return value{}, fail("NumberFormatError", "Error parsing number. The number is too large or too small.")
		}
		return floatOf(f), nil
	case json.Delim:
		return s.composite(t)
	}
	return value{typ: null}, nil
}

func (s *jsonSource) composite(opened json.Delim) (value, error) {
	if s.depth++; s.depth > maxNesting {
		return value{}, errJSON()
	}
	defer func() { s.depth-- }()
	v := value{typ: list}
	if opened == '{' {
		v.typ = structure
	}
	for s.d.More() {
		m := member{}
		t, err := s.token()
		if err == nil && v.typ == structure {
			m.name, _ = t.(string)
			t, err = s.token()
		}
		if err == nil {
			m.value, err = s.value(t)
		}
		if err != nil {
			return v, unended(err)
		}
		v.in = append(v.in, m)
	}
	_, err := s.token()
	return v, unended(err)
}

// unended is the error of a value that has begun, where it has no end.
func unended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
