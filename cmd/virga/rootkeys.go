package main

import (
	"context"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
)

// rootKeys are the keys of the accounts' root users where callers must be
// known: without them nobody could make the first user. The key id is "test" for
// the default account, or an account's id; the secret is "test".
type rootKeys struct{ auth.Provider }

const rootSecret = "test"

// Credentials implements auth.Provider.
func (k rootKeys) Credentials(ctx context.Context, id string) (*auth.Credentials, error) {
	account := ""
	switch {
	case id == "test":
		account = api.DefaultAccount
	case len(id) == 12 && strings.Trim(id, "0123456789") == "":
		account = id
	default:
		return k.Provider.Credentials(ctx, id)
	}
	return &auth.Credentials{
		AccessKeyID: id, SecretAccessKey: rootSecret, Account: account, Principal: api.Root(account),
	}, nil
}
