package s3

import (
	"context"
	"errors"
	"io"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/selecting"
)

// selectObjectContent runs SQL over an object. The first results are made
// before the answer begins, so that what is wrong with the query, and with the
// beginning of the object, is an ordinary error; what comes later ends the stream.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html
func (s *Service) selectObjectContent(ctx context.Context, in *s3.SelectObjectContentInput) (*s3.SelectObjectContentOutput, error) {
	q, err := prepareSelection(in)
	if err != nil {
		return nil, selectionError(err)
	}
	run, err := s.startSelection(ctx, in, q)
	if err != nil {
		return nil, selectionError(err)
	}
	first, err := run.Next()
	if err != nil && err != io.EOF {
		return nil, selectionError(errors.Join(err, run.Close()))
	}
	progress := in.RequestProgress != nil && in.RequestProgress.Enabled != nil && *in.RequestProgress.Enabled
	return &s3.SelectObjectContentOutput{Payload: func(yield func(*s3.SelectObjectContentEventStream, error) bool) {
		defer func() { _ = run.Close() }() // it was only read
		for ; err == nil; first, err = run.Next() {
			if ctx.Err() != nil || !yield(&s3.SelectObjectContentEventStream{Records: &s3.RecordsEvent{Payload: first}}, nil) {
				return
			}
			if progress && !yield(progressOf(run), nil) {
				return
			}
		}
		if err != io.EOF {
			yield(nil, selectionError(err))
			return
		}
		if yield(statsOf(run), nil) {
			yield(&s3.SelectObjectContentEventStream{End: &s3.EndEvent{}}, nil)
		}
	}}, nil
}

// startSelection opens the object, again where it was replaced in between, and begins
// with the query.
func (s *Service) startSelection(ctx context.Context, in *s3.SelectObjectContentInput, q selection) (*selecting.Run, error) {
	for attempt := 1; ; attempt++ {
		o, err := s.selected(in)
		if again(err, attempt) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return q.query.Start(o, q.in, q.out, api.CallFrom(ctx).Time)
	}
}

func progressOf(r *selecting.Run) *s3.SelectObjectContentEventStream {
	return &s3.SelectObjectContentEventStream{Progress: &s3.ProgressEvent{Details: &s3.Progress{
		BytesScanned: new(r.Scanned()), BytesProcessed: new(r.Processed()), BytesReturned: new(r.Returned()),
	}}}
}

func statsOf(r *selecting.Run) *s3.SelectObjectContentEventStream {
	return &s3.SelectObjectContentEventStream{Stats: &s3.StatsEvent{Details: &s3.Stats{
		BytesScanned: new(r.Scanned()), BytesProcessed: new(r.Processed()), BytesReturned: new(r.Returned()),
	}}}
}

// selection is a request to select, as it is carried out.
type selection struct {
	query *selecting.Query
	in    *selecting.Input
	out   *selecting.Output
}

// prepareSelection finds the errors that need no object.
func prepareSelection(in *s3.SelectObjectContentInput) (q selection, err error) {
	if in.ExpressionType != s3.ExpressionTypeSql {
		return q, errInvalidExpressionType()
	}
	if q.in, err = selecting.ParseInput(in.InputSerialization, in.ScanRange); err != nil {
		return q, err
	}
	if q.out, err = selecting.ParseOutput(in.OutputSerialization); err != nil {
		return q, err
	}
	q.query, err = selecting.Parse(in.Expression)
	return q, err
}

// selectionError gives errors of queries S3's form.
func selectionError(err error) error {
	if e, ok := errors.AsType[*selecting.Error](err); ok {
		return errSelection(e.Code, e.Message)
	}
	return err
}
