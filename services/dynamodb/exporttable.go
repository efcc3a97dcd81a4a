package dynamodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/storage"
)

// exported is the record of an export.
type exported struct {
	transfer
	Tokened     tokened
	Description *ddb.ExportDescription
	// From is the table; To is what is exported of it, and Since what an
	// incremental export compares that with.
	From  *tableRef
	To    moment
	Since *moment
	// After is the last item that was looked at; Files are the data files so far.
	After []byte
	Files []exportedFile
	Bytes int64
}

func (e *exported) storageKey() storage.Key { return exportKey(e.Account, e.Region, e.ID) }

// The shortest and longest time that an incremental export may be of.
const minIncrement, maxIncrement = 15 * time.Minute, 24 * time.Hour

func (s *Service) exportTable(ctx context.Context, in *ddb.ExportTableToPointInTimeInput) (*ddb.ExportTableToPointInTimeOutput, error) {
	call := api.CallFrom(ctx)
	if !strings.HasPrefix(in.TableArn, "arn:") {
		return nil, errParameter("Invalid TableArn: Invalid ResourceArn provided as input %s", in.TableArn)
	}
	id, err := tableNamed(ctx, in.TableArn)
	if err != nil {
		return nil, err
	}
	of, err := newTokened(call, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	e := &exported{transfer: s.newTransfer(call), Tokened: of}
	if e.Description, err = newExport(in, call.Time); err != nil {
		return nil, err
	}
	work := s.newNumber()
	var earlier *exported
	err = s.update(func(tx storage.Tx, w *writes) error {
		var err error
		conflict := &ddb.ExportConflictException{Message: "There was a conflict when writing to the specified S3 bucket. A request with the same client token and other parameters was made before."}
		if earlier, err = before(tx, exportsKey(call.Account, call.Region), of, func(e *exported) tokened { return e.Tokened }, conflict); err != nil || earlier != nil {
			return err
		}
		t, err := s.recordForBackup(tx, id)
		if err != nil {
			return err
		}
		return s.beginExport(tx, w, t, e, work)
	})
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		e = earlier
	}
	return &ddb.ExportTableToPointInTimeOutput{ExportDescription: e.Description}, nil
}

// newExport is the description of an export that is asked for.
func newExport(in *ddb.ExportTableToPointInTimeInput, now time.Time) (*ddb.ExportDescription, error) {
	d := &ddb.ExportDescription{
		ExportStatus: ddb.ExportStatusInProgress, StartTime: now, ExportTime: in.ExportTime, ClientToken: in.ClientToken,
		S3Bucket: in.S3Bucket, S3BucketOwner: in.S3BucketOwner, S3Prefix: in.S3Prefix, S3SseAlgorithm: in.S3SseAlgorithm, S3SseKmsKeyId: in.S3SseKmsKeyId,
		ExportFormat: in.ExportFormat, ExportType: in.ExportType, IncrementalExportSpecification: in.IncrementalExportSpecification,
	}
	if d.ExportFormat == "" {
		d.ExportFormat = ddb.ExportFormatDynamodbJson
	}
	if d.S3SseAlgorithm == "" {
		d.S3SseAlgorithm = ddb.S3SseAlgorithmAes256
	}
	if in.ExportType != ddb.ExportTypeIncrementalExport {
		if in.IncrementalExportSpecification != nil {
			return nil, errValidation("IncrementalExportSpecification can only be specified when ExportType is INCREMENTAL_EXPORT")
		}
		d.ExportType = ddb.ExportTypeFullExport
		if d.ExportTime.IsZero() {
			d.ExportTime = now
		}
		return d, nil
	}
	if !in.ExportTime.IsZero() {
		return nil, errValidation("ExportTime cannot be specified when ExportType is INCREMENTAL_EXPORT")
	}
	if in.IncrementalExportSpecification == nil || in.IncrementalExportSpecification.ExportFromTime.IsZero() {
		return nil, errValidation("IncrementalExportSpecification with ExportFromTime must be specified when ExportType is INCREMENTAL_EXPORT")
	}
	spec := *in.IncrementalExportSpecification
	if spec.ExportToTime.IsZero() {
		spec.ExportToTime = now
	}
	if spec.ExportViewType == "" {
		spec.ExportViewType = ddb.ExportViewTypeNewAndOldImages
	}
	if of := spec.ExportToTime.Sub(spec.ExportFromTime); of < minIncrement || of > maxIncrement {
		return nil, &ddb.InvalidExportTimeException{Message: "The time between ExportFromTime and ExportToTime must be at least 15 minutes and at most 24 hours"}
	}
	d.IncrementalExportSpecification = &spec
	return d, nil
}

// beginExport begins to keep what is exported of the table.
func (s *Service) beginExport(tx storage.Tx, w *writes, t *table, e *exported, work uint64) error {
	if t.Recovery == nil {
		return &ddb.PointInTimeRecoveryUnavailableException{Message: "Point in time recovery is not enabled for table '" + t.Name + "'"}
	}
	d := e.Description
	until, since := d.ExportTime, time.Time{}
	if spec := d.IncrementalExportSpecification; spec != nil {
		until, since = spec.ExportToTime, spec.ExportFromTime
	}
	for _, at := range []time.Time{until, since} {
		if !at.IsZero() && t.Recovery.checkTime(at, d.StartTime) != nil {
			return &ddb.InvalidExportTimeException{Message: "The specified time is outside of the point in time recovery window"}
		}
	}
	m, err := w.beginCopy(tx, t, work, until)
	if err != nil {
		return err
	}
	e.From, e.To = t.ref(), *m
	if !since.IsZero() {
		e.Since = &moment{Items: m.Items, Past: m.Past, Until: since, Cut: ^sequence.Number(0)}
	}
	d.ExportArn, d.TableArn, d.TableId = t.arn()+"/export/"+e.ID, t.arn(), t.ID
	if err := storage.PutRecord(tx, e.storageKey(), e); err != nil {
		return err
	}
	return s.remember(tx, work, &task{Export: &e.transfer})
}

func (s *Service) describeExport(_ context.Context, in *ddb.DescribeExportInput) (*ddb.DescribeExportOutput, error) {
	account, region, id := transferID(in.ExportArn, "export")
	var e *exported
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		e, err = storage.GetRecord[exported](tx, exportKey(account, region, id))
		return err
	})
	if errors.Is(err, storage.ErrNotFound) || err == nil && e.Description.ExportArn != in.ExportArn {
		return nil, &ddb.ExportNotFoundException{Message: "Export not found: " + in.ExportArn}
	}
	if err != nil {
		return nil, err
	}
	return &ddb.DescribeExportOutput{ExportDescription: e.Description}, nil
}

func (s *Service) listExports(ctx context.Context, in *ddb.ListExportsInput) (*ddb.ListExportsOutput, error) {
	call := api.CallFrom(ctx)
	limit := maxTransfers
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &ddb.ListExportsOutput{ExportSummaries: []*ddb.ExportSummary{}}
	err := s.env.DB.View(func(tx storage.Tx) error {
		list, next, err := listTransfers(tx, exportsKey(call.Account, call.Region), in.NextToken, limit, func(e *exported) bool {
			return in.TableArn == "" || in.TableArn == e.Description.TableArn
		})
		for _, e := range list {
			d := e.Description
			out.ExportSummaries = append(out.ExportSummaries, &ddb.ExportSummary{ExportArn: d.ExportArn, ExportStatus: d.ExportStatus, ExportType: d.ExportType})
		}
		out.NextToken = next
		return err
	})
	return out, err
}
