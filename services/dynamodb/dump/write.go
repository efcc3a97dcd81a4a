package dump

import (
	"bytes"
	"strconv"
	"time"

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

// Change is what an item was and became between two times; nil for nothing.
type Change struct {
	Keys, Old, New item.Item
	// At is when the item was last changed.
	At time.Time
}

// AppendChange appends the record of a change in an incremental export.
func AppendChange(b []byte, format ddb.ExportFormat, c *Change) ([]byte, error) {
	at := strconv.FormatInt(c.At.UnixMicro(), 10)
	images := []struct {
		name string
		it   item.Item
	}{{"Keys", c.Keys}, {"NewImage", c.New}, {"OldImage", c.Old}}
	if format == ddb.ExportFormatIon {
		record := attribute.M{}
		for _, i := range images {
			if i.it != nil {
				record[i.name] = attribute.M(i.it)
			}
		}
		return appendIon(b, []field{{"Record", record}, {"Metadata", attribute.M{"WriteTimestampMicros": attribute.N(at)}}})
	}
	b = append(b, `{"Metadata":{"WriteTimestampMicros":"`...)
	b = append(append(b, at...), `"}`...)
	for _, i := range images {
		if i.it == nil {
			continue
		}
		b = append(append(append(b, `,"`...), i.name...), `":`...)
		var err error
		if b, err = attribute.M(i.it).AppendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, "}\n"...), nil
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
