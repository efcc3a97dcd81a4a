package dynamodb

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// imported is the record of an import.
type imported struct {
	transfer
	Tokened     tokened
	Description *ddb.ImportTableDescription
	// Table is the number of the table.
	Table uint64
	// Done is the last object that was read whole; Records says how many records
	// of the one behind it have been.
	Done    string
	Records int64
}

func (i *imported) storageKey() storage.Key { return importKey(i.Account, i.Region, i.ID) }

func (s *Service) importTable(ctx context.Context, in *ddb.ImportTableInput) (*ddb.ImportTableOutput, error) {
	call := api.CallFrom(ctx)
	p := in.TableCreationParameters
	id, err := tableNamed(ctx, p.TableName)
	if err != nil {
		return nil, err
	}
	create := &ddb.CreateTableInput{
		TableName: p.TableName, AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema, BillingMode: p.BillingMode,
		ProvisionedThroughput: p.ProvisionedThroughput, OnDemandThroughput: p.OnDemandThroughput, SSESpecification: p.SSESpecification,
		GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, VectorIndexes: p.VectorIndexes,
	}
	if err := checkCreate(create); err != nil {
		return nil, err
	}
	if in.InputFormatOptions != nil && in.InputFormatOptions.Csv != nil && in.InputFormat != ddb.InputFormatCsv {
		return nil, errValidation("InputFormatOptions.Csv can only be specified when InputFormat is CSV")
	}
	of, err := newTokened(call, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	t := s.newTable(id, create, call.Time)
	t.Importing = true
	i := &imported{transfer: s.newTransfer(call), Tokened: of, Table: t.Number}
	i.Description = &ddb.ImportTableDescription{
		ImportArn: t.arn() + "/import/" + i.ID, ImportStatus: ddb.ImportStatusInProgress, TableArn: t.arn(), TableId: t.ID, ClientToken: in.ClientToken,
		S3BucketSource: in.S3BucketSource, ErrorCount: count(0),
		CloudWatchLogGroupArn: call.ARN("logs", "log-group:/aws-dynamodb/imports:*"),
		InputFormat:           in.InputFormat, InputFormatOptions: in.InputFormatOptions, InputCompressionType: in.InputCompressionType,
		TableCreationParameters: p, StartTime: call.Time, ProcessedSizeBytes: count(0), ProcessedItemCount: count(0), ImportedItemCount: count(0),
	}
	if i.Description.InputCompressionType == "" {
		i.Description.InputCompressionType = ddb.InputCompressionTypeNone
	}
	work := s.newNumber()
	var earlier *imported
	err = s.env.DB.Update(func(tx storage.Tx) error {
		var err error
		conflict := &ddb.ImportConflictException{Message: "There was a conflict when importing from the specified S3 source. A request with the same client token and other parameters was made before."}
		if earlier, err = before(tx, importsKey(call.Account, call.Region), of, func(i *imported) tokened { return i.Tokened }, conflict); err != nil || earlier != nil {
			return err
		}
		if err := checkNoTable(tx, t); err != nil {
			return err
		}
		if err := storage.PutRecord(tx, t.storageKey(), t); err != nil {
			return err
		}
		if err := storage.PutRecord(tx, i.storageKey(), i); err != nil {
			return err
		}
		return s.remember(tx, work, &task{Import: &i.transfer})
	})
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		i = earlier
	}
	return &ddb.ImportTableOutput{ImportTableDescription: i.Description}, nil
}

func (s *Service) describeImport(_ context.Context, in *ddb.DescribeImportInput) (*ddb.DescribeImportOutput, error) {
	account, region, id := transferID(in.ImportArn, "import")
	var i *imported
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		i, err = storage.GetRecord[imported](tx, importKey(account, region, id))
		return err
	})
	if errors.Is(err, storage.ErrNotFound) || err == nil && i.Description.ImportArn != in.ImportArn {
		return nil, &ddb.ImportNotFoundException{Message: "Import not found: " + in.ImportArn}
	}
	if err != nil {
		return nil, err
	}
	return &ddb.DescribeImportOutput{ImportTableDescription: i.Description}, nil
}

// maxTransfers is how many imports or exports a page lists.
const maxTransfers = 25

func (s *Service) listImports(ctx context.Context, in *ddb.ListImportsInput) (*ddb.ListImportsOutput, error) {
	call := api.CallFrom(ctx)
	limit := maxTransfers
	if in.PageSize != nil {
		limit = int(*in.PageSize)
	}
	out := &ddb.ListImportsOutput{ImportSummaryList: []*ddb.ImportSummary{}}
	err := s.env.DB.View(func(tx storage.Tx) error {
		list, next, err := listTransfers(tx, importsKey(call.Account, call.Region), in.NextToken, limit, func(i *imported) bool {
			return in.TableArn == "" || in.TableArn == i.Description.TableArn
		})
		for _, i := range list {
			d := i.Description
			out.ImportSummaryList = append(out.ImportSummaryList, &ddb.ImportSummary{
				ImportArn: d.ImportArn, ImportStatus: d.ImportStatus, TableArn: d.TableArn, S3BucketSource: d.S3BucketSource,
				CloudWatchLogGroupArn: d.CloudWatchLogGroupArn, InputFormat: d.InputFormat, StartTime: d.StartTime, EndTime: d.EndTime,
			})
		}
		out.NextToken = next
		return err
	})
	return out, err
}
