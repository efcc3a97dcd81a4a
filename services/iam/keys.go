package iam

import "github.com/virga-cloud/virga/storage"

// The keys of IAM, in order:
//
//	iam / key    / access key id           access key; ids are unique over all accounts
//	iam / group  / account / name          group, with its embedded and attached policies
//	iam / policy / account / name          managed policy
//	iam / role   / account / name          role, with its embedded and attached policies
//	iam / user   / account / name          user, likewise
//	iam / ukey   / account / user / id     access key ids of a user; no value

func accessKeyKey(id string) storage.Key {
	return storage.Key{}.String("iam").String("key").String(id)
}

func policiesKey(account string) storage.Key {
	return storage.Key{}.String("iam").String("policy").String(account)
}

func policyKey(account, name string) storage.Key { return policiesKey(account).String(fold(name)) }

// entitiesKey begins the keys of all entities of a kind.
func (k kind) entitiesKey(account string) storage.Key {
	return storage.Key{}.String("iam").String(k.name).String(account)
}

// entityKey is the key of an entity. Names differ by more than case.
func (k kind) entityKey(account, name string) storage.Key {
	return k.entitiesKey(account).String(fold(name))
}

func userKeysKey(account, user string) storage.Key {
	return storage.Key{}.String("iam").String("ukey").String(account).String(fold(user))
}

func userKeyKey(account, user, id string) storage.Key {
	return userKeysKey(account, user).String(id)
}
