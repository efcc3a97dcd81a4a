package sts

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/sts"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

const (
	acct = "000000000000"
	role = "arn:aws:iam::000000000000:role/path/r"
	user = "arn:aws:iam::000000000000:user/u"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

// identities is an IAM with the role and the user, whose key is AKIAU.
type identities struct{}

func (identities) GetRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	if in.RoleName != "r" || api.CallFrom(ctx).Account != acct {
		return nil, &iam.NoSuchEntityException{Message: "The role with name " + in.RoleName + " cannot be found."}
	}
	return &iam.GetRoleOutput{Role: &iam.Role{RoleName: "r", RoleId: "AROAR", Arn: role, MaxSessionDuration: new(int32(3600))}}, nil
}

func (identities) Credentials(_ context.Context, id string) (*auth.Credentials, error) {
	if id != "AKIAU" {
		return nil, auth.ErrUnknownKey
	}
	return &auth.Credentials{AccessKeyID: id, Account: acct}, nil
}

func open(t *testing.T) (*Service, *clock.Clock) {
	db, blobs := storagetest.Open(t)
	c := clock.At(start)
	return New(service.Env{DB: db, Blobs: blobs, Clock: c, IDs: ids.From(rand.NewChaCha8([32]byte{1}))}, identities{}), c
}

func as(t *testing.T, c *clock.Clock, who api.Principal, key string) context.Context {
	return api.WithCall(t.Context(), &api.Call{Account: who.Account, Region: "us-east-1", Principal: who, AccessKeyID: key, Time: c.Now()})
}

func shown(err error) string {
	var plain *api.Error
	if errors.As(err, &plain) {
		return fmt.Sprintf("%d %s: %s", plain.Status, plain.Code, plain.Message)
	}
	return fmt.Sprint(err)
}

func TestGetCallerIdentity(t *testing.T) {
	s, c := open(t)
	for _, who := range []api.Principal{
		api.Root("111111111111"),
		{ARN: user, ID: "AIDAU", Account: acct},
		{ARN: "arn:aws:sts::000000000000:assumed-role/r/s", ID: "AROAR:s", Account: acct},
	} {
		out, err := s.getCallerIdentity(as(t, c, who, ""), nil)
		if err != nil || out.Arn != who.ARN || out.UserId != who.ID || out.Account != who.Account {
			t.Errorf("%+v: %+v, %v", who, out, err)
		}
	}
}

func TestAssumeRole(t *testing.T) {
	s, c := open(t)
	root := as(t, c, api.Root(acct), "")
	out, err := s.AssumeRole(root, &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: "s", SourceIdentity: "me"})
	if err != nil {
		t.Fatal(err)
	}
	// The path of a role is not part of its sessions' ARN.
	if u := out.AssumedRoleUser; u.Arn != "arn:aws:sts::000000000000:assumed-role/r/s" || u.AssumedRoleId != "AROAR:s" || out.SourceIdentity != "me" {
		t.Errorf("the session: %+v", u)
	}
	k := out.Credentials
	if !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(k.AccessKeyId) || len(k.SecretAccessKey) != 40 || !k.Expiration.Equal(start.Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("credentials: %+v", k)
	}
	got, err := s.Credentials(t.Context(), k.AccessKeyId)
	if err != nil || got.SecretAccessKey != k.SecretAccessKey || got.SessionToken != k.SessionToken || got.Principal.ARN != out.AssumedRoleUser.Arn || !got.Expires.Equal(k.Expiration) || got.Account != acct {
		t.Errorf("known as %+v, %v", got, err)
	}
	const denied = "403 AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: "
	for _, in := range []struct {
		arn      string
		duration *int32
		want     string
	}{
		{"nothing-valid-in-here", nil, "400 ValidationError: nothing-valid-in-here is invalid"},
		{"arn:a:a::aaaaaaaaaa:", nil, "400 ValidationError: arn:a:a::aaaaaaaaaa: is invalid"},
		{"arn:aws:iam::000000000000:role/none", nil, denied + "arn:aws:iam::000000000000:role/none"},
		{"arn:aws:iam::000000000000:role/r", nil, denied + "arn:aws:iam::000000000000:role/r"}, // another path
		{"arn:aws:iam::111111111111:role/path/r", nil, denied + "arn:aws:iam::111111111111:role/path/r"},
		{role, new(int32(3601)), "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
	} {
		if _, err := s.AssumeRole(root, &sts.AssumeRoleInput{RoleArn: in.arn, RoleSessionName: "s", DurationSeconds: in.duration}); shown(err) != in.want {
			t.Errorf("%s: %s", in.arn, shown(err))
		}
	}
	// Services take roles that nobody made, for as long as they need.
	lambda := as(t, c, api.ServicePrincipal("lambda.amazonaws.com", "arn", acct), "")
	out, err = s.AssumeRole(lambda, &sts.AssumeRoleInput{RoleArn: "arn:aws:iam::000000000000:role/none", RoleSessionName: "f", DurationSeconds: new(int32(43200))})
	if err != nil || out.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/none/f" {
		t.Errorf("a service: %+v, %v", out, err)
	}
}

