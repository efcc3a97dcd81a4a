package dynamodb

import (
	"context"
	"errors"
	"io"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/dynamodb/dump"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// How much one transaction imports: records, and bytes of items; and how many
// transactions a piece has.
const importedAtOnce, importedBytesAtOnce, importsAtOnce = 50, 2 << 20, 20

// reading is an object that an import is reading. It is kept from piece to piece
// while the worker works; otherwise the object is read again up to where it was.
type reading struct {
	object  string
	size    int64
	body    io.Closer
	from    dump.Reader
	records int64 // that have been read and imported
}

// importSome imports a piece of an object, and ends an import that has them all.
func (s *Service) importSome(ctx context.Context, key []byte, f *transfer) error {
	var i *imported
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		i, err = storage.GetRecord[imported](tx, importKey(f.Account, f.Region, f.ID))
		return err
	})
	if err != nil {
		return err
	}
	r := s.worker.readings[i.ID]
	if r == nil || r.records != i.Records {
		s.stopReading(i.ID)
		if r, err = s.startReading(s.call(ctx, f), i); err != nil {
			return s.importFailed(ctx, key, i, err)
		}
	}
	if r == nil {
		return s.endImport(key, i, ddb.ImportStatusCompleted, "", "")
	}
	ended, err := s.importPiece(key, i, r)
	if err != nil {
		s.stopReading(i.ID)
		return s.importFailed(ctx, key, i, err)
	}
	if !ended {
		return nil
	}
	s.stopReading(i.ID)
	i.Done, i.Records = r.object, 0
	*i.Description.ProcessedSizeBytes += r.size
	return s.piece(key, func(tx storage.Tx, _ *writes) error { return storage.PutRecord(tx, i.storageKey(), i) })
}

// startReading opens the next object of an import behind the records that were
// imported before; nil when there is none.
func (s *Service) startReading(asking context.Context, i *imported) (*reading, error) {
	d := i.Description
	from := d.S3BucketSource
	found, err := s.objects.ListObjectsV2(asking, &s3.ListObjectsV2Input{
		Bucket: from.S3Bucket, Prefix: from.S3KeyPrefix, ExpectedBucketOwner: from.S3BucketOwner, StartAfter: i.Done, MaxKeys: new(int32(1)),
	})
	if err != nil || len(found.Contents) == 0 {
		return nil, err
	}
	object := found.Contents[0].Key
	got, err := s.objects.GetObject(asking, &s3.GetObjectInput{Bucket: from.S3Bucket, Key: object, ExpectedBucketOwner: from.S3BucketOwner})
	if err != nil {
		return nil, err
	}
	r := &reading{object: object, body: got.Body, records: i.Records}
	if s.worker.readings == nil {
		s.worker.readings = map[string]*reading{}
	}
	s.worker.readings[i.ID] = r
	if got.ContentLength != nil {
		r.size = *got.ContentLength
	}
	if r.size == 0 { // some clients make folders, which are empty objects
		return r, nil
	}
	csv := dump.CSV{Types: map[string]string{}}
	for _, a := range d.TableCreationParameters.AttributeDefinitions {
		csv.Types[a.AttributeName] = string(a.AttributeType)
	}
	if o := d.InputFormatOptions; o != nil && o.Csv != nil {
		csv.Delimiter, csv.Header = o.Csv.Delimiter, o.Csv.HeaderList
	}
	if r.from, err = dump.Open(got.Body, d.InputCompressionType, d.InputFormat, csv); err != nil {
		return nil, errFile{err}
	}
	for skip := i.Records; skip > 0; skip-- {
		if _, err := r.from.Next(); err != nil {
			return nil, errFile{err}
		}
	}
	return r, nil
}

// stopReading closes what an import reads, if it does.
func (s *Service) stopReading(id string) {
	if r := s.worker.readings[id]; r != nil {
		_ = r.body.Close() // it has been read as far as it can be
		delete(s.worker.readings, id)
	}
}

func (s *Service) stopReadings() {
	for id := range s.worker.readings {
		s.stopReading(id)
	}
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
func (s *Service) importFailed(ctx context.Context, key []byte, i *imported, err error) error {
	s.stopReading(i.ID)
	if ctx.Err() != nil { // a file that is not read to its end is no broken one
		return err
	}
	var file errFile
	if errors.Is(err, errGone) {
		return s.endImport(key, i, ddb.ImportStatusCancelled, "", "")
	}
	if errors.As(err, &file) {
		return s.endImport(key, i, ddb.ImportStatusFailed, "ItemValidationError", "Some of the items failed validation checks. Please check CloudWatch error logs for more details.")
	}
	if code, message, ok := failure(err); ok {
		return s.endImport(key, i, ddb.ImportStatusFailed, code, message)
	}
	return err
}

// importPiece imports the next records of an object, and says whether it has no more.
func (s *Service) importPiece(key []byte, i *imported, r *reading) (ended bool, err error) {
	ended = r.from == nil
	for n := 0; n < importsAtOnce && !ended; n++ {
		var batch []dump.Record
		for size := 0; !ended && len(batch) < importedAtOnce && size < importedBytesAtOnce; {
			record, err := r.from.Next()
			switch {
			case errors.Is(err, io.EOF):
				ended = true
			case err != nil:
				return false, errFile{err}
			default:
				batch = append(batch, record)
				size += item.Size(record.Item)
			}
		}
		if err := s.importBatch(key, i, batch); err != nil {
			return false, err
		}
		r.records = i.Records
	}
	return ended, nil
}

// importBatch puts items into the table, and counts them.
func (s *Service) importBatch(key []byte, i *imported, batch []dump.Record) error {
	good := int64(0)
	next := *i
	d := *i.Description
	next.Description = &d
	err := s.piece(key, func(tx storage.Tx, w *writes) error {
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
			c := &change{put: p}
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

// endImport ends an import, and lets its table be used.
func (s *Service) endImport(key []byte, i *imported, status ddb.ImportStatus, code, message string) error {
	d := i.Description
	d.ImportStatus, d.FailureCode, d.FailureMessage, d.EndTime = status, code, message, s.env.Clock.Now()
	return s.piece(key, func(tx storage.Tx, _ *writes) error {
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
