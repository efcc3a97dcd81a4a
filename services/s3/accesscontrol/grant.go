// Package accesscontrol knows S3's access control lists: how requests write them
// (by a canned name, in headers, as a document), what may stand in one, and
// whether one is public. It does not decide who may do what.
//
// # Vocabulary
//
// A grant gives one permission to one grantee: an account, by its canonical
// user id, or a group, by its URI. What a request asks for is Asked; it becomes
// grants when it is known who owns the thing.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
package accesscontrol

import (
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
)

// The groups there are.
const (
	AllUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	AuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	LogDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// Grant is a permission of a grantee. It is kept in records.
type Grant struct {
	// ID is the canonical user id of an account, Group a group's URI; one of them is "".
	ID         string        `cbor:"1,keyasint,omitempty"`
	Group      string        `cbor:"2,keyasint,omitempty"`
	Permission s3.Permission `cbor:"3,keyasint"`
}

// Public says whether anybody, or anybody with an account, is granted something.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func Public(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return g.Group == AllUsers || g.Group == AuthenticatedUsers })
}

// Private says whether nobody but the owner, by canonical user id, is granted anything.
func Private(grants []Grant, owner string) bool {
	return !slices.ContainsFunc(grants, func(g Grant) bool { return g.ID != owner })
}

// Owners is the list of what nobody else may reach.
func Owners(owner string) []Grant {
	return []Grant{{ID: owner, Permission: s3.PermissionFullControl}}
}

// Write is a list as answers show it.
func Write(grants []Grant) []*s3.Grant {
	out := make([]*s3.Grant, len(grants))
	for i, g := range grants {
		to := &s3.Grantee{Type: s3.TypeCanonicalUser, ID: g.ID}
		if g.Group != "" {
			to = &s3.Grantee{Type: s3.TypeGroup, URI: g.Group}
		}
		out[i] = &s3.Grant{Grantee: to, Permission: g.Permission}
	}
	return out
}

// validID says whether s has the form of a canonical user id.
func validID(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

func validGroup(uri string) bool {
	return uri == AllUsers || uri == AuthenticatedUsers || uri == LogDelivery
}
