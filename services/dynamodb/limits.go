package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// The quotas of a new account.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const accountUnits, tableUnits = 80000, 40000

func (s *Service) describeLimits(context.Context, *ddb.DescribeLimitsInput) (*ddb.DescribeLimitsOutput, error) {
	return &ddb.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits: new(int64(accountUnits)), AccountMaxWriteCapacityUnits: new(int64(accountUnits)),
		TableMaxReadCapacityUnits: new(int64(tableUnits)), TableMaxWriteCapacityUnits: new(int64(tableUnits)),
	}, nil
}

// endpointMinutes is how long AWS lets clients keep an endpoint.
const endpointMinutes = 1440

// describeEndpoints answers with the address that the caller used.
func (s *Service) describeEndpoints(ctx context.Context, _ *ddb.DescribeEndpointsInput) (*ddb.DescribeEndpointsOutput, error) {
	return &ddb.DescribeEndpointsOutput{Endpoints: []*ddb.Endpoint{{
		Address: api.CallFrom(ctx).Host, CachePeriodInMinutes: new(int64(endpointMinutes)),
	}}}, nil
}
