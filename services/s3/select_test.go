package s3

import (
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

func selectInput(bucket, key, sql string) *s3.SelectObjectContentInput {
	return &s3.SelectObjectContentInput{
		Bucket: bucket, Key: key, Expression: sql, ExpressionType: s3.ExpressionTypeSql,
		InputSerialization: &s3.InputSerialization{CSV: &s3.CSVInput{}}, OutputSerialization: &s3.OutputSerialization{CSV: &s3.CSVOutput{}},
	}
}

// selectAll runs a query and returns its records and the names of its events.
func (w *world) selectAll(in *s3.SelectObjectContentInput) (records, events string, stats *s3.Stats, err error) {
	out, err := w.selectObjectContent(w.ctx(), in)
	if err != nil {
		return "", "", nil, err
	}
	var text, names strings.Builder
	for e, failure := range out.Payload {
		switch {
		case failure != nil:
			return text.String(), names.String(), stats, failure
		case e.Records != nil:
			text.Write(e.Records.Payload)
			names.WriteString("R")
		case e.Progress != nil:
			names.WriteString("P")
		case e.Stats != nil:
			stats = e.Stats.Details
			names.WriteString("S")
		case e.End != nil:
			names.WriteString("E")
		}
	}
	return text.String(), names.String(), stats, nil
}

func TestSelect(t *testing.T) {
	w := newWorld(t)
	b := w.keyed("abc")
	content := strings.Repeat("ab,12\ncd,34\n", 20_000)
	w.put(b, "k", content)
	in := selectInput(b, "k", "SELECT _2 FROM S3Object WHERE _1 = 'cd'")
	records, events, stats, err := w.selectAll(in)
	if err != nil || records != strings.Repeat("34\n", 20_000) || !strings.HasSuffix(events, "RSE") {
		t.Errorf("%d bytes, %s, %v", len(records), events, err)
	}
	if size := int64(len(content)); *stats.BytesScanned != size || *stats.BytesProcessed != size || *stats.BytesReturned != 60_000 {
		t.Errorf("%+v", stats)
	}
	in = selectInput(b, "k", "SELECT * FROM S3Object")
	in.RequestProgress = &s3.RequestProgress{Enabled: new(true)}
	if records, events, _, err := w.selectAll(in); err != nil || records != content || events != "RPRPRPRPSE" {
		t.Errorf("%d bytes, %s, %v", len(records), events, err)
	}
	if records, events, _, err := w.selectAll(selectInput(b, "k", "SELECT * FROM S3Object WHERE _1 = 'x'")); err != nil || records != "" || events != "SE" {
		t.Errorf("nothing: %q, %s, %v", records, events, err)
	}
	// An error that comes late ends the stream.
	w.put(b, "late", content+"x,\xff\n")
	records, _, _, err = w.selectAll(selectInput(b, "late", "SELECT * FROM S3Object"))
	refused(t, err, "InvalidTextEncoding", 400)
	if !strings.HasPrefix(content, records) || len(records) < 128<<10 {
		t.Errorf("%d bytes before the error", len(records))
	}
	// Sealed objects are read with their key.
	must(t)(w.putObject(w.ctx(), sealedPut(b, "sealed", "a,b\n", customer("a"))))
	in = selectInput(b, "sealed", "SELECT _2 FROM S3Object")
	_, _, _, err = w.selectAll(in)
	refused(t, err, "InvalidRequest", 400)
	a := customer("a")
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = a.algorithm, a.key, a.md5
	if records, _, _, err := w.selectAll(in); err != nil || records != "b\n" {
		t.Errorf("sealed: %q, %v", records, err)
	}

	_, _, _, err = w.selectAll(selectInput(b, "none", "SELECT _2 FROM S3Object"))
	refused(t, err, "NoSuchKey", 404)
	_, _, _, err = w.selectAll(selectInput(b, "k", "SELECT"))
	refused(t, err, "ParseSelectMissingFrom", 400)
	in = selectInput(b, "k", "SELECT * FROM S3Object")
	in.ExpressionType = "x"
	_, _, _, err = w.selectAll(in)
	refused(t, err, "InvalidExpressionType", 400)
	cold := putInput(b, "cold", "x")
	cold.StorageClass = "GLACIER"
	must(t)(w.putObject(w.ctx(), cold))
	_, _, _, err = w.selectAll(selectInput(b, "cold", "SELECT * FROM S3Object"))
	refused(t, err, "UnsupportedStorageClass", 400)
}
