package selecting

import (
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/jsontext"
)

// column is a value of a result with its name.
type column struct {
	name  string
	value value
}

// append writes a record behind b.
func (o *Output) append(b []byte, columns []column) []byte {
	if o.csv != nil {
		return o.csv.append(b, columns)
	}
	b = append(b, '{')
	first := true
	for _, c := range columns {
		if c.value.typ == missing {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = jsontext.AppendString(b, c.name)
		b = append(b, ':')
		b = appendJSON(b, c.value)
	}
	b = append(b, '}')
	return append(b, o.record...)
}

// appendJSON writes a value as JSON. What JSON has no form for is a string.
func appendJSON(b []byte, v value) []byte {
	switch v.typ {
	case missing, null:
		return append(b, "null"...)
	case boolean, integer, float, decimal:
		return append(b, v.String()...)
	case list:
		b = append(b, '[')
		for i, m := range v.in {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, m.value)
		}
		return append(b, ']')
	case structure:
		b = append(b, '{')
		for i, m := range v.in {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsontext.AppendString(b, m.name)
			b = append(b, ':')
			b = appendJSON(b, m.value)
		}
		return append(b, '}')
	}
	return jsontext.AppendString(b, v.String())
}

func (f *csvFormat) append(b []byte, columns []column) []byte {
	for i, c := range columns {
		if i > 0 {
			b = append(b, f.field...)
		}
		b = f.appendField(b, c.value.String())
	}
	return append(b, f.record...)
}

func (f *csvFormat) appendField(b []byte, s string) []byte {
	if !f.always && !strings.Contains(s, f.field) && !strings.Contains(s, f.record) && !strings.Contains(s, f.quote) {
		return append(b, s...)
	}
	b = append(b, f.quote...)
	b = append(b, strings.ReplaceAll(s, f.quote, f.escape+f.quote)...)
	return append(b, f.quote...)
}

// everything are the columns of a whole row.
func everything(columns []column, row *row) []column {
	switch {
	case row.value.typ == structure:
		for _, m := range row.value.in {
			columns = append(columns, column(m))
		}
		return columns
	case row.fields == nil:
		return append(columns, column{"_1", row.value})
	}
	for i, f := range row.fields {
		name := ""
		if i < len(row.names) {
			name = row.names[i]
		} else {
			name = "_" + strconv.Itoa(i+1)
		}
		columns = append(columns, column{name, textOf(f)})
	}
	return columns
}
