package accesscontrol

import (
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// maxGrants is how many grants a document may have. What S3 answers to headers with
// more is not known; they end where the headers of a request do.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
const maxGrants = 100

// execReader is the account of Amazon EC2 that reads bundles, by canonical user id.
const execReader = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"

// canned are the names of lists. Those that only objects know are of no effect on buckets.
var canned = []string{
	"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
	"bucket-owner-read", "bucket-owner-full-control", "log-delivery-write",
}

// Asked is the list that a request asks for: a canned name, or grants. The zero
// value asks for nothing. It is kept in records.
type Asked struct {
	Canned string  `cbor:"1,keyasint,omitempty"`
	Grants []Grant `cbor:"2,keyasint,omitempty"`
}

// Nothing says whether the request leaves it to the default.
func (a *Asked) Nothing() bool { return a.Canned == "" && a.Grants == nil }

// List is the list for what an account owns in a bucket of another or the same,
// by canonical user ids.
func (a *Asked) List(owner, bucketOwner string) []Grant {
	if a.Grants != nil {
		return a.Grants
	}
	list := Owners(owner)
	switch a.Canned {
	case "public-read":
		list = append(list, Grant{Group: AllUsers, Permission: s3.PermissionRead})
	case "public-read-write":
		list = append(list, Grant{Group: AllUsers, Permission: s3.PermissionRead}, Grant{Group: AllUsers, Permission: s3.PermissionWrite})
	case "authenticated-read":
		list = append(list, Grant{Group: AuthenticatedUsers, Permission: s3.PermissionRead})
	case "aws-exec-read":
		list = append(list, Grant{ID: execReader, Permission: s3.PermissionRead})
	case "log-delivery-write":
		list = append(list, Grant{Group: LogDelivery, Permission: s3.PermissionWrite}, Grant{Group: LogDelivery, Permission: s3.PermissionReadAcp})
	case "bucket-owner-read":
		if owner != bucketOwner {
			list = append(list, Grant{ID: bucketOwner, Permission: s3.PermissionRead})
		}
	case "bucket-owner-full-control":
		if owner != bucketOwner {
			list = append(list, Grant{ID: bucketOwner, Permission: s3.PermissionFullControl})
		}
	}
	return list
}

// Headers are what a request's headers say: x-amz-acl, and x-amz-grant- and a permission.
type Headers struct {
	Canned                                      string
	FullControl, Read, ReadACP, Write, WriteACP string
}

// Ask reads headers.
func (h Headers) Ask() (Asked, error) {
	var a Asked
	if h == (Headers{}) {
		return a, nil
	}
	for _, of := range []struct {
		header, value string
		permission    s3.Permission
	}{
		{"x-amz-grant-full-control", h.FullControl, s3.PermissionFullControl},
		{"x-amz-grant-read", h.Read, s3.PermissionRead},
		{"x-amz-grant-read-acp", h.ReadACP, s3.PermissionReadAcp},
		{"x-amz-grant-write", h.Write, s3.PermissionWrite},
		{"x-amz-grant-write-acp", h.WriteACP, s3.PermissionWriteAcp},
	} {
		if of.value == "" {
			continue
		}
		for grantee := range strings.SplitSeq(of.value, ",") {
			g, err := readGrantee(of.header, strings.TrimSpace(grantee))
			if err != nil {
				return a, err
			}
			g.Permission = of.permission
			a.Grants = append(a.Grants, g)
		}
	}
	switch {
	case h.Canned != "" && a.Grants != nil:
		return a, fault.InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
	case h.Canned != "" && !slices.Contains(canned, h.Canned):
		return a, fault.InvalidArgument("x-amz-acl", h.Canned, "")
	}
	a.Canned = h.Canned
	return a, nil
}

// readGrantee reads id="...", uri="..." or emailAddress="...".
func readGrantee(header, text string) (Grant, error) {
	kind, value, ok := strings.Cut(text, "=")
	value = strings.Trim(value, `"`)
	switch {
	case ok && kind == "id":
		if !validID(value) {
			return Grant{}, fault.InvalidArgument("id", value, "Invalid id")
		}
		return Grant{ID: value}, nil
	case ok && kind == "uri":
		if !validGroup(value) {
			return Grant{}, fault.InvalidArgument("uri", value, "Invalid group uri")
		}
		return Grant{Group: value}, nil
	case ok && kind == "emailAddress":
		return Grant{}, fault.EmailGrantee()
	}
	return Grant{}, fault.InvalidArgument(header, text, "Argument format not recognized")
}

// Read reads a document, and the canonical user id of the owner that it names.
func Read(p *s3.AccessControlPolicy) (a Asked, owner string, err error) {
	if p.Owner == nil || p.Grants == nil || len(p.Grants) > maxGrants {
		return a, "", fault.MalformedACL()
	}
	if !validID(p.Owner.ID) {
		return a, "", fault.InvalidArgument("CanonicalUser/ID", p.Owner.ID, "Invalid id")
	}
	if a.Grants, err = readGrants(p.Grants); err != nil {
		return a, "", err
	}
	return a, p.Owner.ID, nil
}

// readGrants reads the grants of a document; there may be none.
func readGrants(from []*s3.Grant) ([]Grant, error) {
	grants := []Grant{}
	for _, g := range from {
		if g.Permission == "" || fault.Unknown(g.Permission, string(g.Permission)) {
			return nil, fault.MalformedACL()
		}
		to, err := ReadGrantee(g.Grantee)
		if err != nil {
			return nil, err
		}
		to.Permission = g.Permission
		grants = append(grants, to)
	}
	return grants, nil
}

// ReadGrantee reads whom a document grants something, as a Grant without permission.
func ReadGrantee(g *s3.Grantee) (to Grant, err error) {
	if g == nil {
		return to, fault.MalformedACL()
	}
	switch g.Type {
	case s3.TypeCanonicalUser:
		if to.ID = g.ID; !validID(to.ID) {
			err = fault.InvalidArgument("CanonicalUser/ID", to.ID, "Invalid id")
		}
	case s3.TypeGroup:
		if to.Group = g.URI; !validGroup(to.Group) {
			err = fault.InvalidArgument("Group/URI", to.Group, "Invalid group uri")
		}
	case s3.TypeAmazonCustomerByEmail:
		err = fault.EmailGrantee()
	default:
		err = fault.MalformedACL()
	}
	return to, err
}
