package iam

import (
	"encoding/json"
	"net/url"
	"strings"
)

// statement is what of a policy's statement is looked at.
type statement struct {
	Effect                  string
	Action, NotAction       json.RawMessage
	Resource, NotResource   json.RawMessage
	Principal, NotPrincipal json.RawMessage
}

// statements reads a policy in form.
func statements(document string) ([]statement, error) {
	var p struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return nil, errMalformedPolicy("This policy contains invalid Json")
	}
	syntax := errMalformedPolicy("Syntax errors in policy.")
	if p.Version != "" && p.Version != "2012-10-17" && p.Version != "2008-10-17" {
		return nil, syntax
	}
	var all []statement
	if strings.HasPrefix(string(p.Statement), "{") {
		all = make([]statement, 1)
		if json.Unmarshal(p.Statement, &all[0]) != nil {
			return nil, syntax
		}
	} else if json.Unmarshal(p.Statement, &all) != nil || len(all) == 0 {
		return nil, syntax
	}
	for _, st := range all {
		if st.Effect != "Allow" && st.Effect != "Deny" {
			return nil, syntax
		}
	}
	return all, nil
}

// checkPolicy refuses what is not a policy of an identity.
func checkPolicy(document string) error {
	all, err := statements(document)
	if err != nil {
		return err
	}
	for _, st := range all {
		switch {
		case st.Principal != nil, st.NotPrincipal != nil:
			return errMalformedPolicy("Policy document should not specify a principal.")
		case st.Action == nil && st.NotAction == nil:
			return errMalformedPolicy("Policy statement must contain actions.")
		case st.Resource == nil && st.NotResource == nil:
			return errMalformedPolicy("Policy statement must contain resources.")
		}
	}
	return nil
}

// checkTrust refuses what is not the trust policy of a role.
func checkTrust(document string) error {
	all, err := statements(document)
	if err != nil {
		return err
	}
	for _, st := range all {
		switch {
		case st.Resource != nil, st.NotResource != nil:
			return errMalformedPolicy("Has prohibited field Resource")
		case st.Principal == nil && st.NotPrincipal == nil:
			return errMalformedPolicy("Missing required field Principal")
		case st.Action == nil && st.NotAction == nil:
			return errMalformedPolicy("Missing required field Action")
		}
	}
	return nil
}

// encodeDocument is a policy as answers hold it: URL-encoded, by RFC 3986.
func encodeDocument(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}
