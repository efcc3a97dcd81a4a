package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// hooked is an S3 that tells when it is asked for an object, when one has been
// read, and when one is stored; nil for who does not want to know.
type hooked struct {
	bucketed
	get, read func()
	put       func() error
}

func (b *hooked) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	out, err := b.bucketed.GetObject(ctx, in)
	if b.get != nil {
		b.get()
	}
	if err == nil && b.read != nil {
		out.Body = &toldBody{out.Body, b.read}
	}
	return out, err
}

func (b *hooked) PutObject(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	if b.put != nil {
		if err := b.put(); err != nil {
			return nil, err
		}
	}
	return b.bucketed.PutObject(ctx, in)
}

type toldBody struct {
	io.ReadCloser
	read func()
}

func (b *toldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.read()
	}
	return n, err
}

// addIndex adds an index of the attribute kind, which is filled in the background.
func (h *host) addIndex(table string) {
	h.t.Helper()
	attributes, key := define("kind:S")
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: table, AttributeDefinitions: attributes, GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{
		Create: &ddb.CreateGlobalSecondaryIndexAction{IndexName: "kinds", KeySchema: key, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}},
	}}})
}

// recordOf is the record of a table.
func (h *host) recordOf(name string) (t *table) {
	h.t.Helper()
	err := h.env.DB.View(func(tx storage.Tx) (err error) {
		t, err = h.record(tx, tableID{api.DefaultAccount, api.DefaultRegion, name})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return t
}

func (h *host) indexStatus(table string) ddb.IndexStatus {
	h.t.Helper()
	return must(h, h.describeTable, &ddb.DescribeTableInput{TableName: table}).Table.GlobalSecondaryIndexes[0].IndexStatus
}

// itemLines are n items in DynamoDB JSON.
func itemLines(n int) []byte {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"Item":{"p":{"S":"a"},"n":{"N":"%d"}}}`+"\n", i)
	}
	return []byte(lines.String())
}

// Work is done in turns: what is short is over before what is long.
func TestLongWorkKeepsNobodyWaiting(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.create("deleted", "p:S")
	for i := range 3 * filledAtOnce {
		h.put("things", item.Item{"p": S(fmt.Sprint(i)), "kind": S("x")})
		h.put("deleted", item.Item{"p": S(fmt.Sprint(i))})
	}
	h.create("mortal", "p:S")
	if err := h.setExpiry("mortal", "ttl", true); err != nil {
		t.Fatal(err)
	}
	// An object of so many records takes ten turns.
	const records = 10 * importedAtOnce * importsAtOnce
	objects := &hooked{bucketed: bucketed{objects: map[string][]byte{"1": itemLines(records)}}}
	h.objects = objects
	arn := must(h, h.importTable, importing("imported", "", ddb.InputFormatDynamodbJson)).ImportTableDescription.ImportArn
	h.addIndex("things")
	deleted := h.recordOf("deleted")
	if n := h.keysUnder(itemsKey(deleted.Account, deleted.Region, deleted.Number)); n != 3*filledAtOnce {
		t.Fatalf("the table has %d items", n)
	}
	must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "deleted"})
	objects.get = func() { // while the import is under way
		h.put("mortal", item.Item{"p": S("a"), "ttl": h.in(-time.Hour)})
	}
	reads := 0
	objects.read = func() {
		reads++
		if got := h.indexStatus("things"); got != ddb.IndexStatusActive {
			t.Errorf("the index is %s when the import has been read", got)
		}
		if got := h.left("mortal"); len(got) != 0 {
			t.Errorf("%v has expired, and is there when the import has been read", got)
		}
		if n := h.keysUnder(itemsKey(deleted.Account, deleted.Region, deleted.Number)); n != 0 {
			t.Errorf("%d items of a deleted table are left when the import has been read", n)
		}
	}
	h.drain()
	if d := must(h, h.describeImport, &ddb.DescribeImportInput{ImportArn: arn}).ImportTableDescription; *d.ImportedItemCount != records || reads == 0 {
		t.Errorf("%d items were imported, the object was read %d times", *d.ImportedItemCount, reads)
	}
}

var errStore = errors.New("the disk is full")

// What fails does not keep anything else from being done, and goes on when it can.
func TestWorkThatFailsKeepsNobodyWaiting(t *testing.T) {
	h := newHost(t)
	objects := &hooked{put: func() error { return errStore }}
	h.objects = objects
	for i := range 8 { // the order of work is not known
		name := fmt.Sprint("things", i)
		h.create(name, "p:S")
		h.put(name, item.Item{"p": S("a"), "kind": S("x")})
		h.setRecovery(name, true, 0)
	}
	arn := must(h, h.exportTable, &ddb.ExportTableToPointInTimeInput{TableArn: must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things0"}).Table.TableArn, S3Bucket: "bucket"}).ExportDescription.ExportArn
	for i := range 8 {
		h.addIndex(fmt.Sprint("things", i))
	}
	if err := h.Drain(t.Context()); !errors.Is(err, errStore) {
		t.Errorf("the work ended with %v", err)
	}
	for i := range 8 {
		if got := h.indexStatus(fmt.Sprint("things", i)); got != ddb.IndexStatusActive {
			t.Errorf("index %d is %s", i, got)
		}
	}
	status := func() ddb.ExportStatus {
		return must(h, h.describeExport, &ddb.DescribeExportInput{ExportArn: arn}).ExportDescription.ExportStatus
	}
	if got := status(); got != ddb.ExportStatusInProgress {
		t.Errorf("the export is %s", got)
	}
	objects.put = nil
	h.drain()
	if got := status(); got != ddb.ExportStatusCompleted {
		t.Errorf("the export is %s", got)
	}
}

// Work that is under way when the store is emptied leaves nothing in it.
func TestWorkEndsWhenTheStoreIsEmptied(t *testing.T) {
	for name, begin := range map[string]func(h *host, objects *hooked, empty func()){
		"import": func(h *host, objects *hooked, empty func()) {
			objects.objects = map[string][]byte{"1": itemLines(10)}
			must(h, h.importTable, importing("things", "", ddb.InputFormatDynamodbJson))
			objects.get = empty
		},
		"export": func(h *host, objects *hooked, empty func()) {
			d := h.create("things", "p:S")
			h.put("things", item.Item{"p": S("a")})
			h.setRecovery("things", true, 0)
			must(h, h.exportTable, &ddb.ExportTableToPointInTimeInput{TableArn: d.TableArn, S3Bucket: "bucket"})
			objects.put = func() error {
				empty()
				return nil
			}
		},
	} {
		h := newHost(t)
		objects := &hooked{}
		h.objects = objects
		blobs, err := storage.OpenBlobs("memory:", h.env.DB, storage.Options{})
		if err != nil {
			t.Fatal(err)
		}
		emptied := false
		begin(h, objects, func() {
			emptied = true
			if err := storage.Reset(h.env.DB, blobs); err != nil {
				t.Error(err)
			}
		})
		h.drain()
		if n := h.keysUnder(serviceKey()); n != 0 || !emptied {
			t.Errorf("%s: emptied %v, %d keys are left", name, emptied, n)
		}
	}
}
