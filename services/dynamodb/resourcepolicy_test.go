package dynamodb

import (
	"strings"
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

func TestResourcePolicies(t *testing.T) {
	h := newHost(t)
	arn := h.create("table", "p:S").TableArn
	policy := func(action string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "` + action + `", "Resource": "*"}]}`
	}
	put := func(action, expected string) string {
		return must(h, h.putResourcePolicy, &ddb.PutResourcePolicyInput{ResourceArn: arn, Policy: policy(action), ExpectedRevisionId: expected}).RevisionId
	}
	const found = "Resource-based policy not found for the provided ResourceArn: "
	if got := fails(h, h.getResourcePolicy, &ddb.GetResourcePolicyInput{ResourceArn: arn}); got != found+arn {
		t.Errorf("%q", got)
	}
	first := put("dynamodb:*", "NO_POLICY")
	if again := put("dynamodb:*", ""); again != first {
		t.Errorf("the same policy has the revisions %s and %s", first, again)
	}
	second := put("dynamodb:GetItem", first)
	if second <= first {
		t.Errorf("revision %s comes after %s", second, first)
	}
	if got := must(h, h.getResourcePolicy, &ddb.GetResourcePolicyInput{ResourceArn: arn}); got.RevisionId != second || got.Policy != policy("dynamodb:GetItem") {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		in   ddb.PutResourcePolicyInput
		want string
	}{
		{ddb.PutResourcePolicyInput{ResourceArn: arn, Policy: policy("x"), ExpectedRevisionId: first},
			found + "Requested update for policy with revision id " + first + ", but the policy associated to target table table has revision id " + second + "."},
		{ddb.PutResourcePolicyInput{ResourceArn: arn, Policy: policy("x"), ExpectedRevisionId: "NO_POLICY"},
			found + "Requested policy update expecting none to be present for table table, but a policy exists with revision id " + second + "."},
		{ddb.PutResourcePolicyInput{ResourceArn: arn + "_", Policy: policy("x")}, "Requested resource not found: Table: table_ not found"},
		{ddb.PutResourcePolicyInput{ResourceArn: arn + "/backup/01", Policy: policy("x")}, "One or more parameter values were invalid: Provided Arn is not a DynamoDB resource " + arn + "/backup/01"},
		{ddb.PutResourcePolicyInput{ResourceArn: arn, Policy: strings.Repeat(" ", 20<<10) + policy("x")}, "Resource-based policy size cannot exceed 20480 bytes"},
		{ddb.PutResourcePolicyInput{ResourceArn: arn, Policy: "nonsense"}, "Invalid policy document: JSON is not well formed"},
	} {
		if got := fails(h, h.putResourcePolicy, &c.in); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := must(h, h.deleteResourcePolicy, &ddb.DeleteResourcePolicyInput{ResourceArn: arn, ExpectedRevisionId: second}).RevisionId; got != second {
		t.Errorf("deleted %q", got)
	}
	if got := fails(h, h.getResourcePolicy, &ddb.GetResourcePolicyInput{ResourceArn: arn}); got != found+arn {
		t.Errorf("%q", got)
	}
	must(h, h.deleteResourcePolicy, &ddb.DeleteResourcePolicyInput{ResourceArn: arn})
	attributes, key := define("p:S")
	with := must(h, h.createTable, &ddb.CreateTableInput{TableName: "with", AttributeDefinitions: attributes, KeySchema: key, BillingMode: ddb.BillingModePayPerRequest, ResourcePolicy: policy("dynamodb:*")}).TableDescription
	if got := must(h, h.getResourcePolicy, &ddb.GetResourcePolicyInput{ResourceArn: with.TableArn}); got.Policy != policy("dynamodb:*") {
		t.Errorf("%+v", got)
	}
}

func TestContributorInsights(t *testing.T) {
	h := newHost(t)
	h.indexed("table")
	describe := func(index string) *ddb.DescribeContributorInsightsOutput {
		return must(h, h.describeContributorInsights, &ddb.DescribeContributorInsightsInput{TableName: "table", IndexName: index})
	}
	if got := describe(""); got.ContributorInsightsStatus != ddb.ContributorInsightsStatusDisabled || got.ContributorInsightsRuleList != nil {
		t.Errorf("%+v", got)
	}
	for _, index := range []string{"", "global"} {
		in := &ddb.UpdateContributorInsightsInput{TableName: "table", IndexName: index, ContributorInsightsAction: ddb.ContributorInsightsActionEnable}
		if got := must(h, h.updateContributorInsights, in); got.ContributorInsightsStatus != ddb.ContributorInsightsStatusEnabling || got.ContributorInsightsMode != ddb.ContributorInsightsModeAccessedAndThrottledKeys {
			t.Errorf("%+v", got)
		}
		if got := describe(index); got.ContributorInsightsStatus != ddb.ContributorInsightsStatusEnabled || len(got.ContributorInsightsRuleList) != 4 {
			t.Errorf("%+v", got)
		}
	}
	first := must(h, h.listContributorInsights, &ddb.ListContributorInsightsInput{MaxResults: new(int32(1))})
	rest := must(h, h.listContributorInsights, &ddb.ListContributorInsightsInput{NextToken: first.NextToken})
	if len(first.ContributorInsightsSummaries) != 1 || len(rest.ContributorInsightsSummaries) != 1 || rest.ContributorInsightsSummaries[0].IndexName != "global" {
		t.Errorf("%+v, %+v", first, rest)
	}
	if got := must(h, h.updateContributorInsights, &ddb.UpdateContributorInsightsInput{TableName: "table", ContributorInsightsAction: ddb.ContributorInsightsActionDisable}); got.ContributorInsightsStatus != ddb.ContributorInsightsStatusDisabling {
		t.Errorf("%+v", got)
	}
	if got := describe(""); got.ContributorInsightsStatus != ddb.ContributorInsightsStatusDisabled {
		t.Errorf("%+v", got)
	}
	for _, in := range []*ddb.DescribeContributorInsightsInput{{TableName: "nowhere"}, {TableName: "table", IndexName: "local"}} {
		if got := fails(h, h.describeContributorInsights, in); !strings.HasPrefix(got, "Requested resource not found") {
			t.Errorf("%q", got)
		}
	}
}
