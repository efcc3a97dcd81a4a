package selecting

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

// Object is what is queried.
type Object interface {
	// Size is its length in bytes.
	Size() int64
	// Open opens n bytes from offset off.
	Open(off, n int64) (io.ReadCloser, error)
	// Close lets go of it. Queries do so at their end.
	io.Closer
}

// source reads rows; io.EOF is their end.
type source interface{ next(*row) error }

// Run is a query on its way through an object. It is used by one goroutine.
type Run struct {
	query   *Query
	out     *Output
	source  source
	row     row
	columns []column
	buf     []byte
	left    int64 // of the limit; negative is none
	ended   bool
	failed  error // which the next call returns

	closers            []io.Closer
	scanned, processed *counter
	returned           int64
}

// batch is how many bytes of results are given out at once.
const batch = 64 << 10

// Start begins a query on an object. UTCNOW is now. What Start returns is to be closed.
func (q *Query) Start(o Object, in *Input, out *Output, now time.Time) (*Run, error) {
	r := &Run{query: q, out: out, left: q.limit, row: row{now: now}, closers: []io.Closer{o}}
	var err error
	if in.parquet {
		err = r.openParquet(o)
	} else {
		err = r.openText(o, in)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// openText opens a text, from the first record that is meant.
func (r *Run) openText(o Object, in *Input) error {
	delimiter := "\n"
	if in.csv != nil {
		delimiter = in.csv.record
	}
	from, last := int64(0), o.Size()
	if in.ranged {
		var err error
		if from, last, err = in.bounds(o.Size()); err != nil {
			return err
		}
	}
	// A record that begins with the range is known by the delimiter before it.
	at := max(0, from-int64(len(delimiter)))
	body, err := o.Open(at, o.Size()-at)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, body)
	r.scanned = &counter{r: body}
	text, err := in.decompress(r.scanned)
	if err != nil {
		return err
	}
	if in.ranged {
		if text, err = newRecordRange(text, delimiter, at, last, from > 0); err != nil {
			return err
		}
	}
	r.processed = &counter{r: text}
	valid := &utf8Reader{r: r.processed}
	if in.csv == nil {
		r.source = newJSON(valid, r.query.path)
		r.query.bindValues()
		return nil
	}
	csv := newCSV(valid, in.csv)
	r.source = csv
	return r.header(o, csv, from)
}

// header reads the record that is one, and binds the query to it. Of a range
// that does not begin with it, it is found at the object's beginning.
func (r *Run) header(o Object, csv *csvSource, from int64) error {
	if csv.header == s3.FileHeaderInfoNone || csv.header == s3.FileHeaderInfoIgnore && from > 0 {
		return r.query.bindColumns(nil)
	}
	if from == 0 {
		if err := csv.readHeader(); err != nil {
			return err
		}
	} else {
		first, err := o.Open(0, min(o.Size(), maxRecord))
		if err != nil {
			return err
		}
		r.closers = append(r.closers, first)
		beginning := newCSV(&utf8Reader{r: first}, csv.csvFormat)
		if err := beginning.readHeader(); err != nil {
			return err
		}
		csv.names = beginning.names
	}
	if csv.header == s3.FileHeaderInfoIgnore {
		csv.names = nil
	}
	return r.query.bindColumns(csv.names)
}

// bounds are the bytes between which the records begin that a range means.
func (i *Input) bounds(size int64) (from, last int64, err error) {
	switch {
	case i.start == nil: // the last bytes
		return max(0, size-*i.end), size, nil
	case *i.start >= size && size > 0:
		return 0, 0, errScanRange()
	case i.end == nil:
		return *i.start, size, nil
	}
	return *i.start, *i.end, nil
}

// Next is the next results, some at a time; io.EOF is their end. They are
// valid until the next call.
func (r *Run) Next() ([]byte, error) {
	r.buf = r.buf[:0]
	for len(r.buf) < batch && !r.ended && r.failed == nil {
		r.failed = r.step()
	}
	// What came before an error is given out, but not in place of all results.
	if r.failed != nil && (len(r.buf) == 0 || r.returned == 0) {
		return nil, r.failed
	}
	if len(r.buf) == 0 {
		return nil, io.EOF
	}
	r.returned += int64(len(r.buf))
	return r.buf, nil
}

// step reads a row and writes what comes of it.
func (r *Run) step() error {
	if r.left == 0 {
		r.ended = true
		return nil
	}
	if err := r.source.next(&r.row); err == io.EOF {
		r.ended = true
		return r.total()
	} else if err != nil {
		return err
	}
	q := r.query
	if q.where != nil {
		if met, err := condition(q.where, &r.row); err != nil || !met.isTrue() {
			return err
		}
	}
	if len(q.aggregates) > 0 {
		for _, a := range q.aggregates {
			if err := a.add(&r.row); err != nil {
				return err
			}
		}
		return nil
	}
	r.left--
	return r.write()
}

// total writes the one row that aggregates make.
func (r *Run) total() error {
	if len(r.query.aggregates) == 0 {
		return nil
	}
	r.row = row{now: r.row.now, totals: []value{}}
	for _, a := range r.query.aggregates {
		r.row.totals = append(r.row.totals, a.total())
	}
	return r.write()
}

func (r *Run) write() error {
	r.columns = r.columns[:0]
	if len(r.query.items) == 0 {
		r.columns = everything(r.columns, &r.row)
	}
	for _, it := range r.query.items {
		v, err := it.value.eval(&r.row)
		if err != nil {
			return err
		}
		r.columns = append(r.columns, column{it.name, v})
	}
	before := len(r.buf)
	if r.buf = r.out.append(r.buf, r.columns); len(r.buf)-before > maxRecord {
		return errRecordTooLong()
	}
	return nil
}

// Scanned is how many bytes of the object have been read.
func (r *Run) Scanned() int64 { return r.scanned.n }

// Processed is how many bytes have been read, decompressed.
func (r *Run) Processed() int64 { return r.processed.n }

// Returned is how many bytes have been given out.
func (r *Run) Returned() int64 { return r.returned }

// Close lets go of the object.
func (r *Run) Close() error {
	var err error
	for _, c := range slices.Backward(r.closers) {
		err = errors.Join(err, c.Close())
	}
	r.closers = nil
	return err
}
