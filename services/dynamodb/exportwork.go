package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"path"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/dynamodb/dump"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// How much one data file has: bytes of items as they are counted, and items
// that were looked at, exported or not.
const exportedBytesAtOnce, comparedAtOnce = 16 << 20, 100_000

// exportedFile is a data file, in the form that manifest-files.json has.
type exportedFile struct {
	ItemCount     int64  `json:"itemCount"`
	MD5Checksum   string `json:"md5Checksum"`
	ETag          string `json:"etag"`
	DataFileS3Key string `json:"dataFileS3Key"`
}

// exportSummary is what manifest-summary.json tells.
type exportSummary struct {
	Version            string  `json:"version"`
	ExportARN          string  `json:"exportArn"`
	StartTime          string  `json:"startTime"`
	EndTime            string  `json:"endTime"`
	TableARN           string  `json:"tableArn"`
	TableID            string  `json:"tableId"`
	ExportTime         string  `json:"exportTime,omitempty"`
	ExportFromTime     string  `json:"exportFromTime,omitempty"`
	ExportToTime       string  `json:"exportToTime,omitempty"`
	S3Bucket           string  `json:"s3Bucket"`
	S3Prefix           *string `json:"s3Prefix"`
	S3SseAlgorithm     string  `json:"s3SseAlgorithm"`
	S3SseKmsKeyID      *string `json:"s3SseKmsKeyId"`
	ManifestFilesS3Key string  `json:"manifestFilesS3Key"`
	BilledSizeBytes    int64   `json:"billedSizeBytes"`
	ItemCount          int64   `json:"itemCount"`
	OutputFormat       string  `json:"outputFormat"`
	OutputView         string  `json:"outputView,omitempty"`
	ExportType         string  `json:"exportType"`
}

// exportSome writes one data file, and ends an export that has them all.
func (s *Service) exportSome(ctx context.Context, key []byte, f *transfer) error {
	var e *exported
	var file *bytes.Buffer
	var next exported
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		if e, err = storage.GetRecord[exported](tx, exportKey(f.Account, f.Region, f.ID)); err != nil {
			return err
		}
		next = *e
		file, err = next.file(tx)
		return err
	})
	if errors.Is(err, errGone) {
		return s.endExport(key, e, ddb.ExportStatusFailed, "TableNotFoundException", "Table not found: "+e.From.Name)
	}
	if err != nil {
		return err
	}
	asking := s.call(ctx, f)
	if e.After == nil {
		if _, err := s.putExported(asking, e, e.folder("_started"), nil); err != nil {
			return s.exportFailed(key, e, err)
		}
	}
	last := &next.Files[len(next.Files)-1]
	last.DataFileS3Key = next.dataFolder("data/" + s.env.IDs.String("abcdefghijklmnopqrstuvwxyz234567", 26) + dump.Extension(e.Description.ExportFormat))
	if last.ETag, err = s.putExported(asking, e, last.DataFileS3Key, file.Bytes()); err != nil {
		return s.exportFailed(key, e, err)
	}
	if next.After != nil {
		return s.piece(key, func(tx storage.Tx, _ *writes) error { return storage.PutRecord(tx, next.storageKey(), &next) })
	}
	if err := s.putManifests(asking, &next); err != nil {
		return s.exportFailed(key, &next, err)
	}
	return s.endExport(key, &next, ddb.ExportStatusCompleted, "", "")
}

// folder is the key of an object that belongs to the export.
func (e *exported) folder(name string) string {
	return path.Join(e.Description.S3Prefix, "AWSDynamoDB", e.ID, name)
}

// dataFolder is the key of a data file: incremental exports share a folder.
func (e *exported) dataFolder(name string) string {
	if e.Since == nil {
		return e.folder(name)
	}
	return path.Join(e.Description.S3Prefix, "AWSDynamoDB", name)
}

