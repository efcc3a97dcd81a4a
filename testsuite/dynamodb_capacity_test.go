package testsuite

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A table tells what it may take, how warm it is, what it is encrypted with, and
// its class.
func TestTableSettings(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a, func(in *dynamodb.CreateTableInput) {
		in.OnDemandThroughput = &types.OnDemandThroughput{MaxReadRequestUnits: aws.Int64(100), MaxWriteRequestUnits: aws.Int64(50)}
		in.SSESpecification = &types.SSESpecification{Enabled: aws.Bool(true), SSEType: types.SSETypeKms, KMSMasterKeyId: aws.String("1234abcd-12ab-34cd-56ef-1234567890ab")}
	})
	update := func(in *dynamodb.UpdateTableInput) {
		t.Helper()
		in.TableName = name
		must(a.DynamoDB.UpdateTable(ctx, in))(t)
		must(dynamodb.NewTableExistsWaiter(a.DynamoDB).WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: name}, time.Minute))(t)
	}
	update(&dynamodb.UpdateTableInput{OnDemandThroughput: &types.OnDemandThroughput{MaxReadRequestUnits: aws.Int64(-1)}})
	update(&dynamodb.UpdateTableInput{WarmThroughput: &types.WarmThroughput{WriteUnitsPerSecond: aws.Int64(4001)}})
	update(&dynamodb.UpdateTableInput{TableClass: types.TableClassStandardInfrequentAccess})
	d := must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table
	if m := d.OnDemandThroughput; m == nil || m.MaxReadRequestUnits != nil || *m.MaxWriteRequestUnits != 50 {
		t.Errorf("%+v", m)
	}
	if w := d.WarmThroughput; *w.ReadUnitsPerSecond != 12000 {
		t.Errorf("%+v", w)
	}
	if e := d.SSEDescription; e == nil || *e.KMSMasterKeyArn != "arn:aws:kms:us-east-1:"+a.ID+":key/1234abcd-12ab-34cd-56ef-1234567890ab" {
		t.Errorf("%+v", e)
	}
	if c := d.TableClassSummary; c == nil || c.TableClass != types.TableClassStandardInfrequentAccess || c.LastUpdateDateTime == nil {
		t.Errorf("%+v", c)
	}
	_, err := a.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: name, WarmThroughput: &types.WarmThroughput{ReadUnitsPerSecond: aws.Int64(6000)}})
	if said := refused(t, err, "ValidationException"); said != "One or more parameter values were invalid: Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, decreasing WarmThroughput is not supported" {
		t.Errorf("%q", said)
	}
}
