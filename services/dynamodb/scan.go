package dynamodb

import (
	"bytes"
	"context"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/storage"
)

// scan is a listing of all partitions, or of one of several segments of them.
type scan struct {
	listing
	segment, segments int
}

func (s *Service) scan(ctx context.Context, in *ddb.ScanInput) (*ddb.ScanOutput, error) {
	q, err := newScan(ctx, in)
	if err != nil {
		return nil, err
	}
	var p *page
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.table(tx, q.table)
		if err != nil {
			return err
		}
		from, err := q.source(t)
		if err != nil {
			return err
		}
		r, err := q.check(from)
		if err != nil {
			return err
		}
		if p, err = q.read(tx, from, r); err != nil {
			return err
		}
		return s.consumeRead(t, p.consumed)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.ScanOutput{
		Items: p.items, Count: &p.count, ScannedCount: &p.scanned, LastEvaluatedKey: p.last,
		ConsumedCapacity: p.consumed.describe(in.ReturnConsumedCapacity, in.TableName, untold),
	}, nil
}

// newScan checks a request as far as that goes without its table.
func newScan(ctx context.Context, in *ddb.ScanInput) (*scan, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	q := &scan{listing: listing{table: id, index: in.IndexName, selects: in.Select, consistent: in.ConsistentRead != nil && *in.ConsistentRead}, segments: 1}
	if in.Limit != nil {
		q.limit = int(*in.Limit)
	}
	p := parameters{
		expressions: parameterList{
			{string(expression.ProjectionExpression), in.ProjectionExpression != nil},
			{string(expression.FilterExpression), in.FilterExpression != nil},
		},
		legacy: parameterList{
			{"AttributesToGet", in.AttributesToGet != nil},
			{"ScanFilter", in.ScanFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""},
		},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := checkSelect(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet, false); err != nil {
		return nil, err
	}
	if q.projection, err = attributesToGet(in.AttributesToGet); err != nil {
		return nil, err
	}
	if q.filter, err = legacyFilter(in.ScanFilter, in.ConditionalOperator); err != nil {
		return nil, err
	}
	if q.start, err = normaliseStart(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if err := q.setSegment(in.Segment, in.TotalSegments); err != nil {
		return nil, err
	}
	return q, q.expressions(&p, in)
}

func (q *scan) setSegment(number, total *int32) error {
	switch {
	case number == nil && total == nil:
		return nil
	case total == nil:
		return errValidation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case number == nil:
		return errValidation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *number >= *total:
		return errValidation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *number, *total)
	}
	q.segment, q.segments = int(*number), int(*total)
	return nil
}

// expressions reads those of a scan.
func (q *scan) expressions(p *parameters, in *ddb.ScanInput) error {
	if in.FilterExpression == nil && in.ProjectionExpression == nil {
		return nil
	}
	holders, err := p.placeholders()
	if err != nil {
		return err
	}
	if in.FilterExpression != nil {
		if q.filter, err = condition(holders, expression.FilterExpression, in.FilterExpression); err != nil {
			return err
		}
	}
	if in.ProjectionExpression != nil {
		if q.projection, err = projection(holders, in.ProjectionExpression); err != nil {
			return err
		}
	}
	return unused(holders)
}

// check checks the scan against what it reads, and gives its range.
func (q *scan) check(s *source) (r storage.Range, err error) {
	if q.start != nil {
		if err := q.checkStart(s); err != nil {
			return r, err
		}
	}
	if err := q.checkProjected(s); err != nil {
		return r, err
	}
	q.spread = s.Billing.OnDemand
	r = storage.Prefix(s.entriesPrefix())
	if q.segments > 1 {
		r = segment(s.entriesPrefix(), q.segment, q.segments)
	}
	if q.start != nil {
		if err := s.checkStart(q.start); err != nil {
			return r, err
		}
		at := s.keyOf(q.start)
		if bytes.Compare(at, r.Start) < 0 || r.End != nil && bytes.Compare(at, r.End) >= 0 {
			return r, errStartKey("Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", q.segments, q.segment)
		}
		r.Start = append(at, 0)
	}
	if err := q.checkExpressions(s); err != nil {
		return r, err
	}
	return r, q.checkFilterPaths(s)
}

// checkStart checks the starting key against the key of what is scanned.
func (q *scan) checkStart(s *source) error {
	if len(q.start) != len(s.startNames()) {
		if s.index == nil {
			return errStartKey("The provided key element does not match the schema")
		}
		return errStartKey("")
	}
	if s.index == nil {
		return nil
	}
	for i, a := range s.keys.all {
		if q.start[a.name] == nil {
			return errStartKey("")
		}
		if err := a.check(q.start[a.name], i < len(s.keys.partition)); err != nil {
			return err
		}
	}
	return nil
}
