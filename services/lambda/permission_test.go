package lambda

import (
	"testing"

	lam "github.com/virga-cloud/virga/api/lambda"
)

func TestStatements(t *testing.T) {
	b := open(t)
	b.create("f", func(in *lam.CreateFunctionInput) { in.Publish = new(true) })
	do(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "f", Name: "live", FunctionVersion: "1"})
	const head, resource = `{"Sid":"s","Effect":"Allow","Principal":`, `"Resource":"` + arnOf + "f"
	for _, c := range []struct {
		in   lam.AddPermissionInput
		want string
	}{
		{lam.AddPermissionInput{Principal: "s3.amazonaws.com", SourceArn: "arn:aws:s3:::b"},
			head + `{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",` + resource + `","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}`},
		{lam.AddPermissionInput{Principal: "*", SourceAccount: account},
			head + `"*","Action":"lambda:InvokeFunction",` + resource + `","Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"}}}`},
		{lam.AddPermissionInput{Principal: account},
			head + `{"AWS":"arn:aws:iam::000000000000:root"},"Action":"lambda:InvokeFunction",` + resource + `"}`},
		{lam.AddPermissionInput{Principal: "arn:aws:iam::000000000000:user/u&v", Qualifier: "1"},
			head + `{"AWS":"arn:aws:iam::000000000000:user/u&v"},"Action":"lambda:InvokeFunction",` + resource + `:1"}`},
		{lam.AddPermissionInput{Principal: "*", SourceAccount: account, SourceArn: "arn:aws:s3:::b", FunctionUrlAuthType: "NONE", PrincipalOrgID: "o-1234567890", Action: "lambda:InvokeFunctionUrl"},
			head + `"*","Action":"lambda:InvokeFunctionUrl",` + resource + `","Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000","lambda:FunctionUrlAuthType":"NONE","aws:PrincipalOrgID":"o-1234567890"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}`},
		{lam.AddPermissionInput{Principal: "alexa-appkit.amazon.com", EventSourceToken: "amzn1.ask.skill.x", Qualifier: "live"},
			head + `{"Service":"alexa-appkit.amazon.com"},"Action":"lambda:InvokeFunction",` + resource + `:live","Condition":{"StringEquals":{"lambda:EventSourceToken":"amzn1.ask.skill.x"}}}`},
	} {
		in := c.in
		in.FunctionName, in.StatementId = "f", "s"
		if in.Action == "" {
			in.Action = "lambda:InvokeFunction"
		}
		if got := do(b, &lam.AddPermission, b.addPermission, &in).Statement; got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
		policy := do(b, &lam.GetPolicy, b.getPolicy, &lam.GetPolicyInput{FunctionName: "f", Qualifier: in.Qualifier})
		if want := `{"Version":"2012-10-17","Id":"default","Statement":[` + c.want + `]}`; policy.Policy != want {
			t.Errorf("\n got %s\nwant %s", policy.Policy, want)
		}
		do(b, &lam.RemovePermission, b.removePermission, &lam.RemovePermissionInput{FunctionName: "f", StatementId: "s", Qualifier: in.Qualifier, RevisionId: policy.RevisionId})
	}
}

