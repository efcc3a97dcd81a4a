package dynamodb

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// lines are those of the data files under a prefix, in order.
func (b *bucketed) lines(t *testing.T, prefix string) (lines []string) {
	t.Helper()
	for key, data := range b.objects {
		if !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, ".gz") {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimRight(string(text), "\n"), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

func (h *host) recoverable(name string) {
	h.t.Helper()
	must(h, h.updateContinuousBackups, &ddb.UpdateContinuousBackupsInput{TableName: name, PointInTimeRecoverySpecification: &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)}})
}

func (h *host) export(in *ddb.ExportTableToPointInTimeInput) *ddb.ExportDescription {
	h.t.Helper()
	arn := must(h, h.exportTable, in).ExportDescription.ExportArn
	if err := h.Drain(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return must(h, h.describeExport, &ddb.DescribeExportInput{ExportArn: arn}).ExportDescription
}

func TestExportTable(t *testing.T) {
	h := newHost(t)
	arn := h.create("table", "p:S", "n:N").TableArn
	in := &ddb.ExportTableToPointInTimeInput{TableArn: arn, S3Bucket: "bucket", S3Prefix: "dumps"}
	if got := fails(h, h.exportTable, in); got != "Point in time recovery is not enabled for table 'table'" {
		t.Errorf("%q", got)
	}
	h.recoverable("table")
	b := &bucketed{}
	h.objects = b
	for i := range 30 {
		h.put("table", item.Item{"p": S("a"), "n": N(fmt.Sprint(i)), "x": S("first")})
	}
	early := h.clock.Now()
	h.clock.Advance(time.Hour)
	h.put("table", item.Item{"p": S("a"), "n": N("0"), "x": S("second")})
	h.put("table", item.Item{"p": S("b"), "n": N("0")})
	must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "table", Key: item.Item{"p": S("a"), "n": N("1")}})
	changedAt := h.clock.Now()
	h.clock.Advance(time.Hour)

	// The table as it is, and as it was.
	d := h.export(in)
	folder := "dumps/AWSDynamoDB/" + strings.SplitAfter(d.ExportArn, "/export/")[1]
	if d.ExportStatus != ddb.ExportStatusCompleted || *d.ItemCount != 30 || d.ExportManifest != folder+"/manifest-summary.json" {
		t.Errorf("%+v", d)
	}
	for _, name := range []string{"/_started", "/manifest-files.json", "/manifest-files.md5", "/manifest-summary.json", "/manifest-summary.md5"} {
		if _, ok := b.objects[folder+name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	var file exportedFile
	if err := json.Unmarshal(b.objects[folder+"/manifest-files.json"], &file); err != nil || file.ItemCount != 30 || b.objects[file.DataFileS3Key] == nil {
		t.Errorf("%v, %+v", err, file)
	}
	if lines := b.lines(t, folder+"/data/"); len(lines) != 30 || lines[0] != `{"Item":{"n":{"N":"0"},"p":{"S":"a"},"x":{"S":"second"}}}` {
		t.Errorf("%d lines, of which the first is %s", len(lines), lines[0])
	}
	was := *in
	was.ExportTime, was.S3Prefix, was.ExportFormat = early, "was", ddb.ExportFormatIon
	if d := h.export(&was); *d.ItemCount != 30 {
		t.Errorf("%+v", d)
	}
	if lines := b.lines(t, "was/"); len(lines) != 30 || lines[0] != `$ion_1_0 {Item:{n:0.,p:"a",x:"first"}}` {
		t.Errorf("%d lines, of which the first is %s", len(lines), lines[0])
	}

	// What has changed between two times.
	since := *in
	since.ExportType, since.S3Prefix = ddb.ExportTypeIncrementalExport, "since"
	since.IncrementalExportSpecification = &ddb.IncrementalExportSpecification{ExportFromTime: early, ExportToTime: h.clock.Now()}
	if d := h.export(&since); d.ExportStatus != ddb.ExportStatusCompleted || *d.ItemCount != 3 {
		t.Errorf("%+v", d)
	}
	at := fmt.Sprintf(`{"Metadata":{"WriteTimestampMicros":"%d"},"Keys":{"n":{"N":`, changedAt.UnixMicro())
	want := []string{
		at + `"0"},"p":{"S":"a"}},"NewImage":{"n":{"N":"0"},"p":{"S":"a"},"x":{"S":"second"}},"OldImage":{"n":{"N":"0"},"p":{"S":"a"},"x":{"S":"first"}}}`,
		at + `"0"},"p":{"S":"b"}},"NewImage":{"n":{"N":"0"},"p":{"S":"b"}}}`,
		at + `"1"},"p":{"S":"a"}},"OldImage":{"n":{"N":"1"},"p":{"S":"a"},"x":{"S":"first"}}}`,
	}
	if got := b.lines(t, "since/AWSDynamoDB/data/"); !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// What was exported can be imported.
	back := importing("back", folder+"/data/", ddb.InputFormatDynamodbJson)
	back.InputCompressionType = ddb.InputCompressionTypeGzip
	must(h, h.importTable, back)
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.get("back", item.Item{"p": S("a"), "n": N("0")}); got["x"] != S("second") {
		t.Errorf("%v", got)
	}

	late, short, nowhere, elsewhere := *in, since, *in, *in
	late.ExportTime = h.clock.Now().Add(time.Hour)
	short.IncrementalExportSpecification = &ddb.IncrementalExportSpecification{ExportFromTime: early, ExportToTime: early.Add(time.Minute)}
	elsewhere.TableArn = strings.Replace(arn, "table/table", "table/other", 1)
	for _, c := range []struct {
		in   *ddb.ExportTableToPointInTimeInput
		want string
	}{
		{&late, "The specified time is outside of the point in time recovery window"},
		{&short, "The time between ExportFromTime and ExportToTime must be at least 15 minutes and at most 24 hours"},
		{&elsewhere, "Table not found: other"},
	} {
		if got := fails(h, h.exportTable, c.in); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	h.clock.Advance(time.Second)
	nowhere.S3Bucket = "nowhere"
	if d := h.export(&nowhere); d.ExportStatus != ddb.ExportStatusFailed || d.FailureCode != "S3NoSuchBucket" {
		t.Errorf("%+v", d)
	}
	if list := must(h, h.listExports, &ddb.ListExportsInput{TableArn: arn}).ExportSummaries; len(list) != 4 || list[0].ExportStatus != ddb.ExportStatusFailed {
		t.Errorf("%d exports", len(list))
	}
}
