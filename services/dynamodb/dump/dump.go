// Package dump reads and writes the files that tables are imported from and
// exported to: items in DynamoDB JSON and in Ion, one on a line, and items in
// CSV, which can be imported only. Files may be compressed.
//
// A Reader gives the records of one file. A record that is no item is told
// apart from a file that cannot be read any further: the one is counted, the
// other ends the import. The package knows neither tables nor S3.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
package dump

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// Record is one item of a file, or what is wrong with it.
type Record struct {
	// Item is normalised.
	Item item.Item
	// Err says why there is no item; AWS counts such a record, and goes on.
	Err error
}

// Reader gives the records of a file, and io.EOF behind the last. Other
// errors end it.
type Reader interface{ Next() (Record, error) }

// maxRecord is the longest record that is read, in bytes: an item of the
// largest size in its longest form.
const maxRecord = 8 << 20

var errNoItem = errors.New("the record has no Item")

// Open reads a file that is in the format and compressed in that way. CSV needs
// its options, of which delimiter and header may be absent, and the types of
// key attributes.
func Open(r io.Reader, compression ddb.InputCompressionType, format ddb.InputFormat, csv CSV) (Reader, error) {
	switch compression {
	case ddb.InputCompressionTypeGzip:
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = unzipped
	case ddb.InputCompressionTypeZstd:
		unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow))
		if err != nil {
			return nil, err
		}
		r = unpacked.IOReadCloser()
	}
	switch format {
	case ddb.InputFormatCsv:
		return openCSV(r, csv)
	case ddb.InputFormatIon:
		return openIon(r), nil
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRecord)
	return &jsonReader{lines}, nil
}

// maxWindow is how much memory unpacking may take, in bytes.
const maxWindow = 128 << 20

// normalised is the record of an item that was read.
func normalised(it item.Item, err error) Record {
	if err == nil {
		it, err = item.Normalise(it)
	}
	if err != nil {
		return Record{Err: err}
	}
	return Record{Item: it}
}