func TestPermissionErrors(t *testing.T) {
	b := open(t)
	b.create("f")
	add := func(name, qualifier, id, principal, want string) {
		t.Helper()
		in := &lam.AddPermissionInput{FunctionName: name, Qualifier: qualifier, StatementId: id, Principal: principal, Action: "lambda:InvokeFunction"}
		refused(b, &lam.AddPermission, b.addPermission, in, want)
	}
	remove := func(name, qualifier, id, want string) {
		t.Helper()
		refused(b, &lam.RemovePermission, b.removePermission, &lam.RemovePermissionInput{FunctionName: name, Qualifier: qualifier, StatementId: id}, want)
	}
	const s3, none, notFound = "s3.amazonaws.com", "no error", "404 ResourceNotFoundException: "
	remove("f", "", "s3", notFound+"No policy is associated with the given resource.")
	refused(b, &lam.GetPolicy, b.getPolicy, &lam.GetPolicyInput{FunctionName: "f"}, notFound+"The resource you requested does not exist.")
	refused(b, &lam.GetPolicy, b.getPolicy, &lam.GetPolicyInput{FunctionName: "none"}, notFound+"The resource you requested does not exist.")
	add("f", "", "s3", s3, none)
	add("f", "", "s3", s3, "409 ResourceConflictException: The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.")
	add("f", "$LATEST", "s", s3, "400 InvalidParameterValueException: We currently do not support adding policies for $LATEST.")
	add("f", "", "s", "invalid.nonaws.com", "400 InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again.")
	add("none", "", "s", s3, notFound+"Function not found: "+arnOf+"none")
	add("f", "none", "s", s3, notFound+"Cannot find alias arn: "+arnOf+"f:none")
	add("f", "42", "s", s3, notFound+"Function not found: "+arnOf+"f:42")
	add("f", "with-$-in-it", "s", s3, notFound+"Function not found: "+arnOf+"f:with-$-in-it")
	remove("f", "", "none", notFound+"Statement none is not found in resource policy.")
	remove("none", "", "s3", notFound+"No policy found for: "+arnOf+"none")
	remove("f", "none", "s3", notFound+"Cannot find alias arn: "+arnOf+"f:none")
	refused(b, &lam.AddPermission, b.addPermission, &lam.AddPermissionInput{FunctionName: "f", StatementId: "t", Principal: s3, Action: "lambda:InvokeFunction", RevisionId: "old"},
		"412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
	remove("f", "", "s3", none)
	refused(b, &lam.GetPolicy, b.getPolicy, &lam.GetPolicyInput{FunctionName: "f"}, notFound+"The resource you requested does not exist.")
}

// Services need a statement for what they name, users of the account need none.
func TestServicesNeedPermission(t *testing.T) {
	b := open(t)
	b.create("f", func(in *lam.CreateFunctionInput) { in.Publish = new(true) })
	do(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "f", Name: "live", FunctionVersion: "1"})
	add := func(in lam.AddPermissionInput) {
		t.Helper()
		in.FunctionName, in.StatementId = "f", b.env.IDs.UUID()
		if in.Action == "" {
			in.Action = "lambda:InvokeFunction"
		}
		do(b, &lam.AddPermission, b.addPermission, &in)
	}
	add(lam.AddPermissionInput{Principal: "apigateway.amazonaws.com", SourceArn: "arn:aws:execute-api:us-east-1:000000000000:id/*/GET/p*s"})
	add(lam.AddPermissionInput{Principal: "s3.amazonaws.com", Qualifier: "live", SourceAccount: account})
	add(lam.AddPermissionInput{Principal: "sns.amazonaws.com", Action: "lambda:GetFunction"})
	add(lam.AddPermissionInput{Principal: "events.amazonaws.com", PrincipalOrgID: "o-1234567890"})
	for _, c := range []struct {
		service, source, function string
		allowed                   bool
	}{
		{"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:000000000000:id/prod/GET/photos", "f", true},
		{"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:000000000000:id/prod/POST/photos", "f", false},
		{"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:111111111111:id/prod/GET/photos", "f", false},
		{"s3.amazonaws.com", "arn:aws:s3:::b", "f:live", true},
		{"s3.amazonaws.com", "arn:aws:s3:::b", "f", false},
		{"s3.amazonaws.com", "arn:aws:s3:::b", "f:1", false},
		{"sns.amazonaws.com", "arn:aws:sns:us-east-1:000000000000:t", "f", false},
		{"events.amazonaws.com", "arn:aws:events:us-east-1:000000000000:rule/r", "f", false},
	} {
		out, err := b.Invoke(b.from(c.service, c.source), &lam.InvokeInput{FunctionName: arnOf + c.function, InvocationType: "DryRun"})
		if c.allowed && (err != nil || *out.StatusCode != 204) {
			t.Errorf("%+v: %v", c, err)
		}
		if want := "403 AccessDeniedException: The service " + c.service + " is not authorized to perform: lambda:InvokeFunction on resource: " + arnOf + c.function + " because no resource-based policy allows the lambda:InvokeFunction action"; !c.allowed && shown(err) != want {
			t.Errorf("%+v: %s", c, shown(err))
		}
	}
}
