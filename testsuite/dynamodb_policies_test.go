package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A table's policy is replaced and removed by who knows its revision.
func TestTablePolicies(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := *table(t, a)
	arn := must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name}))(t).Table.TableArn
	policy := func(action string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + a.ID + `"},"Action":"` + action + `","Resource":"` + *arn + `"}]}`)
	}
	_, err := a.DynamoDB.GetResourcePolicy(ctx, &dynamodb.GetResourcePolicyInput{ResourceArn: arn})
	if said := refused(t, err, "PolicyNotFoundException"); said != "Resource-based policy not found for the provided ResourceArn: "+*arn {
		t.Errorf("%q", said)
	}
	first := must(a.DynamoDB.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: arn, Policy: policy("dynamodb:GetItem"), ExpectedRevisionId: aws.String("NO_POLICY")}))(t).RevisionId
	second := must(a.DynamoDB.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: arn, Policy: policy("dynamodb:Query"), ExpectedRevisionId: first}))(t).RevisionId
	_, err = a.DynamoDB.DeleteResourcePolicy(ctx, &dynamodb.DeleteResourcePolicyInput{ResourceArn: arn, ExpectedRevisionId: first})
	refused(t, err, "PolicyNotFoundException")
	if got := must(a.DynamoDB.GetResourcePolicy(ctx, &dynamodb.GetResourcePolicyInput{ResourceArn: arn}))(t); *got.RevisionId != *second || *got.Policy != *policy("dynamodb:Query") {
		t.Errorf("%s: %s", *got.RevisionId, *got.Policy)
	}
	must(a.DynamoDB.DeleteResourcePolicy(ctx, &dynamodb.DeleteResourcePolicyInput{ResourceArn: arn, ExpectedRevisionId: second}))(t)
}

// Contributor insights are on once they were turned on.
func TestContributorInsights(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a)
	must(a.DynamoDB.UpdateContributorInsights(ctx, &dynamodb.UpdateContributorInsightsInput{TableName: name, ContributorInsightsAction: types.ContributorInsightsActionEnable}))(t)
	got := must(a.DynamoDB.DescribeContributorInsights(ctx, &dynamodb.DescribeContributorInsightsInput{TableName: name}))(t)
	if got.ContributorInsightsStatus != types.ContributorInsightsStatusEnabled || len(got.ContributorInsightsRuleList) == 0 {
		t.Errorf("%+v", got)
	}
	if list := must(a.DynamoDB.ListContributorInsights(ctx, &dynamodb.ListContributorInsightsInput{}))(t).ContributorInsightsSummaries; len(list) != 1 {
		t.Errorf("%+v", list)
	}
}
