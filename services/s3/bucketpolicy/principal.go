package bucketpolicy

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// awsPrincipal is what "AWS" may name: everybody, an account, or somebody of one.
var awsPrincipal = regexp.MustCompile(`^(\*|\d{12}|arn:aws[a-z-]*:iam::(\d{12}:(root|(user|role)/.+)|cloudfront:user/CloudFront Origin Access Identity .+)|arn:aws[a-z-]*:sts::\d{12}:(assumed-role|federated-user)/.+)$`)

func parsePrincipals(raw json.RawMessage) ([]Principal, error) {
	if all, ok := text(raw); ok {
		if all != "*" {
			return nil, errPrincipal()
		}
		return []Principal{{"AWS", "*"}}, nil
	}
	var kinds map[string]json.RawMessage
	if json.Unmarshal(raw, &kinds) != nil || len(kinds) == 0 {
		return nil, errPrincipal()
	}
	var principals []Principal
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		names, ok := texts(kinds[kind])
		if !ok || len(names) == 0 || !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) {
			return nil, errPrincipal()
		}
		for _, name := range names {
			if kind == "AWS" && !awsPrincipal.MatchString(name) || kind == "Service" && !strings.Contains(name, ".") {
				return nil, errPrincipal()
			}
			principals = append(principals, Principal{kind, name})
		}
	}
	return principals, nil
}

func errPrincipal() error { return malformed("Invalid principal in policy") }
