package iam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage/storagetest"
)

const (
	acct  = "000000000000"
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

type bed struct {
	*Service
	t   *testing.T
	who api.Principal
}

func open(t *testing.T) *bed {
	db, blobs := storagetest.Open(t)
	return &bed{New(service.Env{DB: db, Blobs: blobs, Clock: clock.At(start), IDs: ids.From(rand.NewChaCha8([32]byte{1})), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}), t, api.Root(acct)}
}

func (b *bed) ctx() context.Context {
	return api.WithCall(b.t.Context(), &api.Call{Account: b.who.Account, Region: "us-east-1", Principal: b.who, Time: start})
}

func do[In, Out any](b *bed, f func(context.Context, *In) (*Out, error), in *In) *Out {
	b.t.Helper()
	out, err := f(b.ctx(), in)
	if err != nil {
		b.t.Fatalf("%T %+v: %v", in, in, err)
	}
	return out
}

func refused[In, Out any](b *bed, f func(context.Context, *In) (*Out, error), in *In, want string) {
	b.t.Helper()
	_, err := f(b.ctx(), in)
	if got := shown(err); got != want {
		b.t.Errorf("%T %+v:\n got %s\nwant %s", in, in, got, want)
	}
}

func shown(err error) string {
	var plain *api.Error
	var modelled api.ModelledError
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &plain):
		return fmt.Sprintf("%d %s: %s", plain.Status, plain.Code, plain.Message)
	case errors.As(err, &modelled):
		text := modelled.Error()[len(modelled.Shape().Name)+2:]
		return fmt.Sprintf("%d %s: %s", modelled.Shape().Status, modelled.Shape().WireCode(), text)
	}
	return "unexpected: " + err.Error()
}

