package selecting

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/virga-cloud/virga/api/s3"
)

type measured struct {
	Name   string    `parquet:"name"`
	Count  int64     `parquet:"count"`
	Ratio  float64   `parquet:"ratio"`
	On     bool      `parquet:"on"`
	Price  int64     `parquet:"price,decimal(2:10)"`
	Seen   time.Time `parquet:"seen,timestamp(millisecond)"`
	Day    int32     `parquet:"day,date"`
	Note   *string   `parquet:"note,optional"`
	Tags   []string  `parquet:"tags"`
	Nested struct {
		X int32 `parquet:"x"`
	} `parquet:"nested"`
}

func parquetFile(t testing.TB, rows []measured) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[measured](&b, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(100))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var parquetIn = &s3.InputSerialization{Parquet: &s3.ParquetInput{}}

func TestParquet(t *testing.T) {
	note := "a note"
	row := measured{
		Name: "Ada", Count: 36, Ratio: 0.5, On: true, Price: -1250, Seen: now, Day: 20000, Note: &note, Tags: []string{"a", "b"},
	}
	row.Nested.X = 7
	object := parquetFile(t, []measured{row, {Name: "Alan", Count: 41, Seen: now}})
	for sql, want := range map[string]string{
		"SELECT s.name, s.\"count\" FROM S3Object s WHERE s.\"count\" > 40": "Alan,41\n",
		"SELECT price, ratio, \"on\" FROM S3Object LIMIT 1":                 "-12.50,0.5,true\n",
		"SELECT seen, s.\"day\" FROM S3Object s LIMIT 1":                    "2026-03-04T05:06:07.890Z,2024-10-04T\n",
		"SELECT note, tags, s.nested.x FROM S3Object s":                     "a note,b,7\n,,0\n", // of a repeated field the last value
		"SELECT SUM(s.price) FROM S3Object s":                               "-12.5\n",
		"SELECT nothing FROM S3Object":                                      "error MissingHeaders",
		"SELECT * FROM S3Object[*].nested":                                  "error InvalidKeyPath",
	} {
		check(t, sql, want, object, parquetIn, csvOut)
	}
	check(t, "SELECT s.nested, s.note FROM S3Object s WHERE s.note IS NULL", "{\"nested\":{\"x\":0},\"note\":null}\n", object, parquetIn, jsonOut)
	check(t, "SELECT * FROM S3Object", "error ParquetParsingError", "no such file", parquetIn, csvOut)
	check(t, "SELECT * FROM S3Object", "error ParquetParsingError", object[:len(object)/2]+object[len(object)-8:], parquetIn, csvOut)

	var rows []measured
	var want strings.Builder
	for i := range 1000 {
		rows = append(rows, measured{Count: int64(i)})
		want.WriteString(strconv.Itoa(i) + "\n")
	}
	check(t, "SELECT \"count\" FROM S3Object", want.String(), parquetFile(t, rows), parquetIn, csvOut)
}
