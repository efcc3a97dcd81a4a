package iam

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/storage"
)

func (e *entity) user(account string) *iam.User {
	return &iam.User{Path: e.Path, UserName: e.Name, UserId: e.ID, Arn: e.arn(users, account), CreateDate: e.Created}
}

func (s *Service) createUser(ctx context.Context, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	e, err := s.newEntity(ctx, users, in.Path, in.UserName, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := s.create(ctx, users, e); err != nil {
		return nil, err
	}
	u := e.user(account(ctx))
	if len(e.Tags) > 0 {
		u.Tags = tagList(e.Tags)
	}
	return &iam.CreateUserOutput{User: u}, nil
}

func (s *Service) getUser(ctx context.Context, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	name := in.UserName
	if name == "" {
		who := api.CallFrom(ctx).Principal
		if who.ARN == api.Root(who.Account).ARN { // who has no name
			return &iam.GetUserOutput{User: &iam.User{Path: "/", UserId: who.Account, Arn: who.ARN, CreateDate: epoch}}, nil
		}
		var err error
		if name, err = s.named(ctx, ""); err != nil {
			return nil, err
		}
	}
	e, err := s.view(ctx, users, name)
	if err != nil {
		return nil, err
	}
	u := e.user(account(ctx))
	if len(e.Tags) > 0 {
		u.Tags = tagList(e.Tags)
	}
	return &iam.GetUserOutput{User: u}, nil
}

// epoch is when all accounts were opened.
var epoch = time.Date(2006, 3, 14, 0, 0, 0, 0, time.UTC)

func (s *Service) listUsers(ctx context.Context, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	all, err := s.list(ctx, users, in.PathPrefix)
	if err != nil {
		return nil, err
	}
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(e *entity) string { return fold(e.Name) })
	out := &iam.ListUsersOutput{Users: []*iam.User{}, Marker: next, IsTruncated: truncated}
	for _, e := range items {
		out.Users = append(out.Users, e.user(account(ctx)))
	}
	return out, nil
}

func (s *Service) deleteUser(ctx context.Context, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	return &iam.DeleteUserOutput{}, s.remove(ctx, users, in.UserName)
}

// accessKey is the record of an access key.
type accessKey struct {
	ID, Secret, Account, User string
	Inactive                  bool
	// Deleted keys are remembered: they are nobody's, not those of an unknown
	// caller, who may be let in.
	Deleted bool
	Created time.Time
	// Principal is the user's at the time when the key was made; users are not renamed.
	ARN, UserID string
}

// maxKeys is how many access keys a user may have.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxKeys = 2

func (s *Service) createAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	name, err := s.named(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	k := &accessKey{
		ID: "AKIA" + s.env.IDs.String(ids.Base32, 16), Secret: s.env.IDs.String(secretAlphabet, 40),
		Account: account(ctx), Created: api.CallFrom(ctx).Time.Truncate(time.Second),
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		e, err := s.get(tx, users, k.Account, name)
		if err != nil {
			return err
		}
		// The user is written too, so that two keys made at once are counted one by one.
		if err := storage.PutRecord(tx, users.entityKey(k.Account, name), e); err != nil {
			return err
		}
		n := 0
		for _, err := range tx.Scan(storage.Prefix(userKeysKey(k.Account, name))) {
			if err != nil {
				return err
			}
			if n++; n >= maxKeys {
				return errTooManyKeys()
			}
		}
		k.User, k.ARN, k.UserID = e.Name, e.arn(users, k.Account), e.ID
		if err := tx.Set(userKeyKey(k.Account, name, k.ID), nil); err != nil {
			return err
		}
		return storage.PutRecord(tx, accessKeyKey(k.ID), k)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateAccessKeyOutput{AccessKey: &iam.AccessKey{
		UserName: k.User, AccessKeyId: k.ID, SecretAccessKey: k.Secret, Status: k.status(), CreateDate: k.Created,
	}}, nil
}

// secretAlphabet is what secret access keys are made of.
const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func (k *accessKey) status() iam.StatusType {
	if k.Inactive {
		return iam.StatusTypeInactive
	}
	return iam.StatusTypeActive
}

// named is the user an operation is about: the one it names, or the caller.
func (s *Service) named(ctx context.Context, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	if _, path, ok := strings.Cut(api.CallFrom(ctx).Principal.ARN, ":user/"); ok {
		return path[strings.LastIndexByte(path, '/')+1:], nil
	}
	return "", api.Errorf("ValidationError", 400, "Must specify userName when calling with non-User credentials")
}

func (s *Service) accessKey(id string) (k *accessKey, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		k, err = storage.GetRecord[accessKey](tx, accessKeyKey(id))
		return err
	})
	return k, err
}

func (s *Service) listAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	name, err := s.named(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	var all []*iam.AccessKeyMetadata
	err = s.env.DB.View(func(tx storage.Tx) error {
		all = nil
		if _, err := s.get(tx, users, account(ctx), name); err != nil {
			return err
		}
		prefix := userKeysKey(account(ctx), name)
		for entry, err := range tx.Scan(storage.Prefix(prefix)) {
			if err != nil {
				return err
			}
			k, err := storage.GetRecord[accessKey](tx, accessKeyKey(storage.ReadKey(entry.Key[len(prefix):]).String()))
			if err != nil {
				return err
			}
			all = append(all, &iam.AccessKeyMetadata{UserName: k.User, AccessKeyId: k.ID, Status: k.status(), CreateDate: k.Created})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(k *iam.AccessKeyMetadata) string { return k.AccessKeyId })
	return &iam.ListAccessKeysOutput{AccessKeyMetadata: items, Marker: next, IsTruncated: truncated}, nil
}

// editKey changes a user's access key.
func (s *Service) editKey(ctx context.Context, user, id string, edit func(*accessKey)) error {
	name, err := s.named(ctx, user)
	if err != nil {
		return err
	}
	return s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.get(tx, users, account(ctx), name); err != nil {
			return err
		}
		k, err := storage.GetRecord[accessKey](tx, accessKeyKey(id))
		if err != nil {
			return absent(err, errNoAccessKey(id))
		}
		if k.Account != account(ctx) || fold(k.User) != fold(name) || k.Deleted {
			return errNoAccessKey(id)
		}
		if edit(k); k.Deleted {
			if err := tx.Delete(userKeyKey(k.Account, k.User, id)); err != nil {
				return err
			}
		}
		return storage.PutRecord(tx, accessKeyKey(id), k)
	})
}

func (s *Service) updateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	return &iam.UpdateAccessKeyOutput{}, s.editKey(ctx, in.UserName, in.AccessKeyId, func(k *accessKey) {
		k.Inactive = in.Status != iam.StatusTypeActive
	})
}

func (s *Service) deleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	return &iam.DeleteAccessKeyOutput{}, s.editKey(ctx, in.UserName, in.AccessKeyId, func(k *accessKey) { k.Deleted = true })
}

// Credentials implements auth.Provider for access keys of users.
func (s *Service) Credentials(_ context.Context, id string) (*auth.Credentials, error) {
	k, err := s.accessKey(id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, auth.ErrUnknownKey
	case err != nil:
		return nil, err
	case k.Inactive, k.Deleted:
		return nil, auth.ErrInactiveKey
	}
	return &auth.Credentials{
		AccessKeyID: k.ID, SecretAccessKey: k.Secret, Account: k.Account,
		Principal: api.Principal{ARN: k.ARN, ID: k.UserID, Account: k.Account},
	}, nil
}
