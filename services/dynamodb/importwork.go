package dynamodb

import (
	"context"
	"errors"
	"io"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/dynamodb/dump"
	"github.com/virga-cloud/virga/storage"
)

// importedAtOnce is how many records one transaction imports.
const importedAtOnce = 50

// importSome reads one object of an import, and says whether there was none left.
func (s *Service) importSome(ctx context.Context, key []byte, f *transfer) (done bool, err error) {
	var i *imported
	err = s.env.DB.View(func(tx storage.Tx) (err error) {
		i, err = storage.GetRecord[imported](tx, importKey(f.Account, f.Region, f.ID))
		return err
	})
	if err != nil {
		return false, err
	}
	asking := s.call(ctx, f)
	from := i.Description.S3BucketSource
	found, err := s.objects.ListObjectsV2(asking, &s3.ListObjectsV2Input{
		Bucket: from.S3Bucket, Prefix: from.S3KeyPrefix, ExpectedBucketOwner: from.S3BucketOwner, StartAfter: i.Done, MaxKeys: new(int32(1)),
	})
	if err != nil {
		return s.importFailed(key, i, err)
	}
	if len(found.Contents) == 0 {
		return true, s.endImport(key, i, ddb.ImportStatusCompleted, "", "")
	}
	object := found.Contents[0].Key
	body, err := s.objects.GetObject(asking, &s3.GetObjectInput{Bucket: from.S3Bucket, Key: object, ExpectedBucketOwner: from.S3BucketOwner})
	if err != nil {
		return s.importFailed(key, i, err)
	}
	defer func() { _ = body.Body.Close() }() // it has been read as far as it can be
	size := int64(0)
	if body.ContentLength != nil {
		size = *body.ContentLength
	}
	if size > 0 { // some clients make folders, which are empty objects
		if err := s.importObject(ctx, i, body.Body); err != nil {
			return s.importFailed(key, i, err)
		}
	}
	i.Done, i.Records = object, 0
	*i.Description.ProcessedSizeBytes += size
	return false, s.keepImport(i)
}

// table is the record of the table that is imported, nil when it is not there any more.
func (i *imported) table(tx storage.Tx) (*table, error) {
	ref := tableRef{i.Account, i.Region, i.Description.TableCreationParameters.TableName, i.Table}
	return ref.record(tx)
}

// errFile is what is wrong with a file that cannot be read to its end.
type errFile struct{ error }

// errGone says that the table was deleted while it was imported or exported.
var errGone = errors.New("dynamodb: the table is gone")

// importFailed ends an import that cannot go on, and gives back errors that may pass.
func (s *Service) importFailed(key []byte, i *imported, err error) (done bool, _ error) {
	var file errFile
	if errors.Is(err, errGone) {
		return true, s.endImport(key, i, ddb.ImportStatusCancelled, "", "")
	}
	if errors.As(err, &file) {
		return true, s.endImport(key, i, ddb.ImportStatusFailed, "ItemValidationError", "Some of the items failed validation checks. Please check CloudWatch error logs for more details.")
	}
	if code, message, ok := failure(err); ok {
		return true, s.endImport(key, i, ddb.ImportStatusFailed, code, message)
	}
	return false, err
}

// importObject imports the records of an object, without those that were
// imported before.
func (s *Service) importObject(ctx context.Context, i *imported, body io.Reader) error {
	d := i.Description
	csv := dump.CSV{Types: map[string]string{}}
	for _, a := range d.TableCreationParameters.AttributeDefinitions {
		csv.Types[a.AttributeName] = string(a.AttributeType)
	}
	if o := d.InputFormatOptions; o != nil && o.Csv != nil {
		csv.Delimiter, csv.Header = o.Csv.Delimiter, o.Csv.HeaderList
	}
	r, err := dump.Open(body, d.InputCompressionType, d.InputFormat, csv)
	if err != nil {
		return errFile{err}
	}
	for skip := i.Records; skip > 0; skip-- {
		if _, err := r.Next(); err != nil {
			return errFile{err}
		}
	}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var batch []dump.Record
		for more && len(batch) < importedAtOnce {
			record, err := r.Next()
			switch {
			case errors.Is(err, io.EOF):
				more = false
			case err != nil:
				return errFile{err}
			default:
				batch = append(batch, record)
			}
		}
		if err := s.importBatch(i, batch); err != nil {
			return err
		}
	}
	return nil
}

// importBatch puts items into the table, and counts them.
func (s *Service) importBatch(i *imported, batch []dump.Record) error {
	good := int64(0)
	next := *i
	d := *i.Description
	next.Description = &d
	err := s.update(func(tx storage.Tx, w *writes) error {
		record, err := i.table(tx)
		if err != nil {
			return err
		}
		if record == nil {
			return errGone
		}
		t := record.schema()
		w.of(t)
		good = 0
		for _, r := range batch {
			if r.Err != nil {
				continue
			}
			p, err := newPut(r.Item)
			if err != nil {
				continue
			}
			c := &change{key: r.Item, put: p}
			if c.check(t) != nil {
				continue
			}
			if _, err := w.carryOut(tx, t, c); err != nil {
				return err
			}
			good++
		}
		n := int64(len(batch))
		d.ProcessedItemCount = count(*i.Description.ProcessedItemCount + n)
		d.ImportedItemCount = count(*i.Description.ImportedItemCount + good)
		d.ErrorCount = count(*i.Description.ErrorCount + n - good)
		next.Records = i.Records + n
		return storage.PutRecord(tx, i.storageKey(), &next)
	})
	if err == nil {
		*i = next
	}
	return err
}

func (s *Service) keepImport(i *imported) error {
	return s.env.DB.Update(func(tx storage.Tx) error { return storage.PutRecord(tx, i.storageKey(), i) })
}

// endImport ends an import, and lets its table be used.
func (s *Service) endImport(key []byte, i *imported, status ddb.ImportStatus, code, message string) error {
	d := i.Description
	d.ImportStatus, d.FailureCode, d.FailureMessage, d.EndTime = status, code, message, s.env.Clock.Now()
	return s.env.DB.Update(func(tx storage.Tx) error {
		t, err := i.table(tx)
		if err != nil {
			return err
		}
		if t != nil {
			t.Importing = false
			if err := storage.PutRecord(tx, t.storageKey(), t); err != nil {
				return err
			}
		}
		if err := storage.PutRecord(tx, i.storageKey(), i); err != nil {
			return err
		}
		return tx.Delete(key)
	})
}
