package selecting

import (
	"errors"
	"io"
	"math/big"
	"slices"
	"time"

	// Of the libraries for Parquet in Go this one reads rows without generated code, page
	// by page, and is kept well.
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// parquetRows is how many rows are decoded at once.
const parquetRows = 64

// parquetSource reads rows of Parquet. Of a repeated field it knows the last value, as S3 does.
type parquetSource struct {
	root   *parquet.Column
	groups []parquet.RowGroup // that have not been begun
	rows   parquet.Rows       // of the group that is being read; nil is none
	buf    []parquet.Row
	read   []parquet.Row // of buf, those that have not been given out
	// columns are the leaves by their indexes, and leaves their values in one row.
	columns []*parquet.Column
	leaves  []value
}

// openParquet opens a file. What its end says of the rows is read at once.
func (r *Run) openParquet(o Object) (err error) {
	defer recovered(&err)
	if len(r.query.path) > 0 {
		return fail("InvalidKeyPath", "The key path in the SQL expression is not valid.")
	}
	at := &objectAt{object: o}
	r.scanned, r.processed = &at.counter, &at.counter
	file, err := parquet.OpenFile(at, o.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return parquetError(err)
	}
	s := &parquetSource{root: file.Root(), groups: file.RowGroups(), buf: make([]parquet.Row, parquetRows), columns: leavesOf(file.Root())}
	s.leaves = make([]value, len(s.columns))
	r.source = s
	r.closers = append(r.closers, s)
	return r.query.bindMembers(s.root.Columns())
}

// bindMembers makes references lead into rows of Parquet.
func (q *Query) bindMembers(columns []*parquet.Column) error {
	q.bindValues()
	for _, r := range q.refs {
		if len(r.steps) > 0 && !slices.ContainsFunc(columns, func(c *parquet.Column) bool { return r.steps[0].matches(c.Name()) }) {
			return errMissingHeaders()
		}
	}
	return nil
}

// objectAt reads an object from any offset.
type objectAt struct {
	object Object
	counter
}

func (o *objectAt) ReadAt(p []byte, off int64) (int, error) {
	n := min(int64(len(p)), o.object.Size()-off)
	if n <= 0 {
		return 0, io.EOF
	}
	r, err := o.object.Open(off, n)
	if err != nil {
		return 0, err
	}
	read, err := io.ReadFull(r, p[:n])
	o.n += int64(read)
	if err == nil && n < int64(len(p)) {
		err = io.EOF
	}
	return read, errors.Join(err, r.Close())
}

// recovered makes an error of a panic: the library does so with some files
// that are none of Parquet.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = errParquet()
	}
}

func errParquet() error {
	return fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again.")
}

// parquetError gives errors of the library S3's code. Those of queries stay.
func parquetError(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || err == io.EOF {
		return err
	}
	return errParquet()
}

func (s *parquetSource) next(row *row) (err error) {
	defer recovered(&err)
	for len(s.read) == 0 {
		if s.rows == nil {
			if len(s.groups) == 0 {
				return io.EOF
			}
			s.rows, s.groups = s.groups[0].Rows(), s.groups[1:]
		}
		n, err := s.rows.ReadRows(s.buf)
		s.read = s.buf[:n]
		if err == io.EOF || err == nil && n == 0 {
			err = s.Close()
		}
		if err != nil {
			return parquetError(err)
		}
	}
	first := s.read[0]
	s.read = s.read[1:]
	clear(s.leaves)
	for _, v := range first {
		if s.leaves[v.Column()], err = leaf(v, s.columns[v.Column()]); err != nil {
			return err
		}
	}
	row.value = s.group(s.root)
	return nil
}

// Close lets go of the rows that are being read.
func (s *parquetSource) Close() error {
	rows := s.rows
	if s.rows = nil; rows == nil {
		return nil
	}
	return rows.Close()
}

// group is the structure of a group of columns, of one row.
func (s *parquetSource) group(c *parquet.Column) value {
	v := value{typ: structure}
	for _, child := range c.Columns() {
		m := member{name: child.Name()}
		if child.Leaf() {
			if m.value = s.leaves[child.Index()]; m.value.typ == missing {
				m.value.typ = null
			}
		} else {
			m.value = s.group(child)
		}
		v.in = append(v.in, m)
	}
	return v
}

// leavesOf are the leaves below a column, by their indexes.
func leavesOf(c *parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return []*parquet.Column{c}
	}
	var all []*parquet.Column
	for _, child := range c.Columns() {
		all = append(all, leavesOf(child)...)
	}
	return all
}

// leaf is a value by its column's type.
func leaf(v parquet.Value, c *parquet.Column) (value, error) {
	if v.IsNull() {
		return value{typ: null}, nil
	}
	var logical format.LogicalTypeValue
	if l := c.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.DecimalType:
		if l.Scale < 0 || l.Scale > precision {
			return value{}, errParquet()
		}
		return decimalOfParquet(v, int(l.Scale)), nil
	case *format.TimestampType:
		return timeOf(timestamp{instantOf(v.Int64(), l.Unit), second, 3, true}), nil
	case *format.DateType:
		return timeOf(timestamp{time.Unix(int64(v.Int32())*24*3600, 0).UTC(), day, 0, false}), nil
	}
	switch v.Kind() {
	case parquet.Boolean:
		return boolOf(v.Boolean()), nil
	case parquet.Int32:
		return intOf(int64(v.Int32())), nil
	case parquet.Int64:
		return intOf(v.Int64()), nil
	case parquet.Int96:
		return timeOf(timestamp{instantOf96(v.Int96()), second, 9, true}), nil
	case parquet.Float:
		return floatOf(float64(v.Float())), nil
	case parquet.Double:
		return floatOf(v.Double()), nil
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return textOf(string(v.ByteArray())), nil
	}
	return value{}, fail("UnsupportedParquetType", "The specified Parquet type is not supported.")
}

func instantOf(n int64, unit format.TimeUnit) time.Time {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return time.UnixMilli(n).UTC()
	case *format.MicroSeconds:
		return time.UnixMicro(n).UTC()
	}
	return time.Unix(0, n).UTC()
}

// instantOf96 is a time as it was written once: nanoseconds of a Julian day.
func instantOf96(v deprecated.Int96) time.Time {
	const epoch = 2440588 // the Julian day of 1970-01-01
	nanos := int64(v[1])<<32 | int64(v[0])
	return time.Unix((int64(v[2])-epoch)*24*3600, nanos).UTC()
}

// decimalOfParquet is a decimal, which is a whole number with a scale.
func decimalOfParquet(v parquet.Value, scale int) value {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		n.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		n.SetInt64(v.Int64())
	default: // in two's complement, the most significant byte first
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	r := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	return value{typ: decimal, r: r, s: r.FloatString(scale)}
}
