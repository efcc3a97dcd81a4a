package lambda

import (
	"github.com/virga-cloud/virga/storage"
)

// The keys of Lambda, in order:
//
//	lambda / fn  / account / region / name               function: what all versions share
//	lambda / ver / account / region / name / version     version: "$LATEST", or a number of 20 digits
//	lambda / als / account / region / name / alias       alias
//	lambda / eic / account / region / name / qualifier   event invoke configuration
//
// A version is written with its number padded, so that versions sort by number.

func functionKey(o owner, name string) storage.Key {
	return storage.Key{}.String("lambda").String("fn").String(o.account).String(o.region).String(name)
}

func versionKey(o owner, name, v string) storage.Key {
	return versionsKey(o, name).String(sortable(v))
}

func versionsKey(o owner, name string) storage.Key {
	return ownVersionsKey(o).String(name)
}

// ownVersionsKey begins the keys of the versions of all functions of an owner.
func ownVersionsKey(o owner) storage.Key {
	return allVersionsKey().String(o.account).String(o.region)
}

// allVersionsKey begins the keys of all versions there are.
func allVersionsKey() storage.Key {
	return storage.Key{}.String("lambda").String("ver")
}

func aliasKey(o owner, name, alias string) storage.Key {
	return aliasesKey(o, name).String(alias)
}

func aliasesKey(o owner, name string) storage.Key {
	return storage.Key{}.String("lambda").String("als").String(o.account).String(o.region).String(name)
}

func eventInvokeKey(o owner, name, qualifier string) storage.Key {
	return eventInvokesKey(o, name).String(qualifier)
}

func eventInvokesKey(o owner, name string) storage.Key {
	return storage.Key{}.String("lambda").String("eic").String(o.account).String(o.region).String(name)
}

// sortable pads a version's number; "$LATEST" sorts before all numbers.
func sortable(v string) string {
	if v == latest {
		return v
	}
	const zeros = "00000000000000000000"
	if len(v) >= len(zeros) {
		return v
	}
	return zeros[len(v):] + v
}
