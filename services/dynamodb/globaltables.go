package dynamodb

import (
	"context"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// The global tables of 2017 can not be made any more, so there are none.

func (s *Service) createGlobalTable(context.Context, *ddb.CreateGlobalTableInput) (*ddb.CreateGlobalTableOutput, error) {
	return nil, errParameter("DynamoDB global tables version 2017.11.29 is not supported. " +
		"We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).")
}

func errNoGlobalTable(name string) error {
	return &ddb.GlobalTableNotFoundException{Message: "Global table with name '" + name + "' does not exist."}
}

func (s *Service) describeGlobalTable(_ context.Context, in *ddb.DescribeGlobalTableInput) (*ddb.DescribeGlobalTableOutput, error) {
	return nil, errNoGlobalTable(in.GlobalTableName)
}

func (s *Service) describeGlobalTableSettings(_ context.Context, in *ddb.DescribeGlobalTableSettingsInput) (*ddb.DescribeGlobalTableSettingsOutput, error) {
	return nil, errNoGlobalTable(in.GlobalTableName)
}

func (s *Service) updateGlobalTable(_ context.Context, in *ddb.UpdateGlobalTableInput) (*ddb.UpdateGlobalTableOutput, error) {
	return nil, errNoGlobalTable(in.GlobalTableName)
}

func (s *Service) updateGlobalTableSettings(_ context.Context, in *ddb.UpdateGlobalTableSettingsInput) (*ddb.UpdateGlobalTableSettingsOutput, error) {
	return nil, errNoGlobalTable(in.GlobalTableName)
}

func (s *Service) listGlobalTables(context.Context, *ddb.ListGlobalTablesInput) (*ddb.ListGlobalTablesOutput, error) {
	return &ddb.ListGlobalTablesOutput{GlobalTables: []*ddb.GlobalTable{}}, nil
}