func TestGetSessionToken(t *testing.T) {
	s, c := open(t)
	u := api.Principal{ARN: user, ID: "AIDAU", Account: acct}
	out, err := s.getSessionToken(as(t, c, u, "AKIAU"), &sts.GetSessionTokenInput{})
	if err != nil || !out.Credentials.Expiration.Equal(start.Add(12*time.Hour).Truncate(time.Second)) {
		t.Fatalf("%+v, %v", out, err)
	}
	id := out.Credentials.AccessKeyId
	if got, err := s.Credentials(t.Context(), id); err != nil || got.Principal.ARN != user || got.Principal.ID != "AIDAU" {
		t.Errorf("the session is %+v's, %v", got, err)
	}
	if _, err := s.getSessionToken(as(t, c, u, id), &sts.GetSessionTokenInput{}); shown(err) != "403 AccessDenied: Cannot call GetSessionToken with session credentials" {
		t.Errorf("with session credentials: %s", shown(err))
	}
	// A root user's session is an hour long at most.
	out, err = s.getSessionToken(as(t, c, api.Root(acct), "test"), &sts.GetSessionTokenInput{DurationSeconds: new(int32(43200))})
	if err != nil || !out.Credentials.Expiration.Equal(start.Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("root's: %+v, %v", out, err)
	}
	for key, want := range map[string]string{id: "<nil>", "AKIAU": "<nil>", "AKIANONE": "400 ValidationError: Invalid value for parameter [AccessKeyId]."} {
		out, err := s.getAccessKeyInfo(as(t, c, u, ""), &sts.GetAccessKeyInfoInput{AccessKeyId: key})
		if shown(err) != want || err == nil && out.Account != acct {
			t.Errorf("the account of %s: %+v, %s", key, out, shown(err))
		}
	}
}

// Who uses a session that is over is told so for a week; the store does not grow.
func TestSessionsAreRemoved(t *testing.T) {
	s, c := open(t)
	begin := func() string {
		t.Helper()
		out, err := s.AssumeRole(as(t, c, api.Root(acct), ""), &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: "s"})
		if err != nil {
			t.Fatal(err)
		}
		return out.Credentials.AccessKeyId
	}
	count := func() (n int) {
		t.Helper()
		err := s.env.DB.View(func(tx storage.Tx) error {
			for _, err := range tx.Scan(storage.Prefix(storage.Key{}.String("sts"))) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := begin()
	for range 49 {
		begin()
	}
	c.Advance(remembered + time.Hour - time.Second)
	begin()
	if got, err := s.Credentials(t.Context(), first); err != nil || !got.Expires.Before(c.Now()) {
		t.Errorf("within the week: %+v, %v", got, err)
	}
	c.Advance(2 * time.Second)
	for range 7 {
		begin()
	}
	if _, err := s.Credentials(t.Context(), first); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("after the week: %v", err)
	}
	if n := count(); n != 16 { // eight sessions, with two keys each
		t.Errorf("%d keys are left", n)
	}
}