func TestRole(t *testing.T) {
	b := open(t)
	made := do(b, b.createRole, &iam.CreateRoleInput{RoleName: "R", Path: "/a/b/", AssumeRolePolicyDocument: trust, Description: "d"}).Role
	if made.Arn != "arn:aws:iam::000000000000:role/a/b/R" || !regexp.MustCompile(`^AROA[A-Z2-7]{17}$`).MatchString(made.RoleId) || made.MaxSessionDuration != nil || made.Tags != nil || made.CreateDate != start.Truncate(time.Second) {
		t.Errorf("made: %+v", made)
	}
	if document, err := url.PathUnescape(made.AssumeRolePolicyDocument); err != nil || document != trust {
		t.Errorf("the trust policy: %q", made.AssumeRolePolicyDocument)
	}
	// Names are compared without regard to case, and kept as they were given.
	got := do(b, b.GetRole, &iam.GetRoleInput{RoleName: "r"}).Role
	if got.RoleName != "R" || *got.MaxSessionDuration != 3600 || got.RoleLastUsed == nil {
		t.Errorf("got: %+v", got)
	}
	refused(b, b.createRole, &iam.CreateRoleInput{RoleName: "r", AssumeRolePolicyDocument: trust}, "409 EntityAlreadyExists: Role with name r already exists.")
	do(b, b.updateRole, &iam.UpdateRoleInput{RoleName: "R", MaxSessionDuration: new(int32(7200))})
	if got := do(b, b.GetRole, &iam.GetRoleInput{RoleName: "R"}).Role; got.Description != "d" || *got.MaxSessionDuration != 7200 {
		t.Errorf("what was not given changed: %+v", got)
	}
	if got := do(b, b.updateRoleDescription, &iam.UpdateRoleDescriptionInput{RoleName: "R"}).Role; got.Description != "" {
		t.Errorf("the description: %+v", got)
	}
	do(b, b.deleteRole, &iam.DeleteRoleInput{RoleName: "R"})
	missing := "404 NoSuchEntity: The role with name R cannot be found."
	refused(b, b.GetRole, &iam.GetRoleInput{RoleName: "R"}, missing)
	refused(b, b.deleteRole, &iam.DeleteRoleInput{RoleName: "R"}, missing)
	refused(b, b.attachRolePolicy, &iam.AttachRolePolicyInput{RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess"}, missing)
	refused(b, b.createRole, &iam.CreateRoleInput{RoleName: "R", Path: "a", AssumeRolePolicyDocument: trust},
		"400 ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
}

func TestDocuments(t *testing.T) {
	const malformed = "400 MalformedPolicyDocument: "
	for document, want := range map[string]string{
		`{`:                malformed + "This policy contains invalid Json",
		`{}`:               malformed + "Syntax errors in policy.",
		`{"Statement":[]}`: malformed + "Syntax errors in policy.",
		`{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`: malformed + "Syntax errors in policy.",
		`{"Statement":{"Effect":"Perhaps","Action":"*","Resource":"*"}}`:                      malformed + "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*"}}`:                                       malformed + "Policy statement must contain resources.",
		`{"Statement":[{"Effect":"Allow","Resource":"*"}]}`:                                   malformed + "Policy statement must contain actions.",
		trust: malformed + "Policy document should not specify a principal.",
		allow: "no error",
		`{"Statement":[{"Effect":"Deny","NotAction":"*","NotResource":"*"}]}`: "no error",
	} {
		if got := shown(checkPolicy(document)); got != want {
			t.Errorf("policy %s: %s", document, got)
		}
	}
	for document, want := range map[string]string{
		`{`:   malformed + "This policy contains invalid Json",
		trust: "no error",
		allow: malformed + "Has prohibited field Resource",
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`: malformed + "Missing required field Principal",
		`{"Statement":{"Effect":"Allow","Principal":"*"}}`:           malformed + "Missing required field Action",
	} {
		if got := shown(checkTrust(document)); got != want {
			t.Errorf("trust %s: %s", document, got)
		}
	}
}

func TestManagedPolicies(t *testing.T) {
	b := open(t)
	p := do(b, b.createPolicy, &iam.CreatePolicyInput{PolicyName: "P", Path: "/x/", PolicyDocument: allow, Description: "d"}).Policy
	if p.Arn != "arn:aws:iam::000000000000:policy/x/P" || !regexp.MustCompile(`^ANPA[A-Z2-7]{17}$`).MatchString(p.PolicyId) || p.DefaultVersionId != "v1" || *p.AttachmentCount != 0 || !*p.IsAttachable {
		t.Errorf("made: %+v", p)
	}
	refused(b, b.createPolicy, &iam.CreatePolicyInput{PolicyName: "p", Path: "/y/", PolicyDocument: allow}, "409 EntityAlreadyExists: A policy called p already exists. Duplicate names are not allowed.")
	do(b, b.createUser, &iam.CreateUserInput{UserName: "u"})
	do(b, b.createRole, &iam.CreateRoleInput{RoleName: "r", AssumeRolePolicyDocument: trust})
	const aws = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
	for range 2 { // attaching twice is once
		do(b, b.attachRolePolicy, &iam.AttachRolePolicyInput{RoleName: "r", PolicyArn: p.Arn})
	}
	do(b, b.attachRolePolicy, &iam.AttachRolePolicyInput{RoleName: "r", PolicyArn: aws})
	do(b, b.attachUserPolicy, &iam.AttachUserPolicyInput{UserName: "u", PolicyArn: p.Arn})
	if got := do(b, b.getPolicy, &iam.GetPolicyInput{PolicyArn: p.Arn}).Policy; *got.AttachmentCount != 2 || got.Description != "d" {
		t.Errorf("got: %+v", got)
	}
	attached := do(b, b.listAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: "r"})
	if l := attached.AttachedPolicies; len(l) != 2 || *l[0] != (iam.AttachedPolicy{PolicyName: "P", PolicyArn: p.Arn}) || l[1].PolicyName != "AWSLambdaBasicExecutionRole" || *attached.IsTruncated {
		t.Errorf("attached: %+v", l)
	}
	if l := do(b, b.listAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: "r", PathPrefix: "/service-role/"}).AttachedPolicies; len(l) != 1 {
		t.Errorf("below a path: %+v", l)
	}
	none := "arn:aws:iam::000000000000:policy/none"
	refused(b, b.attachUserPolicy, &iam.AttachUserPolicyInput{UserName: "u", PolicyArn: none}, "404 NoSuchEntity: Policy "+none+" does not exist or is not attachable.")
	refused(b, b.attachUserPolicy, &iam.AttachUserPolicyInput{UserName: "u", PolicyArn: "arn:aws:iam::000000000000:policy/P"}, "404 NoSuchEntity: Policy arn:aws:iam::000000000000:policy/P does not exist or is not attachable.")
	refused(b, b.attachRolePolicy, &iam.AttachRolePolicyInput{RoleName: "r", PolicyArn: "longpolicynamebutnoarn"}, "400 ValidationError: Invalid ARN:  Could not be parsed!")
	refused(b, b.detachUserPolicy, &iam.DetachUserPolicyInput{UserName: "u", PolicyArn: aws}, "404 NoSuchEntity: Policy "+aws+" was not found.")
	refused(b, b.getPolicy, &iam.GetPolicyInput{PolicyArn: none}, "404 NoSuchEntity: Policy "+none+" was not found.")
	refused(b, b.deletePolicy, &iam.DeletePolicyInput{PolicyArn: none}, "404 NoSuchEntity: Policy "+none+" was not found.")
	refused(b, b.deletePolicy, &iam.DeletePolicyInput{PolicyArn: p.Arn}, "409 DeleteConflict: Cannot delete a policy attached to entities.")
	refused(b, b.deleteUser, &iam.DeleteUserInput{UserName: "u"}, "409 DeleteConflict: Cannot delete entity, must detach all policies first.")
	for scope, want := range map[iam.PolicyScopeType]int{"": 1, "All": 1, "Local": 1, "AWS": 0} {
		if l := do(b, b.listPolicies, &iam.ListPoliciesInput{Scope: scope}).Policies; len(l) != want {
			t.Errorf("scope %q: %+v", scope, l)
		}
	}
	v := do(b, b.getPolicyVersion, &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: "v1"}).PolicyVersion
	if document, _ := url.PathUnescape(v.Document); document != allow || !*v.IsDefaultVersion {
		t.Errorf("version: %+v", v)
	}
	do(b, b.detachRolePolicy, &iam.DetachRolePolicyInput{RoleName: "r", PolicyArn: p.Arn})
	do(b, b.detachUserPolicy, &iam.DetachUserPolicyInput{UserName: "u", PolicyArn: p.Arn})
	do(b, b.deletePolicy, &iam.DeletePolicyInput{PolicyArn: p.Arn})
}

