package testsuite

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// songs are the keys of the items of a table, once it can be read.
func songs(t *testing.T, a *harness.Account, name *string) (out []string) {
	t.Helper()
	waiter := dynamodb.NewTableExistsWaiter(a.DynamoDB, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second })
	if err := waiter.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, item := range must(a.DynamoDB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: name, KeyConditionExpression: aws.String("artist = :a"), ExpressionAttributeValues: row{":a": s("Nina")},
	}))(t).Items {
		out = append(out, item["song"].(*types.AttributeValueMemberN).Value)
	}
	return out
}

func TestBackups(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	name := table(t, a)
	put := func(song int) {
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(song)}}))(t)
	}
	put(1)
	backup := must(a.DynamoDB.CreateBackup(ctx, &dynamodb.CreateBackupInput{TableName: name, BackupName: aws.String("before")}))(t).BackupDetails
	put(2)
	server.Drain(t)
	described := must(a.DynamoDB.DescribeBackup(ctx, &dynamodb.DescribeBackupInput{BackupArn: backup.BackupArn}))(t).BackupDescription
	if described.BackupDetails.BackupStatus != types.BackupStatusAvailable || *described.SourceTableDetails.TableName != *name {
		t.Errorf("%+v", described)
	}
	must(a.DynamoDB.RestoreTableFromBackup(ctx, &dynamodb.RestoreTableFromBackupInput{BackupArn: backup.BackupArn, TargetTableName: aws.String("Restored")}))(t)
	if got := songs(t, a, aws.String("Restored")); len(got) != 1 || got[0] != "1" {
		t.Errorf("the backup has %v", got)
	}
	if list := must(a.DynamoDB.ListBackups(ctx, &dynamodb.ListBackupsInput{TableName: name}))(t).BackupSummaries; len(list) != 1 || *list[0].BackupArn != *backup.BackupArn {
		t.Errorf("%v", list)
	}
	_, err := a.DynamoDB.RestoreTableFromBackup(ctx, &dynamodb.RestoreTableFromBackupInput{BackupArn: backup.BackupArn, TargetTableName: name})
	refused(t, err, "TableAlreadyExistsException")
	server.Drain(t)
	must(a.DynamoDB.DeleteBackup(ctx, &dynamodb.DeleteBackupInput{BackupArn: backup.BackupArn}))(t)
	_, err = a.DynamoDB.DescribeBackup(ctx, &dynamodb.DescribeBackupInput{BackupArn: backup.BackupArn})
	refused(t, err, "BackupNotFoundException")
}

func TestPointInTimeRecovery(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	name := table(t, a)
	restore := func(target string, at *time.Time) error {
		_, err := a.DynamoDB.RestoreTableToPointInTime(ctx, &dynamodb.RestoreTableToPointInTimeInput{
			SourceTableName: name, TargetTableName: aws.String(target), RestoreDateTime: at, UseLatestRestorableTime: aws.Bool(at == nil),
		})
		return err
	}
	refused(t, restore("Early", nil), "PointInTimeRecoveryUnavailableException")
	must(a.DynamoDB.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: name, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	}))(t)
	put := func(song int) {
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(song)}}))(t)
	}
	put(1)
	server.Advance(t, time.Hour)
	put(2)
	must(a.DynamoDB.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: row{"artist": s("Nina"), "song": n(1)}}))(t)
	server.Advance(t, time.Hour)
	window := must(a.DynamoDB.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: name}))(t).ContinuousBackupsDescription.PointInTimeRecoveryDescription
	if window.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled || window.LatestRestorableDateTime.Sub(*window.EarliestRestorableDateTime) < 2*time.Hour {
		t.Fatalf("%+v", window)
	}
	between := window.EarliestRestorableDateTime.Add(30 * time.Minute)
	if err := restore("Between", &between); err != nil {
		t.Fatal(err)
	}
	if err := restore("Latest", nil); err != nil {
		t.Fatal(err)
	}
	if got := songs(t, a, aws.String("Between")); len(got) != 1 || got[0] != "1" {
		t.Errorf("half an hour later there was %v", got)
	}
	if got := songs(t, a, aws.String("Latest")); len(got) != 1 || got[0] != "2" {
		t.Errorf("the latest has %v", got)
	}
	early := window.EarliestRestorableDateTime.Add(-time.Hour)
	refused(t, restore("Before", &early), "InvalidRestoreTimeException")
}
