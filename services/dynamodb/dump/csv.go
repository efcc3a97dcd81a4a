package dump

import (
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// CSV is how a CSV file is to be read.
type CSV struct {
	// Delimiter is "," where it is "".
	Delimiter string
	// Header names the columns; the first record of the file does where it is nil.
	Header []string
	// Types are the types of the attributes that keys have. All others are strings.
	Types map[string]string
}

type csvReader struct {
	*csv.Reader
	CSV
}

func openCSV(r io.Reader, how CSV) (Reader, error) {
	out := &csvReader{csv.NewReader(r), how}
	out.FieldsPerRecord = -1
	if how.Delimiter != "" {
		out.Comma = rune(how.Delimiter[0])
	}
	if how.Header == nil {
		header, err := out.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		out.Header = header
	}
	return out, nil
}

// Next implements Reader.
func (r *csvReader) Next() (Record, error) {
	fields, err := r.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		return Record{Err: err}, nil
	case err != nil:
		return Record{}, err
	case len(fields) > len(r.Header):
		return Record{Err: fmt.Errorf("the record has %d fields, and the header %d", len(fields), len(r.Header))}, nil
	}
	it := make(item.Item, len(fields))
	for i, text := range fields {
		name := r.Header[i]
		switch r.Types[name] {
		case "N":
			it[name] = attribute.N(text)
		case "B":
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return Record{Err: err}, nil
			}
			it[name] = attribute.B(b)
		default:
			it[name] = attribute.S(text)
		}
	}
	return normalised(it, nil), nil
}
