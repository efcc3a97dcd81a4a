// Package sts is the AWS Security Token Service: it says who a caller is and
// issues temporary credentials for roles.
//
// A role that is assumed must exist, but for services that run with a role on
// a user's behalf: until policies are evaluated they may take any.
//
// Sessions are kept for a week after they have expired, so that who uses one
// is told so; then they are removed, a few with each session that is made.
package sts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/sts"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Identities says whether a role exists, and whose a long-term key is.
type Identities interface {
	auth.Provider
	GetRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error)
}

// Service is STS.
type Service struct {
	env        service.Env
	identities Identities
}

// New is the service.
func New(env service.Env, identities Identities) *Service { return &Service{env, identities} }

// Model implements service.Service.
func (s *Service) Model() *api.Model { return &sts.Model }

// Operations implements service.Service.
func (s *Service) Operations() []api.Handler {
	return []api.Handler{
		sts.AssumeRole.Handle(s.AssumeRole).WithoutEffect("Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "ExternalId", "SerialNumber", "TokenCode", "ProvidedContexts"),
		sts.GetAccessKeyInfo.Handle(s.getAccessKeyInfo),
		sts.GetCallerIdentity.Handle(s.getCallerIdentity),
		sts.GetSessionToken.Handle(s.getSessionToken).WithoutEffect("SerialNumber", "TokenCode"),
	}
}

// The keys of STS:
//
//	sts / expiry  / time / access key id    when a session expires; no value
//	sts / session / access key id           session
func sessionKey(id string) storage.Key {
	return storage.Key{}.String("sts").String("session").String(id)
}

func expiriesKey() storage.Key { return storage.Key{}.String("sts").String("expiry") }

func expiryKey(x *session) storage.Key { return expiriesKey().Time(x.Expires).String(x.ID) }

// session is the record of temporary credentials.
type session struct {
	ID, Secret, Token      string
	Account, ARN, UniqueID string
	Expires                time.Time
}

func (s *Service) getCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	call := api.CallFrom(ctx)
	return &sts.GetCallerIdentityOutput{UserId: call.Principal.ID, Account: call.Account, Arn: call.Principal.ARN}, nil
}