// file makes the next data file, and counts what is in it. After is nil when it
// is the last.
func (e *exported) file(tx storage.Tx) (*bytes.Buffer, error) {
	out := &bytes.Buffer{}
	zip := gzip.NewWriter(out)
	sum := md5.New()
	to := io.MultiWriter(zip, sum)
	var made exportedFile
	size, seen := 0, 0
	more := false
	for c, err := range e.changes(tx) {
		if err != nil {
			return nil, err
		}
		if more = size >= exportedBytesAtOnce || seen == comparedAtOnce; more {
			break
		}
		seen++
		e.After = c.key
		if bytes.Equal(c.old, c.new) {
			continue
		}
		line, n, err := e.record(tx, c)
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(line); err != nil {
			return nil, err
		}
		size += n
		made.ItemCount++
	}
	if !more {
		e.After = nil
	}
	e.Bytes += int64(size)
	made.MD5Checksum = base64.StdEncoding.EncodeToString(sum.Sum(nil))
	e.Files = append(e.Files[:len(e.Files):len(e.Files)], made)
	return out, zip.Close()
}

// changed is what an item was before and is at the end, encoded, both empty
// for nothing.
type changed struct{ key, old, new []byte }

// changes yields the items behind After: all there are in a full export, and
// those there were or are in an incremental one.
func (e *exported) changes(tx storage.Tx) iter.Seq2[changed, error] {
	if e.Since == nil {
		return func(yield func(changed, error) bool) {
			for i, err := range e.To.items(tx, e.After) {
				if !yield(changed{key: bytes.Clone(i.Key), new: i.Value}, err) || err != nil {
					return
				}
			}
		}
	}
	return func(yield func(changed, error) bool) {
		was, stopWas := iter.Pull2(e.Since.items(tx, e.After))
		defer stopWas()
		is, stopIs := iter.Pull2(e.To.items(tx, e.After))
		defer stopIs()
		a, errA, okA := was()
		b, errB, okB := is()
		for okA || okB {
			if err := errors.Join(errA, errB); err != nil {
				yield(changed{}, err)
				return
			}
			order := bytes.Compare(a.Key, b.Key)
			takeA, takeB := okA && (!okB || order <= 0), okB && (!okA || order >= 0)
			var c changed
			if takeA {
				c.key, c.old = bytes.Clone(a.Key), bytes.Clone(a.Value)
			}
			if takeB {
				c.key, c.new = bytes.Clone(b.Key), bytes.Clone(b.Value)
			}
			if !yield(c, nil) {
				return
			}
			if takeA {
				a, errA, okA = was()
			}
			if takeB {
				b, errB, okB = is()
			}
		}
	}
}

// record is the line of an item, and the size it is billed by.
func (e *exported) record(tx storage.Tx, c changed) (line []byte, size int, err error) {
	format := e.Description.ExportFormat
	var old, now item.Item
	if len(c.old) > 0 {
		if old, err = item.Decode(c.old); err != nil {
			return nil, 0, err
		}
		size += item.Size(old)
	}
	if len(c.new) > 0 {
		if now, err = item.Decode(c.new); err != nil {
			return nil, 0, err
		}
		size += item.Size(now)
	}
	if e.Since == nil {
		line, err = dump.AppendItem(nil, format, now)
		return line, size, err
	}
	t, err := e.From.record(tx)
	if err != nil {
		return nil, 0, err
	}
	if t == nil {
		return nil, 0, errGone
	}
	change := &dump.Change{Keys: t.schema().of(now), New: now}
	if now == nil {
		change.Keys = t.schema().of(old)
	}
	if e.Description.IncrementalExportSpecification.ExportViewType == ddb.ExportViewTypeNewAndOldImages {
		change.Old = old
	}
	if change.At, err = e.To.changedAt(tx, c.key); err != nil {
		return nil, 0, err
	}
	line, err = dump.AppendChange(nil, format, change)
	return line, size, err
}

// changedAt is when an item was last changed before the moment, as far as the
// past tells.
func (m *moment) changedAt(tx storage.Tx, key []byte) (at time.Time, err error) {
	prefix := storage.Key(bytes.Clone(m.Past)).Raw(key)
	for r, err := range storage.Records[pastRecord](tx, storage.Prefix(prefix)) {
		if err != nil {
			return at, err
		}
		if m.after(r.Value) {
			break
		}
		at = r.Value.At
	}
	return at, nil
}

