package testsuite

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// selected runs a query and returns its records with what came after them.
func selected(t *testing.T, a *harness.Account, in *s3.SelectObjectContentInput) (records string, stats *types.Stats, ended bool) {
	t.Helper()
	out := must(a.S3.SelectObjectContent(t.Context(), in))(t)
	stream := out.GetStream()
	defer stream.Close()
	var text strings.Builder
	for event := range stream.Events() {
		switch e := event.(type) {
		case *types.SelectObjectContentEventStreamMemberRecords:
			text.Write(e.Value.Payload)
		case *types.SelectObjectContentEventStreamMemberStats:
			stats = e.Value.Details
		case *types.SelectObjectContentEventStreamMemberEnd:
			ended = true
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String(), stats, ended
}

// S3 Select answers queries on CSV and JSON as a stream of events.
func TestSelect(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := bucket(t, a)
	put := func(key, body string) *string {
		must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader(body)}))(t)
		return &key
	}
	table := put("people.csv", "name,age\nAda,36\nAlan,41\nGrace,85\n")
	in := &s3.SelectObjectContentInput{
		Bucket: name, Key: table, ExpressionType: types.ExpressionTypeSql,
		Expression:          aws.String("SELECT s.name FROM S3Object s WHERE CAST(s.age AS INT) > 40"),
		InputSerialization:  &types.InputSerialization{CSV: &types.CSVInput{FileHeaderInfo: types.FileHeaderInfoUse}, CompressionType: types.CompressionTypeNone},
		OutputSerialization: &types.OutputSerialization{CSV: &types.CSVOutput{}},
	}
	records, stats, ended := selected(t, a, in)
	if records != "Alan\nGrace\n" || !ended || stats == nil || *stats.BytesScanned != 33 || *stats.BytesReturned != 11 {
		t.Errorf("%q, %+v, ended %v", records, stats, ended)
	}
	in.OutputSerialization = &types.OutputSerialization{JSON: &types.JSONOutput{RecordDelimiter: aws.String(",")}}
	if records, _, _ := selected(t, a, in); records != `{"name":"Alan"},{"name":"Grace"},` {
		t.Errorf("%q", records)
	}
	in.Expression = aws.String("SELECT nothing FROM S3Object")
	_, err := a.S3.SelectObjectContent(ctx, in)
	refused(t, err, "MissingHeaders")
	in.Expression = aws.String("SELECT FROM")
	_, err = a.S3.SelectObjectContent(ctx, in)
	refused(t, err, "ParseEmptySelect")

	in = &s3.SelectObjectContentInput{
		Bucket: name, Key: put("books.json", `{"books":[{"price":5,"title":"a"},{"price":7.5,"title":"b"}]}`), ExpressionType: types.ExpressionTypeSql,
		Expression:          aws.String("SELECT SUM(b.price) AS total, COUNT(*) AS n FROM S3Object[*].books[*] b"),
		InputSerialization:  &types.InputSerialization{JSON: &types.JSONInput{Type: types.JSONTypeDocument}},
		OutputSerialization: &types.OutputSerialization{JSON: &types.JSONOutput{}},
	}
	if records, _, _ := selected(t, a, in); records != "{\"total\":12.5,\"n\":2}\n" {
		t.Errorf("%q", records)
	}
}
