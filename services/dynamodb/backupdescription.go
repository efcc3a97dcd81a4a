package dynamodb

import (
	"context"
	"strings"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

func (b *backup) status() ddb.BackupStatus {
	if b.Copying {
		return ddb.BackupStatusCreating
	}
	return ddb.BackupStatusAvailable
}

func (b *backup) details() *ddb.BackupDetails {
	return &ddb.BackupDetails{
		BackupArn: b.arn(), BackupName: b.Name, BackupSizeBytes: &b.Bytes, BackupStatus: b.status(), BackupType: b.Type,
		BackupCreationDateTime: b.Created, BackupExpiryDateTime: b.Expires,
	}
}

// describe describes the backup and the table it is of. AWS tells of a table
// that was deleted only that.
func (b *backup) describe() *ddb.BackupDescription {
	t := b.Source
	d := &ddb.BackupDescription{
		BackupDetails: b.details(),
		SourceTableDetails: &ddb.SourceTableDetails{
			TableName: t.Name, TableId: t.ID, TableArn: t.arn(), TableSizeBytes: &b.Bytes, ItemCount: &b.Items, KeySchema: t.Key,
			TableCreationDateTime: t.Created, BillingMode: t.billingMode(), OnDemandThroughput: t.OnDemand, ProvisionedThroughput: t.Billing.Throughput.info(),
		},
		SourceTableFeatureDetails: &ddb.SourceTableFeatureDetails{},
	}
	if b.Type != ddb.BackupTypeSystem {
		d.SourceTableFeatureDetails = t.features()
	}
	return d
}

func (p throughput) info() *ddb.ProvisionedThroughput {
	return &ddb.ProvisionedThroughput{ReadCapacityUnits: &p.Read, WriteCapacityUnits: &p.Write}
}

// features are those of a table that a backup tells of.
func (t *table) features() *ddb.SourceTableFeatureDetails {
	f := &ddb.SourceTableFeatureDetails{SSEDescription: t.describeEncryption()}
	if t.streams() {
		f.StreamDescription = t.Stream
	}
	if t.Expiry != nil {
		f.TimeToLiveDescription = &ddb.TimeToLiveDescription{TimeToLiveStatus: ddb.TimeToLiveStatusEnabled, AttributeName: t.Expiry.Attribute}
	}
	for _, x := range t.Indexes {
		switch {
		case x.Vector != nil:
		case x.Global:
			f.GlobalSecondaryIndexes = append(f.GlobalSecondaryIndexes, &ddb.GlobalSecondaryIndexInfo{
				IndexName: x.Name, KeySchema: x.Key, Projection: x.Projection, ProvisionedThroughput: x.Throughput.info(), OnDemandThroughput: x.OnDemand})
		default:
			f.LocalSecondaryIndexes = append(f.LocalSecondaryIndexes, &ddb.LocalSecondaryIndexInfo{IndexName: x.Name, KeySchema: x.Key, Projection: x.Projection})
		}
	}
	return f
}

// maxBackups is the largest page of backups.
const maxBackups = 100

func (s *Service) listBackups(ctx context.Context, in *ddb.ListBackupsInput) (*ddb.ListBackupsOutput, error) {
	call := api.CallFrom(ctx)
	lower, upper := in.TimeRangeLowerBound, in.TimeRangeUpperBound
	if !lower.IsZero() && !upper.IsZero() && lower.After(upper) {
		return nil, errParameter("Time range lower bound must be less than or equal to upper bound")
	}
	region, prefix := call.Region, backupsKey(call.Account, call.Region)
	if in.TableName != "" {
		id, err := tableNamed(ctx, in.TableName)
		if err != nil {
			return nil, err
		}
		prefix = prefix.String(id.name)
	}
	r := storage.Prefix(prefix)
	if in.ExclusiveStartBackupArn != "" {
		start, err := parseBackup(call, in.ExclusiveStartBackupArn)
		if err != nil {
			return nil, err
		}
		if start.region != region {
			return nil, errRequest("The supplied ExclusiveStartBackupArn does not match the region")
		}
		if after := r.After(backupKey(call.Account, region, start.name, start.id)); string(after.Start) > string(r.Start) {
			r = after
		}
	}
	limit := maxBackups
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	out := &ddb.ListBackupsOutput{}
	err := s.env.DB.View(func(tx storage.Tx) error {
		*out = ddb.ListBackupsOutput{BackupSummaries: []*ddb.BackupSummary{}}
		for e, err := range storage.Records[backup](tx, r) {
			if err != nil {
				return err
			}
			b := e.Value
			if b.expired(call.Time) || !b.isOf(in.BackupType) || !lower.IsZero() && b.Created.Before(lower) || !upper.IsZero() && !b.Created.Before(upper) {
				continue
			}
			if len(out.BackupSummaries) == limit {
				out.LastEvaluatedBackupArn = out.BackupSummaries[limit-1].BackupArn
				break
			}
			out.BackupSummaries = append(out.BackupSummaries, b.summary())
		}
		return nil
	})
	return out, err
}

// isOf says whether a filter takes the backup; without one AWS leaves out its own.
func (b *backup) isOf(filter ddb.BackupTypeFilter) bool {
	switch filter {
	case "":
		return b.Type == ddb.BackupTypeUser
	case ddb.BackupTypeFilterAll:
		return true
	}
	return strings.EqualFold(string(b.Type), string(filter))
}

func (b *backup) summary() *ddb.BackupSummary {
	return &ddb.BackupSummary{
		TableName: b.Source.Name, TableId: b.Source.ID, TableArn: b.Source.arn(), BackupArn: b.arn(), BackupName: b.Name, BackupType: b.Type,
		BackupCreationDateTime: b.Created, BackupExpiryDateTime: b.Expires, BackupStatus: b.status(), BackupSizeBytes: &b.Bytes,
	}
}
