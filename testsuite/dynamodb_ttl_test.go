package testsuite

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func TestTimeToLive(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	ctx, a := t.Context(), server.Account(t)
	name, arn, client := streamed(t, a)
	set := func(attribute string, on bool) error {
		_, err := a.DynamoDB.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: name, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(attribute), Enabled: aws.Bool(on)},
		})
		return err
	}
	described := func() *types.TimeToLiveDescription {
		return must(a.DynamoDB.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: name}))(t).TimeToLiveDescription
	}
	if d := described(); d.TimeToLiveStatus != types.TimeToLiveStatusDisabled || d.AttributeName != nil {
		t.Errorf("before: %+v", d)
	}
	if said := refused(t, set("expires", false), "ValidationException"); said != "TimeToLive is already disabled" {
		t.Errorf("off: %q", said)
	}
	if err := set("expires", true); err != nil {
		t.Fatal(err)
	}
	if d := described(); d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || aws.ToString(d.AttributeName) != "expires" {
		t.Errorf("on: %+v", d)
	}
	if said := refused(t, set("expires", true), "ValidationException"); said != "TimeToLive is already enabled" {
		t.Errorf("on again: %q", said)
	}
	refused(t, set("other", false), "ValidationException")

	put := func(song int, after time.Duration) {
		at := &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(after).Unix())}
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{"artist": s("Nina"), "song": n(song), "expires": at}}))(t)
	}
	put(1, time.Hour)
	put(2, 5*time.Hour)
	server.Advance(t, 2*time.Hour)
	server.Drain(t)
	if items := must(a.DynamoDB.Scan(ctx, &dynamodb.ScanInput{TableName: name}))(t).Items; len(items) != 1 || items[0]["song"].(*types.AttributeValueMemberN).Value != "2" {
		t.Errorf("two hours later: %v", items)
	}
	records := recordsOf(t, client, arn)
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	if r := records[2]; r.EventName != "REMOVE" || r.UserIdentity == nil || aws.ToString(r.UserIdentity.PrincipalId) != "dynamodb.amazonaws.com" || aws.ToString(r.UserIdentity.Type) != "Service" || r.Dynamodb.OldImage == nil {
		t.Errorf("%+v", r)
	}
}