func TestInlinePolicies(t *testing.T) {
	b := open(t)
	do(b, b.createUser, &iam.CreateUserInput{UserName: "u"})
	refused(b, b.getUserPolicy, &iam.GetUserPolicyInput{UserName: "u", PolicyName: "p"}, "404 NoSuchEntity: The user policy with name p cannot be found.")
	refused(b, b.deleteUserPolicy, &iam.DeleteUserPolicyInput{UserName: "u", PolicyName: "p"}, "404 NoSuchEntity: The user policy with name p cannot be found.")
	// What is encoded in a document stays so.
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":["arn%3Aaws%3As3 +/x"]}]}`
	for _, name := range []string{"q", "p"} {
		do(b, b.putUserPolicy, &iam.PutUserPolicyInput{UserName: "u", PolicyName: name, PolicyDocument: document})
	}
	got := do(b, b.getUserPolicy, &iam.GetUserPolicyInput{UserName: "u", PolicyName: "p"})
	if text, err := url.PathUnescape(got.PolicyDocument); err != nil || text != document || got.UserName != "u" {
		t.Errorf("got: %+v", got)
	}
	if names := do(b, b.listUserPolicies, &iam.ListUserPoliciesInput{UserName: "u"}).PolicyNames; !slices.Equal(names, []string{"p", "q"}) {
		t.Errorf("names: %v", names)
	}
	refused(b, b.putUserPolicy, &iam.PutUserPolicyInput{UserName: "u", PolicyName: "p", PolicyDocument: trust}, "400 MalformedPolicyDocument: Policy document should not specify a principal.")
	refused(b, b.deleteUser, &iam.DeleteUserInput{UserName: "u"}, "409 DeleteConflict: Cannot delete entity, must delete policies first.")
}

