package main

import (
	"context"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
)

// rootKey is an access key of a root user.
type rootKey struct{ id, secret string }

// rootKeys are the keys of the accounts' root users.
type rootKeys struct {
	auth.Provider
	// minio is the default account's, by MinIO's variables; its id may be "".
	minio rootKey
	// strict says that callers must be known. Then the key id "test" is the
	// default account's, and an account's id its own, with "test" for
	// a secret: without them nobody could make the first user.
	strict bool
}

const rootSecret = "test"

// Credentials implements auth.Provider.
func (k rootKeys) Credentials(ctx context.Context, id string) (*auth.Credentials, error) {
	account, secret := "", rootSecret
	switch {
	case id != "" && id == k.minio.id:
		account, secret = api.DefaultAccount, k.minio.secret
	case k.strict && id == "test":
		account = api.DefaultAccount
	case k.strict && api.IsAccount(id):
		account = id
	default:
		return k.Provider.Credentials(ctx, id)
	}
	return &auth.Credentials{
		AccessKeyID: id, SecretAccessKey: secret, Account: account, Principal: api.Root(account),
	}, nil
}
