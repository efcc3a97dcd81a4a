package dump

import (
	"bytes"

	"github.com/amazon-ion/ion-go/ion"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// field is a named part of a record.
type field struct {
	name  string
	value attribute.Value
}

// Extension is how the names of data files in a format end.
func Extension(format ddb.ExportFormat) string {
	if format == ddb.ExportFormatIon {
		return ".ion.gz"
	}
	return ".json.gz"
}

// AppendItem appends the record of an item in a full export.
func AppendItem(b []byte, format ddb.ExportFormat, it item.Item) ([]byte, error) {
	if format == ddb.ExportFormatIon {
		return appendIon(b, []field{{"Item", attribute.M(it)}})
	}
	b, err := attribute.M(it).AppendJSON(append(b, `{"Item":`...))
	return append(b, "}\n"...), err
}

// appendIon appends a record in Ion, which begins with the version of Ion.
func appendIon(b []byte, fields []field) ([]byte, error) {
	buf := bytes.NewBuffer(append(b, ionVersion+" "...))
	w := ion.NewTextWriterOpts(buf, ion.TextWriterQuietFinish)
	if err := writeIon(w, fields); err != nil {
		return nil, err
	}
	if err := w.Finish(); err != nil {
		return nil, err
	}
	return append(buf.Bytes(), '\n'), nil
}