var roleARN = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*):iam::(\d{12}):role/((?:.*/)?)([^/]+)$`)

// defaultDuration is how long credentials last where nothing is said.
const defaultDuration = time.Hour

// AssumeRole issues the credentials of a role. Lambda calls it for the
// execution roles of functions.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	call := api.CallFrom(ctx)
	m := roleARN.FindStringSubmatch(in.RoleArn)
	if m == nil {
		return nil, api.Errorf("ValidationError", 400, "%s is invalid", in.RoleArn)
	}
	partition, account, name := m[1], m[2], m[4]
	duration := defaultDuration
	if in.DurationSeconds != nil {
		duration = time.Duration(*in.DurationSeconds) * time.Second
	}
	id, err := s.roleID(ctx, call, account, in.RoleArn, name, duration)
	if err != nil {
		return nil, err
	}
	x, err := s.begin(api.Principal{
		Account: account, ID: id + ":" + in.RoleSessionName,
		ARN: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", partition, account, name, in.RoleSessionName),
	}, call.Time.Add(duration))
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		Credentials:     x.credentials(),
		AssumedRoleUser: &sts.AssumedRoleUser{AssumedRoleId: x.UniqueID, Arn: x.ARN},
		SourceIdentity:  in.SourceIdentity,
	}, nil
}

// begin makes a session and removes some that are long over.
func (s *Service) begin(who api.Principal, expires time.Time) (*session, error) {
	x := &session{
		ID: "ASIA" + s.env.IDs.String(ids.Base32, 16), Secret: s.env.IDs.String(base64Alphabet, 40),
		Token: s.env.IDs.String(base64Alphabet, 356), Account: who.Account,
		ARN: who.ARN, UniqueID: who.ID, Expires: expires.Truncate(time.Second),
	}
	now := s.env.Clock.Now()
	return x, s.env.DB.Update(func(tx storage.Tx) error {
		if err := sweep(tx, now); err != nil {
			return err
		}
		if err := tx.Set(expiryKey(x), nil); err != nil {
			return err
		}
		return storage.PutRecord(tx, sessionKey(x.ID), x)
	})
}

// A session that has expired is remembered for so long, and so many are
// forgotten with each that begins: more than one, so that they come to an end.
const (
	remembered = 7 * 24 * time.Hour
	forgotten  = 8
)

func sweep(tx storage.Tx, now time.Time) error {
	old, err := storage.FirstKeys(tx, storage.Range{Start: expiriesKey(), End: expiriesKey().Time(now.Add(-remembered))}, forgotten)
	if err != nil {
		return err
	}
	for _, key := range old {
		r := storage.ReadKey(key).Skip(len(expiriesKey()))
		r.Time()
		id := r.String()
		if err := errors.Join(r.Err(), tx.Delete(key), tx.Delete(sessionKey(id))); err != nil {
			return err
		}
	}
	return nil
}

func (x *session) credentials() *sts.Credentials {
	return &sts.Credentials{AccessKeyId: x.ID, SecretAccessKey: x.Secret, SessionToken: x.Token, Expiration: x.Expires}
}

// defaultToken is how long GetSessionToken's credentials last where nothing is
// said, and maxRootToken how long those of a root user may.
const (
	defaultToken = 12 * time.Hour
	maxRootToken = time.Hour
)

// getSessionToken issues temporary credentials for the caller.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (s *Service) getSessionToken(ctx context.Context, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	call := api.CallFrom(ctx)
	if _, err := s.Credentials(ctx, call.AccessKeyID); err == nil {
		return nil, api.Errorf("AccessDenied", 403, "Cannot call GetSessionToken with session credentials")
	}
	duration := defaultToken
	if in.DurationSeconds != nil {
		duration = time.Duration(*in.DurationSeconds) * time.Second
	}
	if call.Principal.ARN == api.Root(call.Principal.Account).ARN {
		duration = min(duration, maxRootToken)
	}
	x, err := s.begin(call.Principal, call.Time.Add(duration))
	if err != nil {
		return nil, err
	}
	return &sts.GetSessionTokenOutput{Credentials: x.credentials()}, nil
}

// getAccessKeyInfo says whose a key is. AWS reads the account from the id; here
// it is known of keys that were issued.
func (s *Service) getAccessKeyInfo(ctx context.Context, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	from := auth.Provider(s.identities)
	if strings.HasPrefix(in.AccessKeyId, "ASIA") {
		from = s
	}
	c, err := from.Credentials(ctx, in.AccessKeyId)
	switch {
	case errors.Is(err, auth.ErrUnknownKey), errors.Is(err, auth.ErrInactiveKey):
		return nil, api.Errorf("ValidationError", 400, "Invalid value for parameter [AccessKeyId].")
	case err != nil:
		return nil, err
	}
	return &sts.GetAccessKeyInfoOutput{Account: c.Account}, nil
}

// base64Alphabet is what secrets and tokens are made of.
const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// roleID is the unique id of the role that is assumed. For a service a role
// that does not exist gets an id of its own.
func (s *Service) roleID(ctx context.Context, call *api.Call, account, arn, name string, duration time.Duration) (string, error) {
	theirs := *call
	theirs.Account = account
	out, err := s.identities.GetRole(api.WithCall(ctx, &theirs), &iam.GetRoleInput{RoleName: name})
	var missing *iam.NoSuchEntityException
	switch {
	case err == nil && out.Role.Arn == arn:
		if most := time.Duration(*out.Role.MaxSessionDuration) * time.Second; duration > most && call.Principal.Service == "" {
			return "", api.Errorf("ValidationError", 400, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		}
		return out.Role.RoleId, nil
	case err != nil && !errors.As(err, &missing):
		return "", err
	case call.Principal.Service != "":
		return "AROA" + s.env.IDs.String(ids.Base32, 17), nil
	}
	return "", api.Errorf("AccessDenied", 403, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.Principal.ARN, arn)
}

// Credentials implements auth.Provider for temporary credentials.
func (s *Service) Credentials(_ context.Context, id string) (*auth.Credentials, error) {
	if !strings.HasPrefix(id, "ASIA") {
		return nil, auth.ErrUnknownKey
	}
	var x *session
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		x, err = storage.GetRecord[session](tx, sessionKey(id))
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil, auth.ErrUnknownKey
	} else if err != nil {
		return nil, err
	}
	return &auth.Credentials{
		AccessKeyID: x.ID, SecretAccessKey: x.Secret, SessionToken: x.Token, Account: x.Account, Expires: x.Expires,
		Principal: api.Principal{ARN: x.ARN, ID: x.UniqueID, Account: x.Account},
	}, nil
}
