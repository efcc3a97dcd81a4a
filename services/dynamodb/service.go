// Package dynamodb is the behaviour of Amazon DynamoDB.
//
// A table is a record that holds everything AWS describes of it; prepared for
// work it is a schema, with an index for each secondary index. An item is a
// map of attribute values; it lies under a key made of its own key attributes,
// and each index it belongs to has an entry with a copy of what the index
// projects. Item, entries and table are read and written in one transaction,
// so an index never lags behind its table: global indexes are as consistent as
// local ones, which AWS does not promise. Vector indexes are indexes of the same
// kind, and a search of one is exact: it looks at every vector of its partition.
//
// A table with a stream has a record of every change of an item, which is
// written in the change's own transaction. Streams, the service that reads
// them, is part of this package, since AWS only gave it a model of its own.
//
// A table with time to live has an index of the times when its items expire.
// They are removed when the clock comes by, by work in the background, and
// until then they are there as on AWS.
//
// A table can be read as it was at a moment, for backups and for recovery to a
// point in time: what its items were before each change is kept for as long as
// somebody wants it.
//
// The tables of a global table lie in one store, so a change of an item is made
// in all regions by one transaction. The global tables of 2017 can not be made
// any more, and there is no Kinesis to stream to: their operations say so.
//
// The packages below it know no tables: number has DynamoDB's decimals, item its
// values and their encoding, expression its expression language, sequence the
// order of changes, shards how streams are cut, partiql its statements, vector the
// arithmetic of vectors, dump the files of imports and exports, throttle the
// capacity that is left. keys.go draws where everything lies.
//
// Tables are imported from and exported to S3 in the background. PartiQL
// statements become the conditions, updates and key ranges of other operations.
// Resource policies are kept and not yet looked at, and contributor insights
// count nothing. Requests are throttled where the configuration asks for it.
//
// Every operation goes the same way, and in AWS's order: the shape of the
// request, the values in it, its expressions, then one transaction in which the
// table is found, the keys are checked against its schema, and the work is done.
//
// Tables and indexes change their states at once, unless the configuration
// says how long that takes: an answer says CREATING, UPDATING or DELETING as
// AWS's does, and the next one finds it done. Filling
// a new index, removing what is left of a table and what is too old of a
// stream is background work, which continues after a restart.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
package dynamodb

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
	"github.com/virga-cloud/virga/services/dynamodb/throttle"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Service is DynamoDB.
type Service struct {
	env    service.Env
	tables *storage.Cache[table]
	keys   keyCache
	counts counters
	worker worker

	// order numbers changes, reserving is held to reserve numbers, and
	// listeners are those who wait for records of streams.
	order     sequence.Order
	reserving sync.Mutex
	listeners listeners
	// nextExpiry is when the worker looks for items that have expired, in
	// seconds since 1970.
	nextExpiry atomic.Uint64
	// The rounds in which the worker removes what is too old.
	pastForgotten, streamsForgotten, backupsForgotten rounds
	// throttle is what is left of capacity, nil where nothing is throttled.
	throttle *throttle.Buckets
	// objects is where tables are imported from and exported to.
	objects Objects
}

// Objects is S3, as far as imports and exports ask it, on behalf of the call's
// principal.
type Objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error)
	PutObject(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error)
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error)
}

// New makes the service.
func New(env service.Env, objects Objects) *Service {
	s := &Service{env: env, tables: storage.NewCache[table](tablesCached), objects: objects}
	if env.Config.DynamoDB.Throttle {
		s.throttle = throttle.New()
	}
	return s
}

// tablesCached is how many tables' records are kept decoded.
const tablesCached = 1024

// Model implements service.Service.
func (s *Service) Model() *api.Model { return &ddb.Model }

