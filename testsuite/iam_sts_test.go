package testsuite

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	created := must(a.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("photos"), Path: aws.String("/app/"), AssumeRolePolicyDocument: aws.String(trustLambda)}))(t)
	if got := *created.Role.Arn; got != "arn:aws:iam::"+a.ID+":role/app/photos" {
		t.Errorf("ARN %s", got)
	}
	if !strings.HasPrefix(*created.Role.RoleId, "AROA") {
		t.Errorf("id %s", *created.Role.RoleId)
	}
	got := must(a.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("photos")}))(t)
	// Policies in answers are coded as in URLs.
	if text, err := url.QueryUnescape(*got.Role.AssumeRolePolicyDocument); err != nil || text != trustLambda {
		t.Errorf("trust policy %s", *got.Role.AssumeRolePolicyDocument)
	}
	_, err := a.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("photos"), AssumeRolePolicyDocument: aws.String(trustLambda)})
	if said := refused(t, err, "EntityAlreadyExists"); said != "Role with name photos already exists." {
		t.Errorf("a second of the name: %q", said)
	}
	_, err = a.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("bad"), AssumeRolePolicyDocument: aws.String("{")})
	refused(t, err, "MalformedPolicyDocument")
	_, err = a.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("none")})
	if said := refused(t, err, "NoSuchEntity"); said != "The role with name none cannot be found." {
		t.Errorf("no role: %q", said)
	}

	managed := aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	must(a.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("photos"), PolicyArn: managed}))(t)
	attached := must(a.IAM.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("photos")}))(t)
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AWSLambdaBasicExecutionRole" {
		t.Errorf("attached %v", attached.AttachedPolicies)
	}
	_, err = a.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("photos")})
	refused(t, err, "DeleteConflict")
	must(a.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("photos"), PolicyArn: managed}))(t)
	must(a.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("photos")}))(t)
}

// A key that IAM issued is who it says, with the right secret only. A key that nobody
// issued is let in, as the root of the account that it names.
func TestAccessKeys(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	must(a.IAM.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ada")}))(t)
	key := must(a.IAM.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ada")}))(t).AccessKey

	ada := a.As(*key.AccessKeyId, *key.SecretAccessKey, "")
	who := must(ada.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t)
	if *who.Account != a.ID || *who.Arn != "arn:aws:iam::"+a.ID+":user/ada" || !strings.HasPrefix(*who.UserId, "AIDA") {
		t.Errorf("the user is %s %s %s", *who.Account, *who.Arn, *who.UserId)
	}
	name := bucket(t, a)
	must(ada.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name}))(t)

	wrong := a.As(*key.AccessKeyId, "wrong", "")
	_, err := wrong.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	refused(t, err, "SignatureDoesNotMatch")
	_, err = wrong.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name})
	refused(t, err, "SignatureDoesNotMatch")
	_, err = wrong.DynamoDB.ListTables(ctx, &dynamodb.ListTablesInput{})
	refused(t, err, "InvalidSignatureException")

	must(a.IAM.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("ada"), AccessKeyId: key.AccessKeyId, Status: types.StatusTypeInactive}))(t)
	_, err = ada.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	refused(t, err, "InvalidClientTokenId")

	for key, account := range map[string]string{"test": "000000000000", "210987654321": "210987654321", "AKIAIOSFODNN7EXAMPLE": "000000000000"} {
		who := must(a.As(key, "any", "").STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t)
		if *who.Account != account || *who.Arn != "arn:aws:iam::"+account+":root" {
			t.Errorf("key %s is %s of %s", key, *who.Arn, *who.Account)
		}
	}
}

// The credentials of a role act as the role, with their token only.
func TestAssumeRole(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	role := must(a.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("reader"), AssumeRolePolicyDocument: aws.String(trustLambda)}))(t).Role
	out := must(a.STS.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("session")}))(t)
	c := out.Credentials
	who := must(a.As(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken).STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t)
	if *who.Arn != "arn:aws:sts::"+a.ID+":assumed-role/reader/session" || *who.UserId != *role.RoleId+":session" || *who.Account != a.ID {
		t.Errorf("the session is %s %s", *who.Arn, *who.UserId)
	}
	_, err := a.As(*c.AccessKeyId, *c.SecretAccessKey, "").STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	refused(t, err, "InvalidClientTokenId")
}

// Where callers must be known, the root key makes the first user, and strangers
// are refused in each service's words.
func TestKnownCallersOnly(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), harness.Start(t, harness.Options{Args: []string{"--auth", "enforce"}})
	root := server.As("test", "test", "")
	if who := must(root.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t); *who.Arn != "arn:aws:iam::000000000000:root" {
		t.Errorf("the root key is %s", *who.Arn)
	}
	if who := must(server.As("210987654321", "test", "").STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t); *who.Arn != "arn:aws:iam::210987654321:root" {
		t.Errorf("an account's key is %s", *who.Arn)
	}
	must(root.IAM.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ada")}))(t)
	key := must(root.IAM.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ada")}))(t).AccessKey
	if who := must(server.As(*key.AccessKeyId, *key.SecretAccessKey, "").STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t); *who.Arn != "arn:aws:iam::000000000000:user/ada" {
		t.Errorf("the user is %s", *who.Arn)
	}

	_, err := server.As("test", "wrong", "").STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	refused(t, err, "SignatureDoesNotMatch")
	stranger := server.As("AKIAIOSFODNN7EXAMPLE", "any", "")
	_, err = stranger.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	refused(t, err, "InvalidClientTokenId")
	_, err = stranger.DynamoDB.ListTables(ctx, &dynamodb.ListTablesInput{})
	refused(t, err, "UnrecognizedClientException")
	_, err = stranger.S3.ListBuckets(ctx, &s3.ListBucketsInput{})
	refused(t, err, "InvalidAccessKeyId")
}