// putExported stores an object of an export, and gives its ETag.
func (s *Service) putExported(ctx context.Context, e *exported, key string, data []byte) (etag string, err error) {
	d := e.Description
	in := &s3.PutObjectInput{Bucket: d.S3Bucket, Key: key, Body: io.NopCloser(bytes.NewReader(data)), ContentLength: new(int64(len(data))), ExpectedBucketOwner: d.S3BucketOwner}
	if d.S3SseAlgorithm == ddb.S3SseAlgorithmKms {
		in.ServerSideEncryption, in.SSEKMSKeyId = s3.ServerSideEncryptionAwsKms, d.S3SseKmsKeyId
	}
	out, err := s.objects.PutObject(ctx, in)
	if err != nil {
		return "", err
	}
	return out.ETag, nil
}

// putManifests stores the manifests, each with its checksum beside it.
func (s *Service) putManifests(ctx context.Context, e *exported) error {
	d := e.Description
	items := int64(0)
	var files []byte
	for _, f := range e.Files {
		line, err := json.Marshal(f)
		if err != nil {
			return err
		}
		files = append(append(files, line...), '\n')
		items += f.ItemCount
	}
	d.EndTime, d.ItemCount, d.BilledSizeBytes = s.env.Clock.Now(), &items, &e.Bytes
	d.ExportManifest = e.folder("manifest-summary.json")
	summary, err := json.Marshal(e.summary())
	if err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		data []byte
	}{{"manifest-files", files}, {"manifest-summary", summary}} {
		sum := md5.Sum(m.data)
		if _, err := s.putExported(ctx, e, e.folder(m.name+".json"), m.data); err != nil {
			return err
		}
		if _, err := s.putExported(ctx, e, e.folder(m.name+".md5"), []byte(base64.StdEncoding.EncodeToString(sum[:]))); err != nil {
			return err
		}
	}
	return nil
}

func (e *exported) summary() *exportSummary {
	d := e.Description
	show := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	given := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	out := &exportSummary{
		Version: "2023-08-01", ExportARN: d.ExportArn, StartTime: show(d.StartTime), EndTime: show(d.EndTime), TableARN: d.TableArn, TableID: d.TableId,
		S3Bucket: d.S3Bucket, S3Prefix: given(d.S3Prefix), S3SseAlgorithm: string(d.S3SseAlgorithm), S3SseKmsKeyID: given(d.S3SseKmsKeyId),
		ManifestFilesS3Key: e.folder("manifest-files.json"), BilledSizeBytes: *d.BilledSizeBytes, ItemCount: *d.ItemCount,
		OutputFormat: string(d.ExportFormat), ExportType: string(d.ExportType),
	}
	if spec := d.IncrementalExportSpecification; spec != nil {
		out.ExportFromTime, out.ExportToTime, out.OutputView = show(spec.ExportFromTime), show(spec.ExportToTime), string(spec.ExportViewType)
	} else {
		out.ExportTime = show(d.ExportTime)
	}
	return out
}

// exportFailed ends an export that cannot go on, and gives back errors that may pass.
func (s *Service) exportFailed(key []byte, e *exported, err error) error {
	if code, message, ok := failure(err); ok {
		return s.endExport(key, e, ddb.ExportStatusFailed, code, message)
	}
	return err
}

// endExport ends an export, and lets the past of its table go.
func (s *Service) endExport(key []byte, e *exported, status ddb.ExportStatus, code, message string) error {
	d := e.Description
	d.ExportStatus, d.FailureCode, d.FailureMessage, d.EndTime = status, code, message, s.env.Clock.Now()
	return s.piece(key, func(tx storage.Tx, _ *writes) error {
		return errors.Join(storage.PutRecord(tx, e.storageKey(), e), s.endCopy(tx, e.From, workOf(key)), tx.Delete(key))
	})
}