// Operations implements service.Service.
func (s *Service) Operations() []api.Handler {
	return []api.Handler{
		ddb.BatchExecuteStatement.Handle(s.batchExecuteStatement),
		ddb.BatchGetItem.Handle(s.batchGetItem),
		ddb.BatchWriteItem.Handle(s.batchWriteItem),
		ddb.CreateBackup.Handle(s.createBackup),
		ddb.CreateGlobalTable.Handle(s.createGlobalTable),
		ddb.CreateTable.Handle(s.createTable),
		ddb.DeleteBackup.Handle(s.deleteBackup),
		ddb.DeleteItem.Handle(s.deleteItem),
		ddb.DeleteResourcePolicy.Handle(s.deleteResourcePolicy),
		ddb.DeleteTable.Handle(s.deleteTable),
		ddb.DescribeBackup.Handle(s.describeBackup),
		ddb.DescribeContinuousBackups.Handle(s.describeContinuousBackups),
		ddb.DescribeContributorInsights.Handle(s.describeContributorInsights),
		ddb.DescribeEndpoints.Handle(s.describeEndpoints),
		ddb.DescribeGlobalTable.Handle(s.describeGlobalTable),
		ddb.DescribeGlobalTableSettings.Handle(s.describeGlobalTableSettings),
		ddb.DescribeExport.Handle(s.describeExport),
		ddb.DescribeImport.Handle(s.describeImport),
		ddb.DescribeKinesisStreamingDestination.Handle(s.describeKinesisStreamingDestination),
		ddb.DescribeLimits.Handle(s.describeLimits),
		ddb.DescribeTable.Handle(s.describeTable),
		ddb.DescribeTimeToLive.Handle(s.describeTimeToLive),
		ddb.DisableKinesisStreamingDestination.Handle(s.disableKinesisStreamingDestination),
		ddb.EnableKinesisStreamingDestination.Handle(s.enableKinesisStreamingDestination),
		ddb.ExecuteStatement.Handle(s.executeStatement),
		ddb.ExecuteTransaction.Handle(s.executeTransaction),
		ddb.ExportTableToPointInTime.Handle(s.exportTable),
		ddb.GetItem.Handle(s.getItem),
		ddb.ListBackups.Handle(s.listBackups),
		ddb.GetResourcePolicy.Handle(s.getResourcePolicy),
		ddb.ImportTable.Handle(s.importTable),
		ddb.ListContributorInsights.Handle(s.listContributorInsights),
		ddb.ListExports.Handle(s.listExports),
		ddb.ListImports.Handle(s.listImports),
		ddb.ListGlobalTables.Handle(s.listGlobalTables),
		ddb.ListTables.Handle(s.listTables),
		ddb.ListTagsOfResource.Handle(s.listTagsOfResource),
		ddb.PutItem.Handle(s.putItem),
		ddb.PutResourcePolicy.Handle(s.putResourcePolicy).WithoutEffect("ConfirmRemoveSelfResourceAccess"),
		ddb.Query.Handle(s.query),
		ddb.RestoreTableFromBackup.Handle(s.restoreTableFromBackup),
		ddb.RestoreTableToPointInTime.Handle(s.restoreTableToPointInTime),
		ddb.Scan.Handle(s.scan),
		ddb.SearchVectors.Handle(s.searchVectors),
		ddb.TagResource.Handle(s.tagResource),
		ddb.TransactGetItems.Handle(s.transactGetItems),
		ddb.TransactWriteItems.Handle(s.transactWriteItems),
		ddb.UntagResource.Handle(s.untagResource),
		ddb.UpdateContinuousBackups.Handle(s.updateContinuousBackups),
		ddb.UpdateGlobalTable.Handle(s.updateGlobalTable),
		ddb.UpdateGlobalTableSettings.Handle(s.updateGlobalTableSettings),
		ddb.UpdateContributorInsights.Handle(s.updateContributorInsights),
		ddb.UpdateItem.Handle(s.updateItem),
		ddb.UpdateKinesisStreamingDestination.Handle(s.updateKinesisStreamingDestination),
		ddb.UpdateTable.Handle(s.updateTable),
		ddb.UpdateTimeToLive.Handle(s.updateTimeToLive),
	}
}

// Reset implements service.Resetter.
func (s *Service) Reset(context.Context) error {
	s.counts.byTable.Clear()
	s.order.Forget()
	if s.throttle != nil {
		s.throttle.Forget()
	}
	return nil
}

// tableID names a table within the store.
type tableID struct{ account, region, name string }

// The characters of a table's name.
const (
	namePattern          = "[a-zA-Z0-9_.-]+"
	minName, maxNameSize = 3, 255
)

// tableNamed is the table that a request means by a name or an ARN.
func tableNamed(ctx context.Context, name string) (tableID, error) {
	call := api.CallFrom(ctx)
	id := tableID{call.Account, call.Region, name}
	if strings.HasPrefix(name, "arn:") {
		arn, err := api.ParseARN(name)
		resource, ok := strings.CutPrefix(arn.Resource, "table/")
		if err != nil || !ok || arn.Service != "dynamodb" || arn.Region == "" || arn.Account == "" {
			return id, errParameter("Invalid TableArn: Invalid ResourceArn provided as input %s", name)
		}
		id = tableID{arn.Account, arn.Region, resource}
	}
	return id, checkName(id.name, "tableName")
}

// checkName checks the name of a table, which the published model takes for
// one of an ARN as well.
func checkName(name, member string) error {
	var faults []string
	fault := func(constraint string) {
		faults = append(faults, "Value '"+name+"' at '"+member+"' failed to satisfy constraint: Member must "+constraint)
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' {
			continue
		}
		fault("satisfy regular expression pattern: " + namePattern)
		break
	}
	if len(name) < minName {
		fault("have length greater than or equal to 3")
	}
	if len(name) > maxNameSize {
		fault("have length less than or equal to 255")
	}
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return errValidation("1 validation error detected: %s", faults[0])
	}
	return errValidation("%d validation errors detected: %s", len(faults), strings.Join(faults, "; "))
}

// table finds a table for reading or writing items.
func (s *Service) table(tx storage.Tx, id tableID) (*schema, error) {
	t, err := s.tables.Get(tx, s.keys.of(id))
	if errors.Is(err, storage.ErrNotFound) || err == nil && (t.building() || t.State != nil) && t.hidden(s.env.Clock.Now()) {
		return nil, errNoTable()
	}
	if err != nil {
		return nil, err
	}
	return t.schema(), nil
}

// record reads a table's record to describe or change it.
func (s *Service) record(tx storage.Tx, id tableID) (*table, error) {
	t, err := s.anyRecord(tx, id)
	if err == nil && t.hidden(s.env.Clock.Now()) {
		return nil, errNoSuchTable(id.name)
	}
	return t, err
}

// anyRecord reads a table's record in whatever state the table is.
func (s *Service) anyRecord(tx storage.Tx, id tableID) (*table, error) {
	t, err := storage.GetRecord[table](tx, tableKey(id.account, id.region, id.name))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errNoSuchTable(id.name)
	}
	return t, err
}

// keyCache keeps the keys of tables' records, which every request needs.
type keyCache struct {
	mu   sync.RWMutex
	keys map[tableID]storage.Key
}

func (c *keyCache) of(id tableID) storage.Key {
	c.mu.RLock()
	key, ok := c.keys[id]
	c.mu.RUnlock()
	if ok {
		return key
	}
	key = tableKey(id.account, id.region, id.name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= tablesCached {
		c.keys = map[tableID]storage.Key{}
	}
	id.name = strings.Clone(id.name) // it is part of a request
	c.keys[id] = key
	return key
}
