package dump

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

func document() item.Item {
	return item.Item{
		"s": attribute.S("text \"quoted\"\n"), "empty": attribute.S(""), "n": attribute.N("-12.5"), "big": attribute.N("1200000000000000000000000000000000000000000"), "b": attribute.B{0, 1, 255},
		"t": attribute.BOOL(true), "null": attribute.NULL{}, "l": attribute.L{attribute.S("a"), attribute.N("1"), attribute.L{}},
		"m": attribute.M{"k": attribute.S("v"), "odd name": attribute.M{}}, "ss": attribute.SS{"b", "a"}, "ns": attribute.NS{"3", "0.001"}, "bs": attribute.BS{{1}, {2, 3}},
	}
}

// all reads a whole file.
func all(t *testing.T, r Reader) (items []item.Item, bad int, err error) {
	t.Helper()
	for {
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return items, bad, nil
		case err != nil:
			return items, bad, err
		case record.Err != nil:
			bad++
		default:
			items = append(items, record.Item)
		}
	}
}

// What is exported is imported as it was, in both formats and however packed.
func TestRoundTrip(t *testing.T) {
	for _, format := range []ddb.ExportFormat{ddb.ExportFormatDynamodbJson, ddb.ExportFormatIon} {
		var b []byte
		for range 3 {
			var err error
			if b, err = AppendItem(b, format, document()); err != nil {
				t.Fatal(err)
			}
		}
		var zipped, packed bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(b)
		_ = z.Close()
		p, _ := zstd.NewWriter(&packed)
		_, _ = p.Write(b)
		_ = p.Close()
		for compression, data := range map[ddb.InputCompressionType][]byte{
			ddb.InputCompressionTypeNone: b, ddb.InputCompressionTypeGzip: zipped.Bytes(), ddb.InputCompressionTypeZstd: packed.Bytes(),
		} {
			r, err := Open(bytes.NewReader(data), compression, ddb.InputFormat(format), CSV{})
			if err != nil {
				t.Fatal(err)
			}
			items, bad, err := all(t, r)
			if err != nil || bad != 0 || len(items) != 3 {
				t.Fatalf("%s %s: %d items, %d bad, %v in %s", format, compression, len(items), bad, err, b)
			}
			for _, it := range items {
				if !item.EqualItems(it, document()) {
					t.Errorf("%s %s: %v", format, compression, it)
				}
			}
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		format ddb.InputFormat
		csv    CSV
		text   string
		items  int
		bad    int
		fails  bool
	}{
		{ddb.InputFormatDynamodbJson, CSV{}, `{"Item":{"p":{"S":"a"}}}` + "\n\n" + `{"Item":{"p":{"N":"x"}}}` + "\nnonsense\n" + `{"Other":{}}` + "\n" + `{"Item":{"p":{"S":"a","N":"1"}}}`, 1, 4, false},
		{ddb.InputFormatIon, CSV{}, `$ion_1_0 {Item:{p:"a",n:1.50,i:7,s:$dynamodb_SS::["x"]}} $ion_1_0 {Item:{p:symbol}} {Other:{}} {Item:{p:"b"}}`, 2, 2, false},
		{ddb.InputFormatIon, CSV{}, `{Item:{p:"a"}} {Item:`, 1, 0, true},
		{ddb.InputFormatCsv, CSV{Types: map[string]string{"n": "N"}}, "p,n,x\na,1,\"q,r\"\nb,none,y\nc,3\nd,4,e,f\n", 2, 2, false},
		{ddb.InputFormatCsv, CSV{Delimiter: ";", Header: []string{"p", "q"}}, "a;b\nc;d\n", 2, 0, false},
	} {
		r, err := Open(strings.NewReader(c.text), ddb.InputCompressionTypeNone, c.format, c.csv)
		if err != nil {
			t.Fatal(err)
		}
		items, bad, err := all(t, r)
		if len(items) != c.items || bad != c.bad || (err != nil) != c.fails {
			t.Errorf("%s: %v, %d bad, %v", c.text, items, bad, err)
		}
	}
}

// No file makes the package panic.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"Item":{"p":{"S":"a"},"l":{"L":[{"N":"1"}]}}}`))
	f.Add([]byte(`$ion_1_0 {Item:{p:"a",n:1.50,s:$dynamodb_SS::["x"]}}`))
	f.Add([]byte("p,q\na,b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []ddb.InputFormat{ddb.InputFormatDynamodbJson, ddb.InputFormatIon, ddb.InputFormatCsv} {
			r, err := Open(bytes.NewReader(data), ddb.InputCompressionTypeNone, format, CSV{})
			if err != nil {
				continue
			}
			if items, _, _ := all(t, r); len(items) > len(data) {
				t.Fatal("more items than bytes")
			}
		}
	})
}
