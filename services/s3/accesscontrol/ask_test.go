package accesscontrol

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

var me, them = strings.Repeat("a", 64), strings.Repeat("b", 64)

func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers Headers
		want    Asked
		code    string
	}{
		"nothing":           {},
		"a canned list":     {headers: Headers{Canned: "public-read"}, want: Asked{Canned: "public-read"}},
		"an unknown one":    {headers: Headers{Canned: "public"}, code: "InvalidArgument"},
		"a grant":           {headers: Headers{Read: "id=" + me}, want: Asked{Grants: []Grant{{ID: me, Permission: s3.PermissionRead}}}},
		"two grantees":      {headers: Headers{WriteACP: `id="` + me + `", uri="` + AllUsers + `"`}, want: Asked{Grants: []Grant{{ID: me, Permission: s3.PermissionWriteAcp}, {Group: AllUsers, Permission: s3.PermissionWriteAcp}}}},
		"both":              {headers: Headers{Canned: "private", Read: "id=" + me}, code: "InvalidRequest"},
		"an id that is not": {headers: Headers{Read: "id=me"}, code: "InvalidArgument"},
		"an unknown group":  {headers: Headers{Read: "uri=http://example.com"}, code: "InvalidArgument"},
		"an address":        {headers: Headers{Read: "emailAddress=me@example.com"}, code: "MethodNotAllowed"},
		"no kind":           {headers: Headers{Read: me}, code: "InvalidArgument"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.headers.Ask()
			if e, ok := errors.AsType[*api.Error](err); ok != (c.code != "") || ok && e.Code != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if diff := cmp.Diff(c.want, got); c.code == "" && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A canned list is that of who owns the thing, in a bucket of theirs or of another.
func TestCannedLists(t *testing.T) {
	t.Parallel()
	own := Grant{ID: me, Permission: s3.PermissionFullControl}
	for name, c := range map[string]struct {
		bucketOwner string
		want        []Grant
	}{
		"private":                   {me, []Grant{own}},
		"public-read":               {me, []Grant{own, {Group: AllUsers, Permission: s3.PermissionRead}}},
		"authenticated-read":        {me, []Grant{own, {Group: AuthenticatedUsers, Permission: s3.PermissionRead}}},
		"log-delivery-write":        {me, []Grant{own, {Group: LogDelivery, Permission: s3.PermissionWrite}, {Group: LogDelivery, Permission: s3.PermissionReadAcp}}},
		"bucket-owner-read":         {them, []Grant{own, {ID: them, Permission: s3.PermissionRead}}},
		"bucket-owner-full-control": {me, []Grant{own}},
	} {
		a := Asked{Canned: name}
		got := a.List(me, c.bucketOwner)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if public := name == "public-read" || name == "authenticated-read"; Public(got) != public {
			t.Errorf("%s is public: %v", name, !public)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	grant := &s3.Grant{Grantee: &s3.Grantee{Type: s3.TypeCanonicalUser, ID: them}, Permission: s3.PermissionRead}
	grants := func(n int) []*s3.Grant { return slices.Repeat([]*s3.Grant{grant}, n) }
	for name, c := range map[string]struct {
		document s3.AccessControlPolicy
		want     int
		code     string
	}{
		"no grants":      {s3.AccessControlPolicy{Owner: &s3.Owner{ID: me}, Grants: grants(0)}, 0, ""},
		"a hundred":      {s3.AccessControlPolicy{Owner: &s3.Owner{ID: me}, Grants: grants(100)}, 100, ""},
		"one more":       {s3.AccessControlPolicy{Owner: &s3.Owner{ID: me}, Grants: grants(101)}, 0, "MalformedACLError"},
		"no list":        {s3.AccessControlPolicy{Owner: &s3.Owner{ID: me}}, 0, "MalformedACLError"},
		"no owner":       {s3.AccessControlPolicy{Grants: grants(1)}, 0, "MalformedACLError"},
		"owned by a pet": {s3.AccessControlPolicy{Owner: &s3.Owner{ID: "cat"}, Grants: grants(1)}, 0, "InvalidArgument"},
	} {
		asked, owner, err := Read(&c.document)
		if e, ok := errors.AsType[*api.Error](err); ok != (c.code != "") || ok && e.Code != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
		if c.code == "" && (len(asked.Grants) != c.want || owner != me) {
			t.Errorf("%s: %d grants of %s", name, len(asked.Grants), owner)
		}
	}
}
