package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// bucketed is an S3 with one bucket, "bucket".
type bucketed struct{ objects map[string][]byte }

func (b *bucketed) check(bucket string) error {
	if bucket != "bucket" {
		return &s3.NoSuchBucket{Message: "The specified bucket does not exist"}
	}
	return nil
}

func (b *bucketed) GetObject(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	data := b.objects[in.Key]
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(data)), ContentLength: new(int64(len(data)))}, b.check(in.Bucket)
}

func (b *bucketed) PutObject(_ context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	if b.objects == nil {
		b.objects = map[string][]byte{}
	}
	b.objects[in.Key] = data
	return &s3.PutObjectOutput{ETag: `"etag"`}, b.check(in.Bucket)
}

func (b *bucketed) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	out := &s3.ListObjectsV2Output{}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if strings.HasPrefix(key, in.Prefix) && key > in.StartAfter && len(out.Contents) < int(*in.MaxKeys) {
			out.Contents = append(out.Contents, &s3.Object{Key: key})
		}
	}
	return out, b.check(in.Bucket)
}

func importing(name, prefix string, format ddb.InputFormat) *ddb.ImportTableInput {
	attributes, key := define("p:S", "n:N")
	return &ddb.ImportTableInput{
		S3BucketSource: &ddb.S3BucketSource{S3Bucket: "bucket", S3KeyPrefix: prefix}, InputFormat: format,
		TableCreationParameters: &ddb.TableCreationParameters{TableName: name, AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest},
	}
}

func TestImportTable(t *testing.T) {
	h := newHost(t)
	var lines strings.Builder
	for i := range 130 {
		fmt.Fprintf(&lines, `{"Item":{"p":{"S":"a"},"n":{"N":"%d"},"l":{"L":[{"BOOL":true}]}}}`+"\n", i)
	}
	lines.WriteString(`{"Item":{"p":{"S":"no sort key"}}}` + "\nnonsense\n")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, lines.String()); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	h.objects = &bucketed{map[string][]byte{
		"json/": {}, "json/1.json": []byte(lines.String()), "json/2.json": []byte(`{"Item":{"p":{"S":"b"},"n":{"N":"1"}}}`), "zip/1.json.gz": zipped.Bytes(),
		"csv/1.csv": []byte("p|n|x\na|1|one\nb|two|two\n"), "ion/1.ion": []byte(`$ion_1_0 {Item:{p:"a",n:1.,s:$dynamodb_SS::["x"]}}`), "broken/1.json.gz": zipped.Bytes()[:zipped.Len()/2],
	}}
	csv := importing("csv", "csv/", ddb.InputFormatCsv)
	csv.InputFormatOptions = &ddb.InputFormatOptions{Csv: &ddb.CsvOptions{Delimiter: "|"}}
	zip, broken := importing("zip", "zip/", ddb.InputFormatDynamodbJson), importing("broken", "broken/", ddb.InputFormatDynamodbJson)
	zip.InputCompressionType, broken.InputCompressionType = ddb.InputCompressionTypeGzip, ddb.InputCompressionTypeGzip
	nowhere := importing("nowhere", "", ddb.InputFormatIon)
	nowhere.S3BucketSource.S3Bucket = "nowhere"
	for _, c := range []struct {
		in                          *ddb.ImportTableInput
		status                      ddb.ImportStatus
		processed, imported, failed int64
		code                        string
	}{
		{importing("json", "json/", ddb.InputFormatDynamodbJson), ddb.ImportStatusCompleted, 133, 131, 2, ""},
		{zip, ddb.ImportStatusCompleted, 132, 130, 2, ""},
		{csv, ddb.ImportStatusCompleted, 2, 1, 1, ""},
		{importing("ion", "ion/", ddb.InputFormatIon), ddb.ImportStatusCompleted, 1, 1, 0, ""},
		{importing("none", "none/", ddb.InputFormatIon), ddb.ImportStatusCompleted, 0, 0, 0, ""},
		{nowhere, ddb.ImportStatusFailed, 0, 0, 0, "S3NoSuchBucket"},
		{broken, ddb.ImportStatusFailed, 0, 0, 0, "ItemValidationError"},
	} {
		name := c.in.TableCreationParameters.TableName
		arn := must(h, h.importTable, c.in).ImportTableDescription.ImportArn
		if got := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: name}).Table.TableStatus; got != ddb.TableStatusCreating {
			t.Errorf("%s is %s while it is imported", name, got)
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := must(h, h.describeImport, &ddb.DescribeImportInput{ImportArn: arn}).ImportTableDescription
		if d.ImportStatus != c.status || d.FailureCode != c.code || c.code != "ItemValidationError" && (*d.ProcessedItemCount != c.processed || *d.ImportedItemCount != c.imported || *d.ErrorCount != c.failed) {
			t.Errorf("%s: %s %s, processed %d, imported %d, %d errors", name, d.ImportStatus, d.FailureCode, *d.ProcessedItemCount, *d.ImportedItemCount, *d.ErrorCount)
		}
		table := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: name}).Table
		if table.TableStatus != ddb.TableStatusActive || c.code == "" && *table.ItemCount != c.imported {
			t.Errorf("%s is %s with %d items", name, table.TableStatus, *table.ItemCount)
		}
	}
	if got := h.get("csv", item.Item{"p": S("a"), "n": N("1")}); got["x"] != S("one") {
		t.Errorf("%v", got)
	}
	first := must(h, h.listImports, &ddb.ListImportsInput{PageSize: new(int32(4))})
	rest := must(h, h.listImports, &ddb.ListImportsInput{PageSize: new(int32(4)), NextToken: first.NextToken})
	if len(first.ImportSummaryList) != 4 || len(rest.ImportSummaryList) != 3 || rest.NextToken != "" || len(first.NextToken) < 112 {
		t.Errorf("%d and %d imports, %q", len(first.ImportSummaryList), len(rest.ImportSummaryList), first.NextToken)
	}
}

// The same token stands for the same import, for eight hours.
func TestImportTokens(t *testing.T) {
	h := newHost(t)
	in, other := importing("table", "", ddb.InputFormatIon), importing("other", "", ddb.InputFormatIon)
	in.ClientToken, other.ClientToken = "token", "token"
	first := must(h, h.importTable, in).ImportTableDescription.ImportArn
	if again := must(h, h.importTable, in).ImportTableDescription.ImportArn; again != first {
		t.Errorf("%s is not %s", again, first)
	}
	_, err := h.importTable(h.call(), other)
	if _, ok := err.(*ddb.ImportConflictException); !ok {
		t.Errorf("%v", err)
	}
	if got := fails(h, h.importTable, importing("table", "", ddb.InputFormatIon)); got != "Table already exists: table" {
		t.Errorf("%q", got)
	}
	if got := fails(h, h.describeImport, &ddb.DescribeImportInput{ImportArn: first + "x"}); !strings.Contains(got, "not found") {
		t.Errorf("%q", got)
	}
}