func TestGroups(t *testing.T) {
	b := open(t)
	g := do(b, b.createGroup, &iam.CreateGroupInput{GroupName: "G"}).Group
	if g.Arn != "arn:aws:iam::000000000000:group/G" || !regexp.MustCompile(`^AGPA[A-Z2-7]{17}$`).MatchString(g.GroupId) {
		t.Errorf("made: %+v", g)
	}
	for _, name := range []string{"v", "u"} {
		do(b, b.createUser, &iam.CreateUserInput{UserName: name})
		do(b, b.addUserToGroup, &iam.AddUserToGroupInput{GroupName: "g", UserName: name})
	}
	do(b, b.addUserToGroup, &iam.AddUserToGroupInput{GroupName: "G", UserName: "u"})
	if out := do(b, b.getGroup, &iam.GetGroupInput{GroupName: "G"}); len(out.Users) != 2 || out.Users[0].UserName != "u" || out.Group.GroupName != "G" {
		t.Errorf("members: %+v", out)
	}
	if out := do(b, b.listGroupsForUser, &iam.ListGroupsForUserInput{UserName: "u"}); len(out.Groups) != 1 || out.Groups[0].GroupName != "G" {
		t.Errorf("groups of u: %+v", out)
	}
	refused(b, b.addUserToGroup, &iam.AddUserToGroupInput{GroupName: "none", UserName: "u"}, "404 NoSuchEntity: The group with name none cannot be found.")
	refused(b, b.addUserToGroup, &iam.AddUserToGroupInput{GroupName: "G", UserName: "none"}, "404 NoSuchEntity: The user with name none cannot be found.")
	const conflict = "409 DeleteConflict: Cannot delete entity, must remove users from group first."
	refused(b, b.deleteGroup, &iam.DeleteGroupInput{GroupName: "G"}, conflict)
	refused(b, b.deleteUser, &iam.DeleteUserInput{UserName: "u"}, conflict)
	for _, name := range []string{"u", "v"} {
		do(b, b.removeUserFromGroup, &iam.RemoveUserFromGroupInput{GroupName: "G", UserName: name})
		do(b, b.deleteUser, &iam.DeleteUserInput{UserName: name})
	}
	do(b, b.deleteGroup, &iam.DeleteGroupInput{GroupName: "G"})
	if l := do(b, b.listGroups, &iam.ListGroupsInput{}).Groups; len(l) != 0 {
		t.Errorf("groups: %+v", l)
	}
}

