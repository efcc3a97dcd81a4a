package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// Streaming to Kinesis. Virga has no Kinesis, so there is no stream that a table
// could write to: each operation answers as AWS does where there is none.

// kinesisTable checks the table and the stream of a request.
func (s *Service) kinesisTable(ctx context.Context, name, arn string) (tableID, error) {
	id, err := tableNamed(ctx, name)
	if err != nil {
		return id, err
	}
	if stream, err := api.ParseARN(arn); arn != "" && (err != nil || stream.Service != "kinesis") {
		return id, errParameter("Provided Arn is not a Kinesis stream arn: %s", arn)
	}
	return id, s.env.DB.View(func(tx storage.Tx) error {
		_, err := s.record(tx, id)
		return err
	})
}

func (s *Service) describeKinesisStreamingDestination(ctx context.Context, in *ddb.DescribeKinesisStreamingDestinationInput) (*ddb.DescribeKinesisStreamingDestinationOutput, error) {
	id, err := s.kinesisTable(ctx, in.TableName, "")
	return &ddb.DescribeKinesisStreamingDestinationOutput{TableName: id.name, KinesisDataStreamDestinations: []*ddb.KinesisDataStreamDestination{}}, err
}

func (s *Service) enableKinesisStreamingDestination(ctx context.Context, in *ddb.EnableKinesisStreamingDestinationInput) (*ddb.EnableKinesisStreamingDestinationOutput, error) {
	if _, err := s.kinesisTable(ctx, in.TableName, in.StreamArn); err != nil {
		return nil, err
	}
	return nil, &ddb.ResourceNotFoundException{Message: "Requested resource not found: Stream: " + in.StreamArn + " not found"}
}

func (s *Service) disableKinesisStreamingDestination(ctx context.Context, in *ddb.DisableKinesisStreamingDestinationInput) (*ddb.DisableKinesisStreamingDestinationOutput, error) {
	if _, err := s.kinesisTable(ctx, in.TableName, in.StreamArn); err != nil {
		return nil, err
	}
	return nil, errValidation("Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
}

func (s *Service) updateKinesisStreamingDestination(ctx context.Context, in *ddb.UpdateKinesisStreamingDestinationInput) (*ddb.UpdateKinesisStreamingDestinationOutput, error) {
	if c := in.UpdateKinesisStreamingConfiguration; c == nil || c.ApproximateCreationDateTimePrecision == "" {
		return nil, errValidation("Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain only null values")
	}
	id, err := s.kinesisTable(ctx, in.TableName, in.StreamArn)
	if err != nil {
		return nil, err
	}
	return nil, errValidation("Table is not in a valid state to enable Kinesis Streaming Destination: Kinesis streaming is not in ACTIVE state. "+
		"Updates are only allowed in ACTIVE state. TableName: %s, kdsArn: %s", id.name, in.StreamArn)
}
