package lambda

import (
	"context"
	"regexp"
	"strings"

	"github.com/virga-cloud/virga/api"
)

// latest is the version that can be changed.
const latest = "$LATEST"

// owner is where functions live.
type owner struct{ account, region string }

// reference is a function as a caller names it, with the qualifier, "" when
// none was given.
type reference struct {
	owner
	name, qualifier string
}

// functionName is what a name, a partial ARN or an ARN looks like: every part
// but the name may be missing.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
var functionName = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// aliasName is what the name of an alias looks like.
var aliasName = regexp.MustCompile(`^[a-zA-Z0-9-_]*[a-zA-Z-_][a-zA-Z0-9-_]*$`)

// resolve reads a FunctionName parameter and a Qualifier parameter, which must
// agree where both name a qualifier.
func resolve(ctx context.Context, name, qualifier string) (reference, error) {
	call := api.CallFrom(ctx)
	m := functionName.FindStringSubmatch(name)
	if m == nil {
		return reference{}, errInvalidFunctionName(name)
	}
	r := reference{owner{call.Account, call.Region}, m[3], m[4]}
	if m[1] != "" {
		r.region = m[1]
	}
	if m[2] != "" {
		r.account = m[2]
	}
	if r.region != call.Region {
		return reference{}, errOtherRegion(r, call.Region)
	}
	// Policies let services in from other accounts; those of users are not evaluated yet.
	if r.account != call.Account && call.Principal.Service == "" {
		return reference{}, errOtherAccount(call, r)
	}
	if qualifier != "" {
		if r.qualifier != "" && r.qualifier != qualifier {
			return reference{}, errQualifierMismatch()
		}
		r.qualifier = qualifier
	}
	return r, nil
}

// resolveARN reads the ARN of a function, with or without a qualifier.
func resolveARN(arn string) (reference, error) {
	m := functionName.FindStringSubmatch(arn)
	if m == nil || m[1] == "" || m[2] == "" || !strings.HasPrefix(arn, "arn:") {
		return reference{}, errInvalidFunctionName(arn)
	}
	return reference{owner{m[2], m[1]}, m[3], m[4]}, nil
}

// arn is the function's ARN without a qualifier.
func (r reference) arn() string {
	return api.ARN{Partition: api.PartitionOf(r.region), Service: "lambda", Region: r.region,
		Account: r.account, Resource: "function:" + r.name}.String()
}

// qualified is the ARN as it was named.
func (r reference) qualified() string {
	if r.qualifier == "" {
		return r.arn()
	}
	return r.arn() + ":" + r.qualifier
}

// at is the function with another qualifier, "" for none.
func (r reference) at(qualifier string) reference {
	r.qualifier = qualifier
	return r
}

// orLatest is the function with its qualifier, $LATEST where none was given.
func (r reference) orLatest() reference {
	if r.qualifier == "" {
		r.qualifier = latest
	}
	return r
}

// isVersion says whether a qualifier is a version and not an alias.
func isVersion(qualifier string) bool {
	return qualifier == latest || strings.Trim(qualifier, "0123456789") == ""
}