func TestAccessKeys(t *testing.T) {
	b := open(t)
	u := do(b, b.createUser, &iam.CreateUserInput{UserName: "U", Path: "/p/"}).User
	made := do(b, b.createAccessKey, &iam.CreateAccessKeyInput{UserName: "U"}).AccessKey
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(made.AccessKeyId) || len(made.SecretAccessKey) != 40 || made.Status != "Active" || made.UserName != "U" {
		t.Errorf("made: %+v", made)
	}
	c, err := b.Credentials(t.Context(), made.AccessKeyId)
	if err != nil || c.SecretAccessKey != made.SecretAccessKey || c.Principal.ARN != "arn:aws:iam::000000000000:user/p/U" || c.Principal.ID != u.UserId || c.Account != acct {
		t.Errorf("credentials: %+v, %v", c, err)
	}
	b.who = c.Principal // who needs not name himself
	if got := do(b, b.getUser, &iam.GetUserInput{}).User; got.Arn != u.Arn {
		t.Errorf("the caller: %+v", got)
	}
	do(b, b.createAccessKey, &iam.CreateAccessKeyInput{})
	refused(b, b.createAccessKey, &iam.CreateAccessKeyInput{}, "409 LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2")
	if l := do(b, b.listAccessKeys, &iam.ListAccessKeysInput{}).AccessKeyMetadata; len(l) != 2 {
		t.Errorf("keys: %+v", l)
	}
	refused(b, b.deleteUser, &iam.DeleteUserInput{UserName: "U"}, "409 DeleteConflict: Cannot delete entity, must delete access keys first.")
	do(b, b.updateAccessKey, &iam.UpdateAccessKeyInput{AccessKeyId: made.AccessKeyId, Status: "Inactive"})
	if _, err := b.Credentials(t.Context(), made.AccessKeyId); !errors.Is(err, auth.ErrInactiveKey) {
		t.Errorf("an inactive key: %v", err)
	}
	do(b, b.updateAccessKey, &iam.UpdateAccessKeyInput{AccessKeyId: made.AccessKeyId, Status: "Active"})
	if _, err := b.Credentials(t.Context(), made.AccessKeyId); err != nil {
		t.Errorf("an active key: %v", err)
	}
	// A deleted key stays refused: it must not become one of an unknown caller.
	do(b, b.deleteAccessKey, &iam.DeleteAccessKeyInput{AccessKeyId: made.AccessKeyId})
	if _, err := b.Credentials(t.Context(), made.AccessKeyId); !errors.Is(err, auth.ErrInactiveKey) {
		t.Errorf("a deleted key: %v", err)
	}
	refused(b, b.deleteAccessKey, &iam.DeleteAccessKeyInput{AccessKeyId: made.AccessKeyId}, "404 NoSuchEntity: The Access Key with id "+made.AccessKeyId+" cannot be found.")
	if _, err := b.Credentials(t.Context(), "AKIAUNKNOWN"); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestCallers(t *testing.T) {
	b := open(t)
	root := do(b, b.getUser, &iam.GetUserInput{}).User
	if root.UserName != "" || root.UserId != acct || root.Arn != "arn:aws:iam::000000000000:root" {
		t.Errorf("root: %+v", root)
	}
	b.who = api.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s", ID: "AROA:s", Account: acct}
	const want = "400 ValidationError: Must specify userName when calling with non-User credentials"
	refused(b, b.getUser, &iam.GetUserInput{}, want)
	refused(b, b.createAccessKey, &iam.CreateAccessKeyInput{}, want)
	// Accounts do not see each other.
	do(b, b.createUser, &iam.CreateUserInput{UserName: "u"})
	b.who = api.Root("111111111111")
	refused(b, b.getUser, &iam.GetUserInput{UserName: "u"}, "404 NoSuchEntity: The user with name u cannot be found.")
}

func TestPages(t *testing.T) {
	b := open(t)
	for _, name := range []string{"Bb", "a", "c", "Aa", "d"} {
		do(b, b.createUser, &iam.CreateUserInput{UserName: name})
	}
	do(b, b.createUser, &iam.CreateUserInput{UserName: "e", Path: "/other/"})
	for _, size := range []int32{1, 2, 5, 100} {
		var got []string
		in := &iam.ListUsersInput{MaxItems: new(size)}
		for {
			out := do(b, b.listUsers, in)
			for _, u := range out.Users {
				got = append(got, u.UserName)
			}
			if *out.IsTruncated != (out.Marker != "") {
				t.Errorf("truncated %t with the marker %q", *out.IsTruncated, out.Marker)
			}
			if in.Marker = out.Marker; in.Marker == "" {
				break
			}
		}
		if !slices.Equal(got, []string{"a", "Aa", "Bb", "c", "d", "e"}) {
			t.Errorf("in pages of %d: %v", size, got)
		}
	}
	if l := do(b, b.listUsers, &iam.ListUsersInput{PathPrefix: "/other/"}).Users; len(l) != 1 || l[0].UserName != "e" {
		t.Errorf("below a path: %+v", l)
	}
}

func TestTags(t *testing.T) {
	b := open(t)
	u := do(b, b.createUser, &iam.CreateUserInput{UserName: "u", Tags: []*iam.Tag{{Key: "b", Value: "1"}}}).User
	if len(u.Tags) != 1 {
		t.Errorf("made: %+v", u)
	}
	do(b, b.tagUser, &iam.TagUserInput{UserName: "u", Tags: []*iam.Tag{{Key: "a", Value: "2"}, {Key: "b", Value: "3"}}})
	if l := do(b, b.listUserTags, &iam.ListUserTagsInput{UserName: "u"}).Tags; len(l) != 2 || *l[0] != (iam.Tag{Key: "a", Value: "2"}) || l[1].Value != "3" {
		t.Errorf("tags: %+v", l)
	}
	do(b, b.untagUser, &iam.UntagUserInput{UserName: "u", TagKeys: []string{"a", "b", "c"}})
	if u := do(b, b.getUser, &iam.GetUserInput{UserName: "u"}).User; u.Tags != nil {
		t.Errorf("tags: %+v", u.Tags)
	}
	refused(b, b.tagUser, &iam.TagUserInput{UserName: "u", Tags: []*iam.Tag{{Key: "a"}, {Key: "A"}}}, "400 InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	var many []*iam.Tag
	for i := range 51 {
		many = append(many, &iam.Tag{Key: fmt.Sprint(i)})
	}
	refused(b, b.tagUser, &iam.TagUserInput{UserName: "u", Tags: many}, "409 LimitExceeded: The number of tags has reached the maximum limit of 50.")
}
