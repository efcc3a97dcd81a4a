package testsuite

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// Permissions are statements of the function's policy, in the form of IAM.
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
func TestPermissions(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	f := function(t, a, "echo", echo)
	_, err := a.Lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f.FunctionName})
	if said := refused(t, err, "ResourceNotFoundException"); said != "The resource you requested does not exist." {
		t.Errorf("no policy: %q", said)
	}
	add := &lambda.AddPermissionInput{
		FunctionName: f.FunctionName, StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
		SourceArn: aws.String("arn:aws:s3:::photos"), SourceAccount: aws.String(a.ID),
	}
	added := must(a.Lambda.AddPermission(ctx, add))(t)
	_, err = a.Lambda.AddPermission(ctx, add)
	refused(t, err, "ResourceConflictException")
	must(a.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: f.FunctionName, StatementId: aws.String("account"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("123456789012"),
	}))(t)

	first := map[string]any{
		"Sid": "s3", "Effect": "Allow", "Principal": map[string]any{"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": *f.FunctionArn,
		"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceAccount": a.ID}, "ArnLike": map[string]any{"AWS:SourceArn": "arn:aws:s3:::photos"}},
	}
	second := map[string]any{
		"Sid": "account", "Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::123456789012:root"}, "Action": "lambda:InvokeFunction", "Resource": *f.FunctionArn,
	}
	same(t, *added.Statement, first)
	policy := must(a.Lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f.FunctionName}))(t)
	same(t, *policy.Policy, map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": []any{first, second}})

	must(a.Lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: f.FunctionName, StatementId: aws.String("s3")}))(t)
	_, err = a.Lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: f.FunctionName, StatementId: aws.String("s3")})
	refused(t, err, "ResourceNotFoundException")
}

// same checks a JSON text.
func same(t *testing.T, text string, want any) {
	t.Helper()
	var got any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
